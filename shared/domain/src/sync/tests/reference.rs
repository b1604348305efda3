//! The scope as Q13 says it, straightforwardly, and random worlds to compare it over.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{NOW, Unit, User, World, dept, member, unit, user};
use crate::ids::{DeptCode, OaUserId};
use crate::matching::{OaField, Pair, Pairs, WeLinkField};
use crate::sync::*;

/// Numbers that a random world is made of: simpler ones make a simpler world, so that failures shrink.
#[derive(Debug, Clone)]
pub struct Tape(std::vec::IntoIter<u16>);

impl Tape {
    pub fn new(numbers: Vec<u16>) -> Self {
        Self(numbers.into_iter())
    }

    pub fn below(&mut self, most: usize) -> usize {
        usize::from(self.0.next().unwrap_or_default()) % most.max(1)
    }

    /// True one time in `n`; false once the tape is at its end.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

const NAMES: [&str; 6] = ["部门A", "部门B", "部门C", " 部门B", "部门b", "研发"];

fn mobile(tape: &mut Tape) -> String {
    match tape.below(9) {
        0 => String::new(),
        n if tape.one_in(3) => format!("+86-1380000000{n}"),
        n => format!("+861380000000{n}"),
    }
}

fn units(tape: &mut Tape) -> Vec<Unit> {
    let mut units = vec![unit("u0", "", "演示部门")];
    for n in 1..tape.below(9) {
        let parent = match tape.below(24) {
            22 => "u99".to_owned(),
            23 => format!("u{}", tape.below(9)),
            _ => format!("u{}", tape.below(n)),
        };
        let mut one = unit(&format!("u{n}"), &parent, tape.of(&NAMES));
        one.active = !tape.one_in(12);
        one.order = u16::try_from(tape.below(3)).unwrap();
        units.push(one.clone());
        if tape.one_in(30) {
            // The same record again, or another one with its id.
            let name = if tape.one_in(2) { one.name.clone() } else { "其他".to_owned() };
            units.push(Unit { name, ..one });
        }
    }
    units
}

fn users(tape: &mut Tape, units: usize) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    for n in 0..=tape.below(9) {
        let positions: Vec<String> = (0..=tape.below(3)).map(|_| format!("u{}", tape.below(units + 1))).collect();
        let positions = if tape.one_in(20) { Vec::new() } else { positions };
        let mut one = user(&format!("{n}"), tape.of(&["张", "李", "王", ""]), &[]);
        one.units = positions;
        one.mobile = mobile(tape);
        one.work_code = tape.of(&["", "W1", "W2", "W3"]).to_owned();
        one.title = tape.of(&["", "工程师", "经理"]).to_owned();
        one.active = !tape.one_in(6);
        one.no_auto_link = tape.one_in(10);
        users.push(one.clone());
        if tape.one_in(30) {
            let title = if tape.one_in(2) { one.title.clone() } else { "顾问".to_owned() };
            users.push(User { title, ..one });
        }
    }
    users
}

fn seen(tape: &mut Tape) -> Seen {
    match tape.below(16) {
        14 => Seen::Missing(NOW.plus_ms(-1)),
        15 => Seen::NotInRange,
        _ => Seen::Shown,
    }
}

/// A world in which anything may be linked to anything.
pub fn world(tape: &mut Tape) -> World {
    let units = units(tape);
    let users = users(tape, units.len());
    let mut depts = vec![dept("0", "", if tape.one_in(12) { "别的公司" } else { "演示部门" })];
    let mut free: Vec<usize> = (0..9).collect();
    let mut link = |tape: &mut Tape, one_in: usize| {
        let at = tape.below(free.len());
        if tape.one_in(40) { Some(at) } else { (!tape.one_in(one_in) && !free.is_empty()).then(|| free.remove(at)) }
    };
    for n in 1..tape.below(9) {
        let mut one = dept(&format!("{n}"), &tape.below(n).to_string(), tape.of(&NAMES));
        one.link = link(tape, 2).map(|unit| format!("u{unit}")).unwrap_or_default();
        one.corp = if tape.one_in(3) { String::new() } else { one.link.clone() };
        one.missing = tape.one_in(20).then_some(NOW);
        one.order = u16::try_from(tape.below(3)).unwrap();
        depts.push(one);
    }
    if tape.one_in(2) {
        depts[0].link = "u0".to_owned();
    }
    let mut members = Vec::new();
    let mut free: Vec<usize> = (0..12).collect();
    for n in 0..tape.below(10) {
        let departments: Vec<String> = (0..=tape.below(2)).map(|_| tape.below(depts.len()).to_string()).collect();
        let mut one = member(&format!("m{n}"), tape.of(&["张", "李", "王"]), &[]);
        one.departments = departments;
        one.mobile = mobile(tape);
        one.employee = tape.of(&["", "W1", "W2", "W3"]).to_owned();
        one.position = tape.of(&["", "工程师"]).to_owned();
        if !free.is_empty() && !tape.one_in(3) {
            let at = tape.below(free.len());
            one.link = if tape.one_in(40) { "0".to_owned() } else { free.remove(at).to_string() };
            one.corp = if tape.one_in(3) { String::new() } else { one.link.clone() };
        }
        one.seen = seen(tape);
        one.no_auto_bind = tape.one_in(8);
        one.leaving = tape.one_in(8).then(|| NOW.plus_s(-86_400 * i64::try_from(tape.below(6)).unwrap()));
        members.push(one);
    }
    World { units, users, depts, members, created: 0 }
}

fn ids(tape: &mut Tape, one_in: usize) -> Vec<OaUserId> {
    (0..9).filter(|_| tape.one_in(one_in)).map(|n| OaUserId::parse(&n.to_string()).unwrap()).collect()
}

pub fn settings(tape: &mut Tape, world: &World) -> Settings {
    let top = tape.one_in(3).then(|| tape.below(world.depts.len()).to_string());
    let scope: Vec<String> = (0..world.units.len()).map(|n| format!("u{n}")).filter(|_| tape.one_in(6)).collect();
    let pair = |welink, oa| Pair { welink, oa };
    let pairs = [pair(WeLinkField::Mobile, OaField::Mobile), pair(WeLinkField::EmployeeId, OaField::WorkCode)];
    let pairs = tape.of(&[pairs.to_vec(), vec![pairs[0]], vec![pairs[1]], vec![]]);
    let mut mapping: Vec<Rule> = Mapping::default().rules().to_vec();
    mapping[4].only_at_creation = tape.one_in(3);
    Settings {
        scope: Scope {
            departments: if tape.one_in(2) { scope } else { Vec::new() },
            include: if tape.one_in(4) { ids(tape, 2) } else { Vec::new() },
            exclude: ids(tape, 6),
        },
        top: top.map(|code| DeptCode::parse(&code).unwrap()),
        add_people: !tape.one_in(4),
        concurrent: tape.one_in(2),
        pairs: Pairs::new(pairs).ok(),
        mapping: Mapping::new(mapping).unwrap(),
        decrease_max: 5,
        cap: tape.of(&[Cap::Number(1_000), Cap::Number(1_000), Cap::Number(1), Cap::Percent(5)]),
        grace_days: tape.of(&[0, 0, 3]),
        baseline: tape.of(&[None, None, Some(12)]),
        family: tape.of(&[Family::New, Family::New, Family::Old]),
        rate: Rate::default(),
    }
}

/// What the scope says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naive {
    Out,
    In,
    /// Nobody can say.
    Unclear,
}

/// Q13 for everybody. `held` are units of whom the planner cannot say where they are in WeLink.
pub fn scope(world: &World, settings: &Settings, held: &BTreeSet<String>) -> BTreeMap<String, Naive> {
    let find = |id: &str| world.units.iter().find(|unit| unit.id == id);
    // From a unit up to the root; empty when there is no such way.
    let way = |id: &str| {
        let mut way: Vec<&Unit> = Vec::new();
        let mut at = find(id);
        while let Some(unit) = at {
            if way.len() > world.units.len() {
                return Vec::new();
            }
            way.push(unit);
            at = find(&unit.parent);
            if at.is_none() && !unit.parent.is_empty() {
                return Vec::new();
            }
        }
        way
    };
    let unclear = |id: &str| way(id).is_empty() || held.contains(id);
    let sealed = |id: &str| way(id).iter().any(|unit| !unit.active);
    let chosen = |id: &str| settings.scope.departments.iter().any(|one| one == id);
    let in_scope = |id: &str| {
        let all = settings.scope.departments.is_empty();
        !unclear(id) && !sealed(id) && (all || way(id).iter().any(|unit| chosen(&unit.id)))
    };
    let listed = |list: &[OaUserId], id: &str| list.iter().any(|one| one.as_str() == id);
    let mut people = BTreeMap::new();
    for one in &world.users {
        let twins = world.users.iter().filter(|other| other.id == one.id);
        let torn = twins.clone().any(|other| other != one);
        let included = listed(&settings.scope.include, &one.id);
        let only_included = !settings.scope.include.is_empty();
        let considered: Vec<&String> = one.units.iter().take(if settings.concurrent { 9 } else { 1 }).collect();
        let doubt = considered.first().is_some_and(|main| sealed(main)) || considered.iter().any(|unit| unclear(unit));
        let verdict = if torn {
            Naive::Unclear
        } else if !one.active || listed(&settings.scope.exclude, &one.id) || (only_included && !included) {
            Naive::Out
        } else if doubt || (considered.is_empty() && !included) {
            Naive::Unclear
        } else if included || considered.iter().any(|unit| in_scope(unit)) {
            Naive::In
        } else {
            Naive::Out
        };
        people.insert(one.id.clone(), verdict);
    }
    people
}
