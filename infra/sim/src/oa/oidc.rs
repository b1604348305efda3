//! The OA as an OpenID Connect provider, for `binding_mode = redirect` (oa-api.md C.3): authorization code with PKCE,
//! one client, id tokens signed with Ed25519. It asks for account and password each time.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::time::Timestamp;
use ed25519_dalek::{Signer, SigningKey};
use platform::secret::{Secret, sha256_hex, unhex};
use serde::Deserialize;
use serde_json::{Value, json};

use super::machine::answer;
use super::view::{self, Ui, Visit};
use super::{DEMO_PASSWORD, Oa, lock};

/// Milliseconds that a code lives.
const CODE_MS_MAX: i64 = 60_000;
/// Seconds that an id token is valid.
const TOKEN_S: i64 = 300;
/// Codes that are remembered at most; the oldest gives way.
const CODES_MAX: usize = 1_000;

/// The bridge, as an administrator of the OA registers it.
#[derive(Debug, Clone)]
pub struct OidcClient {
    pub client_id: String,
    pub client_secret: Secret<String>,
    /// The one redirect address, compared as a text.
    pub redirect_uri: String,
}

/// What is wrong with the next id tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// Repeats another nonce.
    Nonce,
    /// Has none.
    NoNonce,
    /// Is signed with a key that is not published.
    Signature,
    /// Is not signed at all (`alg: none`).
    Unsigned,
    /// Is signed with the client's secret instead of a key.
    SharedSecret,
    /// Is another issuer's.
    Issuer,
    /// Is for another client.
    Audience,
    /// Has run out.
    Expired,
    /// Was issued an hour ago.
    Old,
    /// Is missing.
    Missing,
}

impl TokenFault {
    /// Every one, for a test that tries them all.
    pub const ALL: [Self; 10] = [
        Self::Nonce,
        Self::NoNonce,
        Self::Signature,
        Self::Unsigned,
        Self::SharedSecret,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::Old,
        Self::Missing,
    ];
}

/// What the provider remembers.
pub(super) struct Provider {
    key: SigningKey,
    /// Counts the keys: each has a name of its own.
    kid: u32,
    client: Option<OidcClient>,
    codes: BTreeMap<String, Code>,
}

/// A code that waits for its exchange.
struct Code {
    account: String,
    challenge: String,
    nonce: Option<String>,
    made: Timestamp,
}

impl Provider {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&seed), kid: 1, client: None, codes: BTreeMap::new() }
    }

    /// The name of the key in force.
    fn name(&self) -> String {
        format!("oa-{}", self.kid)
    }

    pub(super) fn set_client(&mut self, client: Option<OidcClient>) {
        self.client = client;
    }

    pub(super) fn set_key(&mut self, seed: [u8; 32]) {
        self.key = SigningKey::from_bytes(&seed);
        self.kid += 1;
    }
}

pub(super) fn routes() -> Router<Oa> {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/oidc/jwks", get(keys))
        .route("/oidc/authorize", get(ask).post(sign_in))
        .route("/oidc/token", post(exchange))
}

async fn metadata(State(oa): State<Oa>) -> Response {
    let origin = &oa.0.origin;
    let body = json!({
        "issuer": origin, "authorization_endpoint": format!("{origin}/oidc/authorize"),
        "token_endpoint": format!("{origin}/oidc/token"), "jwks_uri": format!("{origin}/oidc/jwks"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"], "scopes_supported": ["openid"],
        "id_token_signing_alg_values_supported": ["EdDSA"], "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    });
    answer(StatusCode::OK, "application/json", &body)
}

async fn keys(State(oa): State<Oa>) -> Response {
    let (key, kid) = {
        let provider = lock(&oa.0.provider);
        (provider.key.verifying_key(), provider.name())
    };
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": x });
    answer(StatusCode::OK, "application/json", &json!({ "keys": [key] }))
}

#[derive(Template)]
#[template(path = "oa/login.html")]
struct LoginPage<'a> {
    ui: Ui,
    action: String,
    wrong: bool,
    account: String,
    dest: String,
    password: &'a str,
    suggested: Vec<(String, String)>,
    /// Not offered on the way back to a client.
    scan: Option<String>,
}

/// An authorization request that may be answered (OpenID Connect Core 3.1.2.1, RFC 7636).
struct Asked {
    query: String,
    redirect_uri: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
}

impl Asked {
    /// `None` = nothing that this provider answers; then nobody is sent anywhere.
    fn read(oa: &Oa, query: Option<String>) -> Option<Self> {
        let query = query?;
        let fields: BTreeMap<String, String> = serde_urlencoded::from_str(&query).ok()?;
        let field = |name: &str| fields.get(name).filter(|text| !text.is_empty()).cloned();
        let client = lock(&oa.0.provider).client.clone()?;
        let known = field("client_id")? == client.client_id && field("redirect_uri")? == client.redirect_uri;
        let code = field("response_type")? == "code" && field("code_challenge_method")? == "S256";
        let openid = field("scope")?.split(' ').any(|scope| scope == "openid");
        (known && code && openid).then_some(Self {
            redirect_uri: client.redirect_uri,
            state: field("state"),
            nonce: field("nonce"),
            challenge: field("code_challenge")?,
            query,
        })
    }

    fn page(&self, oa: &Oa, visit: &Visit, status: StatusCode, account: &str) -> Response {
        let page = LoginPage {
            ui: visit.ui(oa, ""),
            action: format!("/oidc/authorize?{}", self.query),
            wrong: status != StatusCode::OK,
            account: account.to_owned(),
            dest: "/".to_owned(),
            password: DEMO_PASSWORD,
            suggested: Vec::new(),
            scan: None,
        };
        let mut response = visit.page(status, &page);
        // Its form ends at the client, by a redirect that browsers hold against this policy.
        let origin = url::Url::parse(&self.redirect_uri).map(|url| url.origin().ascii_serialization());
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; frame-ancestors 'none'; \
             base-uri 'none'",
            origin.unwrap_or_default()
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    /// Back to the client with `name=value`, and the state.
    fn back(&self, name: &str, value: &str) -> Response {
        let mut fields = vec![(name, value)];
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        view::see_other(&format!("{}?{query}", self.redirect_uri), &[])
    }
}

fn not_answered() -> Response {
    answer(StatusCode::BAD_REQUEST, "application/json", &json!({ "error": "invalid_request" }))
}

async fn ask(State(oa): State<Oa>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    match Asked::read(&oa, query) {
        Some(asked) => asked.page(&oa, &visit, StatusCode::OK, ""),
        None => not_answered(),
    }
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    account: String,
    #[serde(default)]
    password: String,
    /// `deny` = the person does not want to.
    #[serde(default)]
    action: String,
}

async fn sign_in(
    State(oa): State<Oa>,
    headers: HeaderMap,
    visit: Visit,
    RawQuery(query): RawQuery,
    form: Result<Form<Credentials>, FormRejection>,
) -> Response {
    let (Some(asked), Ok(Form(form))) = (Asked::read(&oa, query), form) else { return not_answered() };
    if !view::from_our_page(&oa, &headers) {
        return not_answered();
    }
    if form.action == "deny" {
        return asked.back("error", "access_denied");
    }
    let account = lock(&oa.0.directory).account_by_login(form.account.trim()).filter(|one| one.active).cloned();
    let right = Secret::new(form.password).matches(DEMO_PASSWORD);
    let Some(account) = account.filter(|_| right) else {
        return asked.page(&oa, &visit, StatusCode::UNAUTHORIZED, form.account.trim());
    };
    let id = oa.0.entropy.hex(16);
    let code =
        Code { account: account.id, challenge: asked.challenge.clone(), nonce: asked.nonce.clone(), made: oa.now() };
    let mut provider = lock(&oa.0.provider);
    if provider.codes.len() >= CODES_MAX {
        let oldest = provider.codes.iter().min_by_key(|(_, code)| code.made).map(|(id, _)| id.clone());
        oldest.and_then(|id| provider.codes.remove(&id));
    }
    provider.codes.insert(id.clone(), code);
    drop(provider);
    asked.back("code", &id)
}

#[derive(Deserialize)]
struct Exchange {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

/// Gives an id token for a code, once.
async fn exchange(State(oa): State<Oa>, headers: HeaderMap, form: Result<Form<Exchange>, FormRejection>) -> Response {
    let refuse = |status, error: &str| answer(status, "application/json", &json!({ "error": error }));
    let Ok(Form(form)) = form else { return refuse(StatusCode::BAD_REQUEST, "invalid_request") };
    let fault = lock(&oa.0.settings).token_fault;
    let mut provider = lock(&oa.0.provider);
    let Some(client) = provider.client.clone().filter(|client| is_client(client, &headers)) else {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    // A code is spent by the first who shows it, whatever comes of it.
    let code = provider.codes.remove(&form.code).filter(|code| {
        let hash = unhex(&sha256_hex(&form.code_verifier)).unwrap_or_default();
        oa.now().ms_since(code.made) < CODE_MS_MAX
            && form.grant_type == "authorization_code"
            && form.redirect_uri == client.redirect_uri
            && Secret::new(URL_SAFE_NO_PAD.encode(hash)).matches(&code.challenge)
    });
    let Some(code) = code else { return refuse(StatusCode::BAD_REQUEST, "invalid_grant") };
    let mut body = json!({ "access_token": oa.0.entropy.hex(16), "token_type": "Bearer", "expires_in": TOKEN_S });
    if fault != Some(TokenFault::Missing) {
        body["id_token"] = token(&oa, &provider, &client, code, fault).into();
    }
    answer(StatusCode::OK, "application/json", &body)
}

/// HTTP Basic with id and secret, each form-encoded first (RFC 6749 2.3.1).
fn is_client(client: &OidcClient, headers: &HeaderMap) -> bool {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(&client.client_id), encode(client.client_secret.expose()));
    let expected = Secret::new(format!("Basic {}", STANDARD.encode(pair)));
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| expected.matches(given))
}

fn token(oa: &Oa, provider: &Provider, client: &OidcClient, code: Code, fault: Option<TokenFault>) -> String {
    let is = |one: TokenFault| fault == Some(one);
    let now_s = oa.now().epoch_s();
    let issued = if is(TokenFault::Old) { now_s - 3_600 } else { now_s };
    let nonce = match fault {
        Some(TokenFault::Nonce) => Some(oa.0.entropy.hex(13)),
        Some(TokenFault::NoNonce) => None,
        _ => code.nonce,
    };
    let mut claims = json!({
        "iss": if is(TokenFault::Issuer) { "https://other.example" } else { oa.0.origin.as_str() },
        "aud": if is(TokenFault::Audience) { "another-client" } else { client.client_id.as_str() },
        "sub": code.account, "iat": issued, "exp": if is(TokenFault::Expired) { now_s - 1 } else { now_s + TOKEN_S },
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    let algorithm = match fault {
        Some(TokenFault::Unsigned) => "none",
        Some(TokenFault::SharedSecret) => "HS256",
        _ => "EdDSA",
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed =
        format!("{}.{}", part(&json!({ "alg": algorithm, "typ": "JWT", "kid": provider.name() })), part(&claims));
    let signature = match fault {
        Some(TokenFault::Unsigned) => String::new(),
        Some(TokenFault::SharedSecret) => URL_SAFE_NO_PAD.encode(hmac(client.client_secret.expose(), &signed)),
        Some(TokenFault::Signature) => {
            URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&oa.0.entropy.bytes()).sign(signed.as_bytes()).to_bytes())
        }
        _ => URL_SAFE_NO_PAD.encode(provider.key.sign(signed.as_bytes()).to_bytes()),
    };
    format!("{signed}.{signature}")
}

fn hmac(secret: &str, text: &str) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}
