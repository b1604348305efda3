//! One message, as far as it gets now: find who is meant, claim, send, write down.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ids::OaUserId;
use domain::model::OaInstance;
use domain::push::delivery::{CLAIM_S, Delivery, Message, State};
use domain::push::event::Event;
use domain::push::retry::{Class, Reason};
use domain::push::rule::MessageType;
use domain::time::Timestamp;
use signin::Bridge;
use state::config::TenantConfig;
use state::push::{PART, Stored};

use crate::receivers::{Found, fits, person, place};
use crate::{Again, outcome, send, todos};

/// After a write that somebody else was faster with.
const BUSY_S: i64 = 60;

/// What a message is worked on with.
#[derive(Debug)]
pub struct Desk<'b> {
    pub bridge: &'b Bridge,
    pub config: Arc<TenantConfig>,
    pub instance: OaInstance,
    pub event: Event,
}

/// Takes a message as far as it gets. `Ok` = all of it has ended, or lies in the table with its time.
pub async fn go_on(bridge: &Bridge, mut stored: Stored) -> Result<(), Again> {
    let now = bridge.clock().now();
    let due: Vec<usize> = places(&stored.message, |delivery| delivery.is_due(now));
    let desk = match (&stored.message.event, due.is_empty() && !stored.is_new()) {
        (Some(event), false) => desk(bridge, &stored.message, event.clone()).await?,
        _ => None,
    };
    let Some(desk) = desk else { return rest(bridge, &mut stored, now).await };
    let before = stored.message.deliveries.clone();
    let mine = assign(&desk, &mut stored.message, &due, now).await?;
    let changed = parts(&changed(&before, &stored.message.deliveries));
    if !bridge.store().save_message(&mut stored, &changed).await? {
        return Err(Again::Taken);
    }
    if !mine.is_empty() {
        send_all(&desk, &mut stored.message, &mine).await;
        // A write that is lost here leaves claims, which run out: then nobody knows how far we came.
        if !bridge.store().save_message(&mut stored, &parts(&mine)).await? {
            return Err(Again::Taken);
        }
    }
    noted(bridge, &stored.message).await
}

/// Nothing to send, or nobody to send for any more: a new message is written down, a known one looked at for claims of
/// others.
async fn rest(bridge: &Bridge, stored: &mut Stored, now: Timestamp) -> Result<(), Again> {
    let due = places(&stored.message, |delivery| delivery.is_due(now));
    for at in &due {
        stored.message.deliveries[*at].state = State::Skipped { at: now, reason: Reason::OtherOa };
    }
    let writes = stored.is_new() || !due.is_empty();
    if writes && !bridge.store().save_message(stored, &parts(&due)).await? {
        return Err(Again::Taken);
    }
    noted(bridge, &stored.message).await
}

/// Done with it for now, unless somebody else is at a part of it.
async fn noted(bridge: &Bridge, message: &Message) -> Result<(), Again> {
    if message.deliveries.iter().any(|delivery| matches!(delivery.state, State::Claimed { .. })) {
        return Err(Again::Taken);
    }
    if let Some(at) = message.next(bridge.clock().now()) {
        bridge.store().schedule_push(&message.id, at).await?;
    }
    tracing::info!(message = %message.id, standing = message.standing().name(), "a message was worked on");
    Ok(())
}

/// `None` = the OA, or its team, is not there any more.
async fn desk<'b>(bridge: &'b Bridge, message: &Message, event: Event) -> Result<Option<Desk<'b>>, Again> {
    let config = bridge.store().config(&message.id.tenant()).await?;
    let Some(config) = config else { return Ok(None) };
    let Some(instance) = config.oa_instance(&message.instance).cloned() else { return Ok(None) };
    Ok(Some(Desk { bridge, config, instance, event }))
}

/// Decides what is done with each delivery that is due, and claims what is to be sent.
async fn assign(desk: &Desk<'_>, message: &mut Message, due: &[usize], now: Timestamp) -> Result<Vec<usize>, Again> {
    let mut found = Found::default();
    let mut met: BTreeSet<(usize, OaUserId)> = message
        .deliveries
        .iter()
        .enumerate()
        .filter(|(at, _)| !due.contains(at))
        .filter_map(|(_, delivery)| Some((delivery.aim, delivery.oa_user.clone()?)))
        .collect();
    let owner = desk.bridge.store().nonce();
    let mut mine = Vec::new();
    for at in due {
        let mut delivery = message.deliveries[*at].clone();
        let aim = &message.aims[delivery.aim];
        if let State::Claimed { .. } = delivery.state
            && aim.target.kind != MessageType::Todo
        {
            // Whoever claimed it has died, and may have sent it.
            outcome::settle(desk.bridge, aim, &mut delivery, Class::Perhaps, None);
        } else {
            match decide(desk, message, &delivery, &mut found).await? {
                Ok((oa_user, user)) if met.insert((delivery.aim, oa_user.clone())) => {
                    (delivery.oa_user, delivery.user) = (Some(oa_user), Some(user));
                    delivery.tries += 1;
                    delivery.first = delivery.first.or(Some(now));
                    delivery.state = State::Claimed { until: now.plus_s(CLAIM_S), owner: owner.clone() };
                    mine.push(*at);
                }
                Ok(_) => delivery.state = State::Skipped { at: now, reason: Reason::Twice },
                Err(reason) => put_off(desk, aim, &mut delivery, reason, now),
            }
        }
        message.deliveries[*at] = delivery;
    }
    Ok(mine)
}

/// Who gets it, or why nobody does now.
async fn decide(
    desk: &Desk<'_>,
    message: &Message,
    delivery: &Delivery,
    found: &mut Found,
) -> Result<Result<(OaUserId, domain::ids::WeLinkUserId), Reason>, Again> {
    let aim = &message.aims[delivery.aim];
    let placed = fits(desk.event.kind, aim.target.kind).and_then(|()| place(&desk.config, &desk.instance, aim));
    let (enterprise, _) = match placed {
        Ok(placed) => placed,
        Err(reason) => return Ok(Err(reason)),
    };
    let Some(named) = message.recipient(delivery.to) else { return Ok(Err(Reason::NoSuchUser)) };
    let oa_user = match found.user(desk.bridge, &desk.instance, named).await {
        Ok(oa_user) => oa_user,
        Err(reason) => return Ok(Err(reason)),
    };
    let person = person(desk.bridge, enterprise, &oa_user).await?;
    Ok(person.map(|person| (oa_user, person.user_id)).ok_or(Reason::NotLinked))
}

/// A delivery that is not sent now.
fn put_off(desk: &Desk<'_>, aim: &domain::push::rule::Aim, delivery: &mut Delivery, reason: Reason, now: Timestamp) {
    match (reason, &delivery.state, aim.held_until(now)) {
        (Reason::OaDown, ..) => {
            delivery.tries += 1;
            delivery.first = delivery.first.or(Some(now));
            outcome::settle(desk.bridge, aim, delivery, Class::Before(reason), None);
        }
        (Reason::NotLinked, State::Held { until }, _) if *until > now => {}
        (Reason::NotLinked, State::Held { .. }, _) => {
            delivery.state = State::Skipped { at: now, reason: Reason::HeldOut };
        }
        (Reason::NotLinked, _, Some(until)) if until > now => delivery.state = State::Held { until },
        (Reason::NoApp | Reason::AppOff, ..) => delivery.state = State::Failed { at: now, reason },
        _ => delivery.state = State::Skipped { at: now, reason },
    }
}

/// Sends what is claimed, target by target.
async fn send_all(desk: &Desk<'_>, message: &mut Message, mine: &[usize]) {
    for aim in 0..message.aims.len() {
        let of_aim: Vec<usize> = mine.iter().copied().filter(|at| message.deliveries[*at].aim == aim).collect();
        if of_aim.is_empty() {
            continue;
        }
        match message.aims[aim].target.kind {
            MessageType::Todo => todos::send(desk, message, &of_aim).await,
            MessageType::Notice | MessageType::Card => send::send(desk, message, aim, &of_aim).await,
        }
    }
}

/// Waits a minute for whoever was faster.
pub fn wait(delivery: &mut Delivery, reason: Reason, now: Timestamp) {
    delivery.state = State::Waiting { due: now.plus_s(BUSY_S), reason: Some(reason) };
}

fn places(message: &Message, is: impl Fn(&Delivery) -> bool) -> Vec<usize> {
    message.deliveries.iter().enumerate().filter(|(_, delivery)| is(delivery)).map(|(at, _)| at).collect()
}

fn changed(before: &[Delivery], after: &[Delivery]) -> Vec<usize> {
    before.iter().zip(after).enumerate().filter(|(_, (before, after))| before != after).map(|(at, _)| at).collect()
}

/// The items that these deliveries lie in.
fn parts(places: &[usize]) -> Vec<usize> {
    places.iter().map(|at| at / PART).collect::<BTreeSet<_>>().into_iter().collect()
}
