//! A plan as calls to WeLink: what goes into one batch, in which order, and what each object is told (product.md
//! TWL-20).

use std::borrow::Cow;

use super::plan::{Parent, PersonItem, Plan, State};
use super::rows::number;
use super::settings::{Field, Settings};
use super::sides::{CopyRow, Directory, OaRow, OaSide};
use super::values;

/// One kind of call. In the order in which they run: a phase begins when the one before is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Existing departments are given our ids.
    DepartmentAdopt,
    /// Departments of one level are created and changed; their parents are there.
    DepartmentWrite {
        level: u16,
    },
    PersonAdopt,
    /// People are created and changed.
    PersonWrite,
    PersonRemove,
    /// Departments of one depth are removed; nothing is left in them.
    DepartmentRemove {
        depth_left: u16,
    },
}

/// One call. `items` are places in [`Plan::departments`] or [`Plan::people`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub phase: Phase,
    pub items: Vec<u32>,
}

/// All calls of a plan, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batches {
    pub list: Vec<Batch>,
    /// Each batch, and one read of its result.
    pub calls: usize,
    /// At the allowed rate, writing and reading side by side.
    pub seconds: u64,
}

/// One value before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    pub field: Field,
    pub before: Cow<'a, str>,
    pub after: Cow<'a, str>,
}

/// What WeLink is told about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonWrite<'a> {
    /// `corpUserId`: the one that he has, else his OA id.
    pub corp_user: &'a str,
    /// WeLink's id; absent for a new one.
    pub user: Option<&'a str>,
    pub fields: Vec<(Field, Cow<'a, str>)>,
    /// The main one first; empty = not written.
    pub departments: Vec<Parent>,
}

impl Plan {
    /// Every call that the plan would make; what a simulation shows, and what [`Plan::release`] gives out.
    pub fn batches(&self) -> Batches {
        let mut phased: Vec<(Phase, u32)> = Vec::new();
        for (at, item) in self.departments.iter().enumerate() {
            let at = number(at);
            if item.adopts {
                phased.push((Phase::DepartmentAdopt, at));
            }
            match item.state {
                State::New | State::Changed => phased.push((Phase::DepartmentWrite { level: item.level }, at)),
                State::Delete => phased.push((Phase::DepartmentRemove { depth_left: u16::MAX - item.level }, at)),
                State::Matched | State::Held => {}
            }
        }
        for (at, item) in self.people.iter().enumerate() {
            let at = number(at);
            if item.adopts {
                phased.push((Phase::PersonAdopt, at));
            }
            if item.state == State::Changed || item.is_created() {
                phased.push((Phase::PersonWrite, at));
            } else if item.state == State::Delete {
                phased.push((Phase::PersonRemove, at));
            }
        }
        phased.sort_unstable();
        let of_phase = |group: &[(Phase, u32)]| -> Vec<Batch> {
            let filled = group.chunks(self.family.batch());
            filled.map(|one| Batch { phase: one[0].0, items: one.iter().map(|(_, at)| *at).collect() }).collect()
        };
        let list: Vec<Batch> = phased.chunk_by(|a, b| a.0 == b.0).flat_map(of_phase).collect();
        // One read of a result for each batch: no interface is asked more often than that one.
        Batches { calls: list.len() * 2, seconds: self.rate.seconds(list.len()), list }
    }

    /// What WeLink is told about a person who is created or changed.
    pub fn person_write<'a>(
        &self,
        oa: &'a OaSide,
        directory: &'a Directory,
        settings: &'a Settings,
        item: &PersonItem,
    ) -> Option<PersonWrite<'a>> {
        let row = item.oa?;
        let is_new = item.copy.is_none();
        let mut fields = Vec::new();
        for rule in settings.mapping.rules() {
            let value = values::wanted(rule, oa, row.0);
            if if is_new { !value.is_empty() } else { item.fields.contains(rule.field) } {
                fields.push((rule.field, value));
            }
        }
        let known = item.copy.map(|copy| directory.corp_user(copy)).filter(|id| !id.is_empty());
        Some(PersonWrite {
            corp_user: known.unwrap_or_else(|| oa.person_id(row)),
            user: item.copy.map(|copy| directory.user(copy)),
            fields,
            departments: if item.moves { self.places(oa, settings, row) } else { Vec::new() },
        })
    }
}

impl PersonItem {
    /// Each field before and after, as a simulation lists them.
    pub fn changes<'a>(&self, oa: &'a OaSide, directory: &'a Directory, settings: &'a Settings) -> Vec<Change<'a>> {
        let (Some(OaRow(row)), Some(CopyRow(copy))) = (self.oa, self.copy) else { return Vec::new() };
        let rules = settings.mapping.rules().iter().filter(|rule| self.fields.contains(rule.field));
        rules
            .map(|rule| Change {
                field: rule.field,
                before: Cow::Borrowed(values::found(directory, copy, rule.field)),
                after: values::wanted(rule, oa, row),
            })
            .collect()
    }
}
