//! Who uses a thing: what a deletion is refused for (product.md ENT-10, Q3). Whatever comes to refer to an app, an
//! enterprise or an OA instance is added here.

use domain::model::{App, Enterprise, Homepage, OaInstance};
use domain::problem;
use platform::http::FieldError;
use serde::Serialize;
use signin::Bridge;
use state::config::TenantConfig;

use crate::error::ApiError;

/// What is to be deleted or exchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'a> {
    App(&'a App),
    Enterprise(&'a Enterprise),
    OaInstance(&'a OaInstance),
    /// The OA instance of this enterprise: links and homepages are made of its ids.
    OaOf(&'a Enterprise),
}

/// A user: one thing by its id and name, or many that are only counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UsedBy {
    /// `app`, `enterprise`, `rule`, `scan-login`, `sync`, `links`, `people`, `departments`.
    pub(crate) kind: &'static str,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) count: u64,
}

impl UsedBy {
    fn one(kind: &'static str, id: &str, name: &str) -> Self {
        Self { kind, id: Some(id.to_owned()), name: Some(name.to_owned()), count: 1 }
    }

    fn many(kind: &'static str, count: u64) -> Option<Self> {
        (count > 0).then_some(Self { kind, id: None, name: None, count })
    }

    /// As an error of a problem document: `used_by.app` = `name (id)`, `used_by.links` = how many.
    fn error(self) -> FieldError {
        let reason = match (self.name, self.id) {
            (Some(name), Some(id)) => format!("{name} ({id})"),
            _ => self.count.to_string(),
        };
        FieldError { field: format!("used_by.{}", self.kind), reason }
    }
}

/// Everything that uses the thing now.
pub(crate) async fn users_of(
    bridge: &Bridge,
    config: &TenantConfig,
    thing: Thing<'_>,
) -> Result<Vec<UsedBy>, ApiError> {
    let app = |app: &App| UsedBy::one("app", app.id.as_str(), &app.name);
    let mut users = Vec::new();
    match thing {
        Thing::App(app) => {
            let scans = config.scan_login.apps.contains(&app.id);
            users.extend(scans.then(|| UsedBy::one("scan-login", config.tenant.id.as_str(), &config.tenant.name)));
            let rules =
                config.rules.list().iter().filter(|rule| rule.targets.iter().any(|target| target.app == app.id));
            users.extend(rules.map(|rule| UsedBy::one("rule", rule.id.as_str(), &rule.name)));
            let syncs = config.syncs.iter().filter(|setting| setting.app.as_ref() == Some(&app.id));
            let names = syncs.filter_map(|setting| config.enterprise(&setting.enterprise));
            users.extend(names.map(|enterprise| UsedBy::one("sync", enterprise.id.as_str(), &enterprise.name)));
        }
        Thing::Enterprise(enterprise) => {
            users.extend(config.apps.iter().filter(|app| app.enterprise == enterprise.id).map(app));
            users.extend(UsedBy::many("links", bridge.store().count_links(&enterprise.id).await?));
            users.extend(UsedBy::many("people", bridge.store().count_people(&enterprise.id).await?));
            users.extend(UsedBy::many("departments", bridge.store().count_departments(&enterprise.id).await?));
        }
        Thing::OaInstance(instance) => {
            let of_instance = config.enterprises.iter().filter(|enterprise| enterprise.oa_instance == instance.id);
            users.extend(of_instance.map(|e| UsedBy::one("enterprise", e.id.as_str(), &e.name)));
        }
        Thing::OaOf(enterprise) => {
            let opens_oa =
                |app: &&App| app.enterprise == enterprise.id && matches!(app.homepage, Homepage::OaApp { .. });
            users.extend(config.apps.iter().filter(opens_oa).map(app));
            users.extend(UsedBy::many("links", bridge.store().count_links(&enterprise.id).await?));
        }
    }
    Ok(users)
}

/// Refuses with the list of users, unless there are none.
pub(crate) async fn none_of(bridge: &Bridge, config: &TenantConfig, thing: Thing<'_>) -> Result<(), ApiError> {
    let users = users_of(bridge, config, thing).await?;
    if users.is_empty() {
        return Ok(());
    }
    Err(ApiError::listing(problem::IN_USE, users.into_iter().map(UsedBy::error).collect()))
}
