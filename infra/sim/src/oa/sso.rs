//! Signing in with a ticket of the bridge (oa-api.md C.2.2): the start URL that binds it to a browser, and the landing.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use platform::secret::Secret;
use serde::Deserialize;

use super::refusal::Refusal;
use super::sessions::Via;
use super::ticket::{Claims, Expected, Unverified, is_local_path};
use super::view;
use super::{Connection, Oa, exchange, lock, pages};

/// Holds the nonce between `/sso/start` and the landing. `SameSite=None`, because the ticket arrives as a form that the
/// bridge's page posts across sites, where a `Lax` cookie would stay at home.
const NONCE_COOKIE: &str = "__Host-oa_nonce";
/// Seconds in which the ticket must arrive.
const NONCE_AGE_S_MAX: u32 = 600;

pub(super) fn routes() -> Router<Oa> {
    Router::new().route("/sso/start", get(start)).route("/sso/landing", get(landing_by_query).post(landing_by_form))
}

#[derive(Debug, Deserialize)]
struct Start {
    return_to: Option<String>,
    /// Where the person wants to go. The bridge repeats it in the ticket; here it is only looked at.
    dest: Option<String>,
}

/// Gives this browser a nonce and sends it back to the bridge, which puts the nonce into the ticket.
async fn start(State(oa): State<Oa>, headers: HeaderMap, Query(asked): Query<Start>) -> Response {
    let nonce = oa.0.entropy.hex(16);
    match return_address(&oa, &asked, &nonce) {
        Ok(address) => {
            let cookie =
                format!("{NONCE_COOKIE}={nonce}; Path=/; HttpOnly; Secure; SameSite=None; Max-Age={NONCE_AGE_S_MAX}");
            view::see_other(&address, &[cookie])
        }
        Err(refusal) => pages::refused(&oa, &headers, refusal),
    }
}

fn return_address(oa: &Oa, asked: &Start, nonce: &str) -> Result<String, Refusal> {
    let link = oa.link().ok_or(Refusal::NotConnected)?;
    if asked.dest.as_deref().is_some_and(|dest| !is_local_path(dest)) {
        return Err(Refusal::Destination);
    }
    let given = asked.return_to.as_deref().ok_or(Refusal::ReturnTo)?;
    let mut address = url::Url::parse(given).map_err(|_| Refusal::ReturnTo)?;
    // Compared as origins, not as texts: `http://bridge.example.evil` begins like `http://bridge.example`.
    let ours = address.origin().ascii_serialization() == link.connection.bridge_origin;
    if !ours || !address.username().is_empty() || address.password().is_some() {
        return Err(Refusal::ReturnTo);
    }
    address.query_pairs_mut().append_pair("nonce", nonce);
    Ok(address.into())
}

#[derive(Debug, Deserialize)]
struct Landing {
    ticket: Option<String>,
}

async fn landing_by_form(
    State(oa): State<Oa>,
    headers: HeaderMap,
    form: Result<Form<Landing>, FormRejection>,
) -> Response {
    let ticket = form.ok().and_then(|Form(landing)| landing.ticket);
    land(&oa, &headers, ticket).await
}

async fn landing_by_query(
    State(oa): State<Oa>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let allowed = lock(&oa.0.settings).ticket_by_query;
    let ticket = query.get("ticket").filter(|_| allowed).cloned();
    land(&oa, &headers, ticket).await
}

/// Opens a session or explains why not. The nonce is spent either way.
async fn land(oa: &Oa, headers: &HeaderMap, ticket: Option<String>) -> Response {
    let spent = format!("{NONCE_COOKIE}=; Path=/; HttpOnly; Secure; SameSite=None; Max-Age=0");
    let mut response = match admit(oa, headers, ticket).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(code = refusal.explain().code, "a ticket was refused");
            pages::refused(oa, headers, refusal)
        }
    };
    if let Ok(value) = HeaderValue::from_str(&spent) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

async fn admit(oa: &Oa, headers: &HeaderMap, ticket: Option<String>) -> Result<Response, Refusal> {
    let connection = oa.link().ok_or(Refusal::NotConnected)?.connection;
    let ticket = ticket.filter(|ticket| !ticket.is_empty()).ok_or(Refusal::NoTicket)?;
    let claims = verify(oa, &connection, &ticket).await?;
    let bound = check_nonce(oa, headers, &claims)?;
    let account =
        lock(&oa.0.directory).account(&claims.sub).filter(|account| account.active).cloned().ok_or(Refusal::Account)?;
    exchange::redeem(oa, &connection, &claims.jti, &claims.sub).await?;
    let via = Via::Ticket { jti: claims.jti, amr: claims.amr, enterprise: claims.enterprise, bound_to_browser: bound };
    let cookie = pages::open_session(oa, headers, &account, via);
    Ok(view::see_other(&claims.dest, &[cookie]))
}

pub(super) async fn verify(oa: &Oa, connection: &Connection, ticket: &str) -> Result<Claims, Refusal> {
    let unverified = Unverified::parse(ticket)?;
    let key = exchange::key(oa, connection, &unverified.kid).await?;
    let expected = Expected { issuer: &connection.bridge_origin, audience: &connection.instance_id, now: oa.now() };
    unverified.verify(&key, &expected)
}

/// Whether the ticket is bound to this browser. A browser that began at `/sso/start` holds a cookie, and then a ticket
/// without a nonce is no better than one with a wrong nonce (product.md C2).
fn check_nonce(oa: &Oa, headers: &HeaderMap, claims: &Claims) -> Result<bool, Refusal> {
    let held = view::cookie(headers, NONCE_COOKIE);
    match (&claims.nonce, held) {
        (Some(nonce), Some(held)) if Secret::new(held.to_owned()).matches(nonce) => Ok(true),
        (None, None) if !lock(&oa.0.settings).nonce_required => Ok(false),
        _ => Err(Refusal::Nonce),
    }
}
