//! `POST /v1/apps/{app}/permission-probe`: which of the manual's four permission groups an app has (product.md ENT-07).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::ids::AppId;
use domain::text::Text;
use serde::Serialize;
use signin::{Bridge, Refusal};
use welink::{Finding, Group, Probed};

use crate::actor::Actor;
use crate::apps;
use crate::error::ApiError;
use crate::input;
use crate::network::both;

/// Where permissions are applied for: 开发指引 → 开发准备 → 申请应用权限.
const APPLY_AT: &str = "https://open.welink.huaweicloud.com/";
/// WeLink's own page about them.
const HELP: &str = "https://support.huaweicloud.com/devg-welink/start-10.html";

/// What an app may do.
#[derive(Debug, Serialize)]
pub(crate) struct PermissionReport {
    pub app: AppId,
    pub groups: Vec<GroupReport>,
    /// WeLink's page on which a missing permission is applied for.
    pub apply_at: &'static str,
    pub help: &'static str,
}

/// One of the four groups; its outcome is that of its worst permission.
#[derive(Debug, Serialize)]
pub(crate) struct GroupReport {
    /// WeLink's own name.
    pub name: &'static str,
    pub outcome: Outcome,
    #[serde(serialize_with = "both")]
    pub needed_for: Text,
    #[serde(serialize_with = "both")]
    pub text: Text,
    pub permissions: Vec<PermissionFound>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PermissionFound {
    /// WeLink's own name.
    pub name: &'static str,
    /// The interface that was asked.
    pub interface: &'static str,
    pub outcome: Outcome,
    /// WeLink's code, where nothing could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// From best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Granted,
    NotTestable,
    Missing,
}

impl Outcome {
    fn text(self) -> Text {
        match self {
            Self::Granted => Text::new("已开通。", "Granted."),
            Self::NotTestable => Text::new(
                "WeLink 的回答不能说明是否已开通，请稍后再试，或在开放平台查看。",
                "WeLink's answer does not tell. Try again later, or look on the open platform.",
            ),
            Self::Missing => Text::new(
                "未开通：请在【开发指引】-【开发准备】-【申请应用权限】中申请，并在审核通过后再检查。",
                "Missing: apply for it under 开发指引 - 开发准备 - 申请应用权限 (application permissions), and check \
                 again once it is approved.",
            ),
        }
    }
}

fn needed_for(group: Group) -> Text {
    match group {
        Group::Identity => Text::new("单点登录和扫码登录", "sign-in and scan login"),
        Group::Contacts => Text::new("从 WeLink 同步", "sync from WeLink"),
        Group::ContactSync => Text::new("从 OA 同步到 WeLink", "sync from the OA to WeLink"),
        Group::Todo => Text::new("推送待办", "pushing to-dos"),
    }
}

pub async fn probe(State(bridge): State<Bridge>, actor: Actor, Path(app): Path<String>, body: input::Body) -> Response {
    match asked(&bridge, &actor, &app, &body).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

async fn asked(bridge: &Bridge, actor: &Actor, app: &str, body: &input::Body) -> Result<PermissionReport, ApiError> {
    apps::find(bridge, actor, app).await?;
    input::nothing(body)?;
    report(bridge, actor, app).await
}

/// Asks WeLink for every permission of the four groups; changes nothing anywhere.
pub(crate) async fn report(bridge: &Bridge, actor: &Actor, app: &str) -> Result<PermissionReport, ApiError> {
    let app = apps::find(bridge, actor, app).await?.app;
    let credentials = bridge.credentials(&app).await?;
    let probed = bridge.welink().probe_permissions(&credentials).await.map_err(Refusal::from)?;
    let groups = Group::ALL.map(|group| group_report(group, &probed)).into();
    Ok(PermissionReport { app: app.id, groups, apply_at: APPLY_AT, help: HELP })
}

fn group_report(group: Group, probed: &[Probed]) -> GroupReport {
    let of_group = probed.iter().filter(|probed| probed.permission.group == group);
    let permissions: Vec<PermissionFound> = of_group.map(found).collect();
    let outcome = permissions.iter().map(|found| found.outcome).max().unwrap_or(Outcome::NotTestable);
    GroupReport { name: group.name(), outcome, needed_for: needed_for(group), text: outcome.text(), permissions }
}

fn found(probed: &Probed) -> PermissionFound {
    let (outcome, code) = match &probed.finding {
        Finding::Granted => (Outcome::Granted, None),
        Finding::Missing => (Outcome::Missing, Some("501".to_owned())),
        Finding::NotTestable { code } => (Outcome::NotTestable, code.clone()),
    };
    PermissionFound { name: probed.permission.name, interface: probed.permission.interface, outcome, code }
}
