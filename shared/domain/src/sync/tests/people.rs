//! People: scope, matching, fields, grace and guards.

use super::world::{DAY_MS, Member, NOW, User, World, dept, member, unit, user};
use crate::ids::OaUserId;
use crate::matching::{OaField, Pair, Pairs, WeLinkField};
use crate::sync::*;

/// Something that is done to a world, with a user to put into it.
type Edit = fn(&mut World, &User);

/// `演示部门` with 部门A and 部门B, linked; people `1..=n` in 部门A, linked.
fn world(people: usize) -> World {
    let users: Vec<User> = (1..=people).map(|n| user(&n.to_string(), &format!("员工{n}"), &["a"])).collect();
    World {
        units: vec![unit("r", "", "演示部门"), unit("a", "r", "部门A"), unit("b", "r", "部门B")],
        depts: vec![
            dept("0", "", "演示部门").linked("r"),
            dept("1", "0", "部门A").linked("a"),
            dept("2", "0", "部门B").linked("b"),
        ],
        members: users.iter().map(|user| Member::of(user, &format!("m{}", user.id), &["1"])).collect(),
        users,
        created: 0,
    }
}

fn ids(list: &[&str]) -> Vec<OaUserId> {
    list.iter().map(|id| OaUserId::parse(id).unwrap()).collect()
}

fn adding() -> Settings {
    Settings { add_people: true, ..Settings::default() }
}

fn states(world: &World, settings: &Settings) -> Vec<(State, Option<Reason>)> {
    world.plan(settings).0.people.iter().map(|item| (item.state, item.reason)).collect()
}

#[test]
fn twl_16_new_people_are_created_only_when_adding_is_on() {
    let mut world = world(1);
    world.users.push(user("2", "新人", &["b"]));
    let (after, plan) = world.run(&Settings::default());
    assert_eq!((plan.person_counts.new, plan.person_counts.bridge_only, plan.batches().calls), (1, 1, 0));
    assert_eq!(after, world);
    let (after, plan) = world.run(&adding());
    assert_eq!((plan.person_counts.new, plan.person_counts.bridge_only), (1, 0));
    assert_eq!((after.members[1].link.as_str(), after.members[1].departments.as_slice()), ("2", &["2".to_owned()][..]));
    for (change, reason) in [
        ((|user| user.mobile.clear()) as fn(&mut User), Reason::NoMobile),
        (|user| user.name = " ".to_owned(), Reason::NoName),
    ] {
        let mut lacking = world.clone();
        change(&mut lacking.users[1]);
        assert_eq!(states(&lacking, &adding()), [(State::Held, Some(reason))]);
    }
}

#[test]
fn twl_11_exactly_the_linked_ones_out_of_scope_are_removed() {
    let mut world = world(4);
    world.users[1].active = false;
    world.users.remove(3);
    world.members.push(member("stranger", "外人", &["1"]));
    let settings =
        Settings { scope: Scope { exclude: ids(&["3"]), include: ids(&["1", "3"]), ..Scope::default() }, ..adding() };
    let (after, plan) = world.run(&settings);
    assert_eq!((plan.person_counts.delete, plan.in_scope, plan.linked_people), (3, 1, 4));
    let left: Vec<&str> = after.members.iter().map(|member| member.user.as_str()).collect();
    assert_eq!(left, ["m1", "stranger"]);
    // Not in scope and never linked: nothing at all is done.
    world.members.retain(|member| member.user == "stranger");
    assert_eq!(world.plan(&settings).0.person_counts.delete, 0);
}

#[test]
fn an_included_person_outside_every_department_goes_to_the_top() {
    let mut world = world(2);
    world.users[1].units = vec!["b".to_owned()];
    let scope = Scope { departments: vec!["a".to_owned()], include: ids(&["1", "2"]), ..Scope::default() };
    let settings = Settings { scope, ..adding() };
    let (after, _) = world.run(&settings);
    assert_eq!((after.members[0].departments[0].as_str(), after.members[1].departments[0].as_str()), ("1", "0"));
    assert_eq!(world.plan(&settings).1, [(Reason::AtTheTop, "2".to_owned())]);
}

#[test]
fn twl_17_concurrent_departments_count_when_the_setting_and_the_interface_take_them() {
    let mut world = world(2);
    world.users[0].units = vec!["a".to_owned(), "b".to_owned()];
    world.users[1].units = vec!["a".to_owned()];
    let on = Settings { concurrent: true, ..adding() };
    assert_eq!(world.plan(&adding()).0.batches().calls, 0);
    let (after, plan) = world.run(&on);
    assert_eq!((plan.person_counts.changed, after.members.len()), (1, 2));
    assert_eq!(after.members[0].departments, ["1", "2"]);
    // The order of what WeLink shows does not matter, but for the main one.
    let mut three = after.clone();
    three.users[0].units.push("r".to_owned());
    three.members[0].departments = vec!["1".to_owned(), "0".to_owned(), "2".to_owned()];
    assert_eq!(three.plan(&on).0.batches().calls, 0);
    three.members[0].departments = vec!["0".to_owned(), "1".to_owned(), "2".to_owned()];
    assert_eq!(three.plan(&on).0.person_counts.changed, 1);
    // Main department out of scope, concurrent one in it.
    let scope = Scope { departments: vec!["b".to_owned()], ..Scope::default() };
    let (after, _) = world.run(&Settings { scope: scope.clone(), cap: Cap::Number(9), ..on.clone() });
    assert_eq!((after.members.len(), after.members[0].departments.as_slice()), (1, &["2".to_owned()][..]));
    let (after, _) = world.run(&Settings { scope, ..adding() });
    assert_eq!(after.members.len(), 0);
    // One department a person.
    let old = Settings { family: Family::Old, ..on };
    assert_eq!(world.plan(&old).1, [(Reason::OneDepartment, "1".to_owned())]);
    assert_eq!(world.plan(&old).0.batches().calls, 0);
}

#[test]
fn twl_25_an_unlinked_member_with_exactly_one_match_is_adopted_and_never_doubled() {
    let mut world = world(2);
    world.members[1] =
        Member { mobile: world.members[1].mobile.replace("+86", "+86-"), ..member("m2", "旧名", &["2"]) };
    let (after, plan) = world.run(&adding());
    assert_eq!((plan.person_counts.new, plan.person_counts.links, plan.person_counts.changed), (0, 1, 1));
    let adopted = &after.members[1];
    assert_eq!((adopted.link.as_str(), adopted.corp.as_str(), adopted.name.as_str()), ("2", "2", "员工2"));
    // The number means the same and is not written again.
    assert!(adopted.mobile.starts_with("+86-"));
    assert_eq!((adopted.departments[0].as_str(), after.members.len()), ("1", 2));
}

#[test]
fn whoever_is_not_clearly_somebody_is_held_and_not_created() {
    let mut base = world(2);
    base.members[1] = Member { mobile: base.users[1].mobile.clone(), ..member("m2", "旧名", &["2"]) };
    let twin = User { id: "3".to_owned(), ..base.users[1].clone() };
    let cases: Vec<(Edit, Reason)> = vec![
        (|world, twin| world.users.push(twin.clone()), Reason::Ambiguous),
        (
            |world, _| world.members.push(Member { user: "m9".to_owned(), ..world.members[1].clone() }),
            Reason::Ambiguous,
        ),
        (|world, _| world.members[1].link = "gone".to_owned(), Reason::Taken),
        (|world, _| world.members[1].no_auto_bind = true, Reason::Taken),
        (|world, _| world.users[1].no_auto_link = true, Reason::NotAutomatic),
        (
            |world, _| world.users.push(User { id: "2".to_owned(), title: "别".to_owned(), ..world.users[1].clone() }),
            Reason::DuplicateId,
        ),
    ];
    for (change, reason) in cases {
        let mut world = base.clone();
        change(&mut world, &twin);
        let held: Vec<_> = states(&world, &adding());
        assert!(held.contains(&(State::Held, Some(reason))), "{reason:?}: {held:?}");
        let (after, plan) = world.run(&adding());
        assert_eq!((plan.person_counts.new, plan.person_counts.delete, after), (0, 0, world), "{reason:?}");
    }
}

#[test]
fn pairs_are_tried_in_their_order() {
    let pair = |welink, oa| Pair { welink, oa };
    let by_number = pair(WeLinkField::EmployeeId, OaField::WorkCode);
    let by_mobile = pair(WeLinkField::Mobile, OaField::Mobile);
    let mut world = world(1);
    world.users[0].work_code = "W1".to_owned();
    world.members = vec![
        Member { mobile: world.users[0].mobile.clone(), ..member("by-mobile", "", &["1"]) },
        Member { employee: "W1".to_owned(), ..member("by-number", "", &["1"]) },
    ];
    for (pairs, want) in [(vec![by_mobile, by_number], "by-mobile"), (vec![by_number, by_mobile], "by-number")] {
        let settings = Settings { pairs: Pairs::new(pairs).ok(), ..adding() };
        let (after, _) = world.run(&settings);
        let linked: Vec<_> = after.members.iter().filter(|one| one.link == "1").map(|one| one.user.as_str()).collect();
        assert_eq!(linked, [want]);
    }
    // An ambiguous pair decides nothing, a later one may.
    world.members.push(Member { user: "again".to_owned(), ..world.members[0].clone() });
    let settings = Settings { pairs: Pairs::new(vec![by_mobile, by_number]).ok(), ..adding() };
    assert_eq!(world.run(&settings).0.members[1].link, "1");
}

#[test]
fn missing_and_unseen_members_are_left_as_they_are() {
    for (seen, reason) in [(Seen::Missing(NOW), Reason::Missing), (Seen::NotInRange, Reason::NotInRange)] {
        let mut world = world(2);
        world.members[0].seen = seen;
        world.users[0].name = "新名".to_owned();
        assert_eq!(states(&world, &adding()), [(State::Held, Some(reason))]);
        world.users.remove(0);
        assert_eq!(world.plan(&adding()).0.person_counts.delete, 0);
    }
}

#[test]
fn twl_15_grace_marks_lists_cancels_and_then_removes() {
    let mut world = world(2);
    let leaver = world.users.remove(1);
    let settings = Settings { grace_days: 3, ..adding() };
    let (mut after, plan) = world.run(&settings);
    assert_eq!((plan.person_counts.marked, plan.person_counts.delete, after.members.len()), (1, 0, 2));
    assert_eq!(after.members[1].leaving, Some(NOW));
    let (copy, oa) = (after.copy(), after.oa());
    for (days, deleted) in [(2, 0), (3, 1)] {
        let plan = plan_at(&copy, &oa, &settings, days);
        assert_eq!((plan.person_counts.delete, plan.person_counts.marked), (deleted, 0));
    }
    let hash = |days: i64| plan_at(&copy, &oa, &settings, days).hash;
    assert_eq!(hash(0), hash(2));
    assert_ne!(hash(2), hash(3));
    after.users.push(leaver);
    let (back, plan) = after.run(&settings);
    assert_eq!((back.members[1].leaving, plan.batches().calls, plan.person_counts.matched), (None, 0, 2));
}

fn plan_at(copy: &Directory, oa: &OaSide, settings: &Settings, days: i64) -> Plan {
    plan(copy, oa, settings, NOW.plus_ms(days * DAY_MS)).0
}

#[test]
fn twl_12_a_decrease_above_x_blocks_and_writes_nothing() {
    let hundred = world(100);
    let settings = Settings { decrease_max: 5, cap: Cap::Number(50), baseline: Some(100), ..adding() };
    for (left, blocked) in [(95, false), (94, true)] {
        let mut world = hundred.clone();
        world.users.truncate(left);
        let (after, plan) = world.run(&settings);
        let guard = guard(&plan, &settings);
        assert_eq!(guard.is_blocked(), blocked, "{left}");
        assert_eq!(after == world, blocked);
        if blocked {
            assert_eq!(guard.decrease, Some(Blocked { count: 6, most: 5, of: 100 }));
            assert_eq!(plan.release(&guard, None), Err(Stop::Blocked(guard)));
        }
        // The first run has nothing to compare with.
        let first = Settings { baseline: None, ..settings.clone() };
        assert!(!super::super::guard(&world.plan(&first).0, &first).is_blocked());
    }
}

#[test]
fn twl_13_a_plan_that_removes_more_than_the_cap_stops() {
    let mut world = world(200);
    world.users.truncate(189);
    let blocked = |cap| {
        let settings = Settings { cap, ..adding() };
        guard(&world.plan(&settings).0, &settings)
    };
    assert_eq!(blocked(Cap::Percent(5)).people, Some(Blocked { count: 11, most: 10, of: 200 }));
    assert!(!blocked(Cap::Percent(6)).is_blocked());
    assert!(blocked(Cap::Number(10)).is_blocked() && !blocked(Cap::Number(11)).is_blocked());
    // Marking them is stopped as well.
    let settings = Settings { grace_days: 3, ..adding() };
    assert_eq!(guard(&world.plan(&settings).0, &settings).marks.map(|blocked| blocked.count), Some(11));
    // Departments have a cap of their own.
    world.users.truncate(0);
    world.users.push(user("1", "员工1", &["a"]));
    world.depts.extend((10..20).map(|n| dept(&n.to_string(), "0", &format!("旧{n}")).linked(&format!("gone{n}"))));
    let settings = Settings { cap: Cap::Number(9), ..adding() };
    assert_eq!(guard(&world.plan(&settings).0, &settings).departments, Some(Blocked { count: 10, most: 9, of: 13 }));
}

#[test]
fn twl_14_an_approval_releases_one_plan_and_no_other() {
    let mut world = world(100);
    world.users.truncate(50);
    let (plan, _) = world.plan(&adding());
    let verdict = guard(&plan, &adding());
    assert!(verdict.is_blocked());
    assert_eq!(plan.release(&verdict, Some(plan.hash)), Ok(plan.batches()));
    world.users[0].title = "经理".to_owned();
    let (other, _) = world.plan(&adding());
    let asked = plan.hash;
    assert_eq!(other.release(&guard(&other, &adding()), Some(asked)), Err(Stop::NotThisPlan { asked }));
    // Nothing releases an abort.
    world.units[0].name = "Re部门".to_owned();
    world.depts[0].link.clear();
    let (aborted, _) = world.plan(&adding());
    let none = guard(&aborted, &adding());
    assert!(matches!(aborted.release(&none, Some(aborted.hash)), Err(Stop::Aborted(Abort::RootMismatch { .. }))));
}

#[test]
fn twl_18_fields_are_written_where_they_differ_and_only_when_they_may_be() {
    let mut world = world(1);
    world.users[0].title = "经理".to_owned();
    world.users[0].email = String::new();
    world.members[0].email = "kept@corp.example".to_owned();
    let (copy, oa) = (world.copy(), world.oa());
    let settings = adding();
    let (first, _) = plan(&copy, &oa, &settings, NOW);
    let changes: Vec<_> = first.people[0].changes(&oa, &copy, &settings);
    let (before, after) = ("".into(), "经理".into());
    assert_eq!(changes, [Change { field: Field::Position, before, after }]);
    let write = first.person_write(&oa, &copy, &settings, &first.people[0]).unwrap();
    assert_eq!((write.fields, write.departments), (vec![(Field::Position, "经理".into())], Vec::new()));

    let rule = |field, value, only_at_creation| Rule { field, value, only_at_creation };
    let mapping = Mapping::new(vec![
        rule(Field::NameZh, Value::Direct(Source::Name), false),
        rule(Field::Mobile, Value::Direct(Source::Mobile), false),
        rule(Field::Position, Value::Direct(Source::Title), true),
        rule(Field::Sex, Value::Constant("M".to_owned()), true),
    ]);
    let settings = Settings { mapping: mapping.unwrap(), ..adding() };
    assert_eq!(world.plan(&settings).0.batches().calls, 0);
    world.members.clear();
    let (after, _) = world.run(&settings);
    assert_eq!((after.members[0].position.as_str(), after.members[0].sex.as_str()), ("经理", "M"));
}

#[test]
fn a_form_of_its_own_that_welink_keeps_is_not_written_again_and_again() {
    let mut world = world(1);
    world.users[0].title = "高级工程师（二级）".to_owned();
    let settings = adding();
    let (mut after, _) = world.run(&settings);
    // WeLink shortens what it was told; the next from-WeLink remembers that as its form.
    let mut shown = after.clone();
    shown.members[0].position = "高级工程师".to_owned();
    let copy_settings = CopySettings { from_oa: Some(&settings), ..CopySettings::default() };
    let (welink, copy) = (shown.copy(), after.copy());
    let (merge, _) = copy_plan(&welink, &copy, &copy_settings, NOW);
    let (_, people) = merge.release(Cap::default()).unwrap();
    assert!(people.len() == 1 && people[0].kept.is_some());
    after.members[0].position = "高级工程师".to_owned();
    after.members[0].kept = people[0].kept;
    assert_eq!(after.plan(&settings).0.batches().calls, 0);
    // A change on either side is one again.
    let mut edited = after.clone();
    edited.members[0].position = "总监".to_owned();
    assert_eq!(edited.plan(&settings).0.person_counts.changed, 1);
    after.users[0].title = "专家".to_owned();
    assert_eq!(after.plan(&settings).0.person_counts.changed, 1);
}
