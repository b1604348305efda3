//! Is it connected? The ways out to WeLink and to a tenant's OAs, and the way in to our own public address, step by
//! step (product.md ENT-06, ENT-11, M3).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::ids::OaInstanceId;
use domain::model::OaInstance;
use domain::problem;
use domain::text::Text;
use platform::reach::{Found, Outcome, Reach, Step};
use serde::{Serialize, Serializer};
use signin::{Bridge, Refusal};
use tokio::task::JoinSet;
use url::Url;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::tenants;

/// Everything that was checked.
#[derive(Debug, Serialize)]
pub(crate) struct NetworkReport {
    /// Every way is open.
    pub ok: bool,
    /// What is not, for a line of a terminal.
    pub failing: Vec<String>,
    /// The outbound proxy, where one is set.
    pub proxy: Option<String>,
    pub welink: Reached,
    pub own: OwnAddress,
    pub oas: Vec<OaReached>,
}

/// One address with how far the way to it went.
#[derive(Debug, Serialize)]
pub(crate) struct Reached {
    pub address: String,
    pub outcome: Outcome,
    #[serde(serialize_with = "both")]
    pub text: Text,
    /// The steps that were taken, with the time of each.
    pub steps: Vec<Step>,
    pub http_status: Option<u16>,
    /// In the words of whatever failed, English.
    pub detail: Option<String>,
}

/// An OA's server; one for each address that the bridge calls.
#[derive(Debug, Serialize)]
pub(crate) struct OaReached {
    pub instance: OaInstanceId,
    pub name: String,
    pub check: Reached,
}

/// Our own public address, opened as anybody else opens it.
#[derive(Debug, Serialize)]
pub(crate) struct OwnAddress {
    pub check: Reached,
    /// What is wrong with the way in.
    pub fault: Option<WayInFault>,
    #[serde(serialize_with = "both")]
    pub text: Text,
}

/// Where the way in ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WayInFault {
    /// The public name has no address.
    Dns,
    /// The certificate, or TLS itself.
    Tls,
    /// The name leads to nothing, or to something that is not this bridge.
    Route,
    /// The check itself could not get out.
    Proxy,
}

impl WayInFault {
    fn text(self) -> Text {
        match self {
            Self::Dns => Text::new(
                "公网域名无法解析：请在 DNS 中添加解析记录。",
                "The public name has no address: add its record to the DNS.",
            ),
            Self::Tls => Text::new(
                "公网地址的证书或 TLS 有问题：请检查证书是否有效、域名是否一致。",
                "The certificate or TLS of the public address is wrong: check that it is valid and for this name.",
            ),
            Self::Route => Text::new(
                "公网地址没有通到本云桥：请检查 DNS 记录、网关映射和防火墙。",
                "The public address does not lead to this bridge: check the DNS record, the gateway's mapping and the \
                 firewall.",
            ),
            Self::Proxy => Text::new(
                "检查未能通过出站代理，无法判断从外部能否访问。",
                "The check did not get through the outbound proxy, so nothing is known of the way in.",
            ),
        }
    }
}

const WAY_IN: Text = Text::new("从公网地址可以访问本云桥。", "The public address leads to this bridge.");

/// A text in both languages: `{"zh": ..., "en": ...}`.
pub(crate) fn both<S: Serializer>(text: &Text, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Both {
        zh: &'static str,
        en: &'static str,
    }
    Both { zh: text.zh, en: text.en }.serialize(to)
}

pub async fn check(State(bridge): State<Bridge>, actor: Actor) -> Response {
    match report(&bridge, &[]).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn check_tenant(State(bridge): State<Bridge>, actor: Actor, Path(tenant): Path<String>) -> Response {
    match report_of_tenant(&bridge, &actor, &tenant).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// The report with the OAs of a tenant.
pub(crate) async fn report_of_tenant(bridge: &Bridge, actor: &Actor, tenant: &str) -> Result<NetworkReport, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    report(bridge, &config.oa_instances).await
}

/// Checks everything at once, so that the slowest way decides how long it takes: at most four steps.
pub(crate) async fn report(bridge: &Bridge, instances: &[OaInstance]) -> Result<NetworkReport, ApiError> {
    let out = Reach::new(bridge.config(), false);
    let welink = address(&bridge.welink().check_address())?;
    let health = address(&format!("{}{}", bridge.config().origin, signin::HEALTH))?;
    let (welink, own, oas) = tokio::join!(reached(&out, welink), own(bridge, &out, health), oas(bridge, instances));
    let oas = oas?;
    let of_oas = oas.iter().map(|oa| (oa.name.as_str(), oa.check.outcome == Outcome::Reachable));
    let open = [("WeLink", welink.0.outcome == Outcome::Reachable), ("own address", own.fault.is_none())];
    let failing: Vec<String> =
        open.into_iter().chain(of_oas).filter(|(_, open)| !open).map(|(name, _)| name.to_owned()).collect();
    let proxy = bridge.config().proxy.clone();
    Ok(NetworkReport { ok: failing.is_empty(), failing, proxy, welink: welink.0, own, oas })
}

async fn reached(reach: &Reach, address: Url) -> (Reached, Found) {
    let found = reach.check(&address).await;
    let reached = Reached {
        address: address.to_string(),
        outcome: found.outcome,
        text: found.outcome.text(),
        steps: found.steps.clone(),
        http_status: found.http_status,
        detail: found.detail.clone(),
    };
    (reached, found)
}

/// Opens our own health document by its public name.
async fn own(bridge: &Bridge, reach: &Reach, health: Url) -> OwnAddress {
    let (check, found) = reached(reach, health).await;
    let ours = || serde_json::from_slice::<serde_json::Value>(&found.body).ok() == Some(bridge.health_document());
    let fault = match check.outcome {
        Outcome::Reachable if ours() => None,
        Outcome::Dns => Some(WayInFault::Dns),
        Outcome::Tls => Some(WayInFault::Tls),
        Outcome::Proxy => Some(WayInFault::Proxy),
        _ => Some(WayInFault::Route),
    };
    OwnAddress { check, fault, text: fault.map_or(WAY_IN, WayInFault::text) }
}

async fn oas(bridge: &Bridge, instances: &[OaInstance]) -> Result<Vec<OaReached>, ApiError> {
    let mut checks = JoinSet::new();
    for (order, instance) in instances.iter().enumerate() {
        for at in origins(instance)? {
            let (reach, name) = (Reach::new(bridge.config(), true), instance.name.clone());
            let id = instance.id.clone();
            checks.spawn(async move {
                let (check, _) = reached(&reach, at).await;
                (order, OaReached { instance: id, name, check })
            });
        }
    }
    let mut found = checks.join_all().await;
    found.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.check.address.cmp(&y.check.address)));
    Ok(found.into_iter().map(|(_, oa)| oa).collect())
}

/// The servers of an OA that the bridge calls; each once, by its first address.
fn origins(instance: &OaInstance) -> Result<Vec<Url>, ApiError> {
    let issuer = instance.oidc.as_ref().filter(|_| instance.binding_mode.redirects()).map(|oidc| &oidc.issuer);
    let called = [Some(&instance.base), Some(&instance.scim_base), instance.verify_url.as_ref(), issuer];
    let mut seen = BTreeSet::new();
    let urls: Vec<Url> = called.into_iter().flatten().map(|text| address(text)).collect::<Result<_, _>>()?;
    Ok(urls.into_iter().filter(|url| seen.insert(url.origin().ascii_serialization())).collect())
}

/// Addresses are checked when they are saved, so one that is none is damage.
fn address(text: &str) -> Result<Url, ApiError> {
    Url::parse(text).map_err(|e| Refusal::because(problem::UNAVAILABLE, format!("{text}: {e}")).into())
}
