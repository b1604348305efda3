//! CloudFormation's YAML as JSON: `!Ref X` is `{"Ref": X}`, `!Sub X` is `{"Fn::Sub": X}`, as AWS itself reads it.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The one document of `text`.
pub fn read(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    value(&documents[0])
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => json!(truth),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(nodes) => nodes.iter().map(value).collect(),
        Yaml::Mapping(pairs) => {
            pairs.iter().map(|(key, node)| (key_of(key), value(node))).collect::<Map<_, _>>().into()
        }
        Yaml::Tagged(tag, node) => function(&tag.suffix, &value(node)),
        other => panic!("{other:?} has no place in a template"),
    }
}

fn key_of(key: &Yaml<'_>) -> String {
    key.as_str().unwrap_or_else(|| panic!("{key:?} is not a name")).to_owned()
}

fn function(tag: &str, argument: &Value) -> Value {
    match (tag, argument) {
        ("Ref" | "Condition", _) => json!({ tag: argument }),
        ("GetAtt", Value::String(path)) => json!({ "Fn::GetAtt": path.split('.').collect::<Vec<_>>() }),
        _ => json!({ format!("Fn::{tag}"): argument }),
    }
}

#[test]
fn short_forms_are_functions() {
    let text = "a: !Ref Table\nb: !Sub 'x-${Y}'\nc: [!GetAtt Table.Arn, 1, true, ~]\nd: !If [Yes, 1.5, ~]";
    let expected = json!({
        "a": {"Ref": "Table"}, "b": {"Fn::Sub": "x-${Y}"},
        "c": [{"Fn::GetAtt": ["Table", "Arn"]}, 1, true, null], "d": {"Fn::If": ["Yes", 1.5, null]}
    });
    assert_eq!(read(text), expected);
}
