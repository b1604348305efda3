//! Signing in to the console, signing out, and choosing its language.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::problem;
use domain::text::{Lang, Text};
use platform::http::{host_cookie, is_cross_site};
use signin::Bridge;

use super::blocks::{Card, Html, Tone, html, link, notice};
use super::form::{Field, Fields, Form, Given, Kind};
use super::page::{Page, problem_block};
use super::visitor::{LANG_COOKIE, SESSION_COOKIE, lang_of, origin_of, problem_alone, status_of};
use super::{welink_sign_in, words as w};
use crate::console_session;
use crate::error::ApiError;

/// How long the choice of a language is kept: a year.
const LANG_S: i64 = 365 * 86_400;
/// Bytes of a form that outlived its session, as it travels through the sign-in: as much as any plain form has.
pub const KEPT_BYTES_MAX: usize = crate::BODY_BYTES_MAX;
/// Fields that hold a secret. They are not kept through a sign-in: what is kept stands readable in a page.
const SECRETS: [&str; 8] = [
    "client_secret",
    "scim_bearer",
    "push_secret",
    "pull_secret",
    "oidc_secret",
    "password",
    "current_password",
    "key",
];

/// A path of this console that a browser may be sent to; anything else leads to the overview. Browsers leave tabs and
/// line ends out of an address, so that one of them between two slashes leads to another host; whatever else is no
/// plain letter stands encoded in every address of ours.
pub fn safe_path(path: &str) -> &str {
    let misread = |c: char| c == '\\' || !c.is_ascii_graphic();
    let own = path.starts_with('/') && !path.starts_with("//") && !path.contains(misread);
    if own { path } else { "/" }
}

pub async fn show(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let lang = lang_of(request.headers());
    let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    let told = w::done(query.get("done")).map(|text| notice(Tone::Ok, text.get(lang), ""));
    let given = Given::fresh(Fields::default().with("back", safe_path(query.get("back"))));
    match welink_sign_in::offer(&bridge, lang, &query).await {
        Ok(offer) => page(lang, &given, told).block_if(offer).answer(),
        Err(error) => problem_alone(&error, lang),
    }
}

/// The sign-in page after a form that came without a session: what was typed goes along, but no secret.
pub fn again(lang: Lang, path: &str, typed: &Fields) -> Response {
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in typed.iter().filter(|(name, _)| *name != "csrf" && !SECRETS.contains(name)) {
        kept.append_pair(name, value);
    }
    let kept = kept.finish();
    if kept.len() > KEPT_BYTES_MAX {
        return expired(lang, Fields::default(), w::EXPIRED_TOO_LONG);
    }
    expired(lang, Fields::default().with("resume", safe_path(path)).with("kept", kept), w::EXPIRED_KEPT)
}

/// The same after a file, which no page can give back: after signing in the form is shown once more.
pub fn again_with_file(lang: Lang, form: &str) -> Response {
    expired(lang, Fields::default().with("back", safe_path(form)), w::EXPIRED_FILE)
}

fn expired(lang: Lang, fields: Fields, why: Text) -> Response {
    let told = notice(Tone::Warn, w::EXPIRED.get(lang), why.get(lang));
    page(lang, &Given::fresh(fields), Some(told)).answer_with(StatusCode::UNAUTHORIZED)
}

fn page(lang: Lang, given: &Given, told: Option<Html>) -> Page {
    let fields = &given.fields;
    let form = Form::post("/sign-in", "", w::SIGN_IN_BUTTON.get(lang))
        .hidden("back", fields.text("back"))
        .hidden("resume", fields.text("resume"))
        .hidden("kept", fields.text("kept"))
        .field(Field::new("login", w::LOGIN.get(lang)).autocomplete("username").focus(), given)
        .field(
            Field::new("password", w::PASSWORD.get(lang)).kind(Kind::Password).autocomplete("current-password"),
            given,
        );
    let first = html(&Card {
        lead: w::FIRST_USE_HINT.get(lang).to_owned(),
        blocks: vec![link("/setup", w::FIRST_USE.get(lang))],
        ..Card::default()
    });
    Page::alone(lang, w::SIGN_IN.get(lang), "/sign-in")
        .block_if(told)
        .block(html(&Card { id: "sign-in", blocks: vec![form.html()], ..Card::default() }))
        .block(first)
}

pub async fn submit(State(bridge): State<Bridge>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let lang = lang_of(&parts.headers);
    if is_cross_site(&parts.headers, bridge.config().console_origin.as_str()) {
        return problem_alone(&problem::CROSS_SITE.into(), lang);
    }
    let (from, agent) = origin_of(&parts);
    let Ok(bytes) = Bytes::from_request(Request::from_parts(parts, body), &bridge).await else {
        return problem_alone(&problem::BODY_TOO_LARGE.into(), lang);
    };
    let fields = Fields::parse(&bytes);
    match console_session::sign_in(&bridge, fields.get("login"), fields.get("password"), &from, &agent).await {
        Ok((value, session)) => {
            let next = next(lang, &fields, session.csrf.expose());
            with_cookie(next, &host_cookie(SESSION_COOKIE, &value, console_session::COOKIE_S))
        }
        Err(error) => refused(lang, fields, &error),
    }
}

/// Back to where the person wanted to go, or to the form that he had filled in.
fn next(lang: Lang, fields: &Fields, csrf: &str) -> Response {
    let resume = fields.get("resume");
    if resume.is_empty() {
        return Redirect::to(safe_path(fields.get("back"))).into_response();
    }
    let kept = Fields::parse(fields.get("kept").as_bytes());
    let mut form = Form::post(safe_path(resume), csrf, w::CONTINUE.get(lang));
    form.hidden = kept.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    form.guard = false;
    let card = Card { lead: w::RESUME_TEXT.get(lang).to_owned(), blocks: vec![form.html()], ..Card::default() };
    Page::alone(lang, w::RESUME_TITLE.get(lang), "/").block(html(&card)).answer()
}

fn refused(lang: Lang, fields: Fields, error: &ApiError) -> Response {
    error.log();
    let told = if error.problem() == problem::WRONG_SIGN_IN {
        notice(Tone::Bad, w::WRONG_SIGN_IN.get(lang), "")
    } else {
        problem_block(error, lang)
    };
    page(lang, &Given::fresh(fields), Some(told)).answer_with(status_of(error))
}

pub async fn sign_out(State(bridge): State<Bridge>, posted: super::visitor::Posted) -> Response {
    let ended = console_session::sign_out(&bridge, &posted.visitor.actor, &posted.visitor.session).await;
    if let Err(error) = ended {
        return posted.visitor.problem(&error);
    }
    let gone = host_cookie(SESSION_COOKIE, "", 0);
    with_cookie(Redirect::to("/sign-in?done=signed-out").into_response(), &gone)
}

/// `/language?to=en&back=/…`: a preference, kept by the browser.
pub async fn language(request: Request<Body>) -> Response {
    let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    let answer = Redirect::to(safe_path(query.get("back"))).into_response();
    match Lang::from_choice(query.get("to")) {
        Some(lang) => with_cookie(answer, &host_cookie(LANG_COOKIE, lang.tag(), LANG_S)),
        None => answer,
    }
}

/// The answer with a cookie.
pub fn with_cookie(mut answer: Response, value: &str) -> Response {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            answer.headers_mut().append(header::SET_COOKIE, value);
            answer
        }
        Err(error) => {
            tracing::error!(%error, "a cookie could not be set");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::safe_path;

    #[test]
    fn only_paths_of_the_console_are_gone_back_to() {
        for (path, want) in [
            ("/accounts?x=1", "/accounts?x=1"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("/\t/evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(safe_path(path), want, "{path:?}");
        }
    }
}
