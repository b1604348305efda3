//! Signing in at the OA's own page: the bridge as relying party of the OA's OIDC provider (oa-api.md C.3,
//! `binding_mode = redirect`; docs/decisions/0005-binding-at-the-oa.md).
//!
//! The library speaks the protocol; the way out is our own [`Transport`], so that this calls the issuer's host and no
//! other, waits no longer and reads no more than everything else does. Time and randomness come from outside as well.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use domain::ids::OaUserId;
use domain::model::OidcClient;
use domain::time::Timestamp;
use http::StatusCode;
use openidconnect::core::{
    CoreAuthPrompt, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreResponseType, CoreTokenResponse,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, SignatureVerificationError,
    TokenResponse as _,
};
use platform::clock::Clock;
use platform::secret::Secret;
use platform::transport::Transport;

use super::client::{CALL_TIMEOUT, authority};
use super::{Generic, address};
use crate::port::{OaError, SignInWay, SignedIn};

/// How long the provider's metadata and keys are used without asking again.
const METADATA_MS: i64 = 300_000;
/// Bytes of one answer at most; metadata and key sets have a few thousand.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Seconds that the two clocks may differ (oa-api.md C.7). The token comes straight from the provider, so it is new.
const SKEW_S: u64 = 300;
/// Public-key signatures alone: with a shared secret, whoever may verify could also sign.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A client whose sign-in page is known, and perhaps its token endpoint.
type RelyingParty =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The OIDC provider of one OA.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: IssuerUrl,
    client: ClientId,
    secret: Secret<String>,
    out: Out,
    clock: Clock,
    known: Mutex<Option<(Timestamp, Arc<CoreProviderMetadata>)>>,
}

/// The way to the issuer's host.
#[derive(Debug)]
struct Out {
    transport: Transport,
    /// `https`, or `http` on a loopback name: no address of the metadata is worse than the issuer's own.
    scheme: String,
}

impl Provider {
    pub(super) fn new(
        settings: &OidcClient,
        secret: Secret<String>,
        transport: Transport,
        clock: Clock,
    ) -> Result<Self, OaError> {
        let url = address("oidc.issuer", &settings.issuer)?;
        let issuer = IssuerUrl::new(settings.issuer.clone())
            .map_err(|_| OaError::Refused("oidc.issuer is not an address of an OA".to_owned()))?;
        Ok(Self {
            issuer,
            client: ClientId::new(settings.client_id.as_str().to_owned()),
            secret,
            out: Out { transport: transport.only(BTreeSet::from([authority(&url)])), scheme: url.scheme().to_owned() },
            clock,
            known: Mutex::default(),
        })
    }

    /// The address of the sign-in page. It asks the person again even where he is signed in already (`prompt=login`):
    /// what follows is a lasting link, and a shared computer may hold somebody else's session.
    async fn page(&self, way: &SignInWay<'_>) -> Result<String, OaError> {
        let client = self.relying_party(&*self.metadata().await?, way.return_to)?;
        let (state, nonce) = (CsrfToken::new(way.state.to_owned()), Nonce::new(way.nonce.to_owned()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(way.verifier.to_owned()));
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let asked = client.authorize_url(flow, move || state, move || nonce).add_prompt(CoreAuthPrompt::Login);
        let (url, ..) = asked.set_pkce_challenge(challenge).url();
        if url.scheme() == self.out.scheme { Ok(url.into()) } else { Err(worse_address()) }
    }

    /// Exchanges the code, once, and verifies what it brings.
    async fn take(&self, way: &SignInWay<'_>, code: &Secret<String>) -> Result<SignedIn, OaError> {
        let client = self.relying_party(&*self.metadata().await?, way.return_to)?;
        let code = AuthorizationCode::new(code.expose().clone());
        let asked = client.exchange_code(code).map_err(|_| no_endpoint())?;
        let asked = asked.set_pkce_verifier(PkceCodeVerifier::new(way.verifier.to_owned()));
        let answer: CoreTokenResponse = match asked.request_async(&self.out).await {
            Ok(answer) => answer,
            Err(RequestTokenError::Request(error)) => return Err(error),
            Err(RequestTokenError::ServerResponse(answer)) => return not_exchanged(answer.error()),
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                return Err(OaError::Malformed("its token endpoint gives no token response".to_owned()));
            }
        };
        let token = answer.id_token().ok_or_else(|| OaError::Malformed("there is no id token".to_owned()))?;
        let nonce = Nonce::new(way.nonce.to_owned());
        match self.subject(&client, token, &nonce) {
            // Keys may have changed since they were read: once more, with those of now.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let client = self.relying_party(&*self.discover().await?, way.return_to)?;
                Ok(signed_in(self.subject(&client, token, &nonce)))
            }
            verified => Ok(signed_in(verified)),
        }
    }

    /// `sub` of a token that is this issuer's, for this client, of now, and of this very way.
    fn subject(
        &self,
        client: &RelyingParty,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<String, ClaimsVerificationError> {
        let now = self.clock.now();
        let instant = UNIX_EPOCH + Duration::from_secs(now.epoch_s().unsigned_abs());
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || instant.into())
            .set_issue_time_verifier_fn(move |issued| {
                let new = issued.timestamp().abs_diff(now.epoch_s()) <= SKEW_S;
                if new { Ok(()) } else { Err("issued too long ago, or in the future".to_owned()) }
            });
        let claims = token.claims(&verifier, nonce)?;
        if claims.authorized_party().is_some_and(|party| *party != self.client) {
            return Err(ClaimsVerificationError::InvalidAudience("azp names another client".to_owned()));
        }
        Ok(claims.subject().as_str().to_owned())
    }

    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, OaError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((at, metadata)) if (0..METADATA_MS).contains(&self.clock.now().ms_since(at)) => Ok(metadata),
            _ => self.discover().await,
        }
    }

    /// Reads metadata and keys anew. The library compares the issuer that the metadata names with ours.
    async fn discover(&self) -> Result<Arc<CoreProviderMetadata>, OaError> {
        let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.out).await;
        let metadata = Arc::new(read.map_err(|error| match error {
            DiscoveryError::Request(error) => error,
            DiscoveryError::Response(status, ..) if status != StatusCode::OK => {
                OaError::Refused(format!("status {} instead of metadata: check the issuer", status.as_u16()))
            }
            DiscoveryError::Validation(_) => {
                OaError::Refused("the metadata names another issuer: check its spelling".to_owned())
            }
            _ => OaError::Malformed("it is no metadata or key set of an OIDC provider".to_owned()),
        })?);
        let entry = Some((self.clock.now(), Arc::clone(&metadata)));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = entry;
        Ok(metadata)
    }

    fn relying_party(&self, metadata: &CoreProviderMetadata, return_to: &str) -> Result<RelyingParty, OaError> {
        let redirect = RedirectUrl::new(return_to.to_owned())
            .map_err(|_| OaError::Refused("the bridge's own address cannot be returned to".to_owned()))?;
        let secret = Some(ClientSecret::new(self.secret.expose().clone()));
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client.clone(), secret);
        let methods = metadata.token_endpoint_auth_methods_supported().map(Vec::as_slice).unwrap_or_default();
        let in_body = methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        let auth_type = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(redirect).set_auth_type(auth_type))
    }
}

impl Out {
    /// One call, sent once: a code is good for one exchange.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, OaError> {
        if request.uri().scheme_str() != Some(&self.scheme) {
            return Err(worse_address());
        }
        let answer = match self.transport.send(request.map(Bytes::from), CALL_TIMEOUT).await {
            Ok(answer) => answer,
            Err(error @ platform::transport::TransportError::HostNotAllowed(_)) => {
                return Err(OaError::Refused(format!("{error}: its endpoints must be at the issuer's host")));
            }
            Err(error) => return Err(OaError::Down(error.to_string())),
        };
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(OaError::Down(format!("status {}", status.as_u16())));
        }
        if answer.body().len() > ANSWER_BYTES_MAX {
            return Err(OaError::Malformed("it is too large".to_owned()));
        }
        Ok(answer.map(|body| body.to_vec()))
    }
}

impl<'c> AsyncHttpClient<'c> for Out {
    type Error = OaError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OaError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn worse_address() -> OaError {
    OaError::Refused("the metadata leads away from https".to_owned())
}

fn no_endpoint() -> OaError {
    OaError::Malformed("the metadata names no token endpoint".to_owned())
}

/// What a refused exchange means. The provider's own words stay out: they can repeat what was sent.
fn not_exchanged(error: &CoreErrorResponseType) -> Result<SignedIn, OaError> {
    match error {
        CoreErrorResponseType::InvalidGrant => Ok(SignedIn::NotProved("code")),
        CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
            Err(OaError::Refused("the token endpoint does not take this client: check its id and secret".to_owned()))
        }
        _ => Err(OaError::Refused("the token endpoint refuses the exchange".to_owned())),
    }
}

fn signed_in(verified: Result<String, ClaimsVerificationError>) -> SignedIn {
    match verified {
        Ok(subject) => OaUserId::parse(&subject).map_or(SignedIn::NotProved("subject"), SignedIn::As),
        Err(error) => SignedIn::NotProved(match error {
            ClaimsVerificationError::Expired(_) => "time",
            ClaimsVerificationError::InvalidAudience(_) => "audience",
            ClaimsVerificationError::InvalidIssuer(_) => "issuer",
            ClaimsVerificationError::InvalidNonce(_) => "nonce",
            ClaimsVerificationError::SignatureVerification(_) => "signature",
            _ => "id-token",
        }),
    }
}

impl Generic {
    pub(super) async fn own_sign_in_page(&self, way: &SignInWay<'_>) -> Result<Option<String>, OaError> {
        match &self.provider {
            Some(provider) => provider.page(way).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn take_sign_in(&self, way: &SignInWay<'_>, code: &Secret<String>) -> Result<SignedIn, OaError> {
        match &self.provider {
            Some(provider) => provider.take(way, code).await,
            None => Ok(SignedIn::Unsupported),
        }
    }
}
