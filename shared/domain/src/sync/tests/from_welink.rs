//! From-WeLink into the copy.

use std::collections::BTreeSet;

use super::world::{DAY_MS, Member, NOW, World, dept, member};
use crate::sync::*;
use crate::time::Timestamp;

fn world(people: usize) -> World {
    let depts = vec![dept("0", "", "公司"), dept("1", "0", "部门A")];
    let members = (0..people).map(|n| member(&format!("m{n:03}"), "张", &["1"])).collect();
    World { depts, members, ..World::default() }
}

fn merge(welink: &World, copy: &World, now: Timestamp) -> (CopyPlan, Vec<Reason>) {
    let (welink, copy) = (welink.copy(), copy.copy());
    let (plan, complaints) = copy_plan(&welink, &copy, &CopySettings::default(), now);
    (plan, complaints.iter().map(|one| one.reason).collect())
}

/// The copy after the plan was written.
fn written(welink: &World, copy: &World, now: Timestamp) -> Result<World, Shrunken> {
    let (from, to) = (welink.copy(), copy.copy());
    let (plan, _) = copy_plan(&from, &to, &CopySettings::default(), now);
    let mut after = copy.clone();
    let (_, people) = plan.release(Cap::default())?;
    for item in people {
        let user = item.welink.map_or_else(|| to.user(item.copy.unwrap()), |row| from.user(row)).to_owned();
        let shown = welink.members.iter().find(|member| member.user == user);
        let own = after.members.iter_mut().find(|member| member.user == user);
        match (item.state, shown, own) {
            (CopyState::New, Some(shown), None) => after.members.push(shown.clone()),
            (CopyState::Changed | CopyState::Returned, Some(shown), Some(own)) => {
                *own = Member { link: own.link.clone(), seen: Seen::Shown, ..shown.clone() };
            }
            (CopyState::Missing, None, Some(own)) => own.seen = Seen::Missing(now),
            (CopyState::Dropped, None, Some(_)) => after.members.retain(|member| member.user != user),
            other => panic!("{other:?}"),
        }
    }
    Ok(after)
}

#[test]
fn fwl_01_everybody_arrives_once_and_a_second_read_writes_nothing() {
    let welink = world(7);
    let (plan, complaints) = merge(&welink, &World::default(), NOW);
    assert_eq!((plan.count(CopyState::New), complaints), ((7, 2), Vec::new()));
    let mut shuffled = welink.clone();
    shuffled.members.reverse();
    shuffled.depts.reverse();
    let (plan, _) = merge(&shuffled, &welink, NOW);
    assert_eq!(plan.release(Cap::default()), Ok((&[][..], &[][..])));
}

#[test]
fn changes_of_every_field_are_seen_and_links_are_not_touched() {
    let welink = world(1);
    let mut copy = welink.clone();
    copy.members[0].link = "1".to_owned();
    copy.members[0].leaving = Some(NOW);
    assert_eq!(merge(&welink, &copy, NOW).0.count(CopyState::Changed), (0, 0));
    let changes: Vec<fn(&mut Member)> = vec![
        |member| member.name.push('x'),
        |member| member.mobile.push('1'),
        |member| member.email.push('x'),
        |member| member.corp.push('x'),
        |member| member.employee.push('x'),
        |member| member.position.push('x'),
        |member| member.sex.push('M'),
        |member| member.departments.push("0".to_owned()),
    ];
    for change in changes {
        let mut welink = welink.clone();
        change(&mut welink.members[0]);
        assert_eq!(merge(&welink, &copy, NOW).0.count(CopyState::Changed), (1, 0));
        let after = written(&welink, &copy, NOW).unwrap();
        assert_eq!(after.members[0].link, "1");
    }
    let mut renamed = welink.clone();
    renamed.depts[1].name.push('x');
    assert_eq!(merge(&renamed, &copy, NOW).0.count(CopyState::Changed), (0, 1));
    // The main department is the first; the order of the others says nothing.
    let (mut welink, mut copy) = (welink, copy);
    welink.members[0].departments = ["1", "2", "3"].map(str::to_owned).to_vec();
    copy.members[0].departments = ["1", "3", "2"].map(str::to_owned).to_vec();
    assert_eq!(merge(&welink, &copy, NOW).0.count(CopyState::Changed), (0, 0));
    copy.members[0].departments = ["2", "1", "3"].map(str::to_owned).to_vec();
    assert_eq!(merge(&welink, &copy, NOW).0.count(CopyState::Changed), (1, 0));
}

#[test]
fn fwl_05_a_shrunken_or_empty_read_changes_nothing() {
    let copy = world(200);
    let with = |people: usize| World { members: copy.members[..people].to_vec(), ..copy.clone() };
    let shrunken = |before, lost, most| Err(Shrunken { before, lost, most, of_departments: false });
    assert_eq!(written(&with(190), &copy, NOW).unwrap().members.len(), 200);
    assert_eq!(written(&with(189), &copy, NOW), shrunken(200, 11, 10));
    assert_eq!(written(&with(0), &copy, NOW), shrunken(200, 200, 10));
    // Nobody at all is never right where there was somebody, however few.
    let few = world(3);
    assert_eq!(written(&World { members: Vec::new(), ..few.clone() }, &few, NOW), shrunken(3, 3, 5));
    // Departments have their own.
    let mut wide = world(3);
    wide.depts.extend((10..30).map(|n| dept(&n.to_string(), "0", "部门")));
    let Err(Shrunken { lost: 20, of_departments: true, .. }) = written(&few, &wide, NOW) else { panic!("blocked") };
    // What is missing already is not lost once more.
    let mut later = copy.clone();
    later.members[190..].iter_mut().for_each(|member| member.seen = Seen::Missing(NOW));
    assert!(written(&with(185), &later, NOW).is_ok());
}

#[test]
fn fwl_06_the_missing_are_kept_restored_or_dropped_after_thirty_days() {
    let full = world(10);
    let short = World { members: full.members[..9].to_vec(), ..full.clone() };
    let mut copy = full.clone();
    copy.members[9].link = "9".to_owned();
    let missing = written(&short, &copy, NOW).unwrap();
    assert_eq!((missing.members[9].seen, missing.members[9].link.as_str()), (Seen::Missing(NOW), "9"));
    let day = |days: i64| NOW.plus_ms(days * DAY_MS);
    assert_eq!(written(&short, &missing, day(29)).unwrap(), missing);
    let back = written(&full, &missing, day(29)).unwrap();
    assert_eq!((back.members[9].seen, back.members[9].link.as_str()), (Seen::Shown, "9"));
    let dropped = written(&short, &missing, day(30)).unwrap();
    assert_eq!(dropped.members.len(), 9);
}

#[test]
fn q24_who_came_by_signing_in_and_is_not_shown_is_kept() {
    let welink = world(3);
    let mut copy = welink.clone();
    copy.members.push(Member { seen: Seen::NotInRange, ..member("sso", "王", &[]) });
    assert_eq!(written(&welink, &copy, NOW).unwrap(), copy);
    let mut shown = welink.clone();
    shown.members.push(member("sso", "王", &["1"]));
    assert_eq!(written(&shown, &copy, NOW).unwrap().members[3].seen, Seen::Shown);
}

#[test]
fn two_answers_about_one_member_that_differ_change_nothing_about_him() {
    let copy = world(3);
    let mut welink = copy.clone();
    welink.members.push(Member { name: "李".to_owned(), ..welink.members[0].clone() });
    let (plan, complaints) = merge(&welink, &copy, NOW);
    assert_eq!(complaints, [Reason::DuplicateId]);
    assert_eq!(plan.release(Cap::default()), Ok((&[][..], &[][..])));
    welink.members.last_mut().unwrap().name = "张".to_owned();
    assert_eq!(merge(&welink, &copy, NOW).1, []);
    let users: BTreeSet<&str> = welink.members.iter().map(|member| member.user.as_str()).collect();
    assert_eq!(written(&welink, &World::default(), NOW).unwrap().members.len(), users.len());
}
