//! What an OA says has happened: CloudEvents 1.0 in JSON (oa-api.md C.5). Every fault of an event has its name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::destination::{DestPrefix, Destination};
use crate::text::Text;
use crate::time::Timestamp;

/// Bytes of one event at most (oa-api.md C.7).
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Receivers of one event at most.
pub const RECIPIENTS_MAX: usize = 500;
const TITLE_CHARS_MAX: usize = 200;
const SUMMARY_CHARS_MAX: usize = 1_000;
/// Bytes of a name or id in an event at most.
const NAME_BYTES_MAX: usize = 256;
/// How far an event's time may be ahead of ours (oa-api.md C.7, clock).
pub const AHEAD_S_MAX: i64 = 300;

/// What kind of thing has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    TodoCreated,
    TodoUpdated,
    TodoDone,
    TodoDeleted,
    ApprovalRequested,
    ApprovalFinished,
    NoticePublished,
    NoticeWithdrawn,
    AttendanceReminder,
    AttendanceAbnormal,
    MessageSent,
    /// A user or org unit of the OA is to be read again.
    Hint,
    Ping,
    /// Accepted and ignored.
    Unknown,
}

impl Kind {
    pub fn of(event_type: &str) -> Self {
        match event_type {
            "oa.todo.created" => Self::TodoCreated,
            "oa.todo.updated" => Self::TodoUpdated,
            "oa.todo.done" => Self::TodoDone,
            "oa.todo.deleted" => Self::TodoDeleted,
            "oa.approval.requested" => Self::ApprovalRequested,
            "oa.approval.finished" => Self::ApprovalFinished,
            "oa.notice.published" => Self::NoticePublished,
            "oa.notice.withdrawn" => Self::NoticeWithdrawn,
            "oa.attendance.reminder" => Self::AttendanceReminder,
            "oa.attendance.abnormal" => Self::AttendanceAbnormal,
            "oa.message.sent" => Self::MessageSent,
            "oa.user.changed" | "oa.user.deleted" | "oa.org.changed" | "oa.org.deleted" => Self::Hint,
            "oa.ping" => Self::Ping,
            _ => Self::Unknown,
        }
    }

    /// The message source (消息来源) unless the event names one; `None` = it is no message.
    pub fn source(self) -> Option<&'static str> {
        match self {
            Self::TodoCreated | Self::TodoUpdated | Self::TodoDone | Self::TodoDeleted => Some("todo"),
            Self::ApprovalRequested | Self::ApprovalFinished => Some("approval"),
            Self::NoticePublished | Self::NoticeWithdrawn => Some("notice"),
            Self::AttendanceReminder | Self::AttendanceAbnormal => Some("attendance"),
            Self::MessageSent => Some("message"),
            Self::Hint | Self::Ping | Self::Unknown => None,
        }
    }

    pub fn is_todo(self) -> bool {
        self.source() == Some("todo")
    }
}

/// By what an OA names a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Id,
    LoginId,
    WorkCode,
    Mobile,
    Email,
}

impl By {
    fn of(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "login_id" => Some(Self::LoginId),
            "work_code" => Some(Self::WorkCode),
            "mobile" => Some(Self::Mobile),
            "email" => Some(Self::Email),
            _ => None,
        }
    }
}

/// A person as an event names him.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    pub by: By,
    pub value: String,
}

impl std::fmt::Debug for Named {
    /// A mobile number or an address is nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Named({:?})", self.by)
    }
}

/// How urgent the OA says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    #[default]
    Normal,
    Important,
    Urgent,
}

/// What a message says. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The message source: the OA's own code, or the type's.
    pub source: String,
    pub biz_id: String,
    pub title: String,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub creator: Option<Named>,
    #[serde(default)]
    pub creator_name: String,
    #[serde(default)]
    pub dest_pc: Option<Destination>,
    #[serde(default)]
    pub dest_mobile: Option<Destination>,
    #[serde(default)]
    pub category: String,
    #[serde(default)]
    pub step: String,
    #[serde(default)]
    pub priority: Priority,
    /// A to-do that waits for nobody any more, by its `state`.
    #[serde(default)]
    pub over: bool,
    /// 办结: it is over for everybody, not only for those whom the event lists.
    #[serde(default)]
    pub closed: bool,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("source", &self.source).finish_non_exhaustive()
    }
}

/// An event that may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    pub source: String,
    pub kind: Kind,
    #[serde(rename = "type")]
    pub event_type: String,
    pub time: Timestamp,
    /// Larger wins, of the same subject; 0 when the OA counts nothing.
    #[serde(default)]
    pub sequence: u64,
    /// There when it is a message.
    #[serde(default)]
    pub content: Option<Content>,
    #[serde(default)]
    pub recipients: Vec<Named>,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $zh:literal / $en:literal;)*) => {
        /// Why an event is refused; it never comes again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum BadEvent {
            $($(#[$doc])* #[error($name)] $id,)*
        }

        impl BadEvent {
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// As the API and the log of deliveries spell it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => $name,)* }
            }

            /// What the administrator reads.
            pub fn text(self) -> Text {
                match self { $(Self::$id => Text::new($zh, $en),)* }
            }
        }
    };
}

faults! {
    NotJson = "not-json", "消息体不是 JSON 对象。" / "The body is not a JSON object.";
    TooLarge = "event-too-large", "事件超过 64 KiB。" / "The event is larger than 64 KiB.";
    Version = "specversion-unsupported", "specversion 必须是 1.0。" / "specversion must be 1.0.";
    Id = "id-missing", "缺少事件 id。" / "The event has no id.";
    Source = "source-missing", "缺少事件 source。" / "The event has no source.";
    Type = "type-missing", "缺少事件 type。" / "The event has no type.";
    Subject = "subject-missing", "缺少事件 subject。" / "The event has no subject.";
    Time = "time-invalid", "time 不是 RFC 3339 时间。" / "time is not an RFC 3339 time.";
    Future = "time-in-future", "事件时间比云桥时间晚 5 分钟以上，请校准 OA 的时钟。" /
        "The event's time is more than 5 minutes ahead of the bridge: set the OA's clock.";
    ContentType = "datacontenttype-unsupported", "datacontenttype 必须是 application/json。" /
        "datacontenttype must be application/json.";
    Sequence = "sequence-invalid", "sequence 必须是十进制数字。" / "sequence must be a decimal number.";
    Data = "data-missing", "缺少 data 对象。" / "The event has no data object.";
    BizId = "biz-id-missing", "缺少 biz_id。" / "biz_id is missing.";
    TitleMissing = "title-missing", "缺少标题。" / "The title is missing.";
    TitleLong = "title-too-long", "标题超过 200 个字符。" / "The title is longer than 200 characters.";
    SummaryLong = "summary-too-long", "摘要超过 1000 个字符。" / "The summary is longer than 1,000 characters.";
    RecipientsMissing = "recipients-missing", "没有接收人。" / "There is no recipient.";
    RecipientsMany = "recipients-too-many", "接收人超过 500 个。" / "There are more than 500 recipients.";
    Recipients = "recipients-invalid", "接收人必须写明 by 和 value。" / "Each recipient needs by and value.";
    Creator = "creator-invalid", "创建人的写法不正确。" / "The creator is not written correctly.";
    Dest = "dest-invalid", "链接必须是以一个斜杠开头的路径。" / "A destination must be a path that begins with one slash.";
    DestNotAllowed = "dest-not-allowed", "链接不在此 OA 允许的路径之内。" /
        "The destination is not under this OA's allowed prefixes.";
    Field = "field-invalid", "可选字段的类型或长度不正确。" / "An optional field has a wrong type or length.";
}

/// A text of an object; `Err` when it is there and no text.
fn text<'v>(object: &'v Value, name: &str) -> Result<&'v str, ()> {
    match &object[name] {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        _ => Err(()),
    }
}

fn name<'v>(object: &'v Value, field: &str, bad: BadEvent) -> Result<&'v str, BadEvent> {
    let found = text(object, field).map_err(|()| bad)?.trim();
    let fits = (1..=NAME_BYTES_MAX).contains(&found.len()) && !found.chars().any(char::is_control);
    if fits { Ok(found) } else { Err(bad) }
}

/// An optional text of at most [`NAME_BYTES_MAX`] bytes.
fn label(object: &Value, field: &str) -> Result<String, BadEvent> {
    let found = text(object, field).map_err(|()| BadEvent::Field)?.trim();
    if found.len() <= NAME_BYTES_MAX { Ok(found.to_owned()) } else { Err(BadEvent::Field) }
}

fn named(value: &Value, bad: BadEvent) -> Result<Named, BadEvent> {
    let by = text(value, "by").ok().and_then(By::of).ok_or(bad)?;
    Ok(Named { by, value: name(value, "value", bad)?.to_owned() })
}

impl Event {
    /// Reads one event from its text, as it came by the queue or over HTTP.
    pub fn parse(json: &str, now: Timestamp) -> Result<Self, BadEvent> {
        if json.len() > EVENT_BYTES_MAX {
            return Err(BadEvent::TooLarge);
        }
        let value: Value = serde_json::from_str(json).map_err(|_| BadEvent::NotJson)?;
        Self::read(&value, now)
    }

    /// Judges one event.
    pub fn read(value: &Value, now: Timestamp) -> Result<Self, BadEvent> {
        if !value.is_object() {
            return Err(BadEvent::NotJson);
        }
        if text(value, "specversion") != Ok("1.0") {
            return Err(BadEvent::Version);
        }
        let id = name(value, "id", BadEvent::Id)?.to_owned();
        let source = name(value, "source", BadEvent::Source)?.to_owned();
        let event_type = name(value, "type", BadEvent::Type)?.to_owned();
        name(value, "subject", BadEvent::Subject)?;
        let time: jiff::Timestamp =
            text(value, "time").ok().and_then(|time| time.parse().ok()).ok_or(BadEvent::Time)?;
        let time = Timestamp(time.as_millisecond());
        if time > now.plus_s(AHEAD_S_MAX) {
            return Err(BadEvent::Future);
        }
        let media = text(value, "datacontenttype").map_err(|()| BadEvent::ContentType)?;
        if !["", "application/json"].contains(&media.split(';').next().unwrap_or_default().trim()) {
            return Err(BadEvent::ContentType);
        }
        let sequence = match text(value, "sequence").map_err(|()| BadEvent::Sequence)? {
            "" => 0,
            digits => digits.parse().map_err(|_| BadEvent::Sequence)?,
        };
        let kind = Kind::of(&event_type);
        let data = &value["data"];
        if !data.is_object() {
            return Err(BadEvent::Data);
        }
        let (content, recipients) = match kind.source() {
            Some(default) => (Some(content(data, kind, default)?), recipients(data)?),
            None => (None, Vec::new()),
        };
        Ok(Self { id, source, kind, event_type, time, sequence, content, recipients })
    }

    /// Whether its links lie within what the instance allows.
    pub fn within(&self, allowed: &[DestPrefix]) -> Result<(), BadEvent> {
        let Some(content) = &self.content else { return Ok(()) };
        for dest in [&content.dest_pc, &content.dest_mobile].into_iter().flatten() {
            dest.clone().within(allowed).map_err(|_| BadEvent::DestNotAllowed)?;
        }
        Ok(())
    }

    /// Whether this event leaves a to-do open for those whom it lists.
    pub fn opens(&self) -> bool {
        let over = self.content.as_ref().is_some_and(|content| content.over || content.closed);
        matches!(self.kind, Kind::TodoCreated | Kind::TodoUpdated) && !over
    }

    /// Whether it ends a to-do for everybody.
    pub fn closes_all(&self) -> bool {
        self.kind.is_todo() && self.content.as_ref().is_some_and(|content| content.closed)
    }
}

fn content(data: &Value, kind: Kind, default: &str) -> Result<Content, BadEvent> {
    let title = text(data, "title").map_err(|()| BadEvent::TitleMissing)?.trim();
    let summary = text(data, "summary").map_err(|()| BadEvent::Field)?.trim();
    if title.is_empty() {
        return Err(BadEvent::TitleMissing);
    }
    if title.chars().count() > TITLE_CHARS_MAX {
        return Err(BadEvent::TitleLong);
    }
    if summary.chars().count() > SUMMARY_CHARS_MAX {
        return Err(BadEvent::SummaryLong);
    }
    let creator = match &data["creator"] {
        Value::Null => None,
        other => Some(named(other, BadEvent::Creator)?),
    };
    let dest = |field: &str| match text(data, field) {
        Ok("") => Ok(None),
        Ok(path) => Destination::parse(path).map(Some).map_err(|_| BadEvent::Dest),
        Err(()) => Err(BadEvent::Dest),
    };
    let flag = |field: &str| match &data[field] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(BadEvent::Field),
    };
    let priority = match label(data, "priority")?.as_str() {
        "urgent" => Priority::Urgent,
        "important" => Priority::Important,
        "normal" | "" => Priority::Normal,
        _ => return Err(BadEvent::Field),
    };
    let state = label(data, "state")?;
    if !["", "pending", "done", "closed", "deleted"].contains(&state.as_str()) && kind.is_todo() {
        return Err(BadEvent::Field);
    }
    let source = match label(data, "source_code")? {
        none if none.is_empty() => default.to_owned(),
        code => code,
    };
    Ok(Content {
        source,
        biz_id: name(data, "biz_id", BadEvent::BizId)?.to_owned(),
        title: title.to_owned(),
        summary: summary.to_owned(),
        creator,
        creator_name: label(&data["creator"], "name")?,
        dest_pc: dest("dest_pc")?,
        dest_mobile: dest("dest_mobile")?,
        category: label(data, "category")?,
        step: label(data, "step")?,
        priority,
        over: ["done", "closed", "deleted"].contains(&state.as_str()),
        closed: kind.is_todo() && flag("final")?,
    })
}

fn recipients(data: &Value) -> Result<Vec<Named>, BadEvent> {
    let listed = match &data["recipients"] {
        Value::Array(listed) if !listed.is_empty() => listed,
        Value::Array(_) | Value::Null => return Err(BadEvent::RecipientsMissing),
        _ => return Err(BadEvent::Recipients),
    };
    if listed.len() > RECIPIENTS_MAX {
        return Err(BadEvent::RecipientsMany);
    }
    listed.iter().map(|one| named(one, BadEvent::Recipients)).collect()
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
