use super::*;
use crate::ids::{RANDOM_CHARS, TENANT_CHARS, TenantId, WeLinkUserId};
use crate::matching::key;
use crate::model::PersonSource;

fn oa(id: &str) -> OaUserId {
    OaUserId::parse(id).unwrap()
}

fn stamp(at: i64) -> Stamp {
    Stamp { at: Timestamp(at), by: "operator".to_owned() }
}

fn job(overwrite: bool) -> LinkJob {
    let tenant = TenantId::from_random([1; TENANT_CHARS]);
    LinkJob {
        id: LinkJobId::from_random(&tenant, [2; RANDOM_CHARS]),
        enterprise: EnterpriseId::from_random(&tenant, [3; RANDOM_CHARS]),
        kind: Kind::Import,
        phase: Phase::Resolving,
        field: Some(OaField::Mobile),
        overwrite,
        total: 250,
        next: 0,
        counts: Counts::new(),
        preview: String::new(),
        previewed: None,
        applied: None,
        finished: None,
        undo_of: None,
        undone_by: None,
        created: stamp(1_000),
        expires: Timestamp(1_000).plus_s(KEPT_S),
        version: 0,
    }
}

fn person(link: Option<&str>) -> Person {
    let link =
        link.map(|id| Link { oa_user: oa(id), login_id: id.to_owned(), origin: LinkOrigin::Card, bound: stamp(1) });
    let user = WeLinkUserId::parse("b@welink").unwrap();
    Person { link, ..Person::new(job(false).enterprise, user, PersonSource::Sso, Timestamp(0)) }
}

fn candidate(id: &str) -> Candidate {
    Candidate {
        id: oa(id),
        found: true,
        login_id: id.to_owned(),
        mobile: Some("13800000001".to_owned()),
        email: None,
        work_code: None,
        active: true,
        account: Account::Main,
        has_roles: true,
        linked: false,
    }
}

fn status_of(candidates: &[Candidate], link: Option<&str>, overwrite: bool) -> Status {
    let asked = key(OaField::Mobile, "+86-138 0000 0001").unwrap();
    decide(&job(overwrite), &person(link), target(OaField::Mobile, &asked, candidates)).status
}

fn row(number: u32, user: &str, value: &str, plan: Option<Plan>) -> Row {
    Row { number, user: user.to_owned(), value: value.to_owned(), plan }
}

#[test]
fn each_row_has_its_verdict() {
    let one = candidate("1");
    let inactive = Candidate { active: false, ..one.clone() };
    let taken = Candidate { linked: true, ..one.clone() };
    let secondary = Candidate { id: oa("2"), account: Account::Secondary { main: Some(oa("1")) }, ..one.clone() };
    let added = Candidate { found: false, ..one.clone() };
    let orphan = Candidate { account: Account::Secondary { main: None }, ..one.clone() };
    for (candidates, link, overwrite, want) in [
        (vec![one.clone()], None, false, Status::Link),
        (vec![one.clone()], Some("1"), false, Status::Unchanged),
        (vec![one.clone()], Some("9"), false, Status::AlreadyLinked),
        (vec![one.clone()], Some("9"), true, Status::Relink),
        (vec![one.clone(), candidate("3")], None, true, Status::AmbiguousValue),
        (vec![], None, false, Status::UnknownValue),
        (vec![inactive], None, false, Status::InactiveOaUser),
        (vec![taken], None, true, Status::OaUserTaken),
        (vec![secondary, added], None, false, Status::Link),
        (vec![orphan], None, false, Status::NoMainAccount),
    ] {
        assert_eq!(status_of(&candidates, link, overwrite), want, "{candidates:?} {link:?} {overwrite}");
    }
}

#[test]
fn empty_cells_ask_nobody() {
    assert_eq!(row(2, "b", " ", None).at_sight().map(|plan| plan.status), Some(Status::Skipped));
    assert_eq!(row(2, "", "1", None).at_sight().map(|plan| plan.status), Some(Status::NoUserId));
    assert_eq!(row(2, "b", "1", None).at_sight(), None);
}

#[test]
fn two_rows_that_claim_the_same_are_both_errors() {
    let plan = |status, claim: Option<&str>| Some(Plan { status, claim: claim.map(oa), change: None });
    let rows = [
        row(2, "a", "1", plan(Status::Link, Some("1"))),
        row(3, "b", "1", plan(Status::OaUserTaken, Some("1"))),
        row(4, "c", "2", plan(Status::Link, Some("2"))),
        row(5, "d", "3", plan(Status::Link, Some("3"))),
        row(6, " d", "x", plan(Status::UnknownValue, None)),
        row(7, "c", "", plan(Status::Skipped, None)),
    ];
    let mut claims = Claims::default();
    for row in &rows {
        claims.add(row);
    }
    let verdicts: Vec<_> = rows.iter().map(|row| claims.against(row).map(|plan| plan.status)).collect();
    let (claim, person) = (Some(Status::DuplicateClaim), Some(Status::DuplicatePerson));
    assert_eq!(verdicts, [claim, claim, None, person, person, None]);
}

#[test]
fn undoing_expects_what_was_written_and_restores_what_was() {
    let mut job = job(true);
    let asked = key(OaField::Mobile, "13800000001").unwrap();
    let plan = decide(&job, &person(Some("9")), target(OaField::Mobile, &asked, &[candidate("1")]));
    job.applied = Some(stamp(5_000));
    let change = plan.change.unwrap();
    assert_eq!(job.written(&change).unwrap().bound, stamp(5_000));
    let back = Plan::undo(&job, &change).change.unwrap();
    assert_eq!((back.before, back.after), (job.written(&change), person(Some("9")).link));
}

#[test]
fn a_job_knows_how_far_it_is_and_what_may_be_done() {
    let mut job = job(false);
    assert_eq!((job.chunks(), job.done()), (3, 0));
    job.next = 2;
    assert_eq!(job.done(), 200);
    job.next = 5;
    assert_eq!(job.done(), 250);
    assert!(!job.is_fresh(Timestamp(0)));
    job.previewed = Some(Timestamp(0));
    assert!(job.is_fresh(Timestamp(0).plus_s(PREVIEW_S)) && !job.is_fresh(Timestamp(1).plus_s(PREVIEW_S)));
    (job.phase, job.finished) = (Phase::Done, Some(Timestamp(0)));
    assert!(job.may_be_undone(Timestamp(0).plus_s(UNDO_S)) && !job.may_be_undone(Timestamp(1).plus_s(UNDO_S)));
    job.kind = Kind::Undo;
    assert!(!job.may_be_undone(Timestamp(0)));
}

#[test]
fn names_are_what_is_stored_and_errors_are_told_apart() {
    for status in Status::ALL {
        let stored = serde_json::to_value(status).unwrap();
        assert_eq!(stored, status.name(), "{status:?}");
        assert!(!(status.writes() && status.is_error()));
        assert_eq!(status.ended(Ending::Changed), Status::Changed);
    }
    assert!(Status::UnknownPerson.is_error() && !Status::Changed.is_error() && !Status::Skipped.is_error());
}
