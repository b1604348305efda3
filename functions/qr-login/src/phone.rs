//! The phone that has scanned a code: who is it, and as a member of which enterprise? (product.md Q23)

use askama::Template;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::audit::Action;
use domain::ids::{AppId, QrId};
use domain::lockout::QR_SCAN;
use domain::model::{App, Enterprise, Person};
use domain::problem;
use domain::qr::{KEPT_S, Numbers, QrSession, Scan};
use domain::session::STATE_S;
use domain::text::Lang;
use platform::http::{cookie, host_cookie, is_cross_site};
use platform::secret::{Secret, sha256_hex};
use serde::Deserialize;
use signin::{BROWSER_COOKIE, Begun, Callback, Proved, Refusal};
use state::lockout::Subject;

use crate::pages::{Asker, Choice, ChoosePage, origin_of, page, policy, refused, see_other, set_cookie};
use crate::service::{Qr, Site, told};

/// Proves that this phone scanned: `<code's id>.<secret>`.
pub const SCAN_COOKIE: &str = "__Host-scan";
/// The app of the enterprise that was chosen last, on this phone.
const ENTERPRISE_COOKIE: &str = "__Host-enterprise";
/// Half a year.
const ENTERPRISE_S: i64 = 180 * 86_400;
/// Characters of the phone's secret: 130 bits.
const SECRET_CHARS: usize = 26;
/// Characters of WeLink's code at most.
const CODE_CHARS_MAX: usize = 2000;

#[derive(Template)]
#[template(path = "ask.html")]
struct AskPage<'a> {
    lang: Lang,
    qr: &'a QrId,
    begun: &'a Begun,
    script: &'a str,
    enterprise: &'a str,
    /// Whether another enterprise could be chosen.
    several: bool,
}

#[derive(Deserialize)]
pub struct Asked {
    /// The app of the enterprise that is chosen.
    #[serde(default)]
    app: Option<String>,
    /// Asks again although an answer is remembered.
    #[serde(default)]
    choose: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    app: String,
    state: Option<String>,
    code: Option<String>,
}

/// `GET /q/{qr}`: what the code on the screen leads to.
pub async fn show(
    State(qr): State<Qr>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    request: Request<Body>,
) -> Response {
    let asker = Asker::of(&request);
    match ask(&qr, &id, &asked, &asker).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal, asker.lang, None),
    }
}

async fn ask(qr: &Qr, id: &str, asked: &Asked, asker: &Asker) -> Result<Response, Refusal> {
    let (code, site) = found(qr, id).await?;
    if phone_of(asker, code.id.as_str()).is_some_and(|phone| code.scan.as_ref().is_some_and(|scan| scan.phone == phone))
    {
        return Ok(see_other(&format!("/q/{}/confirm?lang={}", code.id, asker.lang.tag())));
    }
    code.may_scan(qr.bridge.clock().now()).map_err(told)?;
    let Some((app, enterprise)) = chosen(&site, asked, asker) else {
        let choice = |(app, enterprise): &(App, Enterprise)| Choice {
            app: app.id.as_str().to_owned(),
            name: enterprise.name.clone(),
            href: format!("/q/{}?app={}&lang={}", code.id, app.id, asker.lang.tag()),
        };
        let choices = site.offered.iter().map(choice).collect();
        let body = ChoosePage { lang: asker.lang, site: &site, choices };
        return Ok(page(&body, StatusCode::OK, &policy("", "'none'")));
    };
    let begun = qr.bridge.begin_scan(&app.id, &code.id, asker.visitor()).await?;
    let script = &qr.bridge.config().welink_script;
    let body = AskPage {
        lang: asker.lang,
        qr: &code.id,
        begun: &begun,
        script,
        enterprise: &enterprise.name,
        several: site.offered.len() > 1,
    };
    let mut answer = page(&body, StatusCode::OK, &policy(&origin_of(script), "'self'"));
    set_cookie(&mut answer, &host_cookie(BROWSER_COOKIE, begun.browser.expose(), STATE_S));
    if asked.app.is_some() {
        set_cookie(&mut answer, &host_cookie(ENTERPRISE_COOKIE, app.id.as_str(), ENTERPRISE_S));
    }
    Ok(answer)
}

/// The code with its site. An id of nobody and one of another installation are the same; where scan login has been
/// switched off, that is what is told.
async fn found(qr: &Qr, id: &str) -> Result<(QrSession, Site), Refusal> {
    let code = code_of(qr, id).await?;
    let site = qr.site(&code.instance).await?;
    Ok((code, site))
}

pub async fn code_of(qr: &Qr, id: &str) -> Result<QrSession, Refusal> {
    let id = QrId::parse(id).map_err(|_| problem::QR_UNKNOWN)?;
    Ok(qr.bridge.store().qr(&id).await?.ok_or(problem::QR_UNKNOWN)?)
}

/// The mark of this phone, if it holds a cookie of the code with this id.
pub fn phone_of(asker: &Asker, id: &str) -> Option<String> {
    let (own, secret) = cookie(&asker.headers, SCAN_COOKIE)?.split_once('.')?;
    (own == id).then(|| sha256_hex(secret))
}

/// Which enterprise: the only one, the one that was just named, or the one that this phone remembers.
fn chosen<'a>(site: &'a Site, asked: &Asked, asker: &Asker) -> Option<&'a (App, Enterprise)> {
    if let [only] = site.offered.as_slice() {
        return Some(only);
    }
    let named = asked.app.as_deref().and_then(|text| AppId::parse(text).ok());
    let remembered = || {
        let text = cookie(&asker.headers, ENTERPRISE_COOKIE).filter(|_| asked.choose.is_none())?;
        AppId::parse(text).ok()
    };
    site.offer(&named.or_else(remembered)?)
}

/// `POST /q/{qr}`: WeLink's one-time code of whoever scanned.
pub async fn submit(State(qr): State<Qr>, Path(id): Path<String>, request: Request<Body>) -> Response {
    let asker = Asker::of(&request);
    match take(&qr, &id, &asker, request).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal, asker.lang, again(&id, &asker, &refusal).as_deref()),
    }
}

/// A second try can help where the code on the screen is still free.
fn again(id: &str, asker: &Asker, refusal: &Refusal) -> Option<String> {
    let helps = ["welink-down", "oa-down", "unavailable", "busy", "code-refused", "state-refused", "qr-not-linked"];
    let id = QrId::parse(id).ok().filter(|_| helps.contains(&refusal.problem.name))?;
    Some(format!("/q/{id}?lang={}", asker.lang.tag()))
}

async fn take(qr: &Qr, id: &str, asker: &Asker, request: Request<Body>) -> Result<Response, Refusal> {
    if is_cross_site(&asker.headers, qr.bridge.config().origin.as_str()) {
        return Err(problem::CROSS_SITE.into());
    }
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|_| problem::BODY_TOO_LARGE)?;
    let request = Request::from_parts(parts, Body::from(body));
    let Form(answer) = Form::<Answer>::from_request(request, &()).await.map_err(|_| problem::BAD_REQUEST)?;
    let welink_code = Secret::new(answer.code.unwrap_or_default());
    if !(1..=CODE_CHARS_MAX).contains(&welink_code.expose().chars().count()) {
        return Err(problem::CODE_REFUSED.into());
    }
    let (code, site) = found(qr, id).await?;
    // Which app it is decides the stored state; here it only has to be one that this page offers.
    let app = AppId::parse(&answer.app).ok().and_then(|app| site.offer(&app)).ok_or(problem::QR_UNKNOWN)?;
    let callback = Callback { state: answer.state, code: welink_code };
    let proved = qr.bridge.prove_scan(&app.0.id, &code.id, callback, asker.visitor()).await?;
    claim(qr, &code, &site, proved, asker).await
}

/// Claims the code for this phone, if its person is linked.
async fn claim(qr: &Qr, code: &QrSession, site: &Site, proved: Proved, asker: &Asker) -> Result<Response, Refusal> {
    let user = proved.person.user_id.clone();
    let mut entry = qr.entry(code, &user, Action::Scan, &asker.from);
    entry.detail.insert("app".to_owned(), proved.app.id.as_str().to_owned());
    let Some(link) = proved.link else {
        entry.action = Action::ScanRefused;
        problem::QR_NOT_LINKED.name.clone_into(&mut entry.result);
        qr.bridge.store().append_audit(&entry).await?;
        return Err(problem::QR_NOT_LINKED.into());
    };
    let person = format!("qr-scan#{}#{user}", proved.enterprise.id);
    let tenant = code.id.tenant();
    if let Err(seconds) = qr.bridge.store().take_attempt(Subject::Tenant(&tenant, &person), QR_SCAN).await? {
        return Err(Refusal { retry_after_s: Some(seconds), ..problem::RATE_LIMITED.into() });
    }
    let secret = qr.bridge.entropy().token(SECRET_CHARS);
    let numbers = site.setting().number_matching.then(|| Numbers::draw(qr.bridge.entropy().bytes()));
    let scan = Scan {
        phone: sha256_hex(&secret),
        app: proved.app.id,
        display_name: display_name(&proved.person),
        user,
        oa_user: link.oa_user,
        login_id: link.login_id,
        at: qr.bridge.clock().now(),
        numbers,
    };
    if let Err(why) = qr.bridge.store().scan_qr(&code.id, &scan, &entry).await? {
        return Err(qr.refuse(code, &scan, why, &asker.from).await?);
    }
    let mut answer = see_other(&format!("/q/{}/confirm?lang={}", code.id, asker.lang.tag()));
    set_cookie(&mut answer, &host_cookie(SCAN_COOKIE, &format!("{}.{secret}", code.id), KEPT_S));
    Ok(answer)
}

/// How the screen names who scanned: his name, or his account where WeLink does not tell it.
fn display_name(person: &Person) -> String {
    let names = [&person.name_zh, &person.name_en];
    let named = names.into_iter().find(|name| !name.is_empty());
    named.map_or_else(|| person.user_id.as_str().to_owned(), Clone::clone)
}
