//! `/v1/messages`: what became of the OA's messages, receiver by receiver, and once more (product.md PSH-06, PSH-13).

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::MessageId;
use domain::problem;
use domain::push::delivery::{Delivery, Message, State as Stands};
use domain::push::event::BadEvent;
use domain::text::Lang;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use signin::Bridge;
use state::push::Stored;
use utoipa::{IntoParams, ToSchema};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::input::{self, Sent};
use crate::tenants;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Any moment of the day (UTC) that is listed, milliseconds since 1970; absent = today.
    at: Option<i64>,
    /// `next` of the previous page.
    cursor: Option<String>,
    /// Only messages that stand so: `open`, `sent`, `partial`, `failed`, `skipped`, `held`, `refused`.
    standing: Option<String>,
    /// Only messages to this account of the OA or of WeLink.
    receiver: Option<String>,
    /// Only messages that this rule sent.
    rule: Option<String>,
}

/// A delivery as clients see it.
#[derive(Debug, Serialize)]
pub(crate) struct DeliveryView {
    /// Its place, by which it is sent again.
    pub(crate) place: usize,
    pub(crate) app: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) rules: Vec<String>,
    /// How the OA named the receiver: only by what, since a mobile number is nobody's business.
    pub(crate) by: Option<domain::push::event::By>,
    pub(crate) oa_user: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) state: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) reason: Option<&'static str>,
    /// The reason in the caller's language.
    pub(crate) says: Option<&'static str>,
    pub(crate) code: Option<String>,
    pub(crate) tries: u32,
}

/// A message as clients see it; its title stays in the table.
#[derive(Debug, Serialize)]
pub(crate) struct MessageView {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) received: Timestamp,
    pub(crate) event: Option<String>,
    #[serde(rename = "type")]
    pub(crate) event_type: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) standing: &'static str,
    /// Why the event was refused.
    pub(crate) refused: Option<String>,
    pub(crate) says: Option<&'static str>,
    pub(crate) trace: String,
    pub(crate) deliveries: Vec<DeliveryView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) messages: Vec<MessageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// What is sent again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Resend)]
pub(crate) struct Again {
    /// The places of the deliveries; absent = all that failed.
    #[serde(default)]
    pub(crate) places: Option<Vec<usize>>,
    /// Also what WeLink took already: its receiver gets it twice.
    #[serde(default)]
    pub(crate) force: bool,
}

pub async fn list(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match page(&bridge, &actor, &tenant, &asked).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn show(State(bridge): State<Bridge>, actor: Actor, Path(message): Path<String>) -> Response {
    match find(&bridge, &actor, &message).await {
        Ok(stored) => Json(view(&stored.message, actor.lang)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn resend(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(message): Path<String>,
    body: input::Body,
) -> Response {
    match again(&bridge, &actor, &message, Sent::Json(&body)).await {
        Ok(message) => Json(view(&message, actor.lang)).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

async fn find(bridge: &Bridge, actor: &Actor, message: &str) -> Result<Stored, ApiError> {
    let id = MessageId::parse(message).map_err(|_| input::missing())?;
    actor.config(bridge, &id.tenant()).await?;
    bridge.store().message(&id).await?.ok_or_else(input::missing)
}

/// A page of a day's messages, newest first; a filter makes it shorter and not its `next` later.
async fn page(bridge: &Bridge, actor: &Actor, tenant: &str, asked: &Asked) -> Result<Page, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let at = asked.at.map_or_else(|| bridge.clock().now(), Timestamp);
    let (ids, next) = bridge.store().messages_of_day(&config.tenant.id, at, asked.cursor.as_deref()).await?;
    let mut messages = Vec::new();
    for id in ids {
        let Some(stored) = bridge.store().message(&id).await? else { continue };
        if is_asked(&stored.message, asked) {
            messages.push(view(&stored.message, actor.lang));
        }
    }
    Ok(Page { messages, next })
}

fn is_asked(message: &Message, asked: &Asked) -> bool {
    let standing = asked.standing.as_deref().is_none_or(|standing| message.standing().name() == standing);
    let receiver = asked.receiver.as_deref().is_none_or(|receiver| {
        message.deliveries.iter().any(|delivery| {
            delivery.oa_user.as_ref().is_some_and(|user| user.as_str() == receiver)
                || delivery.user.as_ref().is_some_and(|user| user.as_str() == receiver)
                || message.recipient(delivery.to).is_some_and(|named| named.value == receiver)
        })
    });
    let fired = |rule: &str| message.aims.iter().any(|aim| aim.rules.iter().any(|id| id.as_str() == rule));
    standing && receiver && asked.rule.as_deref().is_none_or(fired)
}

fn view(message: &Message, lang: Lang) -> MessageView {
    let refused = message.refused.as_deref();
    let bad = BadEvent::ALL.iter().find(|bad| Some(bad.name()) == refused);
    let event = message.event.as_ref();
    MessageView {
        id: message.id.to_string(),
        instance: message.instance.to_string(),
        received: message.received,
        event: event.map(|event| event.id.clone()),
        event_type: event.map(|event| event.event_type.clone()),
        source: event.and_then(|event| event.content.as_ref()).map(|content| content.source.clone()),
        standing: message.standing().name(),
        refused: message.refused.clone(),
        says: bad.map(|bad| bad.text().get(lang)),
        trace: message.trace.clone(),
        deliveries: message.deliveries.iter().enumerate().map(|(at, d)| delivery(message, at, d, lang)).collect(),
    }
}

fn delivery(message: &Message, place: usize, delivery: &Delivery, lang: Lang) -> DeliveryView {
    let aim = &message.aims[delivery.aim];
    let (state, at, reason) = match &delivery.state {
        Stands::Waiting { due, reason } => ("waiting", *due, *reason),
        Stands::Claimed { until, .. } => ("claimed", *until, None),
        Stands::Sent { at } => ("sent", *at, None),
        Stands::Unknown { at } => ("unknown", *at, Some(domain::push::retry::Reason::Lost)),
        Stands::Failed { at, reason } => ("failed", *at, Some(*reason)),
        Stands::Skipped { at, reason } => ("skipped", *at, Some(*reason)),
        Stands::Held { until } => ("held", *until, Some(domain::push::retry::Reason::NotLinked)),
    };
    DeliveryView {
        place,
        app: aim.target.app.to_string(),
        kind: aim.target.kind.name(),
        rules: aim.rules.iter().map(ToString::to_string).collect(),
        by: message.recipient(delivery.to).map(|named| named.by),
        oa_user: delivery.oa_user.as_ref().map(ToString::to_string),
        user: delivery.user.as_ref().map(ToString::to_string),
        state,
        at,
        reason: reason.map(domain::push::retry::Reason::name),
        says: reason.map(|reason| reason.text().get(lang)),
        code: delivery.code.clone(),
        tries: delivery.tries,
    }
}

/// Lets deliveries be tried anew: what failed or is unknown; what was sent only by force.
pub(crate) async fn again(
    bridge: &Bridge,
    actor: &Actor,
    message: &str,
    sent: Sent<'_, Again>,
) -> Result<Message, ApiError> {
    let mut stored = find(bridge, actor, message).await?;
    let wanted = sent.read()?;
    let now = bridge.clock().now();
    let mut chosen = Vec::new();
    for (at, delivery) in stored.message.deliveries.iter_mut().enumerate() {
        let named = wanted.places.as_ref().is_none_or(|places| places.contains(&at));
        let may = match delivery.state {
            Stands::Failed { .. } | Stands::Unknown { .. } => true,
            Stands::Sent { .. } => wanted.force,
            _ => false,
        };
        if named && may {
            *delivery = Delivery { oa_user: None, user: None, ..Delivery::new(delivery.aim, delivery.to, now) };
            chosen.push(at);
        }
    }
    if chosen.is_empty() {
        return Err(ApiError::field("places", "nothing to send again / 没有可以重发的投递"));
    }
    let id = stored.message.id.clone();
    let mut entry = actor.entry(bridge, id.tenant(), Action::MessageResend, id.as_str());
    entry.detail.insert("deliveries".to_owned(), chosen.len().to_string());
    if wanted.force {
        entry.detail.insert("force".to_owned(), "true".to_owned());
    }
    if !bridge.store().resend_message(&mut stored, &chosen, &entry).await? {
        return Err(problem::CHANGED_MEANWHILE.into());
    }
    Ok(stored.message)
}
