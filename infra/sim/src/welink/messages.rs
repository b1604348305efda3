//! Messages: notices, plain cards, the status of a card, recall (welink-api.md 6).

use std::collections::{BTreeMap, BTreeSet};

use domain::time::Timestamp;
use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, put, put_list};
use super::bilingual::Bilingual;
use super::model::MemberStatus;
use super::settings::{Overlong, Partial};
use super::tokens::uuid;
use super::world::{Call, Caller, World};

/// Receivers of one call at most (welink-api.md 12).
const RECEIVERS_MAX: usize = 1000;
const TITLE_BYTES_MAX: usize = 128;
const CONTENT_BYTES_MAX: usize = 512;
/// Of a card; no limit is stated for a notice (welink-api.md 6.1, 6.2).
const OWNER_BYTES_MAX: usize = 18;
/// Messages kept at once; the oldest go first.
const MESSAGES_MAX: usize = 200_000;

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageKind {
    Notice,
    Card,
    /// The message that announces a to-do (`isMsg`).
    TodoNotice,
}

/// The label on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub text: Bilingual,
    /// As it was sent; empty when it was left to WeLink.
    pub colour: String,
}

/// One person's copy of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageCopy {
    pub read: bool,
    /// On a card that was sent with one.
    pub label: Option<Label>,
}

/// One message that was taken, with everybody who got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Counts the messages of this vendor, from 1.
    pub number: u64,
    pub kind: MessageKind,
    /// The `itemId` of a card.
    pub item_id: Option<String>,
    pub tenant_id: String,
    pub client_id: String,
    pub owner: String,
    pub title: Bilingual,
    pub content: Bilingual,
    pub url: String,
    /// Where a click on a PC leads.
    pub pc_url: String,
    pub on_phone: bool,
    pub on_pc: bool,
    /// The time that is shown.
    pub shown_at: Timestamp,
    /// When it came.
    pub sent_at: Timestamp,
    /// By `userId`.
    pub copies: BTreeMap<String, MessageCopy>,
    /// Taken back: nobody sees it any more.
    pub recalled: bool,
}

/// All messages, bounded.
#[derive(Debug, Default)]
pub(super) struct Messages {
    by_number: BTreeMap<u64, Message>,
    numbers: BTreeMap<String, u64>,
    last: u64,
}

impl Messages {
    fn keep(&mut self, mut message: Message) {
        if self.by_number.len() >= MESSAGES_MAX
            && let Some((_, oldest)) = self.by_number.pop_first()
            && let Some(item_id) = oldest.item_id
        {
            self.numbers.remove(&item_id);
        }
        self.last += 1;
        message.number = self.last;
        if let Some(item_id) = &message.item_id {
            self.numbers.insert(item_id.clone(), self.last);
        }
        self.by_number.insert(self.last, message);
    }

    fn item_mut(&mut self, item_id: &str) -> Option<&mut Message> {
        self.numbers.get(item_id).and_then(|number| self.by_number.get_mut(number))
    }

    /// Oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.by_number.values()
    }

    pub(super) fn mark_read(&mut self, number: u64, user_id: &str) {
        if let Some(copy) = self.by_number.get_mut(&number).and_then(|message| message.copies.get_mut(user_id)) {
            copy.read = true;
        }
    }
}

/// Whether a message of this app reaches a person.
pub(super) fn reaches(world: &World, caller: &Caller, user_id: &str) -> bool {
    let open = world.member(&caller.tenant_id, user_id).is_some_and(|member| member.status == MemberStatus::Opened);
    open && world.apps.get(&caller.client_id).is_some_and(|app| app.range.holds(user_id))
}

/// A text or number of the body as text; empty when absent.
fn scalar(call: &Call, name: &str) -> String {
    match call.body.as_ref().and_then(|body| body.get(name)) {
        Some(Value::Number(number)) => number.to_string(),
        _ => call.text(name).to_owned(),
    }
}

/// `toUserList`: 51042 without anybody, 51018 above 1,000.
fn receivers(call: &Call) -> Result<BTreeSet<String>, Refusal> {
    let list = call.body.as_ref().and_then(|body| body.get("toUserList")).and_then(Value::as_array);
    let list: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).filter(|id| !id.is_empty()).collect();
    match list.len() {
        0 => Err(Refusal::new("51042")),
        1..=RECEIVERS_MAX => Ok(list.into_iter().map(str::to_owned).collect()),
        _ => Err(Refusal::new("51018")),
    }
}

/// A text that must be there (51021) and not be too long (51002, or cut: welink-api.md 16).
fn shown(world: &World, call: &Call, name: &str, bytes_max: usize) -> Result<Bilingual, Refusal> {
    let text = Bilingual::read(call.text(name));
    if text.zh.is_empty() {
        return Err(Refusal::new("51021"));
    }
    match world.settings.overlong {
        _ if text.bytes() <= bytes_max => Ok(text),
        Overlong::Refused => Err(Refusal::new("51002")),
        Overlong::Cut => Ok(text.cut(bytes_max)),
    }
}

/// The two links: only `html`, only http and https.
fn links(call: &Call, required: bool) -> Result<(String, String), Refusal> {
    let (url, pc_url) = (call.text("urlPath"), call.text("desktopUrlPath"));
    if required && (url.is_empty() || call.text("urlType").is_empty()) {
        return Err(Refusal::new("51021"));
    }
    let web = |url: &str| url.is_empty() || url.starts_with("https://") || url.starts_with("http://");
    if !matches!(call.text("urlType"), "" | "html") || !web(url) || !web(pc_url) {
        return Err(Refusal::new("51002"));
    }
    Ok((url.to_owned(), if pc_url.is_empty() { url } else { pc_url }.to_owned()))
}

/// A status: Chinese 2 to 5 characters, English, if given, 2 to 10 (welink-api.md 6.2).
fn status(call: &Call) -> Result<Option<Label>, Refusal> {
    let text = call.text("messageStatus");
    if text.is_empty() {
        return Ok(None);
    }
    let both = Bilingual::read(text);
    let (zh, en) = (both.zh.chars().count(), both.en.chars().count());
    let colour = scalar(call, "statusColor");
    if !(2..=5).contains(&zh) || !(en == 0 || (2..=10).contains(&en)) || !matches!(&*colour, "" | "0" | "1" | "2" | "3")
    {
        return Err(Refusal::new("51104"));
    }
    Ok(Some(Label { text: both, colour }))
}

/// Delivers to everybody whom the app reaches and says who was left out (welink-api.md 6.4, 16).
fn deliver(
    world: &mut World,
    caller: &Caller,
    to: BTreeSet<String>,
    mut message: Message,
    label: Option<&Label>,
) -> Answer {
    let (reached, failed): (Vec<String>, Vec<String>) = to.into_iter().partition(|id| reaches(world, caller, id));
    message.copies = reached.into_iter().map(|id| (id, MessageCopy { read: false, label: label.cloned() })).collect();
    let item_id = message.item_id.clone().filter(|_| !message.copies.is_empty());
    if !message.copies.is_empty() {
        world.messages.keep(message);
    }
    let mut fields = Fields::new();
    put_list(&mut fields, "failedUserId", &failed);
    let partial = world.settings.partial;
    if failed.is_empty() || partial != Partial::CodeAlone {
        put(&mut fields, "itemId", item_id.as_deref());
    }
    if failed.is_empty() || partial == Partial::Success { Ok(fields) } else { Err(Refusal::with("51019", fields)) }
}

/// The parts that a notice and a card have in common.
fn message(world: &World, call: &Call, caller: &Caller, kind: MessageKind) -> Result<Message, Refusal> {
    let card = kind == MessageKind::Card;
    let owner = shown(world, call, "msgOwner", if card { OWNER_BYTES_MAX } else { usize::MAX })?;
    let title = shown(world, call, "msgTitle", TITLE_BYTES_MAX)?;
    let content = shown(world, call, "msgContent", CONTENT_BYTES_MAX)?;
    let (url, pc_url) = links(call, !card)?;
    let shown_at = match &*scalar(call, "createTime") {
        "" => call.now,
        text => Timestamp(text.parse().map_err(|_| Refusal::new("51002"))?),
    };
    Ok(Message {
        number: 0,
        kind,
        item_id: card.then(|| uuid(call.entropy)),
        tenant_id: caller.tenant_id.clone(),
        client_id: caller.client_id.clone(),
        owner: owner.zh,
        title,
        content,
        url,
        pc_url,
        on_phone: true,
        on_pc: true,
        shown_at,
        sent_at: call.now,
        copies: BTreeMap::new(),
        recalled: false,
    })
}

fn caller_of(caller: Option<&Caller>) -> Result<&Caller, Refusal> {
    caller.ok_or_else(|| Refusal::new("51036"))
}

/// `POST /api/messages/v3/send` (welink-api.md 6.1).
pub(super) fn send(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller_of(caller)?;
    match &*scalar(call, "msgRange") {
        "0" => {}
        "" => return Err(Refusal::new("51021")),
        _ => return Err(Refusal::new("51002")),
    }
    let to = receivers(call)?;
    let mut message = message(world, call, caller, MessageKind::Notice)?;
    message.on_pc = scalar(call, "msgDisplayMode") != "1";
    deliver(world, caller, to, message, None)
}

/// `POST /api/messages/v2/card/common` (welink-api.md 6.2), to people; there are neither departments nor roles to send
/// to, and no public account.
pub(super) fn card(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller_of(caller)?;
    if !call.text("publicAccID").is_empty() {
        return Err(Refusal::new("51010"));
    }
    if !matches!(&*scalar(call, "msgRange"), "" | "0") {
        return Err(Refusal::new("51002"));
    }
    let to = receivers(call)?;
    let mut message = message(world, call, caller, MessageKind::Card)?;
    let devices = scalar(call, "receiveDeviceType");
    (message.on_phone, message.on_pc) = match &*devices {
        "" | "2" => (true, true),
        "0" => (false, true),
        "1" => (true, false),
        _ => return Err(Refusal::new("51002")),
    };
    let label = status(call)?;
    deliver(world, caller, to, message, label.as_ref())
}

/// `POST /api/messages/v1/update` (welink-api.md 6.3). People who have no copy are named beside the code of success.
pub(super) fn update(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller_of(caller)?;
    let to = receivers(call)?;
    if call.text("itemId").is_empty() {
        return Err(Refusal::new("51021"));
    }
    let label = status(call)?.ok_or_else(|| Refusal::new("51021"))?;
    let mine = |m: &&mut Message| m.tenant_id == caller.tenant_id && m.client_id == caller.client_id && !m.recalled;
    let Some(message) = world.messages.item_mut(call.text("itemId")).filter(mine) else {
        return Err(Refusal::new("51033"));
    };
    if message.copies.values().all(|copy| copy.label.is_none()) {
        return Err(Refusal::new("51107"));
    }
    let mut failed = Vec::new();
    for user_id in to {
        match message.copies.get_mut(&user_id) {
            Some(copy) => copy.label = Some(label.clone()),
            None => failed.push(user_id),
        }
    }
    let mut fields = Fields::new();
    put_list(&mut fields, "failedUserId", &failed);
    Ok(fields)
}

/// `POST /api/messages/v1/recall` (welink-api.md 6.3).
pub(super) fn recall(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller_of(caller)?;
    if call.text("itemId").is_empty() {
        return Err(Refusal::new("51021"));
    }
    let found = world.messages.item_mut(call.text("itemId")).filter(|message| !message.recalled);
    let Some(message) = found else { return Err(Refusal::new("51111")) };
    if message.tenant_id != caller.tenant_id {
        return Err(Refusal::new("51100"));
    }
    if message.client_id != caller.client_id {
        return Err(Refusal::new("51111"));
    }
    message.recalled = true;
    Ok(Fields::new())
}

/// The message that announces a to-do.
pub(super) fn announce(world: &mut World, call: &Call, caller: &Caller, user_id: &str, todo: [&str; 4]) {
    let [owner, title, url, pc_url] = todo;
    world.messages.keep(Message {
        number: 0,
        kind: MessageKind::TodoNotice,
        item_id: None,
        tenant_id: caller.tenant_id.clone(),
        client_id: caller.client_id.clone(),
        owner: owner.to_owned(),
        title: Bilingual { zh: title.to_owned(), en: String::new() },
        content: Bilingual { zh: "您有一条新待办".to_owned(), en: "You have a new to-do".to_owned() },
        url: url.to_owned(),
        pc_url: pc_url.to_owned(),
        on_phone: true,
        on_pc: true,
        shown_at: call.now,
        sent_at: call.now,
        copies: BTreeMap::from([(user_id.to_owned(), MessageCopy::default())]),
        recalled: false,
    });
}

#[cfg(test)]
mod tests;
