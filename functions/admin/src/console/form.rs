//! Forms: fields with their label, hint and error, and what a browser sent back.

use std::collections::BTreeMap;

use askama::Template;

use super::blocks::{Html, Link, html};
use crate::error::ApiError;
use domain::text::Lang;

/// What a browser sent: fields by name. One that is not there is empty.
#[derive(Debug, Clone, Default)]
pub struct Fields(BTreeMap<String, String>);

/// Fields of one form at most.
const FIELDS_MAX: usize = 200;

impl Fields {
    /// Reads `application/x-www-form-urlencoded`; of a name that comes twice the values are joined by line ends.
    pub fn parse(body: &[u8]) -> Self {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body).take(FIELDS_MAX) {
            let slot = fields.entry(name.into_owned()).or_default();
            if !slot.is_empty() {
                slot.push('\n');
            }
            slot.push_str(&value);
        }
        Self(fields)
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn text(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// `None` for an empty field.
    pub fn optional(&self, name: &str) -> Option<String> {
        Some(self.get(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub fn checked(&self, name: &str) -> bool {
        self.get(name) == "yes"
    }

    /// A number; anything else is 0, which no version is based on.
    pub fn number(&self, name: &str) -> u64 {
        self.get(name).trim().parse().unwrap_or_default()
    }

    /// The lines of a text area, without empty ones.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A choice of a select or a radio group.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub hint: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// What a field is filled in by.
#[derive(Debug, Clone, Default)]
pub enum Kind {
    #[default]
    Line,
    /// A password of the person who types it.
    Password,
    /// A secret of a system: written, never shown again.
    Secret,
    Area,
    Check,
    File,
    Select(Vec<Choice>),
    Radio(Vec<Choice>),
    /// Any of them; the value holds the chosen ones, one a line.
    Checks(Vec<Choice>),
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// One field of a form.
#[derive(Template, Default)]
#[template(path = "blocks/field.html")]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: String,
    pub kind: Kind,
    pub value: String,
    pub error: String,
    pub autocomplete: &'static str,
    pub focus: bool,
}

impl Field {
    pub fn new(name: &'static str, label: &'static str) -> Self {
        Self { name, label, autocomplete: "off", ..Self::default() }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    #[must_use]
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    #[must_use]
    pub fn focus(mut self) -> Self {
        self.focus = true;
        self
    }

    /// Whether this choice is one of those that the value names.
    fn holds(&self, choice: &str) -> bool {
        self.value.lines().any(|line| line == choice)
    }

    fn input_type(&self) -> &'static str {
        match self.kind {
            Kind::Password | Kind::Secret => "password",
            Kind::File => "file",
            _ => "text",
        }
    }
}

/// A form, always posted to the console itself with the session's token.
#[derive(Template)]
#[template(path = "blocks/form.html")]
pub struct Form {
    pub action: String,
    pub method: &'static str,
    pub class: &'static str,
    pub csrf: String,
    pub hidden: Vec<(String, String)>,
    pub fields: Vec<Html>,
    /// Names of the fields, to know which errors have their place.
    pub names: Vec<&'static str>,
    pub submit: String,
    /// `primary` or `danger`, with `small` where it stands in a row.
    pub tone: &'static str,
    pub cancel: Option<Link>,
    /// Whose password it sets, for whoever keeps passwords: a form with a login's own field needs none.
    pub username: String,
    pub upload: bool,
    /// Whether leaving it changed asks first.
    pub guard: bool,
    /// Whether it submits itself as soon as it is shown: the next slice of long work.
    pub repeat: bool,
}

impl Form {
    /// A form that posts to `action`; `submit` says what its button does to what.
    pub fn post(action: impl Into<String>, csrf: &str, submit: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            method: "post",
            class: "stack",
            csrf: csrf.to_owned(),
            hidden: Vec::new(),
            fields: Vec::new(),
            names: Vec::new(),
            submit: submit.into(),
            tone: "primary",
            cancel: None,
            username: String::new(),
            upload: false,
            guard: true,
            repeat: false,
        }
    }

    /// A filter: its fields become the address.
    pub fn search(action: impl Into<String>, submit: impl Into<String>) -> Self {
        Self { method: "get", class: "filters", tone: "", guard: false, ..Self::post(action, "", submit) }
    }

    #[must_use]
    pub fn hidden(mut self, name: &str, value: impl Into<String>) -> Self {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a field with what was typed and what is wrong with it.
    #[must_use]
    pub fn field(mut self, field: Field, given: &Given) -> Self {
        self.names.push(field.name);
        let field = Field { value: given.fields.text(field.name), error: given.error(field.name), ..field };
        self.fields.push(html(&field));
        self
    }

    #[must_use]
    pub fn username(mut self, login: &str) -> Self {
        login.clone_into(&mut self.username);
        self
    }

    #[must_use]
    pub fn cancel(mut self, cancel: Link) -> Self {
        self.cancel = Some(cancel);
        self
    }

    #[must_use]
    pub fn danger(mut self) -> Self {
        self.tone = "danger";
        self
    }

    /// Errors of fields that this form does not show.
    pub fn elsewhere(&self, given: &Given) -> Vec<String> {
        let shown = |field: &str| self.names.contains(&field);
        given.errors.iter().filter(|(field, _)| !shown(field)).map(|(_, reason)| reason.clone()).collect()
    }

    pub fn html(self) -> Html {
        html(&self)
    }
}

/// One button that posts: an action on a row, or one that needs nothing typed.
pub fn button(action: impl Into<String>, csrf: &str, label: &str, tone: &'static str) -> Form {
    Form { class: "inline", tone, guard: false, ..Form::post(action, csrf, label) }
}

/// The values that a form shows, and what is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub fields: Fields,
    pub errors: Vec<(String, String)>,
}

impl Given {
    /// Values to begin with.
    pub fn fresh(fields: Fields) -> Self {
        Self { fields, errors: Vec::new() }
    }

    /// What was typed, with the complaints of the service.
    pub fn refused(fields: Fields, error: &ApiError, lang: Lang) -> Self {
        Self { fields, errors: error.fields_in(lang) }
    }

    fn error(&self, name: &str) -> String {
        self.errors.iter().find(|(field, _)| field == name).map(|(_, reason)| reason.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bounded_and_absent_ones_are_empty() {
        let fields = Fields::parse("a=1&b=%E4%BA%91&a=2&c=yes&n=7".as_bytes());
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("x")), ("1\n2", "云", ""));
        assert!(fields.checked("c") && !fields.checked("x"));
        assert_eq!((fields.number("n"), fields.number("b")), (7, 0));
        assert_eq!(fields.lines("a"), ["1", "2"]);
        let many = "a=1&".repeat(10_000);
        assert!(Fields::parse(many.as_bytes()).get("a").len() <= 2 * FIELDS_MAX);
    }

    #[test]
    fn what_was_typed_is_escaped_and_secrets_are_not_shown_again() {
        let given = Given::fresh(Fields::default().with("name", "\"><script>").with("secret", "s3cret"));
        let form = Form::post("/x", "token", "Save").field(Field::new("name", "Name"), &given);
        let form = form.field(Field::new("secret", "Secret").kind(Kind::Secret), &given).html().to_string();
        assert!(!form.contains("<script>"), "{form}");
        assert!(!form.contains("s3cret"), "{form}");
    }
}
