//! Which messages go where (消息推送规则, product.md M77 to M83, Q20).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, EnterpriseId, RuleId};
use crate::model::Stamp;
use crate::time::Timestamp;

/// Targets of a rule at most.
pub const TARGETS_MAX: usize = 20;
/// Rules of a tenant at most.
pub const RULES_MAX: usize = 1_000;
/// Bytes of a message source at most.
pub const SOURCE_BYTES_MAX: usize = 64;
/// How long a message may wait for its receiver to be linked, seconds (product.md Q19).
pub const HOLD_S_MAX: i64 = 30 * 86_400;

/// A message source (消息来源).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// 全部: every message of every application of the OA, never its hints.
    All,
    Code(String),
}

/// A text is no message source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message source")]
pub struct BadSource;

impl Source {
    /// `all`, or a code of 1 to [`SOURCE_BYTES_MAX`] bytes without spaces and control characters.
    pub fn parse(text: &str) -> Result<Self, BadSource> {
        let odd = text.chars().any(|c| c.is_whitespace() || c.is_control());
        match text {
            "all" => Ok(Self::All),
            code if odd || code.is_empty() || code.len() > SOURCE_BYTES_MAX => Err(BadSource),
            code => Ok(Self::Code(code.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Code(code) => code,
        }
    }
}

impl TryFrom<String> for Source {
    type Error = BadSource;
    fn try_from(text: String) -> Result<Self, BadSource> {
        Self::parse(&text)
    }
}
impl From<Source> for String {
    fn from(source: Source) -> String {
        source.as_str().to_owned()
    }
}
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As what a message appears in WeLink (product.md M81).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageType {
    /// 通知.
    Notice,
    /// 待办.
    Todo,
    /// 普通卡片.
    Card,
}

impl MessageType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Todo => "todo",
            Self::Card => "card",
        }
    }
}

/// Where a message goes: the enterprise's people, through one of its apps, as one type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    pub enterprise: EnterpriseId,
    pub app: AppId,
    #[serde(rename = "type")]
    pub kind: MessageType,
}

/// What becomes of a notice or a card whose answer was lost: nobody knows whether it arrived (product.md PSH-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnknown {
    /// It stays so until an administrator sends it again: nobody gets it twice.
    #[default]
    Hold,
    /// It is sent again: nobody misses it.
    Resend,
}

/// One rule of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub id: RuleId,
    pub name: String,
    pub source: Source,
    pub enabled: bool,
    pub targets: Vec<Target>,
    #[serde(default)]
    pub when_unknown: WhenUnknown,
    /// How long a message waits until its receiver is linked, seconds; absent = it does not.
    #[serde(default)]
    pub hold_s: Option<i64>,
    pub created: Stamp,
    /// Counts changes; an update names the version it saw.
    #[serde(default)]
    pub version: u64,
}

/// A target that a message goes to, with what its rules say. Where several rules name it, it is held if any of them
/// holds, for the longest time, and sent again only if all of them say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aim {
    #[serde(flatten)]
    pub target: Target,
    /// The rules that fired, in their order.
    pub rules: Vec<RuleId>,
    pub when_unknown: WhenUnknown,
    #[serde(default)]
    pub hold_s: Option<i64>,
}

/// The rules of a tenant; the enabled ones are found by their message source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    list: Vec<Rule>,
    /// Places of the enabled rules.
    all: Vec<usize>,
    by_source: BTreeMap<String, Vec<usize>>,
}

impl Rules {
    pub fn of(rules: Vec<Rule>) -> Self {
        let (mut all, mut by_source) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            match &rule.source {
                Source::All => all.push(place),
                Source::Code(code) => by_source.entry(code.clone()).or_default().push(place),
            }
        }
        Self { list: rules, all, by_source }
    }

    /// All of them, switched on or not.
    pub fn list(&self) -> &[Rule] {
        &self.list
    }

    pub fn find(&self, id: &RuleId) -> Option<&Rule> {
        self.list.iter().find(|rule| rule.id == *id)
    }

    /// The rules that a message of this source fires (product.md PSH-01).
    pub fn fired(&self, source: &str) -> impl Iterator<Item = &Rule> {
        let own = self.by_source.get(source).into_iter().flatten();
        self.all.iter().chain(own).filter_map(|place| self.list.get(*place))
    }

    /// Where a message of this source goes, each target once (product.md Q20).
    pub fn aims(&self, source: &str) -> Vec<Aim> {
        let mut aims: BTreeMap<&Target, Aim> = BTreeMap::new();
        for rule in self.fired(source) {
            let once: BTreeSet<&Target> = rule.targets.iter().collect();
            for target in once {
                let first = || Aim {
                    target: target.clone(),
                    rules: Vec::new(),
                    when_unknown: rule.when_unknown,
                    hold_s: rule.hold_s,
                };
                aims.entry(target).or_insert_with(first).join(rule);
            }
        }
        aims.into_values().collect()
    }
}

impl Aim {
    fn join(&mut self, rule: &Rule) {
        self.rules.push(rule.id.clone());
        self.hold_s = self.hold_s.max(rule.hold_s);
        if rule.when_unknown == WhenUnknown::Hold {
            self.when_unknown = WhenUnknown::Hold;
        }
    }

    /// Until when it waits for its receiver to be linked.
    pub fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.hold_s.map(|hold_s| now.plus_s(hold_s.clamp(0, HOLD_S_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RANDOM_CHARS, TENANT_CHARS, TenantId};
    use proptest::prelude::*;

    fn tenant() -> TenantId {
        TenantId::from_random([1; TENANT_CHARS])
    }

    fn target(n: u8, kind: MessageType) -> Target {
        let enterprise = EnterpriseId::from_random(&tenant(), [2; RANDOM_CHARS]);
        Target { enterprise, app: AppId::from_random(&tenant(), [n; RANDOM_CHARS]), kind }
    }

    fn rule(n: u8, source: &str, targets: Vec<Target>) -> Rule {
        Rule {
            id: RuleId::from_random(&tenant(), [n; RANDOM_CHARS]),
            name: format!("rule {n}"),
            source: Source::parse(source).unwrap(),
            enabled: true,
            targets,
            when_unknown: WhenUnknown::Resend,
            hold_s: None,
            created: Stamp { at: Timestamp(0), by: "operator".to_owned() },
            version: 1,
        }
    }

    #[test]
    fn a_message_fires_its_source_and_all() {
        let card = || vec![target(1, MessageType::Card)];
        let mut rules = vec![rule(1, "todo", card()), rule(2, "all", card()), rule(3, "approval", card())];
        rules.push(Rule { enabled: false, ..rule(4, "todo", card()) });
        let rules = Rules::of(rules);
        let fired = |source| rules.fired(source).map(|rule| rule.name.clone()).collect::<Vec<_>>();
        assert_eq!(fired("todo"), ["rule 2", "rule 1"]);
        assert_eq!(fired("approval"), ["rule 2", "rule 3"]);
        assert_eq!(fired("message"), ["rule 2"]);
    }

    #[test]
    fn two_rules_with_one_target_send_once_and_the_careful_one_decides() {
        let shared = target(1, MessageType::Notice);
        let mut careful = rule(1, "todo", vec![shared.clone(), shared.clone(), target(1, MessageType::Card)]);
        careful.when_unknown = WhenUnknown::Hold;
        careful.hold_s = Some(HOLD_S_MAX);
        let rules = [careful, rule(2, "all", vec![shared.clone(), target(2, MessageType::Notice)])];
        let aims = Rules::of(rules.to_vec()).aims("todo");
        assert_eq!(aims.len(), 3);
        let aim = aims.iter().find(|aim| aim.target == shared).unwrap();
        assert_eq!((aim.rules.len(), aim.when_unknown, aim.hold_s), (2, WhenUnknown::Hold, Some(HOLD_S_MAX)));
        assert_eq!(aim.held_until(Timestamp(5)), Some(Timestamp(5).plus_s(HOLD_S_MAX)));
    }

    #[test]
    fn sources_are_codes_without_spaces() {
        assert_eq!(Source::parse("all"), Ok(Source::All));
        for bad in ["", "a b", "a\n", &"x".repeat(65)] {
            assert_eq!(Source::parse(bad), Err(BadSource), "{bad}");
        }
    }

    proptest! {
        /// The index finds what looking at every rule finds.
        #[test]
        fn the_index_loses_and_invents_nothing(
            made in prop::collection::vec((0u8..4, any::<bool>(), 0u8..3), 0..40), asked in 0u8..4,
        ) {
            let names = ["all", "todo", "approval", "notice"];
            let rules: Vec<Rule> = made.iter().enumerate().map(|(n, (source, enabled, app))| Rule {
                enabled: *enabled,
                ..rule(u8::try_from(n).unwrap(), names[usize::from(*source)], vec![target(*app, MessageType::Notice)])
            }).collect();
            let asked = names[usize::from(asked)];
            let wanted: BTreeSet<&Target> = rules.iter()
                .filter(|rule| rule.enabled && (rule.source == Source::All || rule.source.as_str() == asked))
                .flat_map(|rule| &rule.targets).collect();
            let aims = Rules::of(rules.clone()).aims(asked);
            prop_assert_eq!(aims.iter().map(|aim| &aim.target).collect::<BTreeSet<_>>(), wanted);
            let once: BTreeSet<&Target> = aims.iter().map(|aim| &aim.target).collect();
            prop_assert_eq!(once.len(), aims.len());
        }
    }
}
