//! The confirmation: what is about to be signed in, where, since when; yes, no, or "this is not me" (product.md C10,
//! C11, C14).

use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::audit::Action;
use domain::problem;
use domain::qr::{Denial, QrSession, Refused, Scan};
use domain::text::{Lang, Text};
use oa::port::{Port as _, Revocation};
use platform::http::is_cross_site;
use serde::Deserialize;
use signin::Refusal;

use crate::pages::{Asker, page, policy, refused, see_other, words};
use crate::phone::{code_of, phone_of};
use crate::service::{Qr, Site, device, told};

/// How long a person waits to hear whether the OA has ended the session (product.md QRL-10).
const REVOKE_MAX: Duration = Duration::from_secs(5);

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    lang: Lang,
    code: &'a QrSession,
    /// What is told of the screen, each with its label and a name for tests.
    facts: Vec<(&'static str, Text, String)>,
    /// Numbers to choose from; empty = a plain button.
    numbers: &'a [u8],
}

#[derive(Template)]
#[template(path = "told.html")]
struct ToldPage<'a> {
    lang: Lang,
    /// A name for tests.
    outcome: &'static str,
    title: Text,
    hint: Text,
    /// The code that may still be taken back.
    code: Option<&'a QrSession>,
}

#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    number: Option<u8>,
}

/// `GET /q/{qr}/confirm`: the question, or what became of it.
pub async fn show(State(qr): State<Qr>, Path(id): Path<String>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match look(&qr, &id, &asker).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal, asker.lang, None),
    }
}

async fn look(qr: &Qr, id: &str, asker: &Asker) -> Result<Response, Refusal> {
    let phone = phone_of(asker, id).ok_or(problem::QR_USED)?;
    let code = code_of(qr, id).await?;
    let scan = mine(&code, &phone)?;
    match (code.denied, &code.approved) {
        (Some(Denial::WrongNumber), _) => Err(problem::QR_WRONG_NUMBER.into()),
        (Some(Denial::NotMe), _) => Ok(tell(asker.lang, "reported", words::REPORTED, words::REPORTED_HINT, None)),
        (Some(Denial::Cancelled), _) => {
            Ok(tell(asker.lang, "cancelled", words::CANCELLED_TITLE, words::CANCELLED_HINT, None))
        }
        (None, Some(_)) if code.revoked.is_some() => Err(problem::QR_DENIED.into()),
        (None, Some(_)) => Ok(tell(asker.lang, "done", words::DONE, words::DONE_HINT, Some(&code))),
        (None, None) => {
            code.may_decide(&phone, qr.bridge.clock().now()).map_err(told)?;
            question(qr, &code, &qr.site(&code.instance).await?, scan, asker)
        }
    }
}

/// The scan of the phone with this mark; somebody else's code is a used one.
fn mine<'a>(code: &'a QrSession, phone: &str) -> Result<&'a Scan, Refusal> {
    Ok(code.scan.as_ref().filter(|scan| scan.phone == phone).ok_or(problem::QR_USED)?)
}

fn question(qr: &Qr, code: &QrSession, site: &Site, scan: &Scan, asker: &Asker) -> Result<Response, Refusal> {
    let lang = asker.lang;
    let (_, enterprise) = site.offer(&scan.app).ok_or(problem::QR_OFF)?;
    let host = site.instance.sso_landing.split('/').nth(2).unwrap_or_default();
    let age_s = qr.bridge.clock().now().ms_since(code.created).max(0) / 1000;
    let place = if site.setting().is_office(&code.desktop.address) { words::OFFICE } else { words::OUTSIDE };
    let device = Some(device(&code.desktop)).filter(|text| !text.is_empty());
    let facts = vec![
        ("site", words::SITE, format!("{} ({host})", site.instance.name)),
        ("team", words::TEAM, site.team().to_owned()),
        ("enterprise", words::ENTERPRISE, enterprise.name.clone()),
        ("name", words::AS_WHOM, scan.display_name.clone()),
        ("device", words::DEVICE, device.unwrap_or_else(|| words::UNKNOWN_DEVICE.get(lang).to_owned())),
        ("address", words::ADDRESS, code.desktop.address.clone()),
        ("place", words::PLACE, place.get(lang).to_owned()),
        ("age", words::AGE, format!("{age_s} {}", words::AGO.get(lang))),
    ];
    let numbers = scan.numbers.as_ref().map(|numbers| numbers.offered.as_slice()).unwrap_or_default();
    let body = ConfirmPage { lang, code, facts, numbers };
    Ok(page(&body, StatusCode::OK, &policy("", "'self'")))
}

fn tell(lang: Lang, outcome: &'static str, title: Text, hint: Text, code: Option<&QrSession>) -> Response {
    page(&ToldPage { lang, outcome, title, hint, code }, StatusCode::OK, &policy("", "'self'"))
}

/// `POST /q/{qr}/confirm`.
pub async fn submit(State(qr): State<Qr>, Path(id): Path<String>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match decide(&qr, &id, &asker, request).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal, asker.lang, None),
    }
}

async fn decide(qr: &Qr, id: &str, asker: &Asker, request: Request<Body>) -> Result<Response, Refusal> {
    if is_cross_site(&asker.headers, qr.bridge.config().origin.as_str()) {
        return Err(problem::CROSS_SITE.into());
    }
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|_| problem::BODY_TOO_LARGE)?;
    let request = Request::from_parts(parts, Body::from(body));
    let Form(form) = Form::<Verdict>::from_request(request, &()).await.map_err(|_| problem::BAD_REQUEST)?;
    let phone = phone_of(asker, id).ok_or(problem::QR_USED)?;
    let code = code_of(qr, id).await?;
    let scan = mine(&code, &phone)?;
    match (form.verdict.as_str(), form.number) {
        ("deny", _) => deny(qr, &code, scan, &phone, Denial::Cancelled, asker).await,
        ("not-me", _) if code.approved.is_some() => revoke(qr, &code, scan, &phone, asker).await,
        ("not-me", _) => deny(qr, &code, scan, &phone, Denial::NotMe, asker).await,
        ("approve", number) => match &scan.numbers {
            Some(numbers) if number != Some(numbers.shown) => {
                deny(qr, &code, scan, &phone, Denial::WrongNumber, asker).await
            }
            _ => approve(qr, &code, scan, &phone, asker).await,
        },
        _ => Err(problem::BAD_REQUEST.into()),
    }
}

async fn approve(qr: &Qr, code: &QrSession, scan: &Scan, phone: &str, asker: &Asker) -> Result<Response, Refusal> {
    let site = qr.site(&code.instance).await?;
    site.offer(&scan.app).ok_or(problem::QR_OFF)?;
    let approval = qr.approval(&code.id);
    let entry = qr.entry(code, &scan.user, Action::ScanApprove, &asker.from);
    match qr.bridge.store().approve_qr(&code.id, phone, &approval, &entry).await? {
        Ok(()) => Ok(onward(code, asker)),
        Err(why) => Err(qr.refuse(code, scan, why, &asker.from).await?),
    }
}

async fn deny(
    qr: &Qr,
    code: &QrSession,
    scan: &Scan,
    phone: &str,
    why: Denial,
    asker: &Asker,
) -> Result<Response, Refusal> {
    let mut entry = qr.entry(code, &scan.user, Action::ScanDeny, &asker.from);
    why.name().clone_into(&mut entry.result);
    if let Err(refused) = qr.bridge.store().deny_qr(&code.id, phone, why, &entry).await? {
        return Err(qr.refuse(code, scan, refused, &asker.from).await?);
    }
    if why == Denial::NotMe {
        qr.report(code).await?;
    }
    Ok(onward(code, asker))
}

/// Takes a confirmation back: first here, where nothing more can be opened by it, then at the OA. It works whatever the
/// settings have become meanwhile.
async fn revoke(qr: &Qr, code: &QrSession, scan: &Scan, phone: &str, asker: &Asker) -> Result<Response, Refusal> {
    let approval = code.approved.as_ref().ok_or(problem::BAD_REQUEST)?;
    let entry = qr.entry(code, &scan.user, Action::ScanRevoke, &asker.from);
    match qr.bridge.store().revoke_qr(&code.id, phone, &entry).await? {
        // A second tap asks the OA once more: the first answer may have been that it could not.
        Ok(()) | Err(Refused::Used) => {}
        Err(why) => return Err(qr.refuse(code, scan, why, &asker.from).await?),
    }
    qr.bridge.store().end_opened(&approval.session, &approval.ticket).await?;
    qr.report(code).await?;
    let oa = qr.bridge.oa(&qr.instance(&code.instance).await?).await?;
    let (outcome, hint) = match tokio::time::timeout(REVOKE_MAX, oa.revoke(&approval.ticket)).await {
        Ok(Ok(Revocation::Ended)) => ("revoked", words::REVOKED_ENDED),
        Ok(Ok(Revocation::NoSession)) => ("revoked-none", words::REVOKED_NONE),
        Ok(Ok(Revocation::NotSupported)) => ("revoked-not", words::REVOKED_NOT),
        Ok(Err(error)) => {
            tracing::warn!(cause = %error, "the OA could not end a session that was reported");
            ("revoked-not", words::REVOKED_NOT)
        }
        Err(_) => {
            tracing::warn!("the OA is too slow to end a session that was reported");
            ("revoked-not", words::REVOKED_NOT)
        }
    };
    Ok(tell(asker.lang, outcome, words::REVOKED, hint, None))
}

/// The outcome has an address of its own, so that a reload decides nothing.
fn onward(code: &QrSession, asker: &Asker) -> Response {
    see_other(&format!("/q/{}/confirm?lang={}", code.id, asker.lang.tag()))
}
