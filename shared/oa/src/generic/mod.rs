//! The adapter for any OA that speaks `oa-generic/1` (oa-api.md C): SCIM reads, the signed ticket, `session.revoke`,
//! `credential.verify`.

mod client;
mod credential;
#[cfg(test)]
mod credential_tests;
mod oidc;
#[cfg(test)]
mod oidc_tests;
mod read;
mod scim;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::ids::{OaUserId, TicketId};
use domain::model::{OaInstance, SsoProfile, TicketDelivery};
use domain::session::TICKET_S;
use http::StatusCode;
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::Transport;
use tokio::sync::OnceCell;
use url::Url;

use crate::generic::client::{CALL_TIMEOUT, Client, Format};
use crate::generic::read::ServerProfile;
use crate::generic::scim::{WireApps, WireUnit, WireUser};
use crate::model::{AppList, Capabilities, MatchField, OaUser, OrgUnit};
use crate::port::{Attempt, Credential, OaError, Page, Port, Read, Revocation, SignInWay, SignedIn, Step, Visit};
use crate::ticket::Claims;
use crate::webhook::{self, WebhookId};

/// Applications that an OA lists at most.
const APPS_MAX: usize = 500;

/// How to reach one OA instance.
#[derive(Debug, Clone)]
pub struct Settings {
    pub instance: OaInstance,
    /// The static bearer token of all GETs.
    pub scim_bearer: Secret<String>,
    /// Signs the bridge's POSTs to the OA; `whsec_…`.
    pub pull_secret: Secret<String>,
    /// The bridge's secret at the OA's OIDC provider, where the instance has one.
    pub oidc_secret: Option<Secret<String>>,
}

/// One OA instance behind the generic contract. Cloning shares what it has learned about the server.
#[derive(Debug, Clone)]
pub struct Generic {
    instance: Arc<OaInstance>,
    pull_secret: Secret<String>,
    client: Client,
    clock: Clock,
    entropy: Entropy,
    urls: Arc<Urls>,
    profile: Arc<OnceCell<ServerProfile>>,
    /// There only while the binding mode sends people to the OA's own sign-in page.
    provider: Option<Arc<oidc::Provider>>,
}

/// The instance's addresses, read once.
#[derive(Debug)]
struct Urls {
    base: Url,
    scim: Url,
    landing: Url,
    start: Option<Url>,
    revoke: Option<Url>,
    /// There only while the binding mode lets a password be sent to it.
    verify: Option<Url>,
}

impl Urls {
    fn parse(instance: &OaInstance) -> Result<Self, OaError> {
        let optional = |name, text: &Option<String>| text.as_deref().map(|t| address(name, t)).transpose();
        let verify_url = instance.verify_url.clone().filter(|_| instance.binding_mode.checks_passwords());
        Ok(Self {
            base: address("base", &instance.base)?,
            scim: address("scim_base", &instance.scim_base)?,
            landing: address("sso_landing", &instance.sso_landing)?,
            start: optional("start_url", &instance.start_url)?,
            revoke: optional("revoke_url", &instance.revoke_url)?,
            verify: optional("verify_url", &verify_url)?,
        })
    }

    /// `base` with further path segments, each taken literally.
    fn under(base: &Url, segments: &[&str]) -> Url {
        let mut url = base.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

fn address(name: &str, text: &str) -> Result<Url, OaError> {
    let refused = || OaError::Refused(format!("{name} is not an address of an OA"));
    let url = Url::parse(text).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if matches!(url.scheme(), "https" | "http") && url.has_host() && plain { Ok(url) } else { Err(refused()) }
}

impl Generic {
    /// Refused when an address or the token of the settings cannot be used at all; nothing is sent.
    pub fn new(settings: Settings, transport: Transport, clock: Clock, entropy: Entropy) -> Result<Self, OaError> {
        let urls = Urls::parse(&settings.instance)?;
        // The landing and the start URL are the browser's: the bridge itself never calls them.
        let called: Vec<&Url> = [&urls.base, &urls.scim].into_iter().chain(&urls.revoke).chain(&urls.verify).collect();
        let client = Client::new(transport.clone(), entropy.clone(), &settings.scim_bearer, &called)?;
        let provider = settings.instance.oidc.as_ref().filter(|_| settings.instance.binding_mode.redirects());
        let provider = match (provider, settings.oidc_secret) {
            (Some(known), Some(secret)) => {
                Some(Arc::new(oidc::Provider::new(known, secret, transport, clock.clone())?))
            }
            _ => None,
        };
        Ok(Self {
            instance: Arc::new(settings.instance),
            pull_secret: settings.pull_secret,
            client,
            clock,
            entropy,
            urls: Arc::new(urls),
            profile: Arc::default(),
            provider,
        })
    }

    fn claims(&self, visit: &Visit<'_>) -> Claims {
        let iat = visit.now.epoch_s();
        Claims {
            iss: visit.issuer.to_owned(),
            aud: self.instance.id.as_str().to_owned(),
            sub: visit.user.as_str().to_owned(),
            jti: visit.ticket.as_str().to_owned(),
            iat,
            exp: iat.saturating_add(TICKET_S),
            dest: visit.dest.as_str().to_owned(),
            login_id: visit.login_id.map(str::to_owned),
            amr: visit.amr.iter().map(|&method| method.to_owned()).collect(),
            qr: visit.qr.map(|qr| qr.as_str().to_owned()),
            nonce: visit.nonce.map(|nonce| nonce.as_str().to_owned()),
            tenant: Some(visit.tenant.as_str().to_owned()),
            enterprise: Some(visit.enterprise.as_str().to_owned()),
        }
    }

    fn signed(&self, visit: &Visit<'_>) -> Result<Secret<String>, OaError> {
        let allowed = visit.dest.clone().within(&self.instance.allowed_dest_prefixes);
        allowed.map_err(|why| OaError::Refused(format!("the page to open is {why}")))?;
        visit.key.sign(&self.claims(visit)).map_err(|e| OaError::Refused(e.to_string()))
    }

    fn hand_off_by_ticket(&self, visit: &Visit<'_>) -> Result<Step, OaError> {
        if let (Some(start), None) = (&self.urls.start, visit.nonce) {
            let mut start = start.clone();
            start.query_pairs_mut().append_pair("return_to", visit.return_to);
            return Ok(Step::StartFirst(start.into()));
        }
        let ticket = self.signed(visit)?;
        Ok(match self.instance.ticket_delivery {
            TicketDelivery::FormPost => {
                Step::Form { action: self.urls.landing.clone().into(), fields: vec![("ticket", ticket)] }
            }
            TicketDelivery::Query => {
                let mut url = self.urls.landing.clone();
                url.query_pairs_mut().append_pair("ticket", ticket.expose());
                Step::Redirect(Secret::new(url.into()))
            }
        })
    }
}

impl Port for Generic {
    async fn capabilities(&self) -> Result<Capabilities, OaError> {
        let profile = self.profile().await?;
        Ok(Capabilities {
            sso: self.instance.sso_profile,
            bound_to_browser: self.urls.start.is_some(),
            filter: profile.filter,
            hierarchy: self.has_units().await?,
            part_time_positions: true,
            ends_sessions: self.urls.revoke.is_some(),
            page_items_max: profile.page_items_max,
        })
    }

    async fn user(&self, id: &OaUserId) -> Result<Option<OaUser>, OaError> {
        self.read_user(id).await
    }

    async fn find_users(&self, field: MatchField, value: &str) -> Result<Vec<OaUser>, OaError> {
        self.search_users(field, value).await
    }

    async fn users(&self, read: &Read) -> Result<Page<OaUser>, OaError> {
        self.read_page::<WireUser>(read).await
    }

    async fn units(&self, read: &Read) -> Result<Page<OrgUnit>, OaError> {
        self.read_page::<WireUnit>(read).await
    }

    async fn all_users(&self) -> Result<Vec<OaUser>, OaError> {
        self.read_all::<WireUser>().await
    }

    async fn all_units(&self) -> Result<Vec<OrgUnit>, OaError> {
        self.read_all::<WireUnit>().await
    }

    /// `GET {base}/v1/apps`; 404 = custom link only.
    async fn apps(&self) -> Result<AppList, OaError> {
        let url = Urls::under(&self.urls.base, &["v1", "apps"]);
        match self.client.get::<WireApps>(&url, Format::Json, CALL_TIMEOUT).await? {
            Some(wire) => wire.canonical(APPS_MAX).map(AppList::Apps),
            None => Ok(AppList::CustomLinkOnly),
        }
    }

    async fn hand_off(&self, visit: &Visit<'_>) -> Result<Step, OaError> {
        let allowed = visit.dest.clone().within(&self.instance.allowed_dest_prefixes);
        allowed.map_err(|why| OaError::Refused(format!("the page to open is {why}")))?;
        match self.instance.sso_profile {
            SsoProfile::Ticket => self.hand_off_by_ticket(visit),
        }
    }

    async fn scan_ticket(&self, visit: &Visit<'_>) -> Result<Secret<String>, OaError> {
        self.signed(visit)
    }

    /// `POST {revoke_url}`, signed; a repetition carries the same `webhook-id`, so the OA sees one call.
    async fn revoke(&self, ticket: &TicketId) -> Result<Revocation, OaError> {
        let Some(url) = &self.urls.revoke else { return Ok(Revocation::NotSupported) };
        let body = serde_json::json!({ "op": "session.revoke", "jti": ticket.as_str() }).to_string();
        let id = WebhookId::new(&self.entropy);
        let signed = webhook::sign(&self.pull_secret, &id, self.clock.now(), &body)
            .map_err(|e| OaError::Refused(format!("the secret of calls to the OA: {e}")))?;
        match self.client.post_signed(url, signed, body).await? {
            status if status.is_success() => Ok(Revocation::Ended),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Revocation::NoSession),
            status => Err(client::refused(status)),
        }
    }

    async fn check_password(&self, attempt: &Attempt<'_>) -> Result<Credential, OaError> {
        self.verify_credential(attempt).await
    }

    async fn sign_in_page(&self, way: &SignInWay<'_>) -> Result<Option<String>, OaError> {
        self.own_sign_in_page(way).await
    }

    async fn signed_in(&self, way: &SignInWay<'_>, code: &Secret<String>) -> Result<SignedIn, OaError> {
        self.take_sign_in(way, code).await
    }
}
