//! How a message looks in WeLink: within the bytes that WeLink shows, cut between characters (welink-api.md 6.1, 6.2,
//! 6.5).

use unicode_segmentation::UnicodeSegmentation as _;

use crate::ids::AppId;
use crate::push::event::{Content, Kind};
use crate::text::Text;

/// Bytes that WeLink shows (welink-api.md 12).
pub const OWNER_BYTES_MAX: usize = 18;
pub const TITLE_BYTES_MAX: usize = 128;
pub const CONTENT_BYTES_MAX: usize = 512;

/// What stands for the rest of a text that was cut.
const MORE: &str = "…";

/// The label of a card that may be finished later (welink-api.md 6.3): Chinese 2 to 5 characters, English 2 to 10.
pub const PENDING: Text = Text::new("待处理", "Pending");

const LOOK: Text = Text::new("请打开查看详情。", "Open it to see the details.");

/// A message as WeLink is told to show it. Texts are plain, or a JSON text of both languages.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    /// Who sends it, as the list of messages says.
    pub owner: String,
    pub title: String,
    pub content: String,
    /// Opened on the phone, and on a PC.
    pub url: String,
    pub url_pc: String,
}

impl std::fmt::Debug for Shown {
    /// A title names people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// Renders a message for one app, whose homepage signs the receiver in before it opens the OA's page.
pub fn shown(kind: Kind, content: &Content, origin: &str, app: &AppId) -> Shown {
    let mobile = content.dest_mobile.as_ref().or(content.dest_pc.as_ref());
    let pc = content.dest_pc.as_ref().or(content.dest_mobile.as_ref());
    let link = |dest: Option<&crate::destination::Destination>| {
        let home = format!("{origin}/h/{app}");
        match dest {
            Some(dest) => {
                let query =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("to", dest.as_str()).finish();
                format!("{home}?{query}")
            }
            None => home,
        }
    };
    Shown {
        owner: cut(owner(kind, content), OWNER_BYTES_MAX),
        title: cut(&content.title, TITLE_BYTES_MAX),
        content: body(content),
        url: link(mobile),
        url_pc: link(pc),
    }
}

/// The name of the sender: that of the business, since six Chinese characters hold no company's.
fn owner(kind: Kind, content: &Content) -> &str {
    match (content.source.as_str(), kind) {
        ("todo", _) => "待办",
        ("approval", _) => "审批",
        ("notice", _) => "公告",
        ("attendance", _) => "考勤",
        _ if content.category.is_empty() => "OA消息",
        _ => &content.category,
    }
}

fn body(content: &Content) -> String {
    let parts: Vec<&str> =
        [content.category.as_str(), content.step.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    let line = parts.join(" · ");
    match (content.summary.is_empty(), line.is_empty()) {
        (false, _) => cut(&content.summary, CONTENT_BYTES_MAX),
        (true, false) => cut(&line, CONTENT_BYTES_MAX),
        (true, true) => bilingual(LOOK.zh, LOOK.en, CONTENT_BYTES_MAX),
    }
}

/// The text, or as many of its characters as fit into `bytes_max` together with an ellipsis. Control characters become
/// spaces. A character is what a reader takes for one: an emoji of several code points stays whole or goes whole.
pub fn cut(text: &str, bytes_max: usize) -> String {
    let clean: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() <= bytes_max {
        return clean;
    }
    let mut out = String::new();
    for grapheme in clean.graphemes(true) {
        if out.len() + grapheme.len() + MORE.len() > bytes_max {
            break;
        }
        out.push_str(grapheme);
    }
    out.truncate(out.trim_end().len());
    if bytes_max >= MORE.len() {
        out.push_str(MORE);
    }
    out
}

/// Both languages as one JSON text of at most `bytes_max` bytes, each cut where it must be; the same text twice stays
/// plain.
pub fn bilingual(zh: &str, en: &str, bytes_max: usize) -> String {
    if zh == en {
        return cut(zh, bytes_max);
    }
    let frame = json(["", ""]).len();
    let room = bytes_max.saturating_sub(frame);
    let (zh_len, en_len) = (escaped_len(zh), escaped_len(en));
    // The shorter one takes what it needs, the other the rest.
    let zh_room = if zh_len <= room / 2 { zh_len } else { room - en_len.min(room / 2) };
    let zh = cut_escaped(zh, zh_room);
    let en = cut_escaped(en, room.saturating_sub(escaped_len(&zh)));
    json([&zh, &en])
}

/// A label in both languages, whole.
pub fn label(text: Text) -> String {
    json([text.zh, text.en])
}

fn json([zh, en]: [&str; 2]) -> String {
    format!("{{\"CN\":{},\"EN\":{}}}", serde_json::Value::from(zh), serde_json::Value::from(en))
}

/// Bytes that a text takes inside a JSON text.
fn escaped_len(text: &str) -> usize {
    serde_json::Value::from(text).to_string().len() - 2
}

fn cut_escaped(text: &str, bytes_max: usize) -> String {
    let mut limit = bytes_max;
    loop {
        let short = cut(text, limit);
        let over = escaped_len(&short).saturating_sub(bytes_max);
        if over == 0 || limit == 0 {
            return short;
        }
        // Each escaped character is at least one byte longer than it is: this ends after a few turns.
        limit = limit.saturating_sub(over.div_ceil(2).max(1)).min(short.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::Destination;
    use crate::ids::{RANDOM_CHARS, TENANT_CHARS, TenantId};
    use crate::push::event::Priority;
    use proptest::prelude::*;

    fn content(title: &str, summary: &str) -> Content {
        Content {
            source: "todo".to_owned(),
            biz_id: "42".to_owned(),
            title: title.to_owned(),
            summary: summary.to_owned(),
            creator: None,
            creator_name: String::new(),
            dest_pc: None,
            dest_mobile: Some(Destination::parse("/m/workflow/42?a=1&b=二").unwrap()),
            category: String::new(),
            step: String::new(),
            priority: Priority::Normal,
            over: false,
            closed: false,
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, max, want) in [
            ("采购申请", 12, "采购申请"),
            ("采购申请单", 12, "采购申…"),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abc…"),
            ("👨‍👩‍👧‍👦家", 20, "…"),
            ("a👍🏽b", 6, "a…"),
            ("e\u{301}e\u{301}e\u{301}", 6, "e\u{301}…"),
            ("a\nb", 9, "a b"),
            ("", 6, ""),
        ] {
            assert_eq!(cut(text, max), want, "{text}");
        }
        let emoji = "😀".repeat(200);
        assert_eq!(cut(&emoji, TITLE_BYTES_MAX).chars().count(), 32);
    }

    #[test]
    fn a_message_opens_the_page_through_the_homepage() {
        let app = AppId::from_random(&TenantId::from_random([1; TENANT_CHARS]), [2; RANDOM_CHARS]);
        let shown = shown(Kind::TodoCreated, &content("题", ""), "https://bridge.example", &app);
        assert_eq!(
            shown.url,
            format!("https://bridge.example/h/{app}?to=%2Fm%2Fworkflow%2F42%3Fa%3D1%26b%3D%E4%BA%8C")
        );
        assert_eq!((shown.url_pc, shown.owner.as_str()), (shown.url, "待办"));
        assert_eq!(shown.content, r#"{"CN":"请打开查看详情。","EN":"Open it to see the details."}"#);
    }

    #[test]
    fn both_languages_are_one_json_text() {
        assert_eq!(bilingual("你好", "hello", 512), r#"{"CN":"你好","EN":"hello"}"#);
        assert_eq!(bilingual("OA", "OA", 512), "OA");
        assert_eq!(label(PENDING), r#"{"CN":"待处理","EN":"Pending"}"#);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_is_the_beginning(text in "\\PC{0,80}", max in 3usize..200) {
            let short = cut(&text, max);
            prop_assert!(short.len() <= max);
            let begin = short.strip_suffix(MORE).unwrap_or(&short);
            prop_assert!(text.trim().starts_with(begin));
        }

        #[test]
        fn both_languages_fit_and_can_be_read(zh in "\\PC{0,300}", en in "[\"\\\\a-z ]{0,300}", max in 40usize..512) {
            let text = bilingual(&zh, &en, max);
            prop_assert!(text.len() <= max, "{} > {max}", text.len());
            if zh != en {
                let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                prop_assert!(read["CN"].is_string() && read["EN"].is_string());
            }
        }
    }
}
