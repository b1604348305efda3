//! What an administrator decides about from-OA (product.md M53 to M65, TWL-10 to TWL-18).

use serde::{Deserialize, Serialize};

use super::fingerprint::Mixer;
use crate::ids::{DeptCode, OaUserId};
use crate::matching::Pairs;

/// Changes when the same inputs would give another plan, so that no approval outlives its planner.
pub const PLANNER_VERSION: u64 = 1;

/// Who and what is synced (product.md Q13). Empty lists restrict nothing; excluding wins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Units of the OA as [`super::OaDepartment::id`] writes them, each with everything below it.
    pub departments: Vec<String>,
    pub include: Vec<OaUserId>,
    pub exclude: Vec<OaUserId>,
}

/// How much a run may remove (product.md TWL-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cap {
    Number(u32),
    /// Of what is linked, at least [`Cap::LEAST`].
    Percent(u8),
}

impl Cap {
    /// So that a small enterprise can lose somebody at all.
    pub const LEAST: u32 = 5;

    /// How many of `linked` may go.
    pub fn of(self, linked: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Percent(percent) => {
                let share = u64::from(linked) * u64::from(percent.min(100)) / 100;
                u32::try_from(share).unwrap_or(u32::MAX).max(Self::LEAST)
            }
        }
    }
}

impl Default for Cap {
    fn default() -> Self {
        Self::Percent(5)
    }
}

/// Which of WeLink's contact interfaces is written to (welink-api.md 5A, 5B); chosen at set-up, never within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// 100 a call; several departments a person; existing people and departments can be given our ids.
    #[default]
    New,
    /// 10 a call; one department a person; what exists without our id cannot be given one.
    Old,
}

impl Family {
    /// Objects of one call at most.
    pub fn batch(self) -> usize {
        match self {
            Self::New => 100,
            Self::Old => 10,
        }
    }

    /// Whether a person can be in several departments.
    pub fn takes_several_departments(self) -> bool {
        self == Self::New
    }

    /// Whether what exists can be given our id.
    pub fn adopts(self) -> bool {
        self == Self::New
    }
}

/// Calls that one interface is asked for at most (goals.md, "allowed rate").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub per_second: u32,
    pub per_minute: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 30, per_minute: 1_200 }
    }
}

impl Rate {
    /// Seconds that so many calls of one interface take, rounded up.
    pub fn seconds(self, calls: usize) -> u64 {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        let by_second = calls.div_ceil(u64::from(self.per_second.max(1)));
        by_second.max(calls.saturating_mul(60).div_ceil(u64::from(self.per_minute.max(1))))
    }
}

/// A field of a WeLink member that from-OA writes (welink-api.md 5B.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    NameZh,
    NameEn,
    Mobile,
    Email,
    EmployeeId,
    Position,
    /// `M` or `F`.
    Sex,
}

impl Field {
    pub const ALL: [Self; 7] =
        [Self::NameZh, Self::NameEn, Self::Mobile, Self::Email, Self::EmployeeId, Self::Position, Self::Sex];
}

/// A field of an OA user that a value can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Name,
    Login,
    WorkCode,
    Mobile,
    Email,
    Title,
}

/// Where a value comes from (product.md TWL-18). A value that turns out empty is not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Direct(Source),
    Constant(String),
    Template(Vec<Piece>),
    DefaultIfEmpty(Source, String),
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    Text(String),
    Field(Source),
}

/// One line of the field mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub field: Field,
    pub value: Value,
    /// Not sent on update.
    #[serde(default)]
    pub only_at_creation: bool,
}

/// A field has two rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field is mapped twice")]
pub struct MappedTwice;

/// The field mapping: at most one rule a field, sorted by field. A field without one is never touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Rule>", into = "Vec<Rule>")]
pub struct Mapping(Vec<Rule>);

impl Mapping {
    pub fn new(mut rules: Vec<Rule>) -> Result<Self, MappedTwice> {
        rules.sort_by_key(|rule| rule.field);
        if rules.windows(2).any(|pair| pair[0].field == pair[1].field) { Err(MappedTwice) } else { Ok(Self(rules)) }
    }

    pub fn rules(&self) -> &[Rule] {
        &self.0
    }
}

impl Default for Mapping {
    fn default() -> Self {
        let direct = |field, source| Rule { field, value: Value::Direct(source), only_at_creation: false };
        Self(vec![
            direct(Field::NameZh, Source::Name),
            direct(Field::Mobile, Source::Mobile),
            direct(Field::Email, Source::Email),
            direct(Field::EmployeeId, Source::WorkCode),
            direct(Field::Position, Source::Title),
        ])
    }
}
impl TryFrom<Vec<Rule>> for Mapping {
    type Error = MappedTwice;
    fn try_from(rules: Vec<Rule>) -> Result<Self, MappedTwice> {
        Self::new(rules)
    }
}
impl From<Mapping> for Vec<Rule> {
    fn from(mapping: Mapping) -> Self {
        mapping.0
    }
}

/// The settings of from-OA of one enterprise, and the baseline that its last run has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub scope: Scope,
    /// 顶级部门: what the OA's roots hang under (product.md M53); absent = the OA's root is WeLink's.
    pub top: Option<DeptCode>,
    /// New people are created in WeLink (product.md M54).
    pub add_people: bool,
    /// 兼职部门 count (product.md M55).
    pub concurrent: bool,
    /// Which unlinked members are whom (product.md M57); absent = nobody is recognised.
    pub pairs: Option<Pairs>,
    pub mapping: Mapping,
    /// 用户减少数量阈值 x (product.md Q15).
    pub decrease_max: u32,
    pub cap: Cap,
    /// Days between leaving the scope and being removed; 0 = at once (product.md TWL-15).
    pub grace_days: u32,
    /// OA users in scope at the last completed real run; absent before the first.
    pub baseline: Option<u32>,
    pub family: Family,
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            top: None,
            add_people: false,
            concurrent: false,
            pairs: Some(Pairs::default()),
            mapping: Mapping::default(),
            decrease_max: 20,
            cap: Cap::default(),
            grace_days: 0,
            baseline: None,
            family: Family::default(),
            rate: Rate::default(),
        }
    }
}

impl Settings {
    /// Everything above, the order of lists that are sets not counting.
    pub(super) fn digest(&self, mixer: &mut Mixer) {
        // Without `..`, so that no new setting is forgotten here.
        let Self {
            scope,
            top,
            add_people,
            concurrent,
            pairs,
            mapping,
            decrease_max,
            cap,
            grace_days,
            baseline,
            family,
            rate,
        } = self;
        let Scope { departments, include, exclude } = scope;
        set(mixer, departments.iter().map(String::as_str));
        set(mixer, include.iter().map(OaUserId::as_str));
        set(mixer, exclude.iter().map(OaUserId::as_str));
        mixer.text(top.as_ref().map_or("", DeptCode::as_str));
        mixer.number(u64::from(*add_people) << 1 | u64::from(*concurrent));
        for pair in pairs.iter().flat_map(Pairs::as_slice) {
            mixer.text(&format!("{pair:?}"));
        }
        for rule in mapping.rules() {
            mixer.text(&format!("{rule:?}"));
        }
        mixer.number(u64::from(*decrease_max));
        mixer.text(&format!("{cap:?} {family:?} {rate:?}"));
        mixer.number(u64::from(*grace_days));
        mixer.number(baseline.map_or(u64::MAX, u64::from));
    }
}

fn set<'a>(mixer: &mut Mixer, texts: impl Iterator<Item = &'a str>) {
    let mut sorted: Vec<&str> = texts.collect();
    sorted.sort_unstable();
    sorted.dedup();
    mixer.number(u64::try_from(sorted.len()).unwrap_or(u64::MAX));
    for text in sorted {
        mixer.text(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_leaves_the_small_room_and_stops_the_large() {
        for (cap, linked, want) in [
            (Cap::Percent(5), 0, 5),
            (Cap::Percent(5), 119, 5),
            (Cap::Percent(5), 120, 6),
            (Cap::Percent(5), 100_000, 5_000),
            (Cap::Percent(255), 1_000, 1_000),
            (Cap::Number(0), 1_000, 0),
        ] {
            assert_eq!(cap.of(linked), want, "{cap:?} of {linked}");
        }
    }

    #[test]
    fn calls_take_the_time_that_the_rate_allows() {
        let rate = Rate::default();
        for (calls, want) in [(0, 0), (1, 1), (20, 1), (700, 35), (1_000, 50), (10_000, 500)] {
            assert_eq!(rate.seconds(calls), want, "{calls}");
        }
    }

    #[test]
    fn settings_have_one_form_as_json_and_refuse_a_field_mapped_twice() {
        let settings = Settings::default();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), settings);
        let twice = settings.mapping.rules().iter().chain(settings.mapping.rules()).cloned().collect();
        assert_eq!(Mapping::new(twice), Err(MappedTwice));
    }

    #[test]
    fn every_setting_is_in_the_digest() {
        let digest = |settings: &Settings| {
            let mut mixer = Mixer::new(0);
            settings.digest(&mut mixer);
            mixer.long()
        };
        let plain = Settings::default();
        let user = OaUserId::parse("1").unwrap();
        let changes: Vec<fn(&mut Settings, OaUserId)> = vec![
            |s, _| s.scope.departments.push("d1".to_owned()),
            |s, user| s.scope.include.push(user),
            |s, user| s.scope.exclude.push(user),
            |s, _| s.top = DeptCode::parse("7").ok(),
            |s, _| s.add_people = true,
            |s, _| s.concurrent = true,
            |s, _| s.pairs = None,
            |s, _| s.mapping.0[0].only_at_creation = true,
            |s, _| s.decrease_max = 21,
            |s, _| s.cap = Cap::Number(5),
            |s, _| s.grace_days = 1,
            |s, _| s.baseline = Some(0),
            |s, _| s.family = Family::Old,
            |s, _| s.rate.per_minute = 1,
        ];
        let mut seen = vec![digest(&plain)];
        for change in changes {
            let mut settings = plain.clone();
            change(&mut settings, user.clone());
            seen.push(digest(&settings));
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
