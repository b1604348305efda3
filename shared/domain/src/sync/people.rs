//! Who is in scope, who he is in WeLink, and what has to be written (product.md M54 to M68, Q12 to Q14).
//!
//! Each side is walked once in its own order and leaves a number for every person: what an update would write, and what
//! WeLink shows. Linked people are then joined by sorting the links, and only where the numbers differ are the texts
//! looked at. So a sync that finds nothing to do touches no text twice.

use super::adopt::{self, Match};
use super::complaint::{Complaint, Reason};
use super::departments::{Departments, Target};
use super::fingerprint::{Mixer, of};
use super::join::Links;
use super::plan::{Mark, PersonItem, State};
use super::rows::{index, number};
use super::settings::{Field, Settings};
use super::sides::{CopyRow, Directory, OaRow, OaSide, Seen, copy, oa};
use super::tree::{NONE, Status, Tree};
use super::values::{self, Fields};
use crate::ids::OaUserId;
use crate::time::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// Where the scope puts a person of the OA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Out,
    /// In this unit of the OA; [`NONE`] = at the mount.
    In(u32),
    Held(Reason),
    /// A second, equal record.
    Copy,
}

#[derive(Debug)]
pub(super) struct People<'a> {
    pub items: Vec<PersonItem>,
    /// Linked, and as they should be.
    pub unchanged: u32,
    pub in_scope: u32,
    pub linked: u32,
    /// By row of the OA.
    pub fates: Vec<Fate>,
    pub complaints: Vec<Complaint<'a>>,
}

/// The departments of a person, as the scope leaves them.
pub(super) struct Places<'c> {
    pub oa: &'c OaSide,
    pub targets: &'c [Target],
    pub settings: &'c Settings,
}

impl Places<'_> {
    fn is_written(&self, unit: u32) -> bool {
        matches!(self.targets.get(index(unit)), Some(Target::Is(_) | Target::New))
    }

    /// Units besides the main one, in their order; none where the settings or the interface take one department.
    pub fn extras(&self, row: u32, main: u32) -> impl Iterator<Item = u32> {
        let several = self.settings.concurrent && self.settings.family.takes_several_departments();
        let lines = several.then(|| self.oa.people.lines(row)).into_iter().flatten();
        let units = lines.filter_map(|id| self.oa.department(id));
        units.filter(move |unit| several && main != NONE && *unit != main && self.is_written(*unit))
    }
}

/// Adds a person's departments, the main one first; of the others the order does not count.
pub(super) fn with_departments(mut mixer: Mixer, mut codes: impl Iterator<Item = u64>) -> u64 {
    mixer.number(codes.next().unwrap_or_default());
    mixer.number(codes.fold(0, u64::wrapping_add));
    mixer.short()
}

struct Planner<'a, 'c> {
    oa: &'a OaSide,
    directory: &'a Directory,
    tree: &'c Tree,
    settings: &'c Settings,
    places: Places<'c>,
    /// By row of the OA's units: the number of its code in WeLink, another one when it is new.
    codes: Vec<u64>,
    mount_code: u64,
    now: Timestamp,
    out: People<'a>,
    /// Rows of the OA, in scope and without a link.
    unlinked: Vec<u32>,
    /// Rows of the copy to leave WeLink, with their row of the OA.
    leaving: Vec<(u32, Option<OaRow>)>,
}

pub(super) fn plan<'a>(
    side: &'a OaSide,
    directory: &'a Directory,
    departments: &Departments<'a>,
    settings: &Settings,
    now: Timestamp,
) -> People<'a> {
    let code = |(row, target): (usize, &Target)| match target {
        Target::Is(copy) => of(directory.department_code(CopyRow(*copy))),
        // No code has a line break in it.
        _ => of(&format!("\n{}", side.department_id(OaRow(number(row))))),
    };
    let (items, fates, complaints) = (Vec::new(), Vec::with_capacity(side.people.len()), Vec::new());
    let mut planner = Planner {
        oa: side,
        directory,
        tree: &departments.tree,
        settings,
        places: Places { oa: side, targets: &departments.targets, settings },
        codes: departments.targets.iter().enumerate().map(code).collect(),
        mount_code: of(directory.department_code(CopyRow(departments.mount))),
        now,
        out: People { items, unchanged: 0, in_scope: 0, linked: 0, fates, complaints },
        unlinked: Vec::new(),
        leaving: Vec::new(),
    };
    planner.decide_scope();
    let links = Links::new(side, directory, |row| planner.shown_print(row));
    planner.out.linked = number(links.rows().filter(|row| directory.mark(*row).seen == Seen::Shown).count());
    planner.walk(&links);
    planner.settle();
    planner.out.items.sort_unstable_by_key(|item| (item.oa.is_none(), item.oa, item.copy));
    planner.out
}

impl<'a> Planner<'a, '_> {
    fn complain(&mut self, reason: Reason, row: u32, other: &'a str) {
        let (id, name) = (self.oa.person_id(OaRow(row)), self.oa.person_name(OaRow(row)));
        self.out.complaints.push(Complaint { reason, id, name, other });
    }

    /// Decides for everybody of the OA; rows and both lists are in the order of their ids.
    fn decide_scope(&mut self) {
        let sorted = |list: &'_ [OaUserId]| {
            let mut sorted: Vec<String> = list.iter().map(|id| id.as_str().to_owned()).collect();
            sorted.sort_unstable();
            sorted
        };
        let (include, exclude) = (sorted(&self.settings.scope.include), sorted(&self.settings.scope.exclude));
        let (mut included, mut excluded) = (include.iter().peekable(), exclude.iter().peekable());
        let mut listed = |id: &str| {
            while included.next_if(|one| one.as_str() < id).is_some() {}
            while excluded.next_if(|one| one.as_str() < id).is_some() {}
            (included.peek().is_some_and(|one| *one == id), excluded.peek().is_some_and(|one| *one == id))
        };
        let only_included = !include.is_empty();
        let mut differ = false;
        for row in self.oa.people.rows() {
            let (is_included, is_excluded) = listed(self.oa.people.get(row, oa::ID));
            let mark = self.oa.people.meta(row);
            let is_out = is_excluded || (only_included && !is_included) || mark.is_none_or(|mark| !mark.active);
            let repeated = self.repeated(row, &mut differ);
            let fate = match repeated {
                Some(fate) => fate,
                None if is_out => Fate::Out,
                None => self.place(row, is_included),
            };
            self.out.fates.push(fate);
        }
    }

    /// Equal ids stand side by side: equal records are one, of different ones nobody knows which is right.
    fn repeated(&mut self, row: u32, differ: &mut bool) -> Option<Fate> {
        let table = &self.oa.people;
        let same = |a: u32, b: u32| index(b) < table.len() && table.get(a, oa::ID) == table.get(b, oa::ID);
        if row > 0 && same(row - 1, row) {
            return Some(Fate::Copy);
        }
        let content = |row: u32| {
            let fields = [oa::NAME, oa::LOGIN, oa::WORK_CODE, oa::MOBILE, oa::EMAIL, oa::TITLE, oa::TITLE + 1];
            (fields.map(|at| table.get(row, at)), table.meta(row))
        };
        *differ = false;
        let mut other = row + 1;
        while same(row, other) {
            *differ |= content(row) != content(other);
            other += 1;
        }
        if *differ {
            self.complain(Reason::DuplicateId, row, "");
        }
        differ.then_some(Fate::Held(Reason::DuplicateId))
    }

    /// Q13 for an active person who is not excluded.
    fn place(&mut self, row: u32, is_included: bool) -> Fate {
        let (oa, tree) = (self.oa, self.tree);
        let mut units = oa.people.lines(row);
        let unclear = Fate::Held(Reason::DepartmentUnclear);
        let Some(first) = units.next() else {
            return if is_included { self.at_the_top(row) } else { unclear };
        };
        let Some(main) = oa.department(first) else { return unclear };
        let is_held = |unit: u32| {
            let held = matches!(tree.nodes[index(unit)].status, Status::Held(_) | Status::Copy);
            held || matches!(self.places.targets[index(unit)], Target::Held(_))
        };
        if is_held(main) || tree.nodes[index(main)].status == Status::Sealed {
            return unclear;
        }
        let eligible = |unit: u32| tree.nodes[index(unit)].in_scope || (is_included && self.places.is_written(unit));
        let mut chosen = eligible(main).then_some(main);
        let mut others = 0;
        if self.settings.concurrent {
            for id in units {
                let Some(unit) = oa.department(id).filter(|unit| !is_held(*unit)) else { return unclear };
                if unit != main && eligible(unit) {
                    others += usize::from(chosen.is_some_and(|chosen| chosen != unit));
                    chosen = chosen.or(Some(unit));
                }
            }
        }
        if others > 0 && !self.settings.family.takes_several_departments() {
            self.complain(Reason::OneDepartment, row, "");
        }
        match chosen {
            Some(unit) => Fate::In(unit),
            None if is_included => self.at_the_top(row),
            None => Fate::Out,
        }
    }

    fn at_the_top(&mut self, row: u32) -> Fate {
        self.complain(Reason::AtTheTop, row, "");
        Fate::In(NONE)
    }

    fn wanted_print(&self, row: u32, main: u32) -> u64 {
        let mixer = values::wanted_print(&self.settings.mapping, self.oa, row);
        let code = |unit: u32| self.codes.get(index(unit)).copied().unwrap_or(self.mount_code);
        // The same unit may be listed twice.
        let mut extras: Vec<u64> = self.places.extras(row, main).map(code).collect();
        extras.sort_unstable();
        extras.dedup();
        with_departments(mixer, std::iter::once(code(main)).chain(extras))
    }

    fn shown_print(&self, row: u32) -> u64 {
        shown(self.settings, self.directory, row)
    }

    /// Walks the OA and the links together.
    fn walk(&mut self, links: &Links<'_>) {
        let mut cursor = links.cursor();
        for row in self.oa.people.rows() {
            let fate = self.out.fates[index(row)];
            if fate == Fate::Copy {
                continue;
            }
            let linked = cursor.take(row, |dead| self.leaving.push((dead, None)));
            let owner = Some(OaRow(row));
            self.out.in_scope += u32::from(matches!(fate, Fate::In(_) | Fate::Held(_)));
            match (fate, linked) {
                (Fate::Out, all) => self.leaving.extend(all.iter().map(|link| (link.row, owner))),
                (Fate::Held(reason), all) => self.hold(row, all.iter().map(|link| link.row), reason),
                (_, []) => self.unlinked.push(row),
                (Fate::In(main), [one]) => self.compare(row, main, one.row, one.print),
                (_, all) => {
                    self.complain(Reason::LinkNotUnique, row, "");
                    self.hold(row, all.iter().map(|link| link.row), Reason::LinkNotUnique);
                }
            }
        }
        cursor.rest(|dead| self.leaving.push((dead, None)));
    }

    /// Leaves a person as he is on both sides.
    fn hold(&mut self, row: u32, copies: impl Iterator<Item = u32>, reason: Reason) {
        if reason == Reason::DepartmentUnclear {
            self.complain(reason, row, self.oa.people.lines(row).next().unwrap_or_default());
        }
        let item = PersonItem { oa: Some(OaRow(row)), reason: Some(reason), ..PersonItem::NONE };
        let before = self.out.items.len();
        self.out.items.extend(copies.map(|copy| PersonItem { copy: Some(CopyRow(copy)), ..item }));
        if self.out.items.len() == before {
            self.out.items.push(item);
        }
    }

    /// Whether WeLink can be told to change this member.
    fn is_writable(&self, copy: u32) -> bool {
        self.settings.family.adopts() || !self.directory.people.get(copy, copy::CORP_USER).is_empty()
    }

    /// A person with a link.
    fn compare(&mut self, row: u32, main: u32, copy: u32, print: u64) {
        let mark = self.directory.mark(copy);
        let reason = match mark.seen {
            Seen::Shown => None,
            Seen::Missing(_) => Some(Reason::Missing),
            Seen::NotInRange => Some(Reason::NotInRange),
        };
        if let Some(reason) = reason {
            self.complain(reason, row, self.directory.user(CopyRow(copy)));
            self.hold(row, std::iter::once(copy), reason);
            return;
        }
        let wanted = self.wanted_print(row, main);
        let clear = self.clear(copy);
        let (fields, moves) = if wanted == print { (Fields::NONE, false) } else { self.differences(row, main, copy) };
        // WeLink keeps some values in a form of its own: what it showed after our last write is no change.
        let is_settled = mark.written == wanted && mark.kept == print;
        if is_settled || (fields.is_empty() && !moves) {
            if clear == Mark::Keep {
                self.out.unchanged += 1;
            } else {
                let (oa, copy) = (Some(OaRow(row)), Some(CopyRow(copy)));
                self.out.items.push(PersonItem { oa, copy, state: State::Matched, mark: clear, ..PersonItem::NONE });
            }
            return;
        }
        if self.is_writable(copy) {
            let (oa, copy, state) = (Some(OaRow(row)), Some(CopyRow(copy)), State::Changed);
            self.out.items.push(PersonItem { oa, copy, state, fields, moves, mark: clear, ..PersonItem::NONE });
        } else {
            self.complain(Reason::CannotAdopt, row, self.directory.user(CopyRow(copy)));
            self.hold(row, std::iter::once(copy), Reason::CannotAdopt);
        }
    }

    /// Back in scope: whatever mark he has goes.
    fn clear(&self, copy: u32) -> Mark {
        if self.directory.mark(copy).leaving.is_some() { Mark::Clear } else { Mark::Keep }
    }

    fn differences(&self, row: u32, main: u32, copy: u32) -> (Fields, bool) {
        let fields = values::differing(&self.settings.mapping, (self.oa, OaRow(row)), (self.directory, CopyRow(copy)));
        let none = || Mixer::new(0);
        let code = |unit: u32| self.codes.get(index(unit)).copied().unwrap_or(self.mount_code);
        let mut extras: Vec<u64> = self.places.extras(row, main).map(code).collect();
        extras.sort_unstable();
        extras.dedup();
        let wanted = with_departments(none(), std::iter::once(code(main)).chain(extras));
        (fields, wanted != with_departments(none(), shown_codes(self.settings, self.directory, copy)))
    }

    /// What could not be decided before everybody's link was known: who of the unlinked is whom, and who leaves.
    fn settle(&mut self) {
        let unlinked = std::mem::take(&mut self.unlinked);
        let matched = adopt::find(self.oa, self.directory, self.settings, &unlinked);
        for (row, found) in unlinked.iter().zip(&matched.found) {
            match *found {
                Match::Nobody => self.create(*row),
                Match::Member(copy) => self.adopt(*row, copy),
                Match::Held(reason) => {
                    self.complain(reason, *row, "");
                    self.hold(*row, std::iter::empty(), reason);
                }
            }
        }
        for (copy, owner) in std::mem::take(&mut self.leaving) {
            let item = self.leave(copy, matched.wanted.get(index(copy)).copied().unwrap_or_default());
            self.out.items.extend(item.map(|item| PersonItem { oa: owner, copy: Some(CopyRow(copy)), ..item }));
        }
    }

    fn create(&mut self, row: u32) {
        let item = PersonItem { oa: Some(OaRow(row)), state: State::New, ..PersonItem::NONE };
        if !self.settings.add_people {
            self.out.items.push(PersonItem { reason: Some(Reason::BridgeOnly), ..item });
            return;
        }
        let has = |field: Field| {
            let mut rules = self.settings.mapping.rules().iter().filter(|rule| rule.field == field);
            rules.any(|rule| !values::wanted(rule, self.oa, row).is_empty())
        };
        let lacks = match (has(Field::NameZh), has(Field::Mobile)) {
            (true, true) => None,
            (false, _) => Some(Reason::NoName),
            (true, false) => Some(Reason::NoMobile),
        };
        if let Some(reason) = lacks {
            self.complain(reason, row, "");
            self.hold(row, std::iter::empty(), reason);
        } else {
            self.out.items.push(PersonItem { links: true, moves: true, ..item });
        }
    }

    fn adopt(&mut self, row: u32, copy: u32) {
        let Fate::In(main) = self.out.fates[index(row)] else { return };
        let (mut fields, mut moves) = (Fields::NONE, false);
        if self.is_writable(copy) {
            (fields, moves) = self.differences(row, main, copy);
        } else {
            self.complain(Reason::CannotAdopt, row, self.directory.user(CopyRow(copy)));
        }
        let has_id = !self.directory.people.get(copy, copy::CORP_USER).is_empty();
        self.out.items.push(PersonItem {
            oa: Some(OaRow(row)),
            copy: Some(CopyRow(copy)),
            state: if fields.is_empty() && !moves { State::Matched } else { State::Changed },
            fields,
            moves,
            links: true,
            adopts: !has_id && self.settings.family.adopts(),
            mark: self.clear(copy),
            ..PersonItem::NONE
        });
    }

    /// A linked person whom no OA user in scope stands for (product.md M64, TWL-15).
    fn leave(&self, copy: u32, is_wanted: bool) -> Option<PersonItem> {
        let mark = self.directory.mark(copy);
        let held = |reason| Some(PersonItem { reason: Some(reason), ..PersonItem::NONE });
        match mark.seen {
            // From-WeLink removes him when his time has come.
            Seen::Missing(_) => return None,
            Seen::NotInRange => return held(Reason::NotInRange),
            Seen::Shown => {}
        }
        if is_wanted {
            return held(Reason::Wanted);
        }
        if !self.is_writable(copy) {
            return held(Reason::CannotAdopt);
        }
        let grace_ms = i64::from(self.settings.grace_days).saturating_mul(DAY_MS);
        let is_over = mark.leaving.is_some_and(|since| self.now.ms_since(since) >= grace_ms);
        if grace_ms == 0 || is_over {
            return Some(PersonItem { state: State::Delete, ..PersonItem::NONE });
        }
        let set = if mark.leaving.is_none() { Mark::Set } else { Mark::Keep };
        Some(PersonItem { reason: Some(Reason::Grace), mark: set, ..PersonItem::NONE })
    }
}

fn shown_codes(settings: &Settings, directory: &Directory, row: u32) -> impl Iterator<Item = u64> {
    let most = if settings.family.takes_several_departments() { usize::MAX } else { 1 };
    directory.people.lines(row).take(most).map(of)
}

/// What WeLink shows of a member, as [`Planner::wanted_print`] says what it should.
pub(super) fn shown(settings: &Settings, directory: &Directory, row: u32) -> u64 {
    let mixer = values::found_print(&settings.mapping, directory, row);
    with_departments(mixer, shown_codes(settings, directory, row))
}
