//! What console pages are built of: cards, forms, tables, facts, checklists, notices, trees. Each block is a small
//! template of its own, so that every page has the same look, the same labels for assistive technology, and its errors
//! at the field.

use askama::Template;
use domain::text::{Lang, Text};
use domain::time::Timestamp;
use domain::zone::Zone;

use super::words as w;

/// A finished piece of a page: whatever was in it is escaped already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Html {
    /// Both, one after the other.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.push(' ');
        self.0.push_str(&other.0);
        self
    }
}

/// Renders a block. A template fails only when the memory for it does; the page then lacks the block, and the log says
/// so.
pub fn html(template: &impl Template) -> Html {
    match template.render() {
        Ok(text) => Html(text),
        Err(error) => {
            tracing::error!(%error, "a block could not be rendered");
            Html::default()
        }
    }
}

/// How something stands, as a colour, an icon and (beside it) a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    Hint,
    Ok,
    Warn,
    Bad,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Hint => "hint",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    pub fn icon(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Hint => "i",
            Self::Ok => "✓",
            Self::Warn => "!",
            Self::Bad => "✕",
        }
    }
}

#[derive(Template)]
#[template(source = "{{ text }}", ext = "html")]
struct Escaped<'a> {
    text: &'a str,
}

/// Plain text.
pub fn text(text: &str) -> Html {
    html(&Escaped { text })
}

#[derive(Template)]
#[template(source = "<span class=\"quiet\">{{ text }}</span>", ext = "html")]
struct Quiet<'a> {
    text: &'a str,
}

/// Text of less weight: what is absent or beside the point.
pub fn quiet(text: &str) -> Html {
    html(&Quiet { text })
}

#[derive(Template)]
#[template(
    source = "<a href=\"{{ href }}\"{% if !class.is_empty() %} class=\"{{ class }}\"{% endif %}>{{ label }}</a>",
    ext = "html"
)]
struct Anchor<'a> {
    href: &'a str,
    label: &'a str,
    class: &'a str,
}

pub fn link(href: &str, label: &str) -> Html {
    html(&Anchor { href, label, class: "" })
}

/// A link that looks like a button; `class` is `primary`, `danger`, `small` or several of them.
pub fn button_link(href: &str, label: &str, class: &str) -> Html {
    html(&Anchor { href, label, class: &format!("button {class}") })
}

#[derive(Template)]
#[template(
    source = "<a href=\"{{ href }}\" target=\"_blank\" rel=\"noopener noreferrer\">{{ label }}\
         <span aria-hidden=\"true\">↗</span></a>",
    ext = "html"
)]
struct Outside<'a> {
    href: &'a str,
    label: &'a str,
}

/// A link to a page of others, in a window of its own.
pub fn outside(href: &str, label: &str) -> Html {
    html(&Outside { href, label })
}

#[derive(Template)]
#[template(
    source = "<span class=\"tag {{ class }}\">{% if !icon.is_empty() %}<span aria-hidden=\"true\">{{ icon }}</span>\
        {% endif %}{{ label }}</span>",
    ext = "html"
)]
struct Tag<'a> {
    class: &'a str,
    icon: &'a str,
    label: &'a str,
}

pub fn tag(tone: Tone, label: &str) -> Html {
    html(&Tag { class: tone.class(), icon: tone.icon(), label })
}

#[derive(Template)]
#[template(source = "<time datetime=\"{{ utc }}\" title=\"{{ utc }}\">{{ shown }}</time>", ext = "html")]
struct Time {
    utc: String,
    shown: String,
}

/// A moment in the tenant's time; the exact one in UTC is its title.
pub fn time(zone: &Zone, at: Timestamp) -> Html {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let utc = instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html(&Time { utc, shown: zone.shown(at) })
}

#[derive(Template)]
#[template(
    source = "<span class=\"copy\"><code>{{ text }}</code>\
        <button type=\"button\" class=\"button small\" data-copy=\"{{ text }}\" data-copied=\"{{ copied }}\">\
        {{ label }}</button></span>",
    ext = "html"
)]
struct Copy<'a> {
    text: &'a str,
    label: &'a str,
    copied: &'a str,
}

/// A text to be pasted elsewhere, with a button that copies it.
pub fn copy(lang: Lang, text: &str) -> Html {
    html(&Copy { text, label: w::COPY.get(lang), copied: w::COPIED.get(lang) })
}

#[derive(Template)]
#[template(source = "<code>{{ text }}</code>", ext = "html")]
struct Code<'a> {
    text: &'a str,
}

pub fn code(text: &str) -> Html {
    html(&Code { text })
}

/// A framed part of a page.
#[derive(Template, Default)]
#[template(path = "blocks/card.html")]
pub struct Card {
    pub id: &'static str,
    pub title: String,
    /// At the right of the title.
    pub more: Option<Html>,
    /// One sentence below the title.
    pub lead: String,
    pub blocks: Vec<Html>,
    /// A table without a margin of its own.
    pub flush: bool,
}

#[derive(Template)]
#[template(
    source = "<div class=\"columns {{ class }}\">{% for block in blocks %}{{ block|safe }}{% endfor %}</div>",
    ext = "html"
)]
struct Columns<'a> {
    class: &'a str,
    blocks: &'a [Html],
}

/// Blocks side by side where there is room.
pub fn columns(blocks: &[Html]) -> Html {
    html(&Columns { class: "", blocks })
}

/// A narrow block (a tree) beside a wide one.
pub fn beside(narrow: Html, wide: Html) -> Html {
    html(&Columns { class: "tree-first", blocks: &[narrow, wide] })
}

#[derive(Template)]
#[template(source = "<div class=\"stacked\">{% for block in blocks %}{{ block|safe }}{% endfor %}</div>", ext = "html")]
struct Stack<'a> {
    blocks: &'a [Html],
}

/// Blocks one below the other, as one.
pub fn stack(blocks: &[Html]) -> Html {
    html(&Stack { blocks })
}

/// A message about the page or about what has just been done.
#[derive(Template, Default)]
#[template(path = "blocks/notice.html")]
pub struct Notice {
    pub tone: Tone,
    pub title: String,
    pub text: String,
    pub lines: Vec<String>,
    /// Empty where there is nothing to trace.
    pub trace: String,
    pub trace_word: &'static str,
    pub urgent: bool,
}

pub fn notice(tone: Tone, title: &str, text: &str) -> Html {
    html(&Notice { tone, title: title.to_owned(), text: text.to_owned(), ..Notice::default() })
}

/// A table with its heads. A table without rows shows `empty` instead: what to do next.
#[derive(Template, Default)]
#[template(path = "blocks/table.html")]
pub struct Table {
    /// For assistive technology: what the rows are.
    pub label: String,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<Html>>,
    pub empty: Html,
    pub next: Option<Link>,
}

/// Somewhere to go.
#[derive(Debug, Clone, Default)]
pub struct Link {
    pub href: String,
    pub label: String,
}

impl Link {
    pub fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}

#[derive(Template)]
#[template(source = "<strong>{{ title }}</strong><span>{{ text }}</span>{{ action|safe }}", ext = "html")]
struct Empty<'a> {
    title: &'a str,
    text: &'a str,
    action: Html,
}

/// What a table or a page without content says, with the next step.
pub fn empty(title: &str, text: &str, action: Option<Html>) -> Html {
    html(&Empty { title, text, action: action.unwrap_or_default() })
}

#[derive(Template)]
#[template(source = "<div class=\"empty\">{{ inner|safe }}</div>", ext = "html")]
struct EmptyBox {
    inner: Html,
}

/// The same where there is no table around it.
pub fn empty_box(title: &str, text: &str, action: Option<Html>) -> Html {
    html(&EmptyBox { inner: empty(title, text, action) })
}

/// Names and values.
#[derive(Template)]
#[template(path = "blocks/facts.html")]
struct Facts<'a> {
    facts: &'a [(&'static str, Html)],
}

pub fn facts(facts: &[(&'static str, Html)]) -> Html {
    html(&Facts { facts })
}

#[derive(Template)]
#[template(
    source = "<div class=\"stats\">{% for (number, name) in stats %}<div class=\"stat\"><b>{{ number }}</b>\
        <span class=\"quiet\">{{ name }}</span></div>{% endfor %}</div>",
    ext = "html"
)]
struct Stats<'a> {
    stats: &'a [(String, &'static str)],
}

pub fn stats(stats: &[(String, &'static str)]) -> Html {
    html(&Stats { stats })
}

/// How one step of a checklist stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    Done,
    Open,
    Warning,
    Failed,
}

impl StepState {
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    pub fn icon(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Open => "",
            Self::Warning => "!",
            Self::Failed => "✕",
        }
    }

    pub fn word(self) -> Text {
        match self {
            Self::Done => w::STEP_DONE,
            Self::Open => w::STEP_OPEN,
            Self::Warning => w::STEP_WARNING,
            Self::Failed => w::STEP_FAILED,
        }
    }
}

/// One step of a checklist.
#[derive(Debug)]
pub struct Step {
    pub state: StepState,
    pub state_word: &'static str,
    pub title: String,
    pub text: String,
    pub details: Vec<Html>,
    pub actions: Vec<Html>,
}

impl Step {
    pub fn new(lang: Lang, state: StepState, title: &str, text: &str) -> Self {
        let state_word = state.word().get(lang);
        Self { state, state_word, title: title.to_owned(), text: text.to_owned(), details: vec![], actions: vec![] }
    }

    #[must_use]
    pub fn detail(mut self, detail: Html) -> Self {
        self.details.push(detail);
        self
    }

    #[must_use]
    pub fn action(mut self, action: Html) -> Self {
        self.actions.push(action);
        self
    }
}

#[derive(Template)]
#[template(path = "blocks/steps.html")]
struct Steps<'a> {
    steps: &'a [Step],
}

pub fn steps(steps: &[Step]) -> Html {
    html(&Steps { steps })
}

/// One department of a tree, in the order in which they are shown; `level` indents it, at most 6.
#[derive(Debug, Clone, Default)]
pub struct Node {
    pub level: u8,
    pub href: String,
    pub label: String,
    /// The solid dot of a linked department (product.md M70).
    pub linked: bool,
    pub here: bool,
    pub count: String,
}

#[derive(Template)]
#[template(path = "blocks/tree.html")]
struct Tree<'a> {
    nodes: &'a [Node],
    linked_word: &'static str,
}

pub fn tree(lang: Lang, nodes: &[Node]) -> Html {
    html(&Tree { nodes, linked_word: w::LINKED.get(lang) })
}

#[derive(Template)]
#[template(
    source = "<div class=\"progress\"><progress max=\"{{ total }}\" value=\"{{ done }}\" aria-label=\"{{ label }}\">\
        </progress><span class=\"quiet\">{{ label }}</span></div>",
    ext = "html"
)]
struct Progress<'a> {
    done: u64,
    total: u64,
    label: &'a str,
}

/// How far long work is; `label` says it in words.
pub fn progress(done: u64, total: u64, label: &str) -> Html {
    html(&Progress { done, total: total.max(1), label })
}

#[derive(Template)]
#[template(source = "<details><summary>{{ label }}</summary>{{ inner|safe }}</details>", ext = "html")]
struct Folded<'a> {
    label: &'a str,
    inner: &'a Html,
}

/// Something that is opened when it is needed.
pub fn folded(label: &str, inner: &Html) -> Html {
    html(&Folded { label, inner })
}
