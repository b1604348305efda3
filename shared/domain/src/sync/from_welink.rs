//! From-WeLink: what a complete read of WeLink changes in the bridge copy (product.md M46, Q24, Q25, FWL-01 to FWL-06).

use serde::{Deserialize, Serialize};

use super::complaint::{Complaint, Reason};
use super::fingerprint::Fingerprint;
use super::people::shown;
use super::settings::{Cap, Settings};
use super::sides::{CopyMark, CopyRow, CopyTable, Directory, Seen, copy};
use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// How the copy is kept.
#[derive(Debug, Clone, Copy)]
pub struct CopySettings<'a> {
    /// How much may be missing at once (FWL-05).
    pub cap: Cap,
    /// Days that what is missing is kept, with its link.
    pub missing_days: u32,
    /// The settings of from-OA, where it is set up: they say which fields are ours.
    pub from_oa: Option<&'a Settings>,
}

impl Default for CopySettings<'_> {
    fn default() -> Self {
        Self { cap: Cap::default(), missing_days: 30, from_oa: None }
    }
}

/// What becomes of one object of the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyState {
    New,
    /// Its fields, or that it is seen at all for the first time.
    Changed,
    /// Not shown any more; its link is suspended.
    Missing,
    /// Shown again; its link holds again.
    Returned,
    /// Missing for too long; it goes, and its link with it.
    Dropped,
}

/// One object that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyItem {
    pub state: CopyState,
    /// Its row in WeLink's answer.
    pub welink: Option<CopyRow>,
    /// Its row in the copy.
    pub copy: Option<CopyRow>,
    /// To remember as [`super::CopyPerson::kept`].
    pub kept: Option<Fingerprint>,
}

/// What from-WeLink would write. The lists are given out by [`CopyPlan::release`].
#[derive(Debug, Clone)]
pub struct CopyPlan {
    departments: Vec<CopyItem>,
    people: Vec<CopyItem>,
    /// Shown before; gone now.
    department_loss: Loss,
    person_loss: Loss,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Loss {
    before: u32,
    lost: u32,
    /// WeLink has shown at least one.
    any: bool,
}

/// More has gone than may go at once; the copy stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shrunken {
    pub before: u32,
    pub lost: u32,
    pub most: u32,
    /// Departments, not people.
    pub of_departments: bool,
}

/// Compares a complete read with the copy. Cannot fail.
pub fn copy_plan<'a>(
    welink: &'a Directory,
    copy: &'a Directory,
    settings: &CopySettings<'_>,
    now: Timestamp,
) -> (CopyPlan, Vec<Complaint<'a>>) {
    let mut complaints = Vec::new();
    let mut side = Side { settings, now, complaints: &mut complaints };
    let (departments, department_loss) = side.merge(&welink.departments, &copy.departments, same_department, |_| None);
    let kept = |row: u32| settings.from_oa.map(|from_oa| Fingerprint(shown(from_oa, welink, row)));
    let (people, person_loss) = side.merge(&welink.people, &copy.people, same_person, kept);
    complaints.sort_unstable();
    (CopyPlan { departments, people, department_loss, person_loss }, complaints)
}

/// A row of each table; whether the second says what the first does.
type Same<const N: usize> = fn(&CopyTable<N>, u32, &CopyTable<N>, u32) -> bool;

struct Side<'s, 'a, 'c> {
    settings: &'s CopySettings<'s>,
    now: Timestamp,
    complaints: &'c mut Vec<Complaint<'a>>,
}

impl<'a> Side<'_, 'a, '_> {
    /// Walks both tables by id.
    fn merge<const N: usize>(
        &mut self,
        welink: &'a CopyTable<N>,
        copy: &'a CopyTable<N>,
        same: Same<N>,
        kept: impl Fn(u32) -> Option<Fingerprint>,
    ) -> (Vec<CopyItem>, Loss) {
        let (mut items, mut loss) = (Vec::new(), Loss { any: welink.len() > 0, ..Loss::default() });
        let mut rows = copy.rows().peekable();
        let mut shown = welink.rows().peekable();
        while let Some(row) = shown.next() {
            let id = welink.get(row, 0);
            let mut is_clear = true;
            while let Some(other) = shown.next_if(|other| welink.get(*other, 0) == id) {
                is_clear &= same(welink, row, welink, other);
            }
            while let Some(gone) = rows.next_if(|own| copy.get(*own, 0) < id) {
                items.extend(self.gone(copy, gone, &mut loss));
            }
            let own = rows.next_if(|own| copy.get(*own, 0) == id);
            loss.before += u32::from(own.is_some_and(|own| mark(copy, own).seen == Seen::Shown));
            if is_clear {
                items.extend(met((welink, row), own.map(|own| (copy, own)), same, &kept));
            } else {
                // Not lost, and not to be trusted either.
                let name = welink.get(row, if N == 5 { copy::DEPARTMENT_NAME } else { copy::NAME_ZH });
                self.complaints.push(Complaint { reason: Reason::DuplicateId, id, name, other: "" });
            }
        }
        for row in rows {
            items.extend(self.gone(copy, row, &mut loss));
        }
        (items, loss)
    }

    /// Not shown now.
    fn gone<const N: usize>(&self, copy: &CopyTable<N>, row: u32, loss: &mut Loss) -> Option<CopyItem> {
        let state = match mark(copy, row).seen {
            Seen::NotInRange => return None,
            Seen::Missing(since) => {
                let days_ms = i64::from(self.settings.missing_days).saturating_mul(DAY_MS);
                (self.now.ms_since(since) >= days_ms).then_some(CopyState::Dropped)?
            }
            Seen::Shown => {
                loss.before += 1;
                loss.lost += 1;
                CopyState::Missing
            }
        };
        Some(CopyItem { state, welink: None, copy: Some(CopyRow(row)), kept: None })
    }
}

/// Shown now.
fn met<const N: usize>(
    (welink, row): (&CopyTable<N>, u32),
    own: Option<(&CopyTable<N>, u32)>,
    same: Same<N>,
    kept: impl Fn(u32) -> Option<Fingerprint>,
) -> Option<CopyItem> {
    let item = CopyItem { state: CopyState::New, welink: Some(CopyRow(row)), copy: None, kept: None };
    let Some((copy, own)) = own else { return Some(item) };
    let mark = mark(copy, own);
    let is_same = same(welink, row, copy, own);
    let state = match mark.seen {
        Seen::Missing(_) => CopyState::Returned,
        Seen::Shown if is_same => return None,
        Seen::Shown | Seen::NotInRange => CopyState::Changed,
    };
    // The first look after a write of ours: what is shown is the form in which WeLink keeps it.
    let kept = (!is_same && mark.written != 0 && mark.kept == 0).then(|| kept(row)).flatten();
    Some(CopyItem { state, copy: Some(CopyRow(own)), kept, ..item })
}

fn mark<const N: usize>(table: &CopyTable<N>, row: u32) -> CopyMark {
    table.meta(row).unwrap_or(CopyMark::NONE)
}

fn same_department(a: &CopyTable<5>, row: u32, b: &CopyTable<5>, other: u32) -> bool {
    let fields = [copy::PARENT, copy::DEPARTMENT_NAME, copy::CORP_CODE];
    fields.into_iter().all(|at| a.get(row, at) == b.get(other, at)) && mark(a, row).order == mark(b, other).order
}

fn same_person(a: &CopyTable<11>, row: u32, b: &CopyTable<11>, other: u32) -> bool {
    if !(copy::CORP_USER..copy::DEPARTMENTS).all(|at| a.get(row, at) == b.get(other, at)) {
        return false;
    }
    if a.get(row, copy::DEPARTMENTS) == b.get(other, copy::DEPARTMENTS) {
        return true;
    }
    // The main one is the first; the others are a set.
    let sorted = |table: &CopyTable<11>, row: u32| {
        let mut codes: Vec<String> = table.lines(row).map(str::to_owned).collect();
        if let Some(others) = codes.get_mut(1..) {
            others.sort_unstable();
        }
        codes
    };
    sorted(a, row) == sorted(b, other)
}

/// What stands against a plan (FWL-05); `None` = it may be written.
pub fn shrunken(plan: &CopyPlan, cap: Cap) -> Option<Shrunken> {
    let judge = |Loss { before, lost, any }: Loss, of_departments| {
        let most = cap.of(before);
        let is_empty = !any && before > 0;
        (is_empty || lost > most).then_some(Shrunken { before, lost, most, of_departments })
    };
    judge(plan.person_loss, false).or_else(|| judge(plan.department_loss, true))
}

impl CopyPlan {
    /// Departments and people to write, unless too much has gone.
    pub fn release(&self, cap: Cap) -> Result<(&[CopyItem], &[CopyItem]), Shrunken> {
        shrunken(self, cap).map_or(Ok((&self.departments, &self.people)), Err)
    }

    /// How many people, and departments, would come to this state.
    pub fn count(&self, state: CopyState) -> (usize, usize) {
        let of = |items: &[CopyItem]| items.iter().filter(|item| item.state == state).count();
        (of(&self.people), of(&self.departments))
    }
}
