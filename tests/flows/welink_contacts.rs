//! The client of WeLink's contacts against the simulated WeLink, in both generations and every reading of the contract
//! (welink-api.md 4, 5, 16).

use std::collections::BTreeSet;

use domain::ids::{DeptCode, WeLinkUserId};
use domain::sync::{Family, Field};
use sim::company::Company;
use sim::faults::{Knob, Rule};
use sim::welink::{Closed, ContactScope, EmptyPage, Generations, MemberStatus, ParentInBatch, Permission, Running};
use tests::contact_client::{COMPANY, ContactClient};
use welink::contact::{
    Batch, DepartmentCursor, DepartmentWrite, ObjectId, Outcome, PeopleCursor, PersonKey, PersonRow, PersonWrite,
    Place, ReadError, Removal, Writer,
};
use welink::{Families, WeLinkError};

const BOTH: [Family; 2] = [Family::New, Family::Old];

fn root_child(corp: &str, name: &str) -> DepartmentWrite {
    DepartmentWrite {
        corp_code: Some(corp.to_owned()),
        parent: Some(Place::root()),
        name_zh: Some(name.to_owned()),
        level: 1,
        ..DepartmentWrite::default()
    }
}

fn person(number: usize, place: &Place) -> PersonWrite {
    let fields = [
        (Field::NameZh, format!("员工{number}")),
        (Field::Mobile, format!("+86139{number:08}")),
        (Field::Sex, "M".to_owned()),
    ];
    PersonWrite {
        user: None,
        corp_user: Some(format!("N{number:05}")),
        fields: fields.into(),
        places: vec![place.clone()],
    }
}

fn corp(code: &str) -> Place {
    Place { code: None, corp: Some(code.to_owned()) }
}

fn code_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { code, .. } => code,
        Outcome::Success { .. } => "ok",
        Outcome::Pending => "pending",
        Outcome::Unknown => "unknown",
        Outcome::NotSent => "not sent",
    }
}

fn codes(outcomes: &[Outcome]) -> Vec<&str> {
    outcomes.iter().map(code_of).collect()
}

async fn whole(world: &ContactClient, family: Family) {
    let listed: BTreeSet<String> =
        world.departments(family).await.unwrap().iter().map(|row| row.code.as_str().to_owned()).collect();
    let there: BTreeSet<String> = world.welink.departments(COMPANY).into_iter().map(|one| one.dept_code).collect();
    assert_eq!(listed, there, "{family:?}");
    let listed: Vec<String> = world.people(family).await.unwrap().into_keys().collect();
    let there: Vec<String> = world.welink.members(COMPANY).into_iter().map(|one| one.user_id).collect();
    assert_eq!(listed, there, "{family:?}");
}

#[tokio::test(start_paused = true)]
async fn the_company_is_read_whole_in_either_family_and_every_reading() {
    let readings: [fn(&mut sim::welink::Settings); 6] = [
        |_| {},
        |s| s.contact.has_more_stuck = true,
        |s| s.contact.total_counts_everything = true,
        |s| s.contact.empty_page = EmptyPage::List,
        |s| s.contact.empty_page = EmptyPage::Code("47009".to_owned()),
        |s| (s.contact.empty_page, s.wobble) = (EmptyPage::Code("47012".to_owned()), true),
    ];
    for reading in readings {
        let world = ContactClient::new(&Company::demo(), reading);
        for family in BOTH {
            whole(&world, family).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_say_what_the_planner_compares() {
    let world = ContactClient::new(&Company::demo(), |_| {});
    let people = world.people(Family::New).await.unwrap();
    let li = &people["lihua@welink"];
    let codes = li.department_codes();
    let copy = li.as_copy(&codes);
    assert_eq!((copy.name_zh, copy.mobile, copy.position, copy.sex), ("李华", "+86-13800000001", "工程师", "M"));
    assert_eq!((copy.corp_user, copy.email, copy.departments.len()), ("W0001", "lihua@corp.example", 2));
    assert!(!format!("{li:?}").contains("李华"), "no name in a log");
    // The old family knows one department.
    assert_eq!(world.people(Family::Old).await.unwrap()["lihua@welink"].departments, li.departments[..1]);
    let research = world.departments(Family::New).await.unwrap();
    let research = research.iter().find(|row| row.name_zh == "研发部").unwrap();
    assert_eq!(research.as_copy().corp_code, "d-12");
    for family in BOTH {
        let one = world.client.department(&world.credentials, family, &research.code).await.unwrap().unwrap();
        assert_eq!((&one.code, &one.parent), (&research.code, &research.parent));
        let none = world.client.department(&world.credentials, family, &DeptCode::parse("999").unwrap()).await;
        assert_eq!(none, Ok(None));
        let key = PersonKey::Corp("W0001");
        let found = world.client.person(&world.credentials, family, key).await.unwrap().unwrap();
        assert_eq!(found.user_id.as_str(), "lihua@welink");
        assert_eq!(world.client.person(&world.credentials, family, PersonKey::Corp("nobody")).await, Ok(None));
    }
    let accounts = world.client.accounts(&world.credentials, &["W0001", "nobody", "W0002"]).await.unwrap();
    let accounts: Vec<(&str, &str)> = accounts.iter().map(|(corp, user)| (corp.as_str(), user.as_str())).collect();
    assert_eq!(accounts, [("W0001", "lihua@welink"), ("W0002", "wangfang@welink")]);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_denied_or_broken_is_an_error_and_goes_on_where_it_stood() {
    let world = ContactClient::new(&Company::generate(7, 300, 260), |_| {});
    for family in BOTH {
        let mut cursor = DepartmentCursor::new(family);
        world.client.departments_page(&world.credentials, &mut cursor).await.unwrap();
        let stored = serde_json::to_string(&cursor).unwrap();
        world.welink.faults().set(Knob::Http5xx, Rule::next(10).under("/api/contact"));
        let lost = world.client.departments_page(&world.credentials, &mut cursor).await;
        assert_eq!(lost, Err(ReadError::Call(WeLinkError::Down)));
        world.welink.faults().clear();
        assert_eq!(serde_json::to_string(&cursor).unwrap(), stored, "the cursor has not moved");
        let mut cursor: DepartmentCursor = serde_json::from_str(&stored).unwrap();
        while !world.client.departments_page(&world.credentials, &mut cursor).await.unwrap().done {}
        assert_eq!(cursor.listed() as usize, world.welink.departments(COMPANY).len());
        world.welink.revoke(&world.app, Permission::Departments).unwrap();
        let denied = world.departments(family).await;
        assert_eq!(denied, Err(ReadError::Call(WeLinkError::Permission { code: "501".to_owned() })));
        world.welink.grant(&world.app, Permission::Departments).unwrap();
        world.welink.expire_tokens(&world.app);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_changes_under_a_read_is_told_and_not_taken_for_the_whole() {
    let world = ContactClient::new(&Company::generate(3, 400, 1), |_| {});
    let department = world.departments(Family::Old).await.unwrap().remove(0).code;
    let mut cursor = PeopleCursor::new(Family::Old, department.clone());
    let first = world.client.people_page(&world.credentials, &mut cursor).await.unwrap();
    assert!(!first.done && first.rows.len() == 50);
    world.welink.remove_member(COMPANY, first.rows[0].user_id.as_str()).unwrap();
    let second = world.client.people_page(&world.credentials, &mut cursor).await;
    assert!(matches!(second, Err(ReadError::Incomplete { .. })), "{second:?}");
    assert!(!second.unwrap_err().keeps_cursor());
}

#[tokio::test(start_paused = true)]
async fn a_narrow_scope_shows_less_and_an_invisible_department_is_nothing() {
    let world = ContactClient::new(&Company::demo(), |_| {});
    let all = world.departments(Family::New).await.unwrap();
    let research = all.iter().find(|row| row.name_zh == "研发部").unwrap().clone();
    let scope = ContactScope::Departments([research.code.as_str().to_owned()].into());
    world.welink.set_contact_scope(&world.app, scope).unwrap();
    let seen: Vec<String> = world.departments(Family::New).await.unwrap().into_iter().map(|row| row.name_zh).collect();
    assert_eq!(seen, ["研发部", "平台组", "应用组", "测试组"]);
    let hidden = all.iter().find(|row| row.name_zh == "财务部").unwrap();
    assert_eq!(world.people_of(Family::New, hidden.code.clone()).await, Ok(Vec::new()));
    world.welink.configure(|s| s.out_of_range_code = "47000".to_owned());
    let denied = world.people_of(Family::New, hidden.code.clone()).await;
    assert!(matches!(denied, Err(ReadError::Call(WeLinkError::Permission { .. }))), "{denied:?}");
}

#[tokio::test(start_paused = true)]
async fn the_family_is_the_one_that_answers() {
    let some = |read, write| Families { read, write };
    for (generations, family) in
        [(Generations::Both, Family::New), (Generations::NewOnly, Family::New), (Generations::OldOnly, Family::Old)]
    {
        let world = ContactClient::new(&Company::demo(), |s| s.contact.generations = generations);
        let before = world.welink.members(COMPANY);
        let found = world.client.probe_families(&world.credentials).await.unwrap();
        assert_eq!(found, some(Some(family), Some(family)), "{generations:?}");
        assert_eq!(world.welink.members(COMPANY), before);
        whole(&world, family).await;
    }
    let world = ContactClient::new(&Company::demo(), |_| {});
    world.welink.revoke(&world.app, Permission::ContactSync).unwrap();
    let found = world.client.probe_families(&world.credentials).await.unwrap();
    assert_eq!(found, some(Some(Family::New), None), "no right to write");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_job_and_every_object_has_its_own_outcome() {
    for running in [Running::Silent, Running::Partial] {
        let world = ContactClient::new(&Company::demo(), |s| {
            (s.contact.running, s.contact.job_ms) = (running, 30_000);
            s.contact.unopenable = ["N00007".to_owned()].into();
        });
        let writer = Writer::new(Family::New);
        let mut people: Vec<PersonWrite> = (0..100).map(|n| person(n, &corp("d-12"))).collect();
        people[3].places = vec![corp("nowhere")];
        people[4].fields.insert(Field::Mobile, "+8613800000001".to_owned());
        people[5].fields.remove(&Field::Mobile);
        people[6].corp_user = Some("W0001".to_owned());
        people[9].fields.insert(Field::Email, "no address".to_owned());
        let mut sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&people)).await.unwrap();
        assert!(!sent.is_settled());
        let stored = serde_json::to_string(&sent).unwrap();
        sent = serde_json::from_str(&stored).unwrap();
        world.settle(&mut sent).await;
        let odd: Vec<(usize, &str)> =
            codes(&sent.outcomes).into_iter().enumerate().filter(|(_, code)| *code != "ok").collect();
        let want = [(3, "47106"), (4, "47120"), (5, "47003"), (6, "58003"), (7, "47110"), (9, "47004")];
        assert_eq!(odd, want, "{running:?}");
        assert!(sent.outcomes[3].waits_for_another() && !sent.outcomes[4].waits_for_another());
        assert!(sent.outcomes[4].advice().is_some());
        let Outcome::Success { id: Some(ObjectId::Person(user)) } = &sent.outcomes[0] else { panic!("an account") };
        assert_eq!(world.welink.member(COMPANY, user.as_str()).unwrap().name_zh, "员工0");
        let calls = world.welink.call_counts();
        assert_eq!(calls["POST /api/contact/v1/user/batch/create"], 1);
        assert!(calls["GET /api/contact/v1/batch/result"] <= 8, "asked with growing pauses");
    }
}

#[tokio::test(start_paused = true)]
async fn two_objects_go_one_by_one_and_come_back_with_their_ids() {
    let world = ContactClient::new(&Company::demo(), |_| {});
    let writer = Writer::new(Family::New);
    let submit = async |batch: Batch<'_>| world.client.submit(&world.credentials, &writer, batch).await.unwrap();
    let made = submit(Batch::WriteDepartments(&[root_child("x-1", "新部门")])).await;
    let Outcome::Success { id: Some(ObjectId::Department(code)) } = &made.outcomes[0] else { panic!("{made:?}") };
    let place = Place { code: Some(code.clone()), corp: None };
    let made = submit(Batch::WritePeople(&[person(1, &place), person(1, &place)])).await;
    assert_eq!(codes(&made.outcomes), ["ok", "58003"]);
    let Outcome::Success { id: Some(ObjectId::Person(user)) } = &made.outcomes[0] else { panic!("{made:?}") };
    let renamed = PersonWrite {
        user: Some(user.clone()),
        fields: [(Field::NameZh, "新名".to_owned())].into(),
        ..PersonWrite::default()
    };
    assert_eq!(codes(&submit(Batch::WritePeople(std::slice::from_ref(&renamed))).await.outcomes), ["ok"]);
    let there = world.welink.member(COMPANY, user.as_str()).unwrap();
    assert_eq!((there.name_zh.as_str(), there.dept_codes.len()), ("新名", 1), "the rest is unchanged");
    let department = DepartmentWrite { code: Some(code.clone()), ..DepartmentWrite::default() };
    let kept = submit(Batch::RemoveDepartments(std::slice::from_ref(&department))).await;
    assert_eq!(codes(&kept.outcomes), ["58010"], "somebody is in it");
    assert_eq!(codes(&submit(Batch::RemovePeople(std::slice::from_ref(&renamed))).await.outcomes), ["ok"]);
    assert_eq!(codes(&submit(Batch::RemovePeople(&[renamed])).await.outcomes), ["ok"], "gone is gone");
    assert_eq!(world.welink.member(COMPANY, user.as_str()).unwrap().status, MemberStatus::Closed);
    assert_eq!(codes(&submit(Batch::RemoveDepartments(&[department])).await.outcomes), ["ok"]);
    assert!(!world.welink.call_counts().contains_key("GET /api/contact/v1/batch/result"));
}

#[tokio::test(start_paused = true)]
async fn new_and_known_objects_of_a_batch_go_separately_so_that_nobody_removed_is_made_again() {
    let world = ContactClient::new(&Company::demo(), |_| {});
    let mut people: Vec<PersonWrite> = (0..3).map(|n| person(n, &corp("d-12"))).collect();
    people[0].user = Some(WeLinkUserId::parse("lihua@welink").unwrap());
    people[1].user = Some(WeLinkUserId::parse("gone@welink").unwrap());
    let writer = Writer::new(Family::New);
    let mut sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&people)).await.unwrap();
    world.settle(&mut sent).await;
    assert_eq!(codes(&sent.outcomes), ["ok", "47111", "ok"]);
    assert_eq!(world.welink.members(COMPANY).len(), 61);
    // What comes after a call that was made is not lost when the next one cannot be made.
    world.welink.faults().set(Knob::RateLimited, Rule::per_mille(1000).under("/api/contact/v1/user/batch/update"));
    people[2] = person(9, &corp("d-12"));
    let sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&people)).await.unwrap();
    assert_eq!(codes(&sent.outcomes), ["not sent", "not sent", "pending"]);
}

#[tokio::test(start_paused = true)]
async fn existing_objects_are_given_our_ids() {
    let world = ContactClient::new(&Company::demo(), |_| {});
    let writer = Writer::new(Family::New);
    let user = WeLinkUserId::parse("zhaolei@welink").unwrap();
    assert_eq!(world.welink.member(COMPANY, user.as_str()).unwrap().corp_user_id, None);
    let adopt = |corp: &str| PersonWrite {
        user: Some(user.clone()),
        corp_user: Some(corp.to_owned()),
        ..PersonWrite::default()
    };
    for (corp, want) in [("W0001", "58003"), ("oa-7", "ok")] {
        let batch = [adopt(corp)];
        let mut sent = world.client.submit(&world.credentials, &writer, Batch::AdoptPeople(&batch)).await.unwrap();
        world.settle(&mut sent).await;
        assert_eq!(codes(&sent.outcomes), [want]);
    }
    assert_eq!(world.welink.member(COMPANY, user.as_str()).unwrap().corp_user_id.as_deref(), Some("oa-7"));
    let code = world.departments(Family::New).await.unwrap().remove(0).code;
    let batch =
        [DepartmentWrite { code: Some(code.clone()), corp_code: Some("oa-d".to_owned()), ..root_child("", "") }];
    let mut sent = world.client.submit(&world.credentials, &writer, Batch::AdoptDepartments(&batch)).await.unwrap();
    world.settle(&mut sent).await;
    assert_eq!(sent.outcomes, [Outcome::Success { id: Some(ObjectId::Department(code)) }]);
    let old = Writer::new(Family::Old);
    let sent = world.client.submit(&world.credentials, &old, Batch::AdoptDepartments(&batch)).await.unwrap();
    assert_eq!(codes(&sent.outcomes), ["47003"], "the old family cannot");
}

#[tokio::test(start_paused = true)]
async fn the_old_family_takes_ten_and_is_asked_for_each() {
    for bulk_max in [10, 100] {
        let world = ContactClient::new(&Company::demo(), |s| s.contact.job_ms = 20_000);
        let writer = Writer { bulk_max, ..Writer::new(Family::Old) };
        let departments = [root_child("x-1", "甲部"), root_child("x-2", "乙部")];
        let mut sent =
            world.client.submit(&world.credentials, &writer, Batch::WriteDepartments(&departments)).await.unwrap();
        assert_eq!(codes(&sent.outcomes), ["pending", "pending"]);
        world.settle(&mut sent).await;
        assert_eq!(codes(&sent.outcomes), ["ok", "ok"]);
        let mut people: Vec<PersonWrite> = (0..25).map(|n| person(n, &corp("x-1"))).collect();
        people[2].places = vec![corp("nowhere")];
        people[3].fields.insert(Field::Mobile, "13800000001".to_owned());
        people[4].fields.remove(&Field::Sex);
        people[5].places = vec![Place::root()];
        let mut sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&people)).await.unwrap();
        world.settle(&mut sent).await;
        let odd: Vec<(usize, &str)> =
            codes(&sent.outcomes).into_iter().enumerate().filter(|(_, code)| *code != "ok").collect();
        assert_eq!(odd, [(2, "47106"), (3, "47120"), (4, "47003")]);
        let calls = world.welink.call_counts()["POST /api/contact/v1/users/bulk"];
        assert_eq!(calls, if bulk_max == 10 { 3 } else { 4 }, "a refused hundred goes again in tens");
        let accounts = world.client.accounts(&world.credentials, &["N00000", "N00005"]).await.unwrap();
        let known = PersonWrite {
            user: Some(accounts["N00000"].clone()),
            fields: [(Field::NameZh, "新名".to_owned())].into(),
            corp_user: Some("N00000".to_owned()),
            ..PersonWrite::default()
        };
        let mut sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&[known])).await.unwrap();
        world.settle(&mut sent).await;
        assert_eq!(world.welink.member(COMPANY, accounts["N00000"].as_str()).unwrap().name_zh, "新名");
        let mut sent =
            world.client.submit(&world.credentials, &writer, Batch::RemovePeople(&people[..2])).await.unwrap();
        world.settle(&mut sent).await;
        assert_eq!(codes(&sent.outcomes), ["ok", "ok"]);
        assert_eq!(world.welink.member(COMPANY, accounts["N00000"].as_str()).unwrap().status, MemberStatus::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_unknown_and_is_never_sent_again_by_itself() {
    for (family, path) in
        [(Family::New, "/api/contact/v1/user/batch/create"), (Family::Old, "/api/contact/v1/users/bulk")]
    {
        for knob in [Knob::AnswerLost, Knob::Malformed, Knob::Reset, Knob::Html] {
            let world = ContactClient::new(&Company::demo(), |_| {});
            world.welink.faults().set(knob, Rule::next(1).under(path));
            let people: Vec<PersonWrite> = (0..5).map(|n| person(n, &corp("d-12"))).collect();
            let writer = Writer::new(family);
            let sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&people)).await.unwrap();
            assert_eq!(codes(&sent.outcomes), ["unknown"; 5], "{knob:?}");
            let arrived = world.welink.request_log().iter().filter(|call| call.path.starts_with(path)).count();
            assert_eq!(arrived, 1, "{knob:?}");
        }
        // What WeLink refuses before any effect is an error, and nothing has happened.
        let world = ContactClient::new(&Company::demo(), |_| {});
        world.welink.revoke(&world.app, Permission::ContactSync).unwrap();
        let people = [person(1, &corp("d-12"))];
        let sent = world.client.submit(&world.credentials, &Writer::new(family), Batch::WritePeople(&people)).await;
        assert_eq!(sent, Err(WeLinkError::Permission { code: "501".to_owned() }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_welink_has_forgotten_leaves_its_objects_unknown() {
    let world = ContactClient::new(&Company::demo(), |s| s.contact.job_kept_ms = 1_000);
    let people: Vec<PersonWrite> = (0..5).map(|n| person(n, &corp("d-12"))).collect();
    let writer = Writer::new(Family::New);
    let mut sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&people)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert_eq!(world.client.poll(&world.credentials, &mut sent).await, Ok(true));
    assert_eq!(codes(&sent.outcomes), ["unknown"; 5]);
    // They were made all the same, which is why unknown is settled by reading.
    assert_eq!(world.client.accounts(&world.credentials, &["N00000", "N00004"]).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parents_and_children_need_two_batches_unless_welink_says_otherwise() {
    for (reading, want) in [(ParentInBatch::Refused, "47106"), (ParentInBatch::InOrder, "ok")] {
        let world = ContactClient::new(&Company::demo(), |s| s.contact.parent_in_batch = reading);
        let child = DepartmentWrite { parent: Some(corp("x-1")), level: 2, ..root_child("x-2", "子部门") };
        let batch = [root_child("x-1", "父部门"), child, root_child("x-3", "旁部门")];
        let writer = Writer::new(Family::New);
        let mut sent = world.client.submit(&world.credentials, &writer, Batch::WriteDepartments(&batch)).await.unwrap();
        world.settle(&mut sent).await;
        assert_eq!(codes(&sent.outcomes), ["ok", want, "ok"]);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_was_closed_comes_back_as_the_reading_says() {
    for (reading, is_same, is_listed) in
        [(Closed::Reopened, true, false), (Closed::Listed, true, true), (Closed::Replaced, false, false)]
    {
        let world = ContactClient::new(&Company::demo(), |s| s.contact.closed = reading);
        let writer = Writer { removal: Removal::Close, ..Writer::new(Family::New) };
        let submit = async |batch: Batch<'_>| {
            let sent = world.client.submit(&world.credentials, &writer, batch).await.unwrap();
            let Outcome::Success { id } = sent.outcomes[0].clone() else { panic!("{sent:?}") };
            id
        };
        let new = [person(1, &corp("d-12"))];
        let Some(ObjectId::Person(user)) = submit(Batch::WritePeople(&new)).await else { panic!("an account") };
        let known = [PersonWrite { user: Some(user.clone()), ..PersonWrite::default() }];
        submit(Batch::RemovePeople(&known)).await;
        let listed = world.people(Family::New).await.unwrap();
        assert_eq!(listed.get(user.as_str()).map(PersonRow::is_closed), is_listed.then_some(true), "{reading:?}");
        let Some(ObjectId::Person(again)) = submit(Batch::WritePeople(&new)).await else { panic!("an account") };
        assert_eq!(again == user, is_same, "{reading:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_changes_three_times_a_day() {
    let world = ContactClient::new(&Company::demo(), |_| {});
    let writer = Writer::new(Family::New);
    let change = async |n: usize| {
        let one = PersonWrite {
            user: Some(WeLinkUserId::parse("lihua@welink").unwrap()),
            fields: [(Field::Mobile, format!("+86137{n:08}"))].into(),
            ..PersonWrite::default()
        };
        let sent = world.client.submit(&world.credentials, &writer, Batch::WritePeople(&[one])).await.unwrap();
        code_of(&sent.outcomes[0]).to_owned()
    };
    for n in 0..3 {
        assert_eq!(change(n).await, "ok");
    }
    assert_eq!(change(3).await, "47124");
    tokio::time::sleep(std::time::Duration::from_hours(24)).await;
    assert_eq!(change(3).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_company_is_read_at_the_permitted_pace_without_a_refusal() {
    const DEPARTMENTS: usize = 1_500;
    let world = ContactClient::new(&Company::generate(11, 6_000, DEPARTMENTS), |_| {});
    let codes: Vec<DeptCode> = world.departments(Family::New).await.unwrap().into_iter().map(|row| row.code).collect();
    assert_eq!(codes.len(), DEPARTMENTS);
    let begin = world.clock.now();
    // The minute's share can be used up: then the client says for how long.
    let read = async |code: &DeptCode| {
        for _ in 0..10 {
            match world.people_of(Family::New, code.clone()).await {
                Err(ReadError::Call(WeLinkError::Busy { retry_after_ms })) => {
                    tokio::time::sleep(std::time::Duration::from_millis(retry_after_ms)).await;
                }
                people => return people.unwrap().len(),
            }
        }
        panic!("always busy");
    };
    for some in codes.chunks(25) {
        futures_util::future::join_all(some.iter().map(&read)).await;
    }
    // 1,200 calls a minute are allowed to us, and none beyond what WeLink allows is made.
    let took_ms = world.clock.now().ms_since(begin);
    let calls = i64::try_from(world.welink.call_counts()["GET /api/contact/v2/user/list"]).unwrap();
    assert!(calls >= 1_500 && took_ms <= calls * 50 * 100 / 95, "{calls} calls in {took_ms} ms");
    let outcomes: BTreeSet<Option<String>> = world.welink.recent_calls(1_000).into_iter().map(|c| c.outcome).collect();
    assert!(!outcomes.contains(&Some("48503".to_owned())), "{outcomes:?}");
}
