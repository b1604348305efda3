//! Whom a delivery goes to: the OA's name for him, his account there, his link, his WeLink account (product.md PSH-05,
//! Q19).

use std::collections::BTreeMap;

use domain::ids::OaUserId;
use domain::model::{App, Enterprise, OaInstance};
use domain::push::event::{By, Kind, Named};
use domain::push::retry::Reason;
use domain::push::rule::{Aim, MessageType};
use oa::model::MatchField;
use oa::port::{OaError, Port as _};
use signin::{Bridge, Refusal};
use state::StoreError;
use state::config::TenantConfig;

/// What the OA says of a name, asked once per message.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<Named, Result<OaUserId, Reason>>);

impl Found {
    /// Which user of the OA is meant. `Err(OaDown)` may be asked again later.
    pub async fn user(&mut self, bridge: &Bridge, instance: &OaInstance, named: &Named) -> Result<OaUserId, Reason> {
        if let Some(known) = self.0.get(named) {
            return known.clone();
        }
        let found = find(bridge, instance, named).await;
        self.0.insert(named.clone(), found.clone());
        found
    }
}

async fn find(bridge: &Bridge, instance: &OaInstance, named: &Named) -> Result<OaUserId, Reason> {
    let field = match named.by {
        // The link is found by this id: the OA need not be asked.
        By::Id => return OaUserId::parse(&named.value).map_err(|_| Reason::NoSuchUser),
        By::LoginId => MatchField::LoginName,
        By::WorkCode => MatchField::WorkCode,
        By::Mobile => MatchField::Mobile,
        By::Email => MatchField::Email,
    };
    let down = |refusal: &Refusal| refusal.log();
    let oa = bridge.oa(instance).await.inspect_err(down).map_err(|_| Reason::OaDown)?;
    let users = oa.find_users(field, &named.value).await.map_err(|error: OaError| {
        down(&Refusal::from(error));
        Reason::OaDown
    })?;
    match users.as_slice() {
        [] => Err(Reason::NoSuchUser),
        [user] => Ok(user.id.clone()),
        _ => Err(Reason::Ambiguous),
    }
}

/// The app that a target names, with its enterprise, if messages of this OA may go there now.
pub fn place<'c>(
    config: &'c TenantConfig,
    instance: &OaInstance,
    aim: &Aim,
) -> Result<(&'c Enterprise, &'c App), Reason> {
    let enterprise = config.enterprise(&aim.target.enterprise).ok_or(Reason::NoApp)?;
    let app = config.app(&aim.target.app).filter(|app| app.enterprise == enterprise.id).ok_or(Reason::NoApp)?;
    if enterprise.oa_instance != instance.id {
        return Err(Reason::OtherOa);
    }
    if !app.enabled || !app.has_secret() {
        return Err(Reason::AppOff);
    }
    Ok((enterprise, app))
}

/// Whether there is anything to send of such an event as this type (docs/decisions/0018-push.md).
pub fn fits(kind: Kind, as_type: MessageType) -> Result<(), Reason> {
    match (as_type, kind) {
        (MessageType::Todo, _) if kind.is_todo() => Ok(()),
        (MessageType::Todo, _) => Err(Reason::NoTodo),
        // Who has handled it needs no second message, and a withdrawn one cannot be unread.
        (_, Kind::TodoUpdated | Kind::TodoDone | Kind::TodoDeleted | Kind::NoticeWithdrawn) => {
            Err(Reason::NothingToShow)
        }
        _ => Ok(()),
    }
}

/// The person behind an account of the OA.
pub async fn person(
    bridge: &Bridge,
    enterprise: &Enterprise,
    user: &OaUserId,
) -> Result<Option<domain::model::Person>, StoreError> {
    bridge.store().receiver(&enterprise.id, user).await
}
