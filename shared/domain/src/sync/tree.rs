//! The OA's units as a tree: what can be followed, and what of it is in scope (product.md Q13).

use super::complaint::{Abort, Complaint, Reason};
use super::rows::{index, number};
use super::settings::Scope;
use super::sides::{OaRow, OaSide, oa};

pub(super) const NONE: u32 = u32::MAX;

/// What is known of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Open,
    /// Sealed (封存), or below a sealed one: out of scope.
    Sealed,
    /// Nobody can say where it belongs: it and everything below stays as it is.
    Held(Reason),
    /// A second, equal record.
    Copy,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// [`NONE`] = top.
    pub parent: u32,
    /// From the top, which is 0.
    pub level: u16,
    pub status: Status,
    pub in_scope: bool,
    /// In scope, or above something that is.
    pub written: bool,
}

/// Children of each node: those of node `n` are `list[starts[n]..starts[n + 1]]`.
#[derive(Debug)]
pub(super) struct Children {
    starts: Vec<u32>,
    list: Vec<u32>,
}

impl Children {
    /// `parent` of each of `count` nodes; [`NONE`] = none of them. Children come in the order of their rows.
    pub fn new(count: usize, parent: impl Fn(u32) -> u32) -> Self {
        let mut starts = vec![0_u32; count + 2];
        let parent_of = |row: usize| index(parent(number(row)));
        for row in 0..count {
            if let Some(next) = starts.get_mut(parent_of(row).saturating_add(2)) {
                *next += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut list = vec![0; starts.last().copied().map_or(0, index)];
        for row in 0..count {
            if let Some(next) = starts.get_mut(parent_of(row).saturating_add(1)) {
                list[index(*next)] = number(row);
                *next += 1;
            }
        }
        Self { starts, list }
    }

    pub fn of(&self, node: u32) -> &[u32] {
        let at = index(node);
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        bounds.and_then(|(from, to)| self.list.get(index(*from)..index(*to))).unwrap_or_default()
    }
}

/// Units by row, with those that can be followed from the top downwards.
#[derive(Debug)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    /// Open units, parents first, level by level.
    pub order: Vec<u32>,
    pub children: Children,
}

impl Tree {
    pub fn node(&self, row: u32) -> Option<&Node> {
        self.nodes.get(index(row))
    }

    pub fn roots(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.iter().copied().take_while(|row| self.node(*row).is_some_and(|node| node.parent == NONE))
    }

    /// The units that are written, parents first.
    pub fn written(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.iter().copied().filter(|row| self.node(*row).is_some_and(|node| node.written))
    }
}

/// Builds the tree and marks its scope. Aborts where going on would be a guess.
pub(super) fn build<'a>(side: &'a OaSide, scope: &Scope, complaints: &mut Vec<Complaint<'a>>) -> Result<Tree, Abort> {
    let count = side.departments.len();
    let mut nodes: Vec<Node> = side.departments.rows().map(|row| node(side, row)).collect();
    duplicates(side, &mut nodes);
    let children = Children::new(count, |row| nodes[index(row)].parent);
    let order = follow(&mut nodes, &children);
    hold_the_rest(side, &mut nodes, &children);
    for (row, node) in nodes.iter().enumerate() {
        if let Status::Held(reason) = node.status {
            let row = OaRow(number(row));
            let (id, name) = (side.department_id(row), side.department_name(row));
            complaints.push(Complaint { reason, id, name, other: side.departments.get(row.0, oa::PARENT) });
        }
    }
    let mut tree = Tree { nodes, order, children };
    if tree.order.is_empty() || side.people.len() == 0 {
        return Err(Abort::OaEmpty);
    }
    mark_scope(side, scope, &mut tree)?;
    Ok(tree)
}

/// A unit as it stands; one whose parent is unknown is an orphan.
fn node(side: &OaSide, row: u32) -> Node {
    let parent = side.departments.get(row, oa::PARENT);
    let known = if parent.is_empty() { Some(NONE) } else { side.department(parent) };
    let active = side.departments.meta(row).is_some_and(|mark| mark.active);
    let named = !side.departments.get(row, oa::UNIT_NAME).trim().is_empty();
    let status = match (known, active, named) {
        (None, ..) => Status::Held(Reason::Orphan),
        (_, false, _) => Status::Sealed,
        (_, true, false) => Status::Held(Reason::NoDepartmentName),
        (_, true, true) => Status::Open,
    };
    Node { parent: known.unwrap_or(NONE), level: 0, status, in_scope: false, written: false }
}

/// Equal ids stand side by side. Equal records are one; different ones are all held.
fn duplicates(side: &OaSide, nodes: &mut [Node]) {
    let table = &side.departments;
    let id = |row: u32| table.get(row, oa::ID);
    let content = |row: u32| (table.get(row, oa::PARENT), table.get(row, oa::UNIT_NAME), table.meta(row));
    let mut from = 0;
    for row in 1..=number(nodes.len()) {
        if index(row) < nodes.len() && id(row) == id(from) {
            continue;
        }
        if row - from > 1 {
            let differ = (from + 1..row).any(|other| content(other) != content(from));
            for other in from..row {
                let first = other == from;
                let status = &mut nodes[index(other)].status;
                *status = match (differ, first) {
                    (true, true) => Status::Held(Reason::DuplicateId),
                    (false, true) => *status,
                    (_, false) => Status::Copy,
                };
            }
        }
        from = row;
    }
}

/// Walks down from the top and returns the open units, level by level.
fn follow(nodes: &mut [Node], children: &Children) -> Vec<u32> {
    let is_root = |node: &Node| node.parent == NONE && node.status == Status::Open;
    let mut order: Vec<u32> = (0..number(nodes.len())).filter(|row| is_root(&nodes[index(*row)])).collect();
    let mut at = 0;
    while let Some(row) = order.get(at).copied() {
        let level = nodes[index(row)].level;
        for child in children.of(row) {
            let node = &mut nodes[index(*child)];
            node.level = level.saturating_add(1);
            if node.status == Status::Open {
                order.push(*child);
            }
        }
        at += 1;
    }
    order
}

/// What cannot be reached from the top is below something held, or in a cycle, sealed or not.
fn hold_the_rest(side: &OaSide, nodes: &mut [Node], children: &Children) {
    let mut reached = vec![false; nodes.len()];
    let starts = |row: &u32| {
        let node = &nodes[index(*row)];
        matches!(node.status, Status::Held(_)) || (node.parent == NONE && node.status != Status::Copy)
    };
    let mut below: Vec<u32> = side.departments.rows().filter(starts).collect();
    // Taken from the end: what is held comes first, so that everything below it is held and not merely sealed.
    below.sort_by_key(|row| matches!(nodes[index(*row)].status, Status::Held(_)));
    while let Some(row) = below.pop() {
        if std::mem::replace(&mut reached[index(row)], true) {
            continue;
        }
        let status = nodes[index(row)].status;
        for child in children.of(row) {
            let child = &mut nodes[index(*child)];
            child.status = match (status, child.status) {
                (Status::Held(_), Status::Open | Status::Sealed) => Status::Held(Reason::ParentHeld),
                (Status::Sealed, Status::Open) => Status::Sealed,
                (_, own) => own,
            };
        }
        below.extend(children.of(row).iter().filter(|child| !reached[index(**child)]));
    }
    for (node, _) in nodes.iter_mut().zip(&reached).filter(|(node, reached)| !**reached && node.status != Status::Copy)
    {
        node.status = Status::Held(Reason::Cycle);
    }
}

fn mark_scope(side: &OaSide, scope: &Scope, tree: &mut Tree) -> Result<(), Abort> {
    let mut selected = vec![scope.departments.is_empty(); tree.nodes.len()];
    for id in &scope.departments {
        let Some(row) = side.department(id) else { return Err(Abort::ScopeMissing { id: id.clone() }) };
        selected[index(row)] = true;
    }
    for row in &tree.order {
        let parent = tree.nodes[index(*row)].parent;
        let inherited = tree.nodes.get(index(parent)).is_some_and(|node| node.in_scope);
        tree.nodes[index(*row)].in_scope = selected[index(*row)] || inherited;
    }
    for row in tree.order.iter().rev() {
        let Node { parent, in_scope, written, .. } = tree.nodes[index(*row)];
        tree.nodes[index(*row)].written = written || in_scope;
        if let Some(parent) = tree.nodes.get_mut(index(parent)).filter(|_| written || in_scope) {
            parent.written = true;
        }
    }
    Ok(())
}
