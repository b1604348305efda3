//! The manual's worked examples (manual.txt 4.3.2.2), as trees. `●` = is, or will be, a department of WeLink.

use super::world::{World, dept, tree, unit, user};
use crate::ids::DeptCode;
use crate::sync::*;
use crate::text::Lang;

/// WeLink: 演示部门 with 部门A, 其他部门 and 部门D.
fn welink() -> Vec<super::world::Dept> {
    vec![
        dept("0", "", "演示部门"),
        dept("1", "0", "部门A"),
        dept("2", "0", "其他部门"),
        dept("3", "0", "部门D"),
        dept("4", "3", "部门B"),
    ]
}

fn oa(root: &str) -> World {
    let units = vec![
        unit("r", "", root),
        unit("a", "r", "部门A"),
        unit("a1", "a", "部门A1"),
        unit("b", "r", "部门B"),
        unit("c", "r", "部门C"),
    ];
    World { units, users: vec![user("1", "张三", &["a1"])], depts: welink(), ..World::default() }
}

fn settings() -> Settings {
    Settings { add_people: true, ..Settings::default() }
}

#[test]
fn twl_05_without_a_top_department_the_root_and_部门a_match_and_the_rest_is_new() {
    let world = oa("演示部门");
    let want = "\
● 演示部门 Matched
  ● 部门A Matched
    ● 部门A1 New
  ● 部门B New
  ● 部门C New";
    assert_eq!(tree(&world, &settings()), want);
    let (after, plan) = world.run(&settings());
    assert_eq!((plan.department_counts.matched, plan.department_counts.new, plan.department_counts.links), (2, 3, 5));
    let linked = |code: &str| after.depts.iter().find(|dept| dept.code == code).map(|dept| dept.link.as_str());
    assert_eq!((linked("0"), linked("1"), linked("2"), linked("4")), (Some("r"), Some("a"), Some(""), Some("")));
    // Repeating the run changes nothing.
    assert_eq!(after.run(&settings()).0, after);
    let want = want.replace("New", "Matched");
    assert_eq!(tree(&after, &settings()), want);
}

#[test]
fn twl_04_roots_of_different_names_stop_the_sync_at_once() {
    let world = oa("Re部门");
    let (after, plan) = world.run(&settings());
    assert_eq!(after, world);
    let abort = plan.abort.clone().unwrap();
    assert_eq!(abort, Abort::RootMismatch { oa: "Re部门".to_owned(), welink: "演示部门".to_owned() });
    assert_eq!(abort.name(), "root-mismatch");
    assert!(abort.message(Lang::Zh).contains("「Re部门」") && abort.message(Lang::Zh).contains("「演示部门」"));
    assert_eq!((plan.batches(), plan.person_counts, plan.department_counts), Default::default());
    // Also when WeLink is empty except for its root (product.md Q17).
    let empty = World { depts: vec![dept("0", "", "演示部门")], ..world };
    assert_eq!(empty.run(&settings()).0, empty);
}

#[test]
fn twl_03_with_a_top_department_the_oa_root_becomes_its_child() {
    let world = oa("Re部门");
    let top = |code: &str| Settings { top: DeptCode::parse(code).ok(), ..settings() };
    let want = "\
● Re部门 New
  ● 部门A New
    ● 部门A1 New
  ● 部门B New
  ● 部门C New";
    assert_eq!(tree(&world, &top("2")), want);
    let (after, _) = world.run(&top("2"));
    let root = after.depts.iter().find(|dept| dept.link == "r").unwrap();
    assert_eq!((root.name.as_str(), root.parent.as_str()), ("Re部门", "2"));
    let child = after.depts.iter().find(|dept| dept.link == "a").unwrap();
    assert_eq!(child.parent, root.code);
    assert_eq!(after.run(&top("2")).0, after);

    // A child of the top department with the root's name is the root, and so on below (M72).
    let mut known = world.clone();
    known.depts.extend([dept("5", "2", "Re部门"), dept("6", "5", "部门B")]);
    let matched = tree(&known, &top("2"));
    assert!(matched.starts_with("● Re部门 Matched\n  ● 部门A New"), "{matched}");
    assert!(matched.contains("● 部门B Matched"), "{matched}");

    // A chosen department that is gone stops the sync.
    let (after, plan) = world.run(&top("99"));
    assert_eq!((after, plan.abort), (world, Some(Abort::TopMissing { code: "99".to_owned() })));
}

#[test]
fn m67_an_empty_welink_is_filled_and_everybody_is_linked() {
    let depts = vec![dept("0", "", "演示部门")];
    let users = vec![user("1", "张三", &["a1"]), user("2", "李四", &["r"]), user("3", "王五", &["b"])];
    let world = World { users, depts, ..oa("演示部门") };
    let (after, plan) = world.run(&settings());
    assert_eq!((plan.person_counts.new, plan.person_counts.links, plan.department_counts.new), (3, 3, 4));
    // Levels 1 and 2, people: three calls and as many results.
    assert_eq!((plan.batches().list.len(), plan.batches().calls), (3, 6));
    for one in &world.users {
        let made: Vec<_> = after.members.iter().filter(|member| member.link == one.id).collect();
        assert_eq!(made.len(), 1);
        assert_eq!((&made[0].name, &made[0].corp, &made[0].mobile), (&one.name, &one.id, &one.mobile));
    }
    assert_eq!(after.members[1].departments, ["0"]);
}
