//! A plan: what a run of from-OA would write, and why it leaves alone what it leaves alone.

use super::complaint::{Abort, Complaint, Reason};
use super::departments::{self, Departments, Target};
use super::fingerprint::{Fingerprint, Mixer, PlanHash};
use super::people::{self, Fate, Places};
use super::rows::{index, number};
use super::settings::{Family, PLANNER_VERSION, Rate, Settings};
use super::sides::{CopyRow, Directory, OaRow, OaSide, Seen, copy};
use super::tree;
use super::values::{self, Fields};
use crate::time::Timestamp;

/// The colours of the simulation (product.md Q18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Orange: exists and says what it should.
    Matched,
    /// Purple.
    New,
    /// Blue: exists and says something else.
    Changed,
    /// Red.
    Delete,
    /// Grey: left as it is, for a [`Reason`].
    Held,
}

/// What a department hangs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    Copy(CopyRow),
    /// A unit of the OA, whose department may be new.
    Oa(OaRow),
}

/// One department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a thing to write, and they go together freely")]
pub struct DepartmentItem {
    pub oa: Option<OaRow>,
    pub copy: Option<CopyRow>,
    pub state: State,
    /// Below the OA's root, or below the top department; for a deletion its depth in WeLink.
    pub level: u16,
    pub parent: Parent,
    pub renames: bool,
    pub moves: bool,
    pub reorders: bool,
    /// The link is written.
    pub links: bool,
    /// WeLink is given our id first.
    pub adopts: bool,
    pub reason: Option<Reason>,
}

impl DepartmentItem {
    pub(super) const NONE: Self = Self {
        oa: None,
        copy: None,
        state: State::Held,
        level: 0,
        parent: Parent::Copy(CopyRow(0)),
        renames: false,
        moves: false,
        reorders: false,
        links: false,
        adopts: false,
        reason: None,
    };
}

/// What is done to a person's mark "leaving" (product.md TWL-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Keep,
    Set,
    Clear,
}

/// One person about whom there is something to say: those who are as they should be are only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonItem {
    pub oa: Option<OaRow>,
    pub copy: Option<CopyRow>,
    pub state: State,
    pub fields: Fields,
    /// His departments are written.
    pub moves: bool,
    /// The link is written; with a new person once his creation is confirmed (product.md TWL-26).
    pub links: bool,
    /// WeLink is given our id first (product.md TWL-25).
    pub adopts: bool,
    pub mark: Mark,
    pub reason: Option<Reason>,
}

impl PersonItem {
    pub(super) const NONE: Self = Self {
        oa: None,
        copy: None,
        state: State::Held,
        fields: Fields::NONE,
        moves: false,
        links: false,
        adopts: false,
        mark: Mark::Keep,
        reason: None,
    };

    /// Whether he exists in WeLink only after this run.
    pub fn is_created(&self) -> bool {
        self.state == State::New && self.reason.is_none()
    }
}

/// How many of each colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub matched: u32,
    pub new: u32,
    pub changed: u32,
    pub delete: u32,
    pub held: u32,
    /// Of the new, those that stay in the bridge.
    pub bridge_only: u32,
    /// Of the held, those who are marked to leave in this run.
    pub marked: u32,
    /// Links that are written.
    pub links: u32,
}

impl Counts {
    fn add(&mut self, state: State) {
        let count = match state {
            State::Matched => &mut self.matched,
            State::New => &mut self.new,
            State::Changed => &mut self.changed,
            State::Delete => &mut self.delete,
            State::Held => &mut self.held,
        };
        *count += 1;
    }
}

/// A plan. Its rows are those of the sides that it was made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Set = nothing below is there.
    pub abort: Option<Abort>,
    /// Parents first; deletions last, deepest first.
    pub departments: Vec<DepartmentItem>,
    /// By OA id; then those who are linked to nobody of the OA, by WeLink's id.
    pub people: Vec<PersonItem>,
    pub department_counts: Counts,
    pub person_counts: Counts,
    /// OA users in scope, held ones included (product.md Q15).
    pub in_scope: u32,
    /// Shown in WeLink and linked, before the run.
    pub linked_people: u32,
    pub linked_departments: u32,
    pub hash: PlanHash,
    pub family: Family,
    pub rate: Rate,
    pub(super) fates: Vec<Fate>,
    pub(super) targets: Vec<Target>,
    mount: u32,
}

/// Plans one run. Cannot fail: what cannot be planned is a complaint or an [`Abort`]. `now` decides only whose time of
/// grace is over.
pub fn plan<'a>(
    copy: &'a Directory,
    oa: &'a OaSide,
    settings: &Settings,
    now: Timestamp,
) -> (Plan, Vec<Complaint<'a>>) {
    let mut complaints = Vec::new();
    let built = tree::build(oa, &settings.scope, &mut complaints);
    let mut plan = match built.and_then(|tree| departments::plan(oa, copy, tree, settings)) {
        Ok(mut departments) => {
            complaints.append(&mut departments.complaints);
            complete(copy, oa, settings, now, departments, &mut complaints)
        }
        Err(abort) => Plan { abort: Some(abort), ..Plan::empty(settings) },
    };
    complaints.sort_unstable();
    complaints.dedup();
    plan.hash = plan.hash_of(copy, oa, settings);
    (plan, complaints)
}

fn complete<'a>(
    directory: &'a Directory,
    side: &'a OaSide,
    settings: &Settings,
    now: Timestamp,
    mut departments: Departments<'a>,
    complaints: &mut Vec<Complaint<'a>>,
) -> Plan {
    let mut people = people::plan(side, directory, &departments, settings, now);
    complaints.append(&mut people.complaints);
    let removed = removals(directory, &departments, &people);
    for row in &departments.leaving {
        let goes = removed[index(*row)];
        let (name, id) = (directory.department_name(CopyRow(*row)), directory.department_code(CopyRow(*row)));
        let level = u16::try_from(departments::depth(directory, *row)).unwrap_or(u16::MAX);
        let item = DepartmentItem { copy: Some(CopyRow(*row)), level, ..DepartmentItem::NONE };
        departments.items.push(if goes {
            DepartmentItem { state: State::Delete, ..item }
        } else {
            complaints.push(Complaint { reason: Reason::NotEmpty, id, name, other: "" });
            DepartmentItem { reason: Some(Reason::NotEmpty), ..item }
        });
    }
    let mut plan = Plan {
        departments: departments.items,
        people: people.items,
        in_scope: people.in_scope,
        linked_people: people.linked,
        fates: people.fates,
        targets: departments.targets,
        mount: departments.mount,
        ..Plan::empty(settings)
    };
    let linked = |row: &u32| {
        let is_linked = !directory.departments.get(*row, copy::DEPARTMENT_LINK).is_empty();
        is_linked && departments::is_shown(directory, *row)
    };
    plan.linked_departments = number(directory.departments.rows().filter(linked).count());
    plan.count(people.unchanged);
    plan
}

/// By row of the copy: the departments that go.
fn removals(directory: &Directory, departments: &Departments<'_>, people: &people::People<'_>) -> Vec<bool> {
    let mut occupied = vec![false; directory.departments.len()];
    if departments.leaving.is_empty() {
        return occupied;
    }
    let mut fate = vec![None; directory.people.len()];
    for item in &people.items {
        if let Some(copy) = item.copy.filter(|_| item.moves || item.state == State::Delete) {
            fate[index(copy.0)] = Some(item.state);
        }
    }
    // Who moves, moves into departments that are written, and none of those goes.
    for row in directory.people.rows().filter(|row| fate[index(*row)].is_none()) {
        let is_there = !matches!(directory.mark(row).seen, Seen::Missing(_));
        for code in directory.people.lines(row).filter(|_| is_there) {
            if let Some(department) = directory.department(code) {
                occupied[index(department)] = true;
            }
        }
    }
    let mut moved = vec![false; directory.departments.len()];
    for copy in departments.items.iter().filter(|item| item.moves).filter_map(|item| item.copy) {
        moved[index(copy.0)] = true;
    }
    departments::removable(departments, &occupied, |row| moved[index(row)] || !departments::is_shown(directory, row))
}

impl Plan {
    fn empty(settings: &Settings) -> Self {
        Self {
            abort: None,
            departments: Vec::new(),
            people: Vec::new(),
            department_counts: Counts::default(),
            person_counts: Counts::default(),
            in_scope: 0,
            linked_people: 0,
            linked_departments: 0,
            hash: PlanHash(0),
            family: settings.family,
            rate: settings.rate,
            fates: Vec::new(),
            targets: Vec::new(),
            mount: 0,
        }
    }

    fn count(&mut self, unchanged: u32) {
        for item in &self.departments {
            self.department_counts.add(item.state);
            self.department_counts.links += u32::from(item.links || item.state == State::New);
        }
        let counts = &mut self.person_counts;
        for item in &self.people {
            counts.add(item.state);
            counts.bridge_only += u32::from(item.reason == Some(Reason::BridgeOnly));
            counts.marked += u32::from(item.mark == Mark::Set);
            counts.links += u32::from(item.links);
        }
        counts.matched += unchanged;
    }

    fn hash_of(&self, copy: &Directory, oa: &OaSide, settings: &Settings) -> PlanHash {
        let mut mixer = Mixer::new(PLANNER_VERSION);
        settings.digest(&mut mixer);
        for digest in [oa.departments.digest(), oa.people.digest(), copy.departments.digest(), copy.people.digest()] {
            mixer.bytes(&digest.to_le_bytes());
        }
        // What time alone decides.
        for row in self.people.iter().filter(|item| item.state == State::Delete).filter_map(|item| item.copy) {
            mixer.text(copy.user(row));
        }
        PlanHash(mixer.long())
    }

    /// The colour of a person of the OA; `None` = out of scope and not linked.
    pub fn person(&self, row: OaRow) -> Option<State> {
        let known = self.people.partition_point(|item| item.oa.is_some_and(|oa| oa < row));
        match self.people.get(known).filter(|item| item.oa == Some(row)) {
            Some(item) => Some(item.state),
            None => matches!(self.fates.get(index(row.0)), Some(Fate::In(_))).then_some(State::Matched),
        }
    }

    /// Where a unit of the OA is in WeLink before the run.
    pub fn department(&self, row: OaRow) -> Option<CopyRow> {
        match self.targets.get(index(row.0)) {
            Some(Target::Is(copy)) => Some(CopyRow(*copy)),
            _ => None,
        }
    }

    /// The departments that a person in scope belongs to, the main one first.
    pub fn places(&self, oa: &OaSide, settings: &Settings, row: OaRow) -> Vec<Parent> {
        let Some(Fate::In(main)) = self.fates.get(index(row.0)).copied() else { return Vec::new() };
        let place = |unit: u32| match self.targets.get(index(unit)) {
            Some(Target::Is(copy)) => Parent::Copy(CopyRow(*copy)),
            _ => Parent::Oa(OaRow(unit)),
        };
        let mut places = vec![if main == tree::NONE { Parent::Copy(CopyRow(self.mount)) } else { place(main) }];
        let scope = Places { oa, targets: &self.targets, settings };
        for extra in scope.extras(row.0, main) {
            let extra = place(extra);
            if !places.contains(&extra) {
                places.push(extra);
            }
        }
        places
    }

    /// What the executor remembers of a person once WeLink has confirmed the write; `code` names departments that were
    /// new. `None` for a person out of scope.
    pub fn written(
        &self,
        sides: (&OaSide, &Directory),
        settings: &Settings,
        row: OaRow,
        code: impl Fn(OaRow) -> String,
    ) -> Option<Fingerprint> {
        let places = self.places(sides.0, settings, row);
        let codes: Vec<String> = places
            .iter()
            .map(|place| match place {
                Parent::Copy(copy) => sides.1.department_code(*copy).to_owned(),
                Parent::Oa(unit) => code(*unit),
            })
            .collect();
        let codes = codes.iter().map(|code| super::fingerprint::of(code));
        let print = people::with_departments(values::wanted_print(&settings.mapping, sides.0, row.0), codes);
        (!places.is_empty()).then_some(Fingerprint(print))
    }

    /// Whether a person of the OA is in scope and not held.
    pub fn is_written(&self, row: OaRow) -> bool {
        matches!(self.fates.get(index(row.0)), Some(Fate::In(_)))
            && self.person(row).is_some_and(|state| state != State::Held)
    }
}
