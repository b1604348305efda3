//! Notices and cards: one call for all receivers of a target, an outcome for each (welink-api.md 6).

use domain::ids::WeLinkUserId;
use domain::push::delivery::Message;
use domain::push::render::{self, PENDING};
use domain::push::rule::MessageType;
use welink::{Card, Devices, Notice, Outcome};

use crate::outcome::{class_of, class_of_receiver, sent, settle};
use crate::receivers::place;
use crate::work::Desk;

/// Sends to the deliveries at these places, which are claimed, and notes what became of each.
pub async fn send(desk: &Desk<'_>, message: &mut Message, aim: usize, places: &[usize]) {
    let aim = message.aims[aim].clone();
    let receivers: Vec<WeLinkUserId> = places.iter().filter_map(|at| message.deliveries[*at].user.clone()).collect();
    let Some(outcome) = call(desk, &aim, &receivers).await else {
        // The app was there when the deliveries were claimed; what has changed since is met at the next try.
        for at in places {
            let class = domain::push::retry::Class::Before(domain::push::retry::Reason::Store);
            settle(desk.bridge, &aim, &mut message.deliveries[*at], class, None);
        }
        return;
    };
    let now = desk.bridge.clock().now();
    for at in places {
        let delivery = &mut message.deliveries[*at];
        match (&outcome, class_of(&outcome)) {
            (_, Some((class, code))) => settle(desk.bridge, &aim, delivery, class, code),
            (Outcome::Accepted { failed, why, .. }, None)
                if delivery.user.as_ref().is_some_and(|user| failed.contains(user)) =>
            {
                let (class, code) = class_of_receiver(why.as_ref());
                settle(desk.bridge, &aim, delivery, class, code);
            }
            (Outcome::Accepted { item, .. }, None) => {
                sent(delivery, now);
                delivery.item = item.as_ref().map(|item| item.as_str().to_owned());
            }
            (_, None) => sent(delivery, now),
        }
    }
}

async fn call(desk: &Desk<'_>, aim: &domain::push::rule::Aim, receivers: &[WeLinkUserId]) -> Option<Outcome> {
    let (_, app) = place(&desk.config, &desk.instance, aim).ok()?;
    let content = desk.event.content.as_ref()?;
    let credentials = desk.bridge.credentials(app).await.inspect_err(signin::Refusal::log).ok()?;
    let shown = render::shown(desk.event.kind, content, desk.bridge.config().origin.as_str(), &app.id);
    let welink = desk.bridge.welink();
    if aim.target.kind == MessageType::Notice {
        let notice = Notice {
            receivers,
            owner: &shown.owner,
            title: &shown.title,
            content: &shown.content,
            url: &shown.url,
            pc_url: Some(&shown.url_pc),
            created: Some(desk.event.time),
        };
        return Some(welink.send_notice(&credentials, &notice).await);
    }
    // With a label from the beginning: a card without one can never get one (welink-api.md 6.3).
    let label = desk.event.kind.is_todo().then(|| render::label(PENDING));
    let card = Card {
        receivers,
        owner: &shown.owner,
        title: &shown.title,
        content: &shown.content,
        devices: Devices::Both,
        url: Some(&shown.url),
        pc_url: Some(&shown.url_pc),
        status: label.as_deref(),
        status_colour: None,
    };
    Some(welink.send_card(&credentials, &card).await)
}
