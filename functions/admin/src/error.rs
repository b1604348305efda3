//! What an API client learns of a failure: a problem, the fields that are wrong, a trace id. Inner causes go to the
//! log.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use domain::problem::{self, Problem};
use domain::text::Lang;
use platform::http::{FieldError, lang_of, problem_json};
use signin::Refusal;
use state::StoreError;

/// A failed request.
#[derive(Debug)]
pub struct ApiError {
    refusal: Refusal,
    fields: Vec<FieldError>,
}

impl ApiError {
    /// One field is not acceptable.
    pub fn field(field: &str, reason: impl std::fmt::Display) -> Self {
        let error = FieldError { field: field.to_owned(), reason: reason.to_string() };
        Self { refusal: problem::NOT_ACCEPTABLE_FIELD.into(), fields: vec![error] }
    }

    /// The same, with one field more that says what it is about.
    #[must_use]
    pub fn about(mut self, field: &str, reason: impl std::fmt::Display) -> Self {
        self.fields.push(FieldError { field: field.to_owned(), reason: reason.to_string() });
        self
    }

    /// A problem with what it is about, each as a field and its value or reason.
    pub fn listing(problem: Problem, fields: Vec<FieldError>) -> Self {
        Self { refusal: problem.into(), fields }
    }

    /// The same, its fields below `place`.
    #[must_use]
    pub fn below(mut self, place: &str) -> Self {
        self.fields.iter_mut().for_each(|error| error.field = format!("{place}.{}", error.field));
        self
    }

    /// The body cannot be read; `reason` says where.
    pub fn body(reason: impl std::fmt::Display) -> Self {
        let error = FieldError { field: "body".to_owned(), reason: reason.to_string() };
        Self { refusal: problem::BAD_REQUEST.into(), fields: vec![error] }
    }

    pub fn problem(&self) -> Problem {
        self.refusal.problem
    }

    /// Logs it, once, at the boundary.
    pub fn log(&self) {
        self.refusal.log();
    }

    /// The fields that are wrong, with their reasons in one language: a reason is written `English / 中文`.
    pub fn fields_in(&self, lang: Lang) -> Vec<(String, String)> {
        let chinese = |text: &str| text.chars().any(|c| c >= '\u{4e00}');
        let reason = |both: &str| {
            let halves = both.rsplit_once(" / ").filter(|(en, zh)| chinese(zh) && !chinese(en));
            halves.map_or_else(|| both.to_owned(), |(en, zh)| if lang == Lang::Zh { zh } else { en }.to_owned())
        };
        self.fields.iter().map(|error| (error.field.clone(), reason(&error.reason))).collect()
    }

    /// Renders it in `lang` and logs it once.
    pub fn answer(self, lang: Lang) -> Response {
        self.refusal.log();
        problem_json(self.refusal.problem, lang, &self.fields, self.refusal.retry_after_s)
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Refusal::from(problem).into()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, fields: Vec::new() }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

/// A problem as this host's paths say it: programs get a document, browsers a page.
pub fn say(path: &str, problem: Problem, lang: Lang) -> Response {
    if path.starts_with("/v1/") {
        ApiError::from(problem).answer(lang)
    } else {
        crate::console::problem_alone(&problem.into(), lang)
    }
}

/// A choice in the address is a program's, one in a cookie a reader's.
fn lang_asked(request: &Request<Body>) -> Lang {
    let is_program = request.uri().path().starts_with("/v1/");
    if is_program { lang_of(request) } else { crate::console::lang_of(request.headers()) }
}

pub async fn not_found(request: Request<Body>) -> Response {
    say(request.uri().path(), problem::NOT_FOUND, lang_asked(&request))
}

pub async fn method_not_allowed(request: Request<Body>) -> Response {
    say(request.uri().path(), problem::METHOD_NOT_ALLOWED, lang_asked(&request))
}
