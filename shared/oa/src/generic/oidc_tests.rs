//! Providers whose metadata is not what it should be: nothing is sent where it must not go.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse as _;
use domain::ids::OidcClientId;
use domain::model::{BindingMode, OaInstance, OidcClient};
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::Transport;
use serde_json::{Value, json};

use super::tests::{NOW, PULL, instance};
use super::{Generic, Settings};
use crate::Oa;
use crate::port::{OaError, Port as _, SignInWay, SignedIn};

const WAY: SignInWay<'static> = SignInWay {
    state: "state-of-this-way",
    nonce: "nonce-of-this-way",
    verifier: "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijk",
    return_to: "https://bridge.example/bind/callback",
};

/// `host path`, the headers and the body of each call.
type Seen = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

fn redirecting() -> OaInstance {
    let client_id = OidcClientId::parse("bridge").unwrap();
    let oidc = Some(OidcClient { issuer: "https://login.example".to_owned(), client_id });
    OaInstance { binding_mode: BindingMode::Redirect, oidc, ..instance() }
}

fn metadata() -> Value {
    json!({
        "issuer": "https://login.example", "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token", "jwks_uri": "https://login.example/keys",
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

/// An OA whose provider answers with this metadata, no keys, and `invalid_grant`.
fn oa_with(instance: OaInstance, metadata: Value) -> (Oa, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let host = headers.get("host").map(|host| host.to_str().unwrap().to_owned());
        let host = host.or_else(|| uri.authority().map(ToString::to_string)).unwrap_or_default();
        log.lock().unwrap().push((format!("{host} {}", uri.path()), headers, body));
        let json = [("content-type", "application/json")];
        let answer = match uri.path() {
            "/.well-known/openid-configuration" => (json, metadata.to_string()).into_response(),
            "/keys" => (json, json!({ "keys": [] }).to_string()).into_response(),
            _ => (axum::http::StatusCode::BAD_REQUEST, json, json!({ "error": "invalid_grant" }).to_string())
                .into_response(),
        };
        async move { answer }
    };
    let settings = Settings {
        instance,
        scim_bearer: Secret::new("token-1".to_owned()),
        pull_secret: Secret::new(PULL.to_owned()),
        oidc_secret: Some(Secret::new("secret of the bridge".to_owned())),
    };
    let transport = Transport::router(Router::new().fallback(answer));
    let generic = Generic::new(settings, transport, Clock::virtual_from(NOW), Entropy::seeded(1)).unwrap();
    (Oa::Generic(generic), seen)
}

fn code() -> Secret<String> {
    Secret::new("code-1".to_owned())
}

#[tokio::test]
async fn metadata_that_leads_away_is_refused_and_nothing_is_sent_there() {
    let refused = |result: &Result<_, OaError>| matches!(result, Err(OaError::Refused(_)));
    for (field, value) in [
        ("issuer", "https://login.example/"),
        ("issuer", "https://evil.example"),
        ("jwks_uri", "https://evil.example/keys"),
        ("jwks_uri", "https://login.example:8443/keys"),
        ("jwks_uri", "http://login.example/keys"),
        ("jwks_uri", "https://169.254.169.254/keys"),
        ("authorization_endpoint", "http://login.example/authorize"),
        ("authorization_endpoint", "javascript:alert(1)"),
    ] {
        let mut changed = metadata();
        changed[field] = value.into();
        let (oa, seen) = oa_with(redirecting(), changed);
        let page = oa.sign_in_page(&WAY).await;
        assert!(refused(&page.map(|_| ())), "{field}: {value}");
        assert!(seen.lock().unwrap().iter().all(|(call, ..)| call.starts_with("login.example /")), "{field}: {value}");
    }
    for token in ["https://evil.example/token", "http://login.example/token"] {
        let mut changed = metadata();
        changed["token_endpoint"] = token.into();
        let (oa, seen) = oa_with(redirecting(), changed);
        assert!(refused(&oa.signed_in(&WAY, &code()).await.map(|_| ())), "{token}");
        assert_eq!(seen.lock().unwrap().len(), 2, "metadata and keys alone: the code and the secret stay here");
    }
}

#[tokio::test]
async fn the_exchange_is_sent_once_with_the_verifier_and_the_secret_where_the_provider_wants_it() {
    for (methods, in_body) in [
        (None, false),
        (Some(json!(["client_secret_basic", "client_secret_post"])), false),
        (Some(json!(["client_secret_post"])), true),
    ] {
        let mut changed = metadata();
        if let Some(methods) = methods {
            changed["token_endpoint_auth_methods_supported"] = methods;
        }
        let (oa, seen) = oa_with(redirecting(), changed);
        let page = oa.sign_in_page(&WAY).await.unwrap().unwrap();
        assert!(page.starts_with("https://login.example/authorize?") && !page.contains(WAY.verifier), "{page}");
        assert_eq!(oa.signed_in(&WAY, &code()).await, Ok(SignedIn::NotProved("code")));
        let seen = seen.lock().unwrap();
        let paths: Vec<&str> = seen.iter().map(|(call, ..)| call.as_str()).collect();
        let known = ["login.example /.well-known/openid-configuration", "login.example /keys", "login.example /token"];
        assert_eq!(paths, known, "what is known is not asked again");
        let (_, headers, body) = &seen[2];
        let body = String::from_utf8_lossy(body);
        for part in ["grant_type=authorization_code", "code=code-1", &format!("code_verifier={}", WAY.verifier)] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert_eq!((headers.contains_key("authorization"), body.contains("client_secret=")), (!in_body, in_body));
    }
}

#[tokio::test]
async fn without_the_mode_there_is_no_page_and_nothing_is_sent() {
    for mode in [BindingMode::Off, BindingMode::Password] {
        let (oa, seen) = oa_with(OaInstance { binding_mode: mode, ..redirecting() }, metadata());
        assert_eq!(oa.sign_in_page(&WAY).await, Ok(None));
        assert_eq!(oa.signed_in(&WAY, &code()).await, Ok(SignedIn::Unsupported));
        assert!(seen.lock().unwrap().is_empty());
    }
    assert_eq!(format!("{WAY:?}"), "SignInWay { return_to: \"https://bridge.example/bind/callback\", .. }");
}
