//! Departments: links, names, doubts and removals.

use super::world::{Dept, Member, NOW, Unit, User, World, dept, member, tree, unit, user};
use crate::ids::DeptCode;
use crate::sync::*;

/// `演示部门` with 部门A and 部门B on both sides, all linked, one person in each.
fn linked() -> World {
    let users = vec![user("1", "张三", &["a"]), user("2", "李四", &["b"]), user("3", "王五", &["r"])];
    World {
        units: vec![unit("r", "", "演示部门"), unit("a", "r", "部门A"), unit("b", "r", "部门B")],
        depts: vec![
            dept("0", "", "演示部门").linked("r"),
            dept("1", "0", "部门A").linked("a"),
            dept("2", "0", "部门B").linked("b"),
        ],
        members: vec![
            Member::of(&users[0], "m1", &["1"]),
            Member::of(&users[1], "m2", &["2"]),
            Member::of(&users[2], "m3", &["0"]),
        ],
        users,
        created: 0,
    }
}

fn reasons(world: &World, settings: &Settings) -> Vec<(Reason, String)> {
    world.plan(settings).1
}

fn find<'w>(world: &'w World, code: &str) -> Option<&'w Dept> {
    world.depts.iter().find(|dept| dept.code == code)
}

#[test]
fn nothing_to_do_is_no_call_at_all() {
    let world = linked();
    let (plan, complaints) = world.plan(&Settings::default());
    assert_eq!((plan.batches(), plan.people.len(), complaints), (Batches::default(), 0, Vec::new()));
    assert_eq!((plan.person_counts.matched, plan.department_counts.matched, plan.in_scope), (3, 3, 3));
}

#[test]
fn twl_06_links_beat_names() {
    let mut world = linked();
    world.units[1].name = "研发中心".to_owned();
    world.units[2].parent = "a".to_owned();
    // A namesake of what moves is not taken for it.
    world.depts.push(dept("3", "1", "部门B"));
    let want = "\
● 演示部门 Matched
  ● 研发中心 Changed
    ● 部门B Changed";
    assert_eq!(tree(&world, &Settings::default()), want);
    let (after, plan) = world.run(&Settings::default());
    assert_eq!((plan.department_counts.new, after.depts.len()), (0, 4));
    assert_eq!(find(&after, "1").unwrap().name, "研发中心");
    assert_eq!(find(&after, "2").unwrap().parent, "1");
}

#[test]
fn parent_and_child_can_change_places() {
    let mut world = linked();
    world.depts[2].parent = "1".to_owned();
    world.units[1].parent = "b".to_owned();
    let (after, plan) = world.run(&Settings::default());
    assert_eq!(plan.department_counts.changed, 2);
    assert_eq!((find(&after, "2").unwrap().parent.as_str(), find(&after, "1").unwrap().parent.as_str()), ("0", "2"));
}

#[test]
fn twl_07_duplicate_siblings_are_held_with_their_branch_and_the_rest_goes_on() {
    let mut world = linked();
    world.units.extend([
        unit("d1", "r", "双胞胎"),
        unit("d2", "r", " 双胞胎"),
        unit("d3", "d1", "下级"),
        unit("e", "r", "新部门"),
    ]);
    world.users.push(user("4", "赵六", &["d3"]));
    let want = "\
● 演示部门 Matched
  ● 部门A Matched
  ● 部门B Matched
  ○ 双胞胎 Held
    ○ 下级 Held
  ○  双胞胎 Held
  ● 新部门 New";
    let settings = Settings { add_people: true, ..Settings::default() };
    assert_eq!(tree(&world, &settings), want);
    let complaints = reasons(&world, &settings);
    assert!(complaints.contains(&(Reason::DuplicateName, "d1".to_owned())), "{complaints:?}");
    assert!(complaints.contains(&(Reason::DepartmentUnclear, "4".to_owned())), "{complaints:?}");
    let (after, _) = world.run(&settings);
    assert_eq!((after.depts.len(), after.members.len()), (4, 3));

    // Twins in WeLink are a doubt of the same kind.
    let mut world = linked();
    world.units.push(unit("d", "r", "双胞胎"));
    world.depts.extend([dept("3", "0", "双胞胎"), dept("4", "0", "双胞胎")]);
    assert_eq!(reasons(&world, &settings), [(Reason::DuplicateName, "d".to_owned())]);
    // A linked one is none of them.
    world.depts[3].link = "d".to_owned();
    assert_eq!(reasons(&world, &settings), []);
}

#[test]
fn near_misses_are_shown_and_created() {
    let mut world = linked();
    world.units.push(unit("c", "r", "部门Ｃ"));
    world.depts.push(dept("3", "0", "部门c"));
    assert_eq!(reasons(&world, &Settings::default()), [(Reason::NearMiss, "c".to_owned())]);
    assert!(tree(&world, &Settings::default()).contains("● 部门Ｃ New"));
}

#[test]
fn cycles_orphans_and_torn_records_are_reported_and_not_followed() {
    let mut world = linked();
    world.units.extend([
        unit("x", "y", "互一"),
        unit("y", "x", "互二"),
        unit("z", "y", "互下"),
        unit("o", "gone", "孤儿"),
        unit("p", "o", "孤儿下级"),
        unit("t", "r", "一"),
        unit("t", "r", "二"),
        unit("n", "r", " "),
    ]);
    // They are linked, and stay.
    world.depts.extend([
        dept("3", "0", "互一").linked("x"),
        dept("4", "0", "孤儿下级").linked("p"),
        dept("5", "0", "一").linked("t"),
    ]);
    let gone = user("4", "赵六", &["p"]);
    world.members.push(Member::of(&gone, "m4", &["4"]));
    world.users.push(gone);
    let (after, plan) = world.run(&Settings::default());
    assert_eq!(after, world);
    assert_eq!((plan.department_counts.held, plan.department_counts.delete, plan.person_counts.held), (7, 0, 1));
    let complaints = reasons(&world, &Settings::default());
    for (reason, id) in [
        (Reason::Cycle, "x"),
        (Reason::Cycle, "y"),
        (Reason::Cycle, "z"),
        (Reason::Orphan, "o"),
        (Reason::ParentHeld, "p"),
        (Reason::DuplicateId, "t"),
        (Reason::NoDepartmentName, "n"),
        (Reason::DepartmentUnclear, "4"),
    ] {
        assert!(complaints.contains(&(reason, id.to_owned())), "{reason:?} {id}");
    }
}

#[test]
fn a_department_goes_when_nobody_and_nothing_stays_in_it() {
    let mut world = linked();
    world.units.retain(|unit| unit.id != "b");
    world.users.retain(|user| user.id != "2");
    let (after, plan) = world.run(&Settings::default());
    assert_eq!((plan.person_counts.delete, plan.department_counts.delete), (1, 1));
    assert!(find(&after, "2").is_none() && after.members.len() == 2);
    let phases: Vec<Phase> = plan.batches().list.iter().map(|batch| batch.phase).collect();
    assert!(matches!(phases.as_slice(), [Phase::PersonRemove, Phase::DepartmentRemove { .. }]), "{phases:?}");

    // A member or a department that nobody linked keeps it (product.md Q14).
    for (members, depts) in [(vec![member("x", "外", &["0", "2"])], vec![]), (vec![], vec![dept("9", "2", "外部")])]
    {
        let mut kept = world.clone();
        kept.members.extend(members);
        kept.depts.extend(depts);
        let (after, plan) = kept.run(&Settings::default());
        assert_eq!((plan.department_counts.delete, plan.department_counts.held), (0, 1));
        assert!(find(&after, "2").is_some());
        assert_eq!(reasons(&kept, &Settings::default()), [(Reason::NotEmpty, "2".to_owned())]);
    }
    // His time of grace is not over: he stays, and so does it.
    let grace = Settings { grace_days: 3, ..Settings::default() };
    assert_eq!(world.plan(&grace).0.department_counts.delete, 0);
}

#[test]
fn removals_go_deepest_first() {
    let mut world = linked();
    world.depts.extend([dept("3", "2", "下").linked("gone1"), dept("4", "3", "下下").linked("gone2")]);
    let (after, plan) = world.run(&Settings::default());
    assert_eq!((plan.department_counts.delete, after.depts.len()), (2, 3));
    assert_eq!(plan.batches().list.len(), 2);
}

#[test]
fn out_of_scope_departments_go_and_ancestors_are_written() {
    let mut world = linked();
    world.units.push(unit("a1", "a", "部门A1"));
    let scope = |ids: &[&str]| Settings {
        scope: Scope { departments: ids.iter().map(|id| (*id).to_owned()).collect(), ..Scope::default() },
        ..Settings::default()
    };
    let (after, plan) = world.run(&scope(&["a1"]));
    // 部门A lies between the root and the scope; its people are not in scope, nor is anybody else.
    assert_eq!((plan.department_counts.new, plan.department_counts.matched, plan.department_counts.delete), (1, 2, 1));
    assert_eq!((plan.person_counts.delete, plan.in_scope, after.members.len()), (3, 0, 0));
    // A typo in the scope removes nobody.
    let (after, plan) = world.run(&scope(&["typo"]));
    assert_eq!((after, plan.abort), (world.clone(), Some(Abort::ScopeMissing { id: "typo".to_owned() })));
    // Sealed units are out of scope; who is still in one is left as he is.
    let mut sealed = world.clone();
    sealed.units[2].active = false;
    let (plan, complaints) = sealed.plan(&Settings::default());
    assert_eq!((plan.department_counts.held, plan.person_counts.held, plan.person_counts.delete), (1, 1, 0));
    assert!(complaints.contains(&(Reason::NotEmpty, "2".to_owned())), "{complaints:?}");
}

#[test]
fn what_makes_no_sense_aborts() {
    let world = linked();
    let top = Settings { top: DeptCode::parse("1").ok(), ..Settings::default() };
    let abort = |world: &World, settings: &Settings| world.plan(settings).0.abort;
    // What is linked contains the chosen department, or is it.
    assert_eq!(abort(&world, &top), Some(Abort::TopInside { name: "部门A".to_owned() }));
    let mut inside = world.clone();
    inside.depts[1].link.clear();
    assert_eq!(abort(&inside, &top), Some(Abort::TopInside { name: "演示部门".to_owned() }));
    let two = World { units: vec![unit("r", "", "一"), unit("s", "", "二")], ..world.clone() };
    let names = vec!["一".to_owned(), "二".to_owned()];
    assert_eq!(abort(&two, &Settings::default()), Some(Abort::SeveralRoots { names }));
    for empty in [World { units: Vec::new(), ..world.clone() }, World { users: Vec::new(), ..world.clone() }] {
        assert_eq!(abort(&empty, &Settings::default()), Some(Abort::OaEmpty));
    }
    assert_eq!(abort(&World { depts: Vec::new(), ..world }, &Settings::default()), Some(Abort::NoRoot));
}

#[test]
fn several_roots_hang_under_the_top_department() {
    let units = vec![unit("r", "", "一"), unit("s", "", "二")];
    let users = vec![user("1", "张三", &["s"])];
    let depts = vec![dept("0", "", "公司"), dept("1", "0", "集团"), dept("2", "1", "二")];
    let world = World { units, users, depts, ..World::default() };
    let settings = Settings { top: DeptCode::parse("1").ok(), add_people: true, ..Settings::default() };
    let (after, plan) = world.run(&settings);
    assert_eq!((plan.department_counts.new, plan.department_counts.matched), (1, 1));
    assert_eq!(after.members[0].departments, ["2"]);
}

#[test]
fn a_linked_department_that_welink_lost_is_made_again() {
    let mut world = linked();
    world.depts[1].missing = Some(NOW);
    world.members[0].departments = vec!["0".to_owned()];
    let (after, plan) = world.run(&Settings::default());
    assert_eq!((plan.department_counts.new, plan.person_counts.changed), (1, 1));
    let made = after.depts.iter().find(|dept| dept.link == "a").unwrap();
    assert_eq!(after.members[0].departments, std::slice::from_ref(&made.code));
}

#[test]
fn the_old_family_cannot_adopt_and_says_so() {
    let mut world = World { members: Vec::new(), ..linked() };
    world.depts.iter_mut().for_each(|dept| *dept = super::world::dept(&dept.code, &dept.parent, &dept.name));
    world.units[1].order = 5;
    world.units.push(Unit { parent: "a".to_owned(), ..unit("a1", "a", "部门A1") });
    let settings = Settings { family: Family::Old, ..Settings::default() };
    let (plan, complaints) = world.plan(&settings);
    assert_eq!((plan.department_counts.links, plan.department_counts.held, plan.batches().calls), (3, 1, 0));
    assert_eq!(complaints, [(Reason::CannotAdopt, "a1".to_owned())]);
    let (plan, _) = world.plan(&Settings::default());
    let phases: Vec<Phase> = plan.batches().list.iter().map(|batch| batch.phase).collect();
    assert_eq!(
        phases,
        [Phase::DepartmentAdopt, Phase::DepartmentWrite { level: 1 }, Phase::DepartmentWrite { level: 2 }]
    );
}

#[test]
fn batches_are_filled_to_the_limit_of_the_family_level_by_level() {
    let mut world = linked();
    world.units.extend((0..130).map(|n| unit(&format!("n{n}"), "r", &format!("新{n}"))));
    world.units.extend((0..20).map(|n| unit(&format!("o{n}"), "n0", &format!("下{n}"))));
    world.users.extend(
        (0..205).map(|n: u32| User { mobile: format!("+861390000{n:04}"), ..user(&format!("p{n}"), "新", &["o1"]) }),
    );
    let sizes = |family| {
        let settings = Settings { add_people: true, family, ..Settings::default() };
        let batches = world.plan(&settings).0.batches();
        let calls = batches.calls;
        (batches.list.into_iter().map(|batch| batch.items.len()).collect::<Vec<_>>(), calls)
    };
    assert_eq!(sizes(Family::New), (vec![100, 30, 20, 100, 100, 5], 12));
    let (old, calls) = sizes(Family::Old);
    assert_eq!((old.len(), calls), (13 + 2 + 21, 72));
    world.run(&Settings { add_people: true, ..Settings::default() });
}
