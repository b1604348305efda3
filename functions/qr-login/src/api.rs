//! The way from server to server (oa-api.md C.4): an OA shows codes in its own login page, asks how far they are, and
//! takes the ticket of one that was confirmed. Its own session binds the code to the browser.

use std::net::IpAddr;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::destination::Destination;
use domain::ids::QrId;
use domain::model::OaInstance;
use domain::problem;
use domain::qr::{POLL_S, QrSession, Shown, State as CodeState};
use domain::time::Timestamp;
use platform::http::lang_of;
use serde::{Deserialize, Serialize};
use signin::{Refusal, ScanTicket};

use crate::pages::refused_json;
use crate::service::{Qr, Wanted, desktop};

/// Bytes of a request at most; it holds a browser's own words.
const CREATE_BYTES_MAX: usize = 8 * 1024;
const POLL_MS: i64 = POLL_S * 1000;

#[derive(Deserialize)]
struct Create {
    op: String,
    /// The OA instance, as at a redemption: the signature is tried under its secrets.
    aud: String,
    #[serde(default)]
    dest: Option<String>,
    client: Client,
}

/// The browser that will show the code.
#[derive(Deserialize)]
struct Client {
    ip: String,
    #[serde(default)]
    ua: String,
}

#[derive(Serialize)]
struct Created {
    qr_id: QrId,
    /// What the code holds.
    qr_text: String,
    /// RFC 3339, UTC.
    expires_at: String,
    poll_interval_ms: i64,
}

/// How far a code is, as the OA's server and the bridge's own page are told.
#[derive(Serialize)]
pub struct Progress {
    state: &'static str,
    /// Who scanned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// The number that the screen shows, where the phone asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    /// RFC 3339, UTC.
    expires_at: String,
}

impl Progress {
    pub fn of(code: &QrSession, state: CodeState) -> Self {
        let scan = code.scan.as_ref();
        let numbers = scan.and_then(|scan| scan.numbers).filter(|_| state == CodeState::Scanned);
        Self {
            state: state.name(),
            display_name: scan.map(|scan| scan.display_name.clone()),
            number: numbers.map(|numbers| numbers.shown),
            ticket: None,
            expires_at: rfc3339(code.expires),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string()
}

/// `POST /v1/qr/sessions`.
pub async fn create(State(qr): State<Qr>, request: Request<Body>) -> Response {
    let lang = lang_of(&request);
    match make(&qr, request).await {
        Ok(code) => {
            let text = format!("{}/q/{}", qr.bridge.config().origin, code.id);
            let expires_at = rfc3339(code.expires);
            let created = Created { qr_id: code.id, qr_text: text, expires_at, poll_interval_ms: POLL_MS };
            (StatusCode::CREATED, Json(created)).into_response()
        }
        Err(refusal) => refused_json(&refusal, lang),
    }
}

async fn make(qr: &Qr, request: Request<Body>) -> Result<QrSession, Refusal> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, CREATE_BYTES_MAX).await.map_err(|_| problem::BODY_TOO_LARGE)?;
    // The body only says whose secret to try; nothing else of it is believed before the signature fits.
    let create: Create = serde_json::from_slice(&body)
        .map_err(|_| Refusal::because(problem::ENVELOPE_INVALID, "not a request for a code"))?;
    let (instance, webhook_id) = qr.bridge.proved_oa(&create.aud, &parts.headers, &body).await?;
    if create.op != "qr.create" {
        return Err(Refusal::because(problem::SIGNATURE_INVALID, "signed for another operation"));
    }
    let site = qr.site(&instance.id).await?;
    let address: IpAddr = create.client.ip.trim().parse().map_err(|_| problem::ENVELOPE_INVALID)?;
    let dest = create.dest.as_deref().map(|text| allowed(text, &instance)).transpose()?;
    let wanted = Wanted {
        // The same signed request, repeated after a lost answer, is for the same code (oa-api.md C.6).
        id: QrId::from_random(&instance.id.tenant(), qr.bridge.repeatable(&instance, &webhook_id).await?),
        shown: Shown::Server,
        dest,
        desktop: desktop(&address.to_canonical().to_string(), &create.client.ua),
    };
    qr.begin(&site, wanted).await
}

fn allowed(dest: &str, instance: &OaInstance) -> Result<Destination, Refusal> {
    let dest = Destination::parse(dest).ok().and_then(|dest| dest.within(&instance.allowed_dest_prefixes).ok());
    Ok(dest.ok_or(problem::ENVELOPE_INVALID)?)
}

/// `GET /v1/qr/sessions/{qr}`.
pub async fn poll(State(qr): State<Qr>, Path(id): Path<String>, request: Request<Body>) -> Response {
    let lang = lang_of(&request);
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match look(&qr, &id, bearer).await {
        Ok(progress) => Json(progress).into_response(),
        Err(refusal) => refused_json(&refusal, lang),
    }
}

/// Half a read unit, until there is a ticket to give.
async fn look(qr: &Qr, id: &str, bearer: &str) -> Result<Progress, Refusal> {
    let id = QrId::parse(id).map_err(|_| problem::QR_UNKNOWN)?;
    if bearer.is_empty() {
        return Err(problem::QR_UNKNOWN.into());
    }
    let code = qr.bridge.store().qr_glance(&id).await?.filter(|code| code.shown == Shown::Server);
    let code = code.ok_or(problem::QR_UNKNOWN)?;
    // Whoever has not the instance's token learns nothing, not even that the code is there (product.md QRL-07).
    let config = qr.bridge.store().config(&id.tenant()).await?.ok_or(problem::QR_UNKNOWN)?;
    let instance = config.oa_instance(&code.instance).ok_or(problem::QR_UNKNOWN)?;
    if !qr.bridge.is_bearer_of(instance, bearer).await? {
        return Err(problem::QR_UNKNOWN.into());
    }
    let site = qr.site(&instance.id).await?;
    qr.keep_pace(&id)?;
    let now = qr.bridge.clock().now();
    let state = code.state(false, now);
    if state != CodeState::Approved {
        return Ok(Progress::of(&code, state));
    }
    let (visit, scanned) = qr.visit(&site, &code, now).await?;
    Ok(match qr.bridge.scan_ticket(visit, &scanned).await {
        Ok(ScanTicket::Ready(ticket)) => {
            Progress { ticket: Some(ticket.expose().clone()), ..Progress::of(&code, CodeState::Approved) }
        }
        Ok(ScanTicket::Redeemed) => Progress::of(&code, CodeState::Consumed),
        // Taken back since this reading of the code.
        Err(refusal) if refusal.problem == problem::QR_DENIED => Progress::of(&code, CodeState::Denied),
        Err(refusal) => return Err(refusal),
    })
}
