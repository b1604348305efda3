//! Which department of WeLink each unit of the OA is (product.md M69 to M72, Q16, Q17).
//!
//! Top-down. A link by id beats the name; else a child of the parent's department with the same name is it; else it is
//! new. Whatever is not certain is held with its branch.

use std::borrow::Cow;

use super::complaint::{Abort, Complaint, Reason};
use super::names::{canonical, lookalike};
use super::plan::{DepartmentItem, Parent, State};
use super::rows::{index, number};
use super::settings::Settings;
use super::sides::{CopyRow, Directory, OaRow, OaSide, Seen, copy};
use super::tree::{Children, NONE, Status, Tree};

/// WeLink's root.
pub(super) const ROOT: &str = "0";

/// Where a unit of the OA is in WeLink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Not written.
    Out,
    Held(Reason),
    New,
    Is(u32),
}

/// What is decided about departments before the people are known.
#[derive(Debug)]
pub(super) struct Departments<'a> {
    pub tree: Tree,
    /// By row of the OA.
    pub targets: Vec<Target>,
    pub items: Vec<DepartmentItem>,
    /// Where an included person without a department goes.
    pub mount: u32,
    /// Linked departments of the copy that may go, deepest first.
    pub leaving: Vec<u32>,
    /// Children of each department of the copy.
    pub copy_children: Children,
    pub complaints: Vec<Complaint<'a>>,
}

struct Matcher<'a, 'c> {
    oa: &'a OaSide,
    directory: &'a Directory,
    tree: &'c Tree,
    /// Row of the OA -> row of the copy that is linked to it; [`NONE`] = none.
    linked: Vec<u32>,
    /// Several rows of the copy are linked to this row of the OA.
    torn: Vec<bool>,
    /// The copy's row is linked to a unit that exists.
    owned: Vec<bool>,
    children: &'c Children,
    /// [`super::Family::adopts`].
    adopts: bool,
    /// The copy's row may be what a held unit stands for.
    doubtful: Vec<bool>,
    targets: Vec<Target>,
    complaints: Vec<Complaint<'a>>,
}

pub(super) fn is_shown(directory: &Directory, row: u32) -> bool {
    directory.departments.meta(row).is_some_and(|mark| mark.seen == Seen::Shown)
}

/// The parent's row of a department of the copy, [`NONE`] without one.
fn copy_parent(directory: &Directory, row: u32) -> u32 {
    let (code, parent) = (directory.departments.get(row, copy::CODE), directory.departments.get(row, copy::PARENT));
    if code == ROOT || parent == code { NONE } else { directory.department(parent).unwrap_or(NONE) }
}

pub(super) fn plan<'a>(
    oa: &'a OaSide,
    directory: &'a Directory,
    tree: Tree,
    settings: &Settings,
) -> Result<Departments<'a>, Abort> {
    let (root, mount) = ends(directory, settings)?;
    let copy_children = Children::new(directory.departments.len(), |row| copy_parent(directory, row));
    let mut matcher = Matcher::new(oa, directory, &tree, &copy_children);
    matcher.adopts = settings.family.adopts();
    if settings.top.is_none() {
        matcher.match_root(root)?;
    } else {
        matcher.refuse_links_above(mount)?;
        let roots: Vec<u32> = tree.roots().filter(|row| tree.nodes[index(*row)].written).collect();
        matcher.match_children(&roots, Target::Is(mount));
    }
    for row in tree.written() {
        let children: Vec<u32> =
            tree.children.of(row).iter().copied().filter(|child| matcher.is_written(*child)).collect();
        if !children.is_empty() {
            matcher.match_children(&children, matcher.targets[index(row)]);
        }
    }
    let Matcher { targets, linked, torn, doubtful, mut complaints, .. } = matcher;
    for row in torn.iter().enumerate().filter(|(_, torn)| **torn).map(|(row, _)| OaRow(number(row))) {
        let (id, name) = (oa.department_id(row), oa.department_name(row));
        complaints.push(Complaint { reason: Reason::LinkNotUnique, id, name, other: "" });
    }
    let facts = Facts { oa, directory, tree: &tree, targets: &targets, settings, root, mount };
    let mut items: Vec<DepartmentItem> =
        tree.order.iter().filter_map(|row| facts.item(*row, linked[index(*row)])).collect();
    items.extend(oa.departments.rows().filter_map(|row| facts.held(row, linked[index(row)])));
    let leaving = facts.leaving(doubtful);
    Ok(Departments { tree, targets, items, mount, leaving, copy_children, complaints })
}

/// The root, and the department that the OA hangs under.
fn ends(directory: &Directory, settings: &Settings) -> Result<(u32, u32), Abort> {
    let shown = |code: &str| directory.department(code).filter(|row| is_shown(directory, *row));
    let root = shown(ROOT).ok_or(Abort::NoRoot)?;
    let Some(top) = &settings.top else { return Ok((root, root)) };
    let mount = shown(top.as_str()).ok_or_else(|| Abort::TopMissing { code: top.as_str().to_owned() })?;
    Ok((root, mount))
}

impl<'a, 'c> Matcher<'a, 'c> {
    fn new(oa: &'a OaSide, directory: &'a Directory, tree: &'c Tree, children: &'c Children) -> Self {
        let (mut linked, mut torn) = (vec![NONE; tree.nodes.len()], vec![false; tree.nodes.len()]);
        let mut owned = vec![false; directory.departments.len()];
        for row in directory.departments.rows() {
            let link = directory.departments.get(row, copy::DEPARTMENT_LINK);
            let Some(unit) = oa.department(link).filter(|_| !link.is_empty() && is_shown(directory, row)) else {
                continue;
            };
            owned[index(row)] = true;
            if linked[index(unit)] == NONE {
                linked[index(unit)] = row;
            } else {
                torn[index(unit)] = true;
            }
        }
        let targets = vec![Target::Out; tree.nodes.len()];
        let doubtful = vec![false; owned.len()];
        Self {
            oa,
            directory,
            tree,
            linked,
            torn,
            owned,
            children,
            adopts: true,
            doubtful,
            targets,
            complaints: Vec::new(),
        }
    }

    fn is_written(&self, row: u32) -> bool {
        self.tree.node(row).is_some_and(|node| node.status == Status::Open && node.written)
    }

    /// Without a top department: one root, linked or of the same name (product.md M71).
    fn match_root(&mut self, root: u32) -> Result<(), Abort> {
        let roots: Vec<u32> = self.tree.roots().collect();
        let &[own] = roots.as_slice() else {
            let names = roots.iter().map(|row| self.oa.department_name(OaRow(*row)).to_owned()).collect();
            return Err(Abort::SeveralRoots { names });
        };
        let (name, welink) = (self.oa.department_name(OaRow(own)), self.directory.department_name(CopyRow(root)));
        let same = canonical(name) == canonical(welink);
        let is_linked = self.linked[index(own)] == root && !self.torn[index(own)];
        let is_free = self.linked[index(own)] == NONE && !self.owned[index(root)];
        if !(is_linked || (same && is_free)) {
            return Err(Abort::RootMismatch { oa: name.to_owned(), welink: welink.to_owned() });
        }
        if !same {
            let id = self.oa.department_id(OaRow(own));
            self.complaints.push(Complaint { reason: Reason::RootName, id, name, other: welink });
        }
        self.targets[index(own)] = Target::Is(root);
        Ok(())
    }

    /// With one, it must not lie inside what is linked: it would be moved into itself.
    fn refuse_links_above(&self, mount: u32) -> Result<(), Abort> {
        let mut row = mount;
        // A chain longer than the table is a cycle.
        for _ in 0..self.directory.departments.len() {
            let unit = self.linked.iter().position(|linked| *linked == row).map(number);
            if let Some(unit) = unit.filter(|unit| self.is_written(*unit)) {
                return Err(Abort::TopInside { name: self.oa.department_name(OaRow(unit)).to_owned() });
            }
            row = copy_parent(self.directory, row);
            if row == NONE {
                break;
            }
        }
        Ok(())
    }

    /// Decides about units of the OA that are siblings, below `parent`.
    fn match_children(&mut self, units: &[u32], parent: Target) {
        let existing = match parent {
            Target::Is(row) => self.children.of(row),
            Target::New => &[],
            Target::Held(_) | Target::Out => {
                for unit in units {
                    self.targets[index(*unit)] = Target::Held(Reason::ParentHeld);
                }
                return;
            }
        };
        let can_hold = self.can_hold(parent);
        let (oa, directory) = (self.oa, self.directory);
        let mut names: Vec<(Cow<'a, str>, u32)> =
            units.iter().map(|unit| (canonical(oa.department_name(OaRow(*unit))), *unit)).collect();
        names.sort_unstable();
        let free = existing.iter().filter(|row| !self.owned[index(**row)] && is_shown(directory, **row));
        let mut candidates: Vec<(Cow<'a, str>, u32)> =
            free.map(|row| (canonical(directory.department_name(CopyRow(*row))), *row)).collect();
        candidates.sort_unstable();
        for group in names.chunk_by(|a, b| a.0 == b.0) {
            for (name, unit) in group {
                let same = candidates.partition_point(|other| other.0 < *name);
                let rest = candidates.get(same..).unwrap_or_default();
                let hits = rest.iter().take_while(|other| other.0 == *name).count();
                self.targets[index(*unit)] = match (self.linked[index(*unit)], group.len(), hits) {
                    _ if self.torn[index(*unit)] => Target::Held(Reason::LinkNotUnique),
                    (row, ..) if row != NONE => Target::Is(row),
                    (_, 1, 0) if !can_hold => Target::Held(Reason::CannotAdopt),
                    (_, 1, 0) => Target::New,
                    (_, 1, 1) => Target::Is(rest[0].1),
                    _ => Target::Held(Reason::DuplicateName),
                };
                if self.targets[index(*unit)] == Target::Held(Reason::DuplicateName) {
                    rest.iter().take(hits).for_each(|(_, row)| self.doubtful[index(*row)] = true);
                }
                self.remark(*unit, &candidates);
            }
        }
    }

    /// Whether new departments can be created below: the old family names a parent by our id alone.
    fn can_hold(&self, parent: Target) -> bool {
        let Target::Is(row) = parent else { return true };
        let table = &self.directory.departments;
        self.adopts || table.get(row, copy::CODE) == ROOT || !table.get(row, copy::CORP_CODE).is_empty()
    }

    fn remark(&mut self, unit: u32, candidates: &[(Cow<'a, str>, u32)]) {
        let (id, name) = (self.oa.department_id(OaRow(unit)), self.oa.department_name(OaRow(unit)));
        match self.targets[index(unit)] {
            Target::Held(reason @ (Reason::DuplicateName | Reason::CannotAdopt)) => {
                self.complaints.push(Complaint { reason, id, name, other: "" });
            }
            Target::New if !candidates.is_empty() => {
                let like = lookalike(name);
                let near = candidates.iter().find(|(other, _)| lookalike(other) == like);
                let near = near.map(|(_, row)| self.directory.department_name(CopyRow(*row)));
                let reason = Reason::NearMiss;
                self.complaints.extend(near.map(|other| Complaint { reason, id, name, other }));
            }
            _ => {}
        }
    }
}

/// What is known once every unit has its target.
struct Facts<'a, 'c> {
    oa: &'a OaSide,
    directory: &'a Directory,
    tree: &'c Tree,
    targets: &'c [Target],
    settings: &'c Settings,
    root: u32,
    mount: u32,
}

impl Facts<'_, '_> {
    /// What an open unit of the OA comes to; `None` when it is neither written nor held.
    fn item(&self, row: u32, linked: u32) -> Option<DepartmentItem> {
        let node = self.tree.node(row)?;
        let top = self.settings.top.is_some();
        let parent =
            if node.parent == NONE { Parent::Copy(CopyRow(self.mount)) } else { Parent::Oa(OaRow(node.parent)) };
        let level = node.level.saturating_add(u16::from(top));
        let mut item = DepartmentItem { oa: Some(OaRow(row)), level, parent, ..DepartmentItem::NONE };
        match self.targets[index(row)] {
            Target::Out => return None,
            Target::Held(reason) => {
                item.copy = (linked != NONE).then_some(CopyRow(linked));
                item.state = State::Held;
                item.reason = Some(reason);
            }
            Target::New => item.state = State::New,
            Target::Is(copy_row) => self.compare(&mut item, row, copy_row, linked == NONE),
        }
        Some(item)
    }

    /// An existing department: what has to be written.
    fn compare(&self, item: &mut DepartmentItem, row: u32, copy_row: u32, is_free: bool) {
        let Self { oa, directory, settings, .. } = self;
        let wanted_parent = match self.tree.node(row).and_then(|node| self.targets.get(index(node.parent))) {
            Some(Target::Is(parent)) => *parent,
            Some(_) => NONE,
            None => self.mount,
        };
        let mark = directory.departments.meta(copy_row);
        let order = oa.departments.meta(row).map_or(0, |mark| mark.order);
        let names = (oa.department_name(OaRow(row)), directory.department_name(CopyRow(copy_row)));
        let is_root = settings.top.is_none() && copy_row == self.root;
        let has_code = !directory.departments.get(copy_row, copy::CORP_CODE).is_empty();
        item.copy = Some(CopyRow(copy_row));
        item.links = is_free;
        item.adopts = is_free && !is_root && !has_code && settings.family.adopts();
        item.renames = !is_root && canonical(names.0) != canonical(names.1);
        item.moves = !is_root && copy_parent(directory, copy_row) != wanted_parent;
        item.reorders = !is_root && order != 0 && mark.is_some_and(|mark| mark.order != order);
        if !(is_root || has_code || settings.family.adopts()) {
            item.reason = Some(Reason::CannotAdopt);
            (item.renames, item.moves, item.reorders) = (false, false, false);
        }
        item.state = if item.renames || item.moves || item.reorders { State::Changed } else { State::Matched };
    }

    /// A unit that cannot be followed.
    fn held(&self, row: u32, linked: u32) -> Option<DepartmentItem> {
        let Status::Held(reason) = self.tree.node(row)?.status else { return None };
        let copy = (linked != NONE).then_some(CopyRow(linked));
        Some(DepartmentItem {
            oa: Some(OaRow(row)),
            copy,
            state: State::Held,
            reason: Some(reason),
            ..DepartmentItem::NONE
        })
    }

    /// Linked departments that no unit in scope stands for, deepest first. `used` are those that stay for
    /// another reason.
    fn leaving(&self, mut used: Vec<bool>) -> Vec<u32> {
        let Self { oa, directory, tree, targets, .. } = self;
        for target in *targets {
            if let Target::Is(row) = target {
                used[index(*row)] = true;
            }
        }
        // Neither the mount nor anything above it ever goes.
        let mut above = self.mount;
        while above != NONE && !std::mem::replace(&mut used[index(above)], true) {
            above = copy_parent(directory, above);
        }
        let mut leaving: Vec<u32> = Vec::new();
        for row in directory.departments.rows() {
            let link = directory.departments.get(row, copy::DEPARTMENT_LINK);
            let unit = oa.department(link);
            let is_held = unit.is_some_and(|unit| {
                let held = tree.node(unit).is_some_and(|node| matches!(node.status, Status::Held(_)));
                held || matches!(targets[index(unit)], Target::Held(_))
            });
            if !(link.is_empty() || used[index(row)] || is_held) && is_shown(directory, row) {
                leaving.push(row);
            }
        }
        leaving.sort_by_key(|row| (std::cmp::Reverse(depth(directory, *row)), *row));
        leaving
    }
}

/// Steps up to the root, at most as many as there are departments.
pub(super) fn depth(directory: &Directory, row: u32) -> usize {
    let (mut depth, mut row) = (0, row);
    while row != NONE && depth <= directory.departments.len() {
        row = copy_parent(directory, row);
        depth += 1;
    }
    depth
}

/// Of the departments that may go, those that nothing stays in: no member and no department (product.md Q14).
/// `occupied` are the rows of the copy where somebody stays; `moved` says where a department goes that moves.
pub(super) fn removable(departments: &Departments<'_>, occupied: &[bool], moved: impl Fn(u32) -> bool) -> Vec<bool> {
    let mut gone = vec![false; occupied.len()];
    for row in &departments.leaving {
        let children = departments.copy_children.of(*row);
        let empty = !occupied[index(*row)] && children.iter().all(|child| gone[index(*child)] || moved(*child));
        gone[index(*row)] = empty;
    }
    gone
}
