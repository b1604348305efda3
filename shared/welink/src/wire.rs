//! WeLink's answers as they really come: codes as text or number, fields left out, pages of HTML (welink-api.md 1).

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::codes::{self, Class};

/// Characters of WeLink's own text that are kept.
const MESSAGE_CHARS_MAX: usize = 200;

/// What an answer says, before anybody decides what to do about it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The code of success and the whole body.
    Done(Reply),
    /// Another code, or an HTTP status that stands for one.
    Code { code: String, message: String },
    /// A failure of the server without a code.
    ServerError,
    /// Too many calls, said by the HTTP status alone.
    TooMany,
    /// Neither a code nor a failure: a proxy's page, a redirect, a torn body.
    Malformed,
}

/// The fields of a successful answer. Its `Debug` shows none of them: they can be personal.
pub(crate) struct Reply(Map<String, Value>);

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({} fields)", self.0.len())
    }
}

/// Reads an answer: the code first, the HTTP status second (welink-api.md 1). `success` is the code that means
/// success: 0, or 60001 in one place (welink-api.md 3.4).
pub(crate) fn read(answer: &Response<Bytes>, success: &str) -> Answer {
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(answer.body())
        && let Some(code) = scalar(fields.get("code"))
    {
        if code == success {
            return Answer::Done(Reply(fields));
        }
        return Answer::Code { code: cut(&code, 32), message: cut(&message(&fields), MESSAGE_CHARS_MAX) };
    }
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS => Answer::TooMany,
        // These statuses have a row of the same number (welink-api.md 11); whether 501 comes as status or code is
        // open (2.3).
        status @ (StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::NOT_IMPLEMENTED) => Answer::Code { code: status.as_str().to_owned(), message: String::new() },
        status if status.is_server_error() => Answer::ServerError,
        _ => Answer::Malformed,
    }
}

/// An answer that names the receivers who did not get a message beside a final code (welink-api.md 6.4): it reached the
/// others.
pub(crate) fn partial(answer: &Response<Bytes>) -> Option<Reply> {
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(answer.body()) else { return None };
    let reply = Reply(fields);
    let code = reply.text("code")?;
    (codes::class(&code) == Class::Final && !reply.list("failedUserId").is_empty()).then_some(reply)
}

fn message(fields: &Map<String, Value>) -> String {
    scalar(fields.get("message")).unwrap_or_default()
}

/// A text or a number as text, trimmed; empty ones count as absent, as they do for WeLink.
fn scalar(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

impl Reply {
    /// A field beside the code, or inside `data` (an object, or a list of one).
    fn get(&self, name: &str) -> Option<&Value> {
        let data = self.0.get("data");
        let data = data.and_then(Value::as_array).and_then(|list| list.first()).or(data);
        self.0.get(name).or_else(|| data.and_then(|object| object.get(name)))
    }

    /// WeLink's own text beside the code, cut.
    pub(crate) fn said(&self) -> String {
        cut(&message(&self.0), MESSAGE_CHARS_MAX)
    }

    /// Text or number, as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        scalar(self.get(name))
    }

    /// Number or text, as a number.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        text.parse().ok().or_else(|| text.split_once('.').and_then(|(whole, _)| whole.parse().ok()))
    }

    /// The objects of a list, taken out; empty when it is left out. `None` for anything else: a list that cannot be
    /// read whole is not read at all.
    pub(crate) fn take_rows(&mut self, name: &str) -> Option<Vec<Reply>> {
        let rows = match self.0.remove(name) {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(rows)) => rows,
            Some(_) => return None,
        };
        let object = |row| if let Value::Object(fields) = row { Some(Self(fields)) } else { None };
        rows.into_iter().map(object).collect()
    }

    /// A list of texts or numbers; a single one counts as a list of one.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(|item| scalar(Some(item))).collect(),
            other => scalar(other).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str) -> Answer {
        let answer = Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        read(&answer, "0")
    }

    #[test]
    fn the_code_comes_first_in_either_type() {
        for body in [r#"{"code":"0"}"#, r#"{"code":0,"message":"whatever"}"#, r#"{"code":" 0 ","data":null}"#] {
            assert!(matches!(check(200, body), Answer::Done(_)), "{body}");
            assert!(matches!(check(400, body), Answer::Done(_)), "{body}");
        }
        for body in [r#"{"code":"47103","message":"x"}"#, r#"{"code":47103,"message":7}"#] {
            assert!(matches!(check(500, body), Answer::Code { code, .. } if code == "47103"), "{body}");
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        for (status, want) in [(401, "401"), (403, "403"), (404, "404"), (501, "501")] {
            assert!(matches!(check(status, "<html>"), Answer::Code { code, .. } if code == want), "{status}");
        }
        assert!(matches!(check(429, ""), Answer::TooMany));
        assert!(matches!(check(502, "<html>"), Answer::ServerError));
        for (status, body) in
            [(200, "<html>"), (200, "[]"), (200, "{}"), (302, ""), (200, r#"{"code":{}}"#), (200, "{")]
        {
            assert!(matches!(check(status, body), Answer::Malformed), "{status} {body}");
        }
    }

    #[test]
    fn fields_wobble() {
        let body =
            r#"{"code":0,"a":7,"b":"8","c":true,"d":"","e":null,"f":["x",1,null,{}],"g":"one","data":[{"h":"9.0"}]}"#;
        let Answer::Done(reply) = check(200, body) else { panic!("not done") };
        assert_eq!((reply.text("a"), reply.integer("b"), reply.integer("c")), (Some("7".to_owned()), Some(8), Some(1)));
        assert_eq!((reply.text("d"), reply.text("e"), reply.text("z")), (None, None, None));
        assert_eq!(
            (reply.list("f"), reply.list("g"), reply.list("z").len()),
            (vec!["x".into(), "1".into()], vec!["one".into()], 0)
        );
        assert_eq!(reply.integer("h"), Some(9));
        assert!(!format!("{reply:?}").contains("one"));
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let rows = |data: &str| {
            let Answer::Done(mut reply) = check(200, &format!(r#"{{"code":"0","data":{data}}}"#)) else {
                panic!("done")
            };
            reply.take_rows("data").map(|rows| rows.len())
        };
        assert_eq!((rows("[]"), rows("null"), rows(r#"[{"a":1},{}]"#)), (Some(0), Some(0), Some(2)));
        assert_eq!((rows(r#"[{"a":1},null]"#), rows("{}"), rows(r#""x""#)), (None, None, None));
    }

    #[test]
    fn messages_are_cut() {
        let body = format!(r#"{{"code":"58001","message":"{}"}}"#, "啊".repeat(500));
        assert!(matches!(check(200, &body), Answer::Code { message, .. } if message.chars().count() == 200));
    }
}
