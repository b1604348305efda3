//! Auto-bind (自动绑定): which OA user a WeLink member is, told by fields that both sides know (product.md M32 to M34,
//! Q5, C19).
//!
//! The OA is asked about one pair of fields at a time: [`decide`] begins, each [`Question`] is put to the OA, and
//! [`Question::answer`] takes what it found. The laws:
//!
//! 1. Pairs are tried in their order. The first pair with exactly one match decides, and no later pair is asked.
//! 2. A pair with several matches decides nothing: a later pair may still settle it. If none does, the first of the
//!    ambiguous pairs is the conflict, and nothing is written.
//! 3. Matches are people, not rows: a secondary account counts as its main account. A person counts while a row of
//!    his that matches is active.
//! 4. A person who may not be linked automatically ([`Reason`]) counts like any other, so he makes a match ambiguous,
//!    but he never wins: alone, he ends the search as [`Verdict::Excluded`]. Going on would let the next pair link
//!    the member to somebody else than the one he was just found to be.
//! 5. An empty value matches nothing, nor does one of which nothing is left (BND-03).
//! 6. Whoever is linked is not looked at (BND-04).
//!
//! Nothing here writes. Between a verdict and its write others may link, so the write itself has to insist that both
//! sides are still free (product.md Q27).

mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::OaUserId;
use crate::model::{Person, Stamp};

pub use keys::{Key, key};

/// Pairs of one setting at most.
pub const PAIRS_MAX: usize = 8;
/// OA users on a deny-list at most.
pub const DENY_MAX: usize = 1_000;
/// Rows that the OA's search returns at most: an answer this long may have been cut, so nothing in it is unique.
pub const CANDIDATES_MAX: usize = 20;

/// A field of a WeLink member (welink-api.md 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeLinkField {
    Mobile,
    Email,
    /// The employee number in the customer's own system.
    CorpUserId,
    EmployeeId,
}

/// A field of an OA user and with it the way of comparing (oa-api.md C.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OaField {
    /// With its country code, without spaces and dashes; 11 digits alone are Chinese.
    Mobile,
    /// The work address; ignores case.
    Email,
    /// Exact.
    WorkCode,
    /// Ignores case.
    LoginName,
}

/// Two fields that name the same person when they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    pub welink: WeLinkField,
    pub oa: OaField,
}

impl Pair {
    /// Whether the two fields can hold the same text: numbers with numbers, addresses with addresses or login names,
    /// the two employee numbers with work codes or login names.
    pub fn is_comparable(self) -> bool {
        match self.welink {
            WeLinkField::Mobile => self.oa == OaField::Mobile,
            WeLinkField::Email => matches!(self.oa, OaField::Email | OaField::LoginName),
            WeLinkField::CorpUserId | WeLinkField::EmployeeId => {
                matches!(self.oa, OaField::WorkCode | OaField::LoginName)
            }
        }
    }
}

/// Why a list of pairs is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPairs {
    #[error("not 1 to {PAIRS_MAX} pairs / 应为 1 至 {PAIRS_MAX} 组匹配字段")]
    Count,
    #[error("a pair is listed twice / 同一组匹配字段出现了两次")]
    Duplicate,
    #[error("the fields of a pair never hold the same text / 这组字段的内容不可能相同")]
    NotComparable,
}

/// 1 to [`PAIRS_MAX`] different pairs in the order in which they are tried. As JSON a list:
/// `[{"welink":"mobile","oa":"mobile"}]`, which is also the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Pair>", into = "Vec<Pair>")]
pub struct Pairs(Vec<Pair>);

impl Pairs {
    pub fn new(pairs: Vec<Pair>) -> Result<Self, InvalidPairs> {
        if pairs.is_empty() || pairs.len() > PAIRS_MAX {
            return Err(InvalidPairs::Count);
        }
        if !pairs.iter().all(|pair| pair.is_comparable()) {
            return Err(InvalidPairs::NotComparable);
        }
        if pairs.iter().collect::<BTreeSet<_>>().len() < pairs.len() {
            return Err(InvalidPairs::Duplicate);
        }
        Ok(Self(pairs))
    }

    pub fn as_slice(&self) -> &[Pair] {
        &self.0
    }
}

impl Default for Pairs {
    fn default() -> Self {
        Self(vec![Pair { welink: WeLinkField::Mobile, oa: OaField::Mobile }])
    }
}
impl TryFrom<Vec<Pair>> for Pairs {
    type Error = InvalidPairs;
    fn try_from(pairs: Vec<Pair>) -> Result<Self, InvalidPairs> {
        Self::new(pairs)
    }
}
impl From<Pairs> for Vec<Pair> {
    fn from(pairs: Pairs) -> Self {
        pairs.0
    }
}

/// A deny-list with more than [`DENY_MAX`] users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {DENY_MAX} OA users / 超过 {DENY_MAX} 个 OA 用户")]
pub struct DenyListTooLong;

/// OA users who are never linked automatically (product.md C19): a set, as JSON a sorted list of ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<OaUserId>", into = "Vec<OaUserId>")]
pub struct DenyList(BTreeSet<OaUserId>);

impl DenyList {
    pub fn new(users: Vec<OaUserId>) -> Result<Self, DenyListTooLong> {
        if users.len() > DENY_MAX { Err(DenyListTooLong) } else { Ok(Self(users.into_iter().collect())) }
    }

    pub fn contains(&self, user: &OaUserId) -> bool {
        self.0.contains(user)
    }

    pub fn iter(&self) -> impl Iterator<Item = &OaUserId> {
        self.0.iter()
    }
}

impl TryFrom<Vec<OaUserId>> for DenyList {
    type Error = DenyListTooLong;
    fn try_from(users: Vec<OaUserId>) -> Result<Self, DenyListTooLong> {
        Self::new(users)
    }
}
impl From<DenyList> for Vec<OaUserId> {
    fn from(list: DenyList) -> Self {
        list.0.into_iter().collect()
    }
}

/// The one auto-bind setting of an enterprise, shown in three places (product.md M32, BND-01). Off by default (C19).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoBind {
    pub enabled: bool,
    pub pairs: Pairs,
    /// A match is confirmed with the OA password once before it is written (product.md C19).
    pub require_password: bool,
    pub deny: DenyList,
    /// The last change; absent while nobody has touched the setting.
    pub changed: Option<Stamp>,
    /// Counts changes; an update names the version it saw.
    pub version: u64,
}

/// What WeLink says of a member; an empty text is an absent field. `Debug` shows none of it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct MemberFields<'a> {
    pub mobile: &'a str,
    pub email: &'a str,
    pub corp_user_id: &'a str,
    pub employee_id: &'a str,
}

impl<'a> MemberFields<'a> {
    /// What the bridge copy knows, which has no employee id.
    pub fn of(person: &'a Person) -> Self {
        let Person { mobile, email, corp_user_id, .. } = person;
        Self { mobile, email, corp_user_id, employee_id: "" }
    }

    fn value(&self, field: WeLinkField) -> &'a str {
        match field {
            WeLinkField::Mobile => self.mobile,
            WeLinkField::Email => self.email,
            WeLinkField::CorpUserId => self.corp_user_id,
            WeLinkField::EmployeeId => self.employee_id,
        }
    }
}

impl fmt::Debug for MemberFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberFields").finish_non_exhaustive()
    }
}

/// 主账号/次账号 of one person (oa-api.md 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    Main,
    /// `main` is absent when the OA does not name it.
    Secondary {
        main: Option<OaUserId>,
    },
}

/// A row of the OA's answer. `Debug` shows no personal data.
///
/// The caller adds the main account of every secondary one, whether or not it matches by itself: whether a person may
/// be linked is read from his main account, and without it he is not.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a fact of its own about the row")]
pub struct Candidate {
    pub id: OaUserId,
    /// The OA's search returned this row; false for a main account that was added to its secondary one.
    pub found: bool,
    pub login_id: String,
    pub mobile: Option<String>,
    pub email: Option<String>,
    pub work_code: Option<String>,
    pub active: bool,
    pub account: Account,
    /// Carries roles in the OA.
    pub has_roles: bool,
    /// Linked to a person of this enterprise; links of other enterprises do not matter (product.md Q27).
    pub linked: bool,
}

impl Candidate {
    /// The account that stands for the person. One step only: a main account that is a secondary one itself is
    /// damaged data and stays apart, which can only make a match ambiguous.
    fn person(&self) -> &OaUserId {
        match &self.account {
            Account::Secondary { main: Some(main) } => main,
            Account::Main | Account::Secondary { main: None } => &self.id,
        }
    }

    /// Compared again here, so that an OA which ignores a filter links nobody. Not so the login name: the OA searches
    /// by `userName`, and the login name it shows may be another (oa-api.md C.1, `loginId`).
    fn answers(&self, field: OaField, asked: &Key) -> bool {
        if !self.found {
            return false;
        }
        let value = match field {
            OaField::LoginName => return true,
            OaField::Mobile => &self.mobile,
            OaField::Email => &self.email,
            OaField::WorkCode => &self.work_code,
        };
        value.as_deref().and_then(|text| key(field, text)).is_some_and(|own| own == *asked)
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

/// The member's side of a pair; `None` when there is nothing to search for, so that the pair is passed over.
pub fn key_of(member: &MemberFields<'_>, pair: Pair) -> Option<Key> {
    let value = member.value(pair.welink);
    // An e-mail field that holds no address must not be taken for a login name.
    if pair.welink == WeLinkField::Email && key(OaField::Email, value).is_none() {
        return None;
    }
    key(pair.oa, value)
}

/// Why a person who was found is not linked automatically (product.md Q5, C19). Signing in with the OA password stays
/// open to him, except where he is linked already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Somebody else of this enterprise has this OA user.
    Linked,
    /// On the deny-list.
    Denied,
    /// Carries roles in the OA.
    Roles,
    /// A secondary account was found whose main account is unknown, inactive or no main account.
    NoMainAccount,
}

/// The OA user that a member is.
#[derive(Clone, PartialEq, Eq)]
pub struct Hit {
    pub oa_user: OaUserId,
    /// May be empty: an OA user without a login.
    pub login_id: String,
}

impl fmt::Debug for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hit").field("oa_user", &self.oa_user).finish_non_exhaustive()
    }
}

/// What one pair says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Exactly one person, who may be linked.
    Unique(Hit),
    /// Exactly one person, who may not.
    Excluded(OaUserId, Reason),
    /// Several people, sorted; fewer than two only if the answer may have been cut ([`CANDIDATES_MAX`]).
    Conflict(Vec<OaUserId>),
    /// Nobody.
    None,
}

/// Judges the OA's answer to `key` in `pair.oa`. The order of the candidates does not matter, nor do repetitions.
pub fn judge(pair: Pair, key: &Key, candidates: &[Candidate], settings: &AutoBind) -> Step {
    let mut people: BTreeMap<&OaUserId, Vec<&Candidate>> = BTreeMap::new();
    for row in candidates {
        people.entry(row.person()).or_default().push(row);
    }
    people.retain(|_, rows| rows.iter().any(|row| row.active && row.answers(pair.oa, key)));
    if people.len() > 1 || candidates.len() >= CANDIDATES_MAX {
        return Step::Conflict(people.into_keys().take(CANDIDATES_MAX).cloned().collect());
    }
    people.into_iter().next().map_or(Step::None, |(person, rows)| judge_person(person, &rows, settings))
}

fn judge_person(person: &OaUserId, rows: &[&Candidate], settings: &AutoBind) -> Step {
    let excluded = |reason| Step::Excluded(person.clone(), reason);
    if rows.iter().any(|row| row.linked) {
        return excluded(Reason::Linked);
    }
    if settings.deny.contains(person) || rows.iter().any(|row| settings.deny.contains(&row.id)) {
        return excluded(Reason::Denied);
    }
    if rows.iter().any(|row| row.has_roles) {
        return excluded(Reason::Roles);
    }
    let own = || rows.iter().filter(|row| row.id == *person);
    if !own().all(|row| row.active && row.account == Account::Main) {
        return excluded(Reason::NoMainAccount);
    }
    match own().map(|row| &row.login_id).min() {
        Some(login_id) => Step::Unique(Hit { oa_user: person.clone(), login_id: login_id.clone() }),
        None => excluded(Reason::NoMainAccount),
    }
}

/// Why nobody was searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotTried {
    /// The setting is off.
    Off,
    /// The person has a link, which matching never changes (product.md M34, BND-04).
    Linked,
    /// The person bears the mark "do not auto-link" (product.md Q26).
    Marked,
}

/// How it ends for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    NotTried(NotTried),
    /// Write this link.
    Link(Pair, Hit),
    /// Write this link once the person has given this OA user's password (product.md C19).
    AskPassword(Pair, Hit),
    /// Found, and not to be linked automatically.
    Excluded(Pair, OaUserId, Reason),
    /// List it and write nothing (product.md Q5, BND-05). The pair is the first ambiguous one.
    Conflict(Pair, Vec<OaUserId>),
    /// No pair matched anybody.
    Unlinked,
}

/// Where the search stands.
#[derive(Debug)]
pub enum Progress<'a> {
    Ask(Question<'a>),
    Done(Verdict),
}

/// What to ask the OA next.
#[derive(Debug)]
pub struct Question<'a> {
    settings: &'a AutoBind,
    member: MemberFields<'a>,
    pair: Pair,
    key: Key,
    rest: &'a [Pair],
    conflict: Option<(Pair, Vec<OaUserId>)>,
}

/// Begins the search for one person. `member` is what WeLink says of him now, or [`MemberFields::of`]. After
/// [`PAIRS_MAX`] answers at most it is [`Progress::Done`].
pub fn decide<'a>(settings: &'a AutoBind, person: &Person, member: MemberFields<'a>) -> Progress<'a> {
    let not_tried = match (settings.enabled, person.link.is_some(), person.no_auto_bind) {
        (false, _, _) => NotTried::Off,
        (true, true, _) => NotTried::Linked,
        (true, false, true) => NotTried::Marked,
        (true, false, false) => return next(settings, member, settings.pairs.as_slice(), None),
    };
    Progress::Done(Verdict::NotTried(not_tried))
}

/// The first pair for which the member has a value, or the end.
fn next<'a>(
    settings: &'a AutoBind,
    member: MemberFields<'a>,
    mut pairs: &'a [Pair],
    conflict: Option<(Pair, Vec<OaUserId>)>,
) -> Progress<'a> {
    while let Some((pair, rest)) = pairs.split_first() {
        if let Some(key) = key_of(&member, *pair) {
            return Progress::Ask(Question { settings, member, pair: *pair, key, rest, conflict });
        }
        pairs = rest;
    }
    Progress::Done(conflict.map_or(Verdict::Unlinked, |(pair, users)| Verdict::Conflict(pair, users)))
}

impl<'a> Question<'a> {
    /// The field to search.
    pub fn field(&self) -> OaField {
        self.pair.oa
    }

    /// The value to search for.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Takes all rows that the OA found, with the main accounts of secondary ones (see [`Candidate`]).
    pub fn answer(self, candidates: &[Candidate]) -> Progress<'a> {
        let pair = self.pair;
        match judge(pair, &self.key, candidates, self.settings) {
            Step::Unique(hit) if self.settings.require_password => Progress::Done(Verdict::AskPassword(pair, hit)),
            Step::Unique(hit) => Progress::Done(Verdict::Link(pair, hit)),
            Step::Excluded(user, reason) => Progress::Done(Verdict::Excluded(pair, user, reason)),
            Step::Conflict(users) => {
                let conflict = self.conflict.or(Some((pair, users)));
                next(self.settings, self.member, self.rest, conflict)
            }
            Step::None => next(self.settings, self.member, self.rest, self.conflict),
        }
    }
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;

#[cfg(test)]
mod laws;
