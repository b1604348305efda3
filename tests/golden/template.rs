//! T13, least privilege, and that template.yaml and the code mean the same table and the same settings.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;

use domain::ids::{AppId, OaInstanceId, RANDOM_CHARS, TenantId};
use platform::config::{Config, KEYS};
use platform::entropy::Entropy;
use platform::vault::Vault;
use serde_json::{Value, json};
use state::index::INDEXES;
use state::{keys, table};

use crate::yaml;

/// What each function may do on the table. An action more or less is a decision that this list records.
const ACTIONS: [(&str, &[&str]); 6] = [
    ("AppHomeRole", &["ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem"]),
    ("QrLoginRole", &["ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem"]),
    ("OaIntakeRole", &["GetItem", "PutItem", "Query"]),
    // Unbinding deletes the OA user's side of the link.
    ("AdminRole", &["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]),
    ("OrgSyncRole", &["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]),
    ("PushDispatchRole", &["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]),
];
/// What a role may do on queues.
const ON_QUEUES: [(&str, &[&str]); 4] = [
    ("OaIntakeRole", &["SendMessage"]),
    ("AdminRole", &["SendMessage"]),
    ("OrgSyncRole", &["DeleteMessage", "GetQueueAttributes", "ReceiveMessage", "SendMessage"]),
    ("PushDispatchRole", &["DeleteMessage", "GetQueueAttributes", "ReceiveMessage"]),
];
/// What each may do beside its work on the table: read the master key, write its log.
const EVERYBODY: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "secretsmanager:GetSecretValue"];

fn template() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    yaml::read(&std::fs::read_to_string(path).unwrap())
}

/// The resources of a type, by their logical names.
fn of_type<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let all = template["Resources"].as_object().unwrap().iter();
    all.filter(|(_, resource)| resource["Type"] == kind).map(|(name, resource)| (name.as_str(), resource)).collect()
}

/// A value that may stand alone or in a list.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |many| many.iter().collect())
}

fn statements(role: &Value) -> Vec<&Value> {
    let policies = role["Properties"]["Policies"].as_array().unwrap();
    policies.iter().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"])).collect()
}

fn actions(statement: &Value) -> BTreeSet<&str> {
    list(&statement["Action"]).into_iter().map(|action| action.as_str().unwrap()).collect()
}

/// Calls `visit` for every value of the document, the document first.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Array(many) => many.iter().for_each(|inner| walk(inner, visit)),
        Value::Object(fields) => fields.values().for_each(|inner| walk(inner, visit)),
        _ => {}
    }
}

#[test]
fn no_policy_has_a_star() {
    let template = template();
    let mut seen = 0;
    walk(&template["Resources"], &mut |value| {
        for key in ["Action", "NotAction", "Resource", "NotResource", "Principal"] {
            if let Some(inner) = value.get(key) {
                assert!(!inner.to_string().contains('*'), "{key}: {inner}");
                seen += 1;
            }
        }
    });
    assert!(seen >= 20, "only {seen} found: does this test still read the policies?");
    let managed = of_type(&template, "AWS::IAM::Role");
    assert!(managed.values().all(|role| role["Properties"].get("ManagedPolicyArns").is_none()), "policies of others");
}

#[test]
fn every_function_may_do_what_is_listed_and_no_more() {
    let template = template();
    let functions = of_type(&template, "AWS::Serverless::Function");
    assert_eq!(functions.len(), ACTIONS.len());
    let roles = of_type(&template, "AWS::IAM::Role");
    assert_eq!(roles.keys().collect::<BTreeSet<_>>(), ACTIONS.iter().map(|(name, _)| name).collect());
    for (name, expected) in ACTIONS {
        let used = functions.values().filter(|f| f["Properties"]["Role"] == json!({"Fn::GetAtt": [name, "Arn"]}));
        assert_eq!(used.count(), 1, "{name} belongs to one function");
        let allowed = statements(roles[name]).into_iter().filter(|statement| statement["Effect"] == "Allow");
        let given: BTreeSet<&str> = allowed.flat_map(actions).collect();
        let on_table = expected.iter().map(|action| format!("dynamodb:{action}"));
        let queues = ON_QUEUES.iter().filter(|(role, _)| *role == name).flat_map(|(_, actions)| *actions);
        let on_queues = queues.map(|action| format!("sqs:{action}"));
        let expected: BTreeSet<String> = on_table.chain(on_queues).chain(EVERYBODY.map(str::to_owned)).collect();
        assert_eq!(given.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected, "{name}");
    }
    for (name, function) in functions {
        assert!(function["Properties"].get("Policies").is_none(), "{name}: its role says it all");
    }
}

/// Product row SEC-03. IAM's `?` is one character: the pattern fits the audit partitions and none other.
#[test]
fn no_function_changes_or_deletes_an_audit_entry() {
    let template = template();
    let tenant = TenantId::parse("0123456789").unwrap();
    let partition = state::keys::audit_partition(&tenant, "202611");
    for (name, role) in of_type(&template, "AWS::IAM::Role") {
        let statements = statements(role);
        let denied = statements.iter().find(|statement| statement["Sid"] == "AuditIsAppendOnly").unwrap();
        assert_eq!(denied["Effect"], "Deny");
        assert_eq!(actions(denied), BTreeSet::from(["dynamodb:DeleteItem", "dynamodb:UpdateItem"]), "{name}");
        let pattern = &denied["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"];
        let pattern = list(pattern)[0].as_str().unwrap();
        assert!(like(pattern, &partition), "{pattern} does not fit {partition}");
        assert!(!like(pattern, &state::keys::tenant(&tenant).pk));
    }
}

fn like(pattern: &str, text: &str) -> bool {
    assert!(!pattern.contains('*'));
    pattern.len() == text.len() && pattern.bytes().zip(text.bytes()).all(|(p, t)| p == b'?' || p == t)
}

/// The gateway sends a function the paths that its router serves and that the local bridge sends it; each has a
/// throttle of its own.
#[test]
fn the_paths_of_a_function_lead_to_it() {
    let template = template();
    for (function, paths) in [("QrLoginFunction", qr_login::PATHS), ("OaIntakeFunction", oa_intake::PATHS)] {
        let events = &template["Resources"][function]["Properties"]["Events"];
        let mut routed: Vec<String> = Vec::new();
        for event in events.as_object().unwrap().values() {
            let properties = &event["Properties"];
            assert_eq!(properties["ApiId"]["Ref"], "EmployeesApi");
            let path = properties["Path"].as_str().unwrap();
            let route = format!("{} {path}", properties["Method"].as_str().unwrap());
            let throttle = &template["Resources"]["EmployeesApi"]["Properties"]["RouteSettings"][&route];
            assert!(throttle["ThrottlingRateLimit"].as_u64().is_some_and(|limit| limit <= 500), "{route}");
            routed.push(path.strip_suffix("{proxy+}").unwrap().to_owned());
        }
        routed.sort();
        assert_eq!(routed, paths);
    }
}

/// design.md 5: what takes callbacks reads the keys that open them, and no `client_secret`.
#[test]
fn oa_intake_reads_what_it_needs_and_no_client_secret() {
    let template = template();
    let tenant = TenantId::parse("0123456789").unwrap();
    let app = AppId::from_random(&tenant, [7; RANDOM_CHARS]);
    let instance = OaInstanceId::from_random(&tenant, [7; RANDOM_CHARS]);
    let statements = statements(&template["Resources"]["OaIntakeRole"]);
    let patterns = |sid: &str, test: &str| -> Vec<&str> {
        let statement = statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
        let keys = list(&statement["Condition"][test]["dynamodb:LeadingKeys"]);
        keys.into_iter().map(|key| key.as_str().unwrap()).collect()
    };
    let (read, kept) =
        (patterns("State", "ForAllValues:StringLike"), patterns("WritesNoSetting", "ForAnyValue:StringLike"));
    let fits = |patterns: &[&str], pk: &str| patterns.iter().any(|pattern| like(pattern, pk));
    let settings = [keys::tenant(&tenant), keys::oa_secrets(&instance)];
    let taken = [keys::callback_taken(&app, "f"), keys::call_taken(&instance, "c"), keys::event_taken(&instance, "e")];
    for key in settings.iter().chain(&taken).chain([&keys::callback_secret(&app)]) {
        assert!(fits(&read, &key.pk), "{key:?}");
    }
    assert!(settings.iter().all(|key| fits(&kept, &key.pk)) && taken.iter().all(|key| !fits(&kept, &key.pk)));
    for secret in [keys::app_secrets(&app), keys::token(&app), keys::registry_signing_key("k")] {
        assert!(!fits(&read, &secret.pk), "{secret:?}");
    }
}

#[test]
fn every_function_has_logs_that_end() {
    let template = template();
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        let group = &template["Resources"][group];
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{name}");
        assert!(!group["Properties"]["RetentionInDays"].is_null(), "{name}");
    }
}

#[test]
fn the_table_is_the_one_that_the_code_uses() {
    let template = template();
    let tables = of_type(&template, "AWS::DynamoDB::Table");
    assert_eq!(tables.len(), 1);
    let table = &tables["Table"]["Properties"];
    let key = |name, kind| json!({"AttributeName": name, "KeyType": kind});
    assert_eq!(table["KeySchema"], json!([key(table::PARTITION_KEY, "HASH"), key(table::SORT_KEY, "RANGE")]));
    let text = |name| json!({"AttributeName": name, "AttributeType": "S"});
    let keys = INDEXES.iter().flat_map(|index| [index.partition, index.sort]);
    let texts: Vec<Value> = [table::PARTITION_KEY, table::SORT_KEY].into_iter().chain(keys).map(text).collect();
    assert_eq!(whole(&table["AttributeDefinitions"]), json!(texts));
    let indexes = INDEXES.map(|index| {
        json!({
            "IndexName": index.name, "KeySchema": [key(index.partition, "HASH"), key(index.sort, "RANGE")],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": index.shows},
        })
    });
    assert_eq!(whole(&table["GlobalSecondaryIndexes"]), json!(indexes));
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": table::TTL, "Enabled": true}));
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    for kept in ["Table", "MasterKey"] {
        assert_eq!(template["Resources"][kept]["DeletionPolicy"], "Retain", "{kept}");
    }
}

/// The list as it is when every condition holds: in a new stack.
fn whole(list: &Value) -> Value {
    let entries = list.as_array().unwrap().iter();
    entries.map(|entry| entry["Fn::If"].get(1).unwrap_or(entry).clone()).collect()
}

/// AWS adds one index in an update: with each step of the parameter the stack has one more, and no attribute of a key
/// that is not there yet.
#[test]
fn an_older_stack_gets_its_indexes_one_by_one() {
    let template = template();
    let table = &template["Resources"]["Table"]["Properties"];
    let by_condition = |name: &str| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in table[name].as_array().unwrap() {
            let condition = entry["Fn::If"][0].as_str().unwrap_or("always").to_owned();
            *counts.entry(condition).or_default() += 1;
            assert!(entry.get("Fn::If").is_none() || entry["Fn::If"][2] == json!({"Ref": "AWS::NoValue"}));
        }
        counts
    };
    let each = |first| BTreeMap::from([("always", first), ("HasTwoIndexes", 2), ("HasThreeIndexes", 2)]);
    let owned = |counts: BTreeMap<&str, usize>| counts.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let attributes: BTreeMap<String, usize> = owned(each(4));
    assert_eq!(by_condition("AttributeDefinitions"), attributes);
    let indexes: BTreeMap<String, usize> = owned(each(2).into_iter().map(|(k, v)| (k, v / 2)).collect());
    assert_eq!(by_condition("GlobalSecondaryIndexes"), indexes);
    let parameter = &template["Parameters"]["DirectoryIndexes"];
    assert_eq!((&parameter["Default"], &parameter["AllowedValues"]), (&json!(3), &json!([1, 2, 3])));
    let two = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "DirectoryIndexes"}, 1]}]});
    let three = json!({"Fn::Equals": [{"Ref": "DirectoryIndexes"}, 3]});
    assert_eq!((&template["Conditions"]["HasTwoIndexes"], &template["Conditions"]["HasThreeIndexes"]), (&two, &three));
}

/// Listings are the console's alone, and each index is named.
#[test]
fn only_the_console_reads_the_indexes() {
    let template = template();
    for (name, role) in of_type(&template, "AWS::IAM::Role") {
        let mut named = Vec::new();
        for statement in statements(role) {
            named.extend(list(&statement["Resource"]).into_iter().filter_map(|one| one["Fn::Sub"].as_str()));
        }
        let all = INDEXES.map(|index| format!("${{Table.Arn}}/index/{}", index.name));
        assert_eq!(named, if name == "AdminRole" { all.iter().map(String::as_str).collect() } else { Vec::new() });
    }
}

/// 64 hexadecimal digits: 32 bytes, each as likely as any other.
#[test]
fn the_generated_master_key_is_one() {
    let template = template();
    let secrets = of_type(&template, "AWS::SecretsManager::Secret");
    let rule = &secrets["MasterKey"]["Properties"]["GenerateSecretString"];
    assert_eq!(rule["PasswordLength"], 2 * platform::vault::KEY_BYTES);
    assert_eq!((&rule["ExcludeUppercase"], &rule["ExcludePunctuation"]), (&json!(true), &json!(true)));
    let excluded = rule["ExcludeCharacters"].as_str().unwrap();
    let left: String = ('a'..='z').chain('0'..='9').filter(|c| !excluded.contains(*c)).collect();
    assert_eq!(left, "abcdef0123456789");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    std::fs::write(&path, left.repeat(4)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    Vault::file(&path, Entropy::system()).expect("the vault takes such a key");
}

#[test]
fn every_setting_is_one_of_ours() {
    let template = template();
    let shared = template["Globals"]["Function"]["Environment"]["Variables"].as_object().unwrap();
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let own = function["Properties"]["Environment"]["Variables"].as_object();
        let variables = || shared.iter().chain(own.into_iter().flatten());
        let unknown = variables().map(|(key, _)| key).filter(|key| KEYS.iter().all(|known| known.name != key.as_str()));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&String>::new(), "{name}");
        // What a reference becomes does not matter here, but that nothing which must be set is missing.
        let filled = variables().map(|(key, value)| (key.clone(), example(&template, value)));
        let config = Config::read(filled).unwrap();
        assert_eq!(config.origin.as_str(), "https://bridge.corp.example");
        assert_eq!(config.welink_base, "https://open.welink.huaweicloud.com");
    }
}

/// A setting as it is after a deployment: parameters have their defaults, resources their names.
fn example(template: &Value, value: &Value) -> String {
    if let Some(text) = value["Fn::Sub"].as_str() {
        return text.replace("${Domain}", "corp.example");
    }
    let name = value["Ref"].as_str().unwrap();
    template["Parameters"][name]["Default"].as_str().unwrap_or(name).to_owned()
}

#[test]
fn every_reference_leads_somewhere() {
    let template = template();
    let known = |name: &str| {
        let name = name.split('.').next().unwrap_or_default();
        name.starts_with("AWS::")
            || ["Parameters", "Resources"].iter().any(|section| template[*section].get(name).is_some())
    };
    let mut seen = 0;
    walk(&template, &mut |value| {
        let reference = value["Ref"].as_str().or_else(|| value["Fn::GetAtt"][0].as_str());
        let inside = value["Fn::Sub"].as_str().unwrap_or_default().split("${").skip(1);
        let inside = inside.filter_map(|rest| rest.split('}').next());
        for name in reference.into_iter().chain(inside) {
            assert!(known(name), "{name} is not in the template");
            seen += 1;
        }
    });
    assert!(seen > 30, "only {seen} references found");
}

#[test]
fn functions_end_before_the_gateway_gives_up() {
    let template = template();
    let function = &template["Globals"]["Function"];
    assert!(function["Timeout"].as_u64().unwrap() < 30);
    assert_eq!(function["Runtime"], "provided.al2023");
    for (name, api) in of_type(&template, "AWS::Serverless::HttpApi") {
        let settings = &api["Properties"]["DefaultRouteSettings"];
        assert!(settings["ThrottlingRateLimit"].as_u64().unwrap() <= 200, "{name}");
        assert_eq!(api["Properties"]["DisableExecuteApiEndpoint"], true, "{name}");
    }
}

/// A message comes again only after its function has certainly ended, and lies in the dead-letter queue in the end. A
/// chain that hands itself on is allowed to, and says how long it is at most.
#[test]
fn a_queue_fits_the_function_that_reads_it() {
    let template = template();
    let queues = of_type(&template, "AWS::SQS::Queue");
    let mut read = 0;
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let properties = &function["Properties"];
        for event in properties["Events"].as_object().unwrap().values().filter(|event| event["Type"] == "SQS") {
            let queue = event["Properties"]["Queue"]["Fn::GetAtt"][0].as_str().unwrap();
            let timeout = properties["Timeout"].as_u64().unwrap();
            assert!(timeout <= 90, "{name}");
            let queue = &queues[queue]["Properties"];
            assert_eq!(queue["VisibilityTimeout"].as_u64().unwrap(), 6 * timeout, "{name}");
            let dead = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap();
            assert!(queues.contains_key(dead), "{name}");
            assert_eq!(event["Properties"]["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
            // Who sends to the queue that calls him would be stopped after 16 rounds.
            let role = properties["Role"]["Fn::GetAtt"][0].as_str().unwrap();
            let queues_of = ON_QUEUES.iter().find(|(known, _)| *known == role).unwrap().1;
            let sends = queues_of.contains(&"SendMessage");
            assert_eq!(properties["RecursiveLoop"] == "Allow", sends, "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 2);
    assert!(i64::from(domain::run::SLICES_MAX) * 60 >= 8 * 3600);
}
