//! What holds for every world (goals.md R19), each law over 10,000 random ones.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::reference::{Naive, Tape, scope, settings, world};
use super::world::{Dept, Member, NOW, World};
use crate::sync::people::Fate;
use crate::sync::*;

/// A random world and settings for it.
fn case() -> impl Strategy<Value = (World, Settings)> {
    proptest::collection::vec(any::<u16>(), 0..220).prop_map(|numbers| {
        let mut tape = Tape::new(numbers);
        let world = world(&mut tape);
        let settings = settings(&mut tape, &world);
        (world, settings)
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn held_units(plan: &Plan, oa: &OaSide) -> BTreeSet<String> {
    let held = plan.departments.iter().filter(|item| item.state == State::Held);
    held.filter_map(|item| item.oa).map(|row| oa.department_id(row).to_owned()).collect()
}

/// Everything of a plan that can be seen, rows by their ids.
fn seen(world: &World, settings: &Settings) -> (String, PlanHash) {
    let (copy, oa) = (world.copy(), world.oa());
    let (plan, complaints) = plan(&copy, &oa, settings, NOW);
    let fates: Vec<String> = plan.fates.iter().map(|fate| format!("{fate:?}")).collect();
    let batches = plan.batches();
    let items = format!("{:?} {:?} {:?}", plan.departments, plan.people, plan.abort);
    let counts =
        format!("{:?} {:?} {} {}", plan.person_counts, plan.department_counts, plan.in_scope, plan.linked_people);
    (format!("{items} {counts} {fates:?} {complaints:?} {batches:?}"), plan.hash)
}

fn links(world: &World) -> BTreeMap<String, String> {
    let linked = world.members.iter().filter(|member| !member.link.is_empty());
    linked.map(|member| (member.user.clone(), member.link.clone())).collect()
}

/// Without what the bridge alone knows.
fn in_welink(member: &Member) -> Member {
    Member { link: String::new(), leaving: None, written: None, kept: None, ..member.clone() }
}

/// Without the link and our id, which a matched department is given.
fn dept_in_welink(dept: &Dept) -> Dept {
    Dept { link: String::new(), corp: String::new(), ..dept.clone() }
}

proptest! {
    #![proptest_config(config())]

    /// Nothing is written twice, and what was written is what the OA says.
    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do((before, settings) in case()) {
        let (after, plan) = before.run(&settings);
        let stopped = plan.release(&guard(&plan, &settings), None).is_err();
        if stopped {
            // No write on any doubt (goals.md, promise 4).
            prop_assert_eq!(&after, &before);
            return Ok(());
        }
        // A number that this run has taken from one person may be what another one waited for.
        let waits = |item: &PersonItem| matches!(item.reason, Some(Reason::Taken | Reason::Ambiguous));
        let rounds = if plan.people.iter().any(waits) { plan.people.len() } else { 0 };
        let mut last = after.clone();
        for _ in 0..rounds {
            let (next, _) = last.run(&settings);
            last = next;
        }
        let (second, _) = last.plan(&settings);
        prop_assert_eq!(second.batches(), Batches::default());
        prop_assert_eq!(second.person_counts.links + second.department_counts.links + second.person_counts.marked, 0);
        let (third, _) = last.run(&settings);
        prop_assert_eq!(&third, &last);
        // Converged: whoever is written is there, once, with his name and in his department.
        let oa = before.oa();
        for row in oa.people.rows().map(OaRow).filter(|row| plan.is_written(*row)) {
            let id = oa.person_id(row);
            let own: Vec<&Member> = after.members.iter().filter(|member| member.link == id).collect();
            if plan.people.iter().any(|item| item.oa == Some(row) && item.reason.is_some()) {
                prop_assert_eq!(own.len(), 0, "in the bridge only");
                continue;
            }
            prop_assert_eq!(own.len(), 1);
            let is_settable = settings.family == Family::New || !own[0].corp.is_empty();
            let name = oa.person_name(row);
            prop_assert!(name.is_empty() || own[0].name == name || !is_settable);
        }
    }

    /// Who may be removed, and who is left alone.
    #[test]
    fn removals_are_linked_and_out_of_scope_and_nobody_else_is_touched((before, settings) in case()) {
        let (copy, oa) = (before.copy(), before.oa());
        let (plan, _) = plan(&copy, &oa, &settings, NOW);
        let people = scope(&before, &settings, &held_units(&plan, &oa));
        let member = |row: CopyRow| before.members.iter().find(|member| member.user == copy.user(row)).unwrap();
        let mut seen = (BTreeSet::new(), BTreeSet::new());
        for item in &plan.people {
            // Never two plans for one person; a person who is linked twice is held twice.
            let own = item.oa.is_none_or(|row| seen.0.insert(row)) || item.reason == Some(Reason::LinkNotUnique)
                || item.state == State::Held || people.get(oa.person_id(item.oa.unwrap())) == Some(&Naive::Out);
            prop_assert!(own && item.copy.is_none_or(|row| seen.1.insert(row)));
            if item.state == State::Delete {
                let gone = member(item.copy.unwrap());
                prop_assert!(!gone.link.is_empty());
                prop_assert!(people.get(&gone.link).is_none_or(|naive| *naive == Naive::Out));
                prop_assert_eq!(gone.seen, Seen::Shown);
            }
            let writes = item.state == State::Changed || item.is_created() || item.links;
            let id = item.oa.map(|row| oa.person_id(row));
            if writes {
                // Excluding wins.
                prop_assert!(settings.scope.exclude.iter().all(|user| Some(user.as_str()) != id));
                prop_assert_eq!(people.get(id.unwrap()), Some(&Naive::In));
            }
        }
        for item in plan.departments.iter().filter(|item| item.state == State::Delete) {
            let gone = before.depts.iter().find(|dept| dept.code == copy.department_code(item.copy.unwrap())).unwrap();
            prop_assert!(!gone.link.is_empty() && gone.code != "0");
            prop_assert!(settings.top.as_ref().is_none_or(|top| top.as_str() != gone.code));
        }
    }

    /// Q13: the written set is its naive definition.
    #[test]
    fn twl_10_the_scope_is_what_it_is_defined_to_be((before, settings) in case()) {
        let (copy, oa) = (before.copy(), before.oa());
        let (plan, _) = plan(&copy, &oa, &settings, NOW);
        if plan.abort.is_some() {
            prop_assert!(plan.people.is_empty() && plan.departments.is_empty());
            return Ok(());
        }
        let people = scope(&before, &settings, &held_units(&plan, &oa));
        for (row, fate) in plan.fates.iter().enumerate().filter(|(_, fate)| **fate != Fate::Copy) {
            let row = OaRow(u32::try_from(row).unwrap());
            let want = match fate {
                Fate::Out | Fate::Copy => Naive::Out,
                Fate::In(_) => Naive::In,
                Fate::Held(_) => Naive::Unclear,
            };
            prop_assert_eq!(people.get(oa.person_id(row)), Some(&want), "{}", oa.person_id(row));
        }
    }

    /// The order of records does not matter, and the hash tells worlds apart.
    #[test]
    fn the_order_of_records_changes_neither_plan_nor_hash((before, settings) in case(), turn in 1..7_usize) {
        let mut other = before.clone();
        let mix = |n: usize| turn % n.max(1);
        other.units.rotate_left(mix(before.units.len()));
        other.users.rotate_left(mix(before.users.len()));
        other.users.reverse();
        other.depts.reverse();
        other.members.rotate_left(mix(before.members.len()));
        let (first, second) = (seen(&before, &settings), seen(&other, &settings));
        prop_assert_eq!(&first, &second);
        other.users[0].title.push('x');
        prop_assert_ne!(seen(&other, &settings).1, first.1);
        let more = Settings { decrease_max: 6, ..settings };
        prop_assert_ne!(seen(&before, &more).1, first.1);
    }

    /// What a run did, counted from outside, is what its plan said.
    #[test]
    fn counts_are_what_execution_does_and_the_rest_is_untouched((before, settings) in case()) {
        let (after, plan) = before.run(&settings);
        if plan.release(&guard(&plan, &settings), None).is_err() {
            return Ok(());
        }
        let copy = before.copy();
        let find = |user: &str| after.members.iter().find(|member| member.user == user);
        let (mut changed, mut gone) = (0, 0);
        for old in &before.members {
            let Some(new) = find(&old.user) else { gone += 1; continue };
            let item = plan.people.iter().find(|item| item.copy.is_some_and(|row| copy.user(row) == old.user));
            let (old_seen, new_seen) = (in_welink(old), in_welink(new));
            let without_id = |member: &Member| Member { corp: String::new(), ..member.clone() };
            changed += u32::from(without_id(&old_seen) != without_id(&new_seen));
            match item {
                Some(item) if item.state == State::Changed || item.adopts => prop_assert_ne!(old_seen, new_seen),
                _ => prop_assert_eq!(old_seen, new_seen),
            }
            // Matching never changes a link, and one to one stays one to one.
            prop_assert!(old.link.is_empty() || old.link == new.link);
        }
        let counts = plan.person_counts;
        prop_assert_eq!((counts.changed, counts.delete), (changed, gone));
        let new = u32::try_from(after.members.len()).unwrap() + gone - u32::try_from(before.members.len()).unwrap();
        prop_assert_eq!(counts.new - counts.bridge_only, new);
        let (old, new) = (links(&before), links(&after));
        for (user, link) in new.iter().filter(|(user, _)| !old.contains_key(*user)) {
            prop_assert_eq!(new.values().filter(|other| *other == link).count(), 1, "{}", user);
        }
        let code = |item: &DepartmentItem| item.copy.map(|row| copy.department_code(row).to_owned());
        for item in plan.departments.iter().filter(|item| matches!(item.state, State::Held | State::Matched)) {
            let Some(code) = code(item) else { continue };
            let of = |world: &World| world.depts.iter().find(|dept| dept.code == code).map(dept_in_welink);
            prop_assert_eq!(of(&before), of(&after));
        }
        let counts = plan.department_counts;
        let gone = before.depts.iter().filter(|old| after.depts.iter().all(|new| new.code != old.code));
        let gone = gone.filter(|old| old.missing.is_none()).count();
        prop_assert_eq!(usize::try_from(counts.delete).unwrap(), gone);
        let made = after.depts.iter().filter(|new| before.depts.iter().all(|old| new.code != old.code)).count();
        prop_assert_eq!(usize::try_from(counts.new).unwrap(), made);
    }
}

/// The worlds above are worth something only if they reach what the planner can say.
#[test]
fn the_random_worlds_reach_every_state_and_almost_every_reason() {
    let (mut states, mut reasons, mut stops) = (BTreeSet::new(), BTreeSet::new(), [0; 3]);
    let mut number = 1_u64;
    for _ in 0..6_000 {
        let mut tape = Tape::new(
            (0..200)
                .map(|_| {
                    number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    u16::try_from(number >> 48).unwrap()
                })
                .collect(),
        );
        let world = world(&mut tape);
        let settings = settings(&mut tape, &world);
        let (plan, complaints) = world.plan(&settings);
        states.extend(plan.people.iter().map(|item| (0, item.state)));
        states.extend(plan.departments.iter().map(|item| (1, item.state)));
        reasons.extend(plan.people.iter().filter_map(|item| item.reason));
        reasons.extend(complaints.iter().map(|(reason, _)| *reason));
        let at = match plan.release(&guard(&plan, &settings), None) {
            Ok(_) => 0,
            Err(Stop::Blocked(_)) => 1,
            Err(_) => 2,
        };
        stops[at] += 1;
    }
    assert_eq!(states.len(), 10, "{states:?}");
    let never: Vec<&Reason> = Reason::ALL.iter().filter(|reason| !reasons.contains(reason)).collect();
    assert_eq!(never, [&Reason::NoDepartmentName], "which a table covers");
    assert!(stops.iter().all(|count| *count > 300), "{stops:?}");
}
