//! Lists and writes against answers that the simulator does not give: torn, repeated, capped and contradicting ones.

use domain::ids::DeptCode;
use domain::sync::{Family, Field};
use serde_json::{Value, json};

use super::{Seen, TICKETS, code, credentials, usual, world};
use crate::WeLinkError;
use crate::contact::{
    Batch, DepartmentCursor, Outcome, PeopleCursor, PersonWrite, Place, ReadError, Submitted, Writer, poll_after_ms,
};

const LIST: &str = "/api/contact/v2/department/list";
const LIST_OLD: &str = "/api/contact/v3/departments/list";
const LIST_OLDER: &str = "/api/contact/v2/departments/list";
const PEOPLE_OLD: &str = "/api/contact/v1/user/users";

fn rows(range: std::ops::Range<usize>) -> Vec<Value> {
    range
        .map(|n| json!({ "deptCode": (n + 1).to_string(), "parentCode": "0", "fatherCode": 0, "deptNameCn": "部" }))
        .collect()
}

fn people(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|n| json!({ "userId": format!("u{n}"), "deptCode": "7" })).collect()
}

fn page(fields: Value) -> (u16, String) {
    let Value::Object(mut fields) = fields else { panic!("fields") };
    fields.insert("code".to_owned(), json!("0"));
    (200, Value::Object(fields).to_string())
}

fn asked(seen: &Seen, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(seen.query.as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Everything that the department list gives out, or its first error.
async fn departments(
    family: Family,
    answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static,
) -> (Result<usize, ReadError>, usize) {
    let (welink, log, _, _) = world(move |seen| if seen.path == TICKETS { usual(seen) } else { answer(seen) });
    let (mut cursor, mut listed) = (DepartmentCursor::new(family), 0);
    let result = loop {
        match welink.departments_page(&credentials(1), &mut cursor).await {
            Ok(page) => {
                listed += page.rows.len();
                if page.done {
                    break Ok(listed);
                }
            }
            Err(error) => break Err(error),
        }
    };
    (result, log.times(None).len() - log.count(TICKETS))
}

#[tokio::test(start_paused = true)]
async fn a_list_without_a_total_ends_with_a_short_page_whatever_has_more_says() {
    for has_more in [json!(1), json!("1"), json!(null)] {
        let answer = move |seen: &Seen| {
            let at = if asked(seen, "pageNo") == "1" { 0..100 } else { 100..130 };
            page(json!({ "hasMore": has_more, "data": rows(at) }))
        };
        assert_eq!(departments(Family::New, answer).await, (Ok(130), 2));
    }
    // A full page is the last one when WeLink says so.
    let full = |_: &Seen| page(json!({ "hasMore": "0", "data": rows(0..100) }));
    assert_eq!(departments(Family::New, full).await, (Ok(100), 1));
    // A service that gives smaller pages than it was asked for says their size.
    let capped = |seen: &Seen| {
        let number: usize = asked(seen, "pageNo").parse().unwrap();
        let at = (number - 1) * 20..(number * 20).min(45);
        page(json!({ "hasMore": 1, "pageSize": "20", "data": rows(at) }))
    };
    assert_eq!(departments(Family::New, capped).await, (Ok(45), 3));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_whole_is_an_error() {
    let root = DeptCode::root;
    let repeating = |_: &Seen| page(json!({ "hasMore": 1, "data": rows(0..100) }));
    assert_eq!(departments(Family::New, repeating).await.0, Err(ReadError::Repeating { below: root() }));
    for data in [json!("none"), json!([1]), json!([{ "deptNameCn": "部" }]), json!([{ "deptCode": "1" }])] {
        let bad = move |_: &Seen| page(json!({ "data": data }));
        assert_eq!(departments(Family::New, bad).await.0, Err(ReadError::BadRow { below: root() }));
    }
    // The root promises three and shows two; below them there is nothing.
    let short = |seen: &Seen| match asked(seen, "deptCode").as_str() {
        "0" => page(json!({ "totalCount": 3, "departmentInfo": rows(1..3) })),
        _ => code("47012"),
    };
    let want = ReadError::Incomplete { below: root(), listed: 2, promised: 3 };
    assert_eq!(departments(Family::Old, short).await.0, Err(want));
    // A subtree promises more than it shows.
    let short = |seen: &Seen| match asked(seen, "deptCode").as_str() {
        "0" => page(json!({ "totalCount": 1, "departmentInfo": rows(1..2) })),
        _ if asked(seen, "offset") == "1" => page(json!({ "totalCount": 9, "departmentInfo": rows(10..15) })),
        _ => code("47012"),
    };
    let below = DeptCode::parse("2").unwrap();
    assert_eq!(departments(Family::Old, short).await.0, Err(ReadError::Incomplete { below, listed: 5, promised: 9 }));
}

#[tokio::test(start_paused = true)]
async fn nothing_there_is_asked_for_twice_when_it_could_be_a_failure() {
    assert_eq!(departments(Family::New, |_| code("47012")).await, (Ok(0), 1));
    assert_eq!(departments(Family::New, |_| code("47009")).await, (Ok(0), 2));
    let passing =
        |seen: &Seen| if seen.before == 0 { code("47009") } else { page(json!({ "hasMore": 0, "data": rows(0..7) })) };
    assert_eq!(departments(Family::New, passing).await, (Ok(7), 2));
    for denied in ["47000", "47102", "501"] {
        let (result, _) = departments(Family::New, move |_| code(denied)).await;
        assert_eq!(result, Err(ReadError::Call(WeLinkError::Permission { code: denied.to_owned() })));
    }
}

#[tokio::test(start_paused = true)]
async fn the_older_list_is_read_where_the_newer_is_not_there() {
    let answer = |seen: &Seen| match seen.path.as_str() {
        LIST_OLD => code("404"),
        LIST_OLDER if asked(seen, "deptCode") == "0" => {
            assert_eq!(asked(seen, "recursiveflag"), "0", "the root is not read recursively");
            page(json!({ "totalCount": "2", "departmentInfo": rows(1..3) }))
        }
        LIST_OLDER => code("47012"),
        other => panic!("{other}"),
    };
    // The newer one is asked once, then the root and two subtrees of the older.
    assert_eq!(departments(Family::Old, answer).await, (Ok(2), 4));
    assert_eq!(
        departments(Family::New, |seen| if seen.path == LIST { code("404") } else { panic!("other") }).await.1,
        1
    );
}

#[tokio::test(start_paused = true)]
async fn people_are_counted_against_the_total_and_those_without_an_account_are_counted() {
    let answer = |seen: &Seen| {
        assert_eq!(seen.path, PEOPLE_OLD);
        match asked(seen, "pageNo").as_str() {
            "1" => page(json!({ "total": 52, "data": people(0..50) })),
            _ => page(json!({ "total": "52", "data": [{ "corpUserId": "W9", "userStatus": 1 }, people(51..52)[0]] })),
        }
    };
    let (welink, _, _, _) = world(move |seen| if seen.path == TICKETS { usual(seen) } else { answer(seen) });
    let mut cursor = PeopleCursor::new(Family::Old, DeptCode::parse("7").unwrap());
    let first = welink.people_page(&credentials(1), &mut cursor).await.unwrap();
    assert_eq!((first.rows.len(), first.done), (50, false));
    let second = welink.people_page(&credentials(1), &mut cursor).await.unwrap();
    assert_eq!((second.rows.len(), second.without_id, second.done), (1, 1, true));
    let after = welink.people_page(&credentials(1), &mut cursor).await.unwrap();
    assert_eq!((after.rows.len(), after.done), (0, true));
}

fn three() -> Vec<PersonWrite> {
    let one = |n: usize| PersonWrite {
        corp_user: Some(format!("c{n}")),
        fields: [(Field::NameZh, "甲".to_owned()), (Field::Mobile, format!("1380000000{n}"))].into(),
        places: vec![Place::root()],
        ..PersonWrite::default()
    };
    (0..3).map(one).collect()
}

async fn submitted(answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static) -> Vec<Outcome> {
    let (welink, _, _, _) = world(move |seen| if seen.path == TICKETS { usual(seen) } else { answer(seen) });
    let c = credentials(1);
    let mut sent: Submitted = welink.submit(&c, &Writer::new(Family::New), Batch::WritePeople(&three())).await.unwrap();
    for polls in 0..4 {
        if welink.poll(&c, &mut sent).await.unwrap() {
            break;
        }
        super::sleep_s(u64::from(poll_after_ms(polls)) / 1000).await;
    }
    sent.give_up();
    sent.outcomes
}

#[tokio::test(start_paused = true)]
async fn a_result_is_read_by_ids_in_any_order_and_what_it_leaves_out_is_unknown() {
    let job = |result: Value| {
        move |seen: &Seen| {
            if seen.path == "/api/contact/v1/user/batch/create" {
                let body: Value = serde_json::from_str(&seen.body).unwrap();
                let first = &body["personInfos"][0];
                assert_eq!((&first["deptCodes"], &first["mobileNumber"]), (&json!(["0"]), &json!("+86-13800000000")));
                return page(json!({ "jobId": 77 }));
            }
            assert_eq!(seen.query, "jobId=77");
            page(result.clone())
        }
    };
    let item =
        |n: usize, code: Value| json!({ "corpUserId": format!("c{n}"), "userId": format!("u{n}"), "code": code });
    let failed = |code: &str| Outcome::Failed { code: code.to_owned(), text: String::new() };
    let done = |outcome: &Outcome| matches!(outcome, Outcome::Success { id: Some(_) });
    let data = json!([item(2, json!("47120")), item(0, json!(0))]);
    let outcomes = submitted(job(json!({ "status": 3, "percentage": 100, "data": data }))).await;
    assert!(done(&outcomes[0]), "{outcomes:?}");
    assert_eq!(outcomes[1..], [Outcome::Unknown, failed("47120")]);
    // Finished by its percentage alone, and never finished.
    let outcomes = submitted(job(json!({ "percentage": "100", "data": [item(1, json!("0"))] }))).await;
    assert!(outcomes[0] == Outcome::Unknown && done(&outcomes[1]));
    let outcomes = submitted(job(json!({ "status": "2", "percentage": 30, "data": [item(1, json!("0"))] }))).await;
    assert!(outcomes[0] == Outcome::Unknown && done(&outcomes[1]));
    // A job without a name cannot be asked for.
    let nameless = |_: &Seen| page(json!({ "message": "ok" }));
    assert_eq!(submitted(nameless).await, vec![Outcome::Unknown; 3]);
    // Refused as a whole.
    assert_eq!(submitted(|_| (200, r#"{"code":58001}"#.to_owned())).await, vec![failed("58001"); 3]);
}

#[test]
fn results_are_asked_for_with_growing_pauses() {
    let pauses: Vec<u32> = (0..6).map(poll_after_ms).collect();
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    assert_eq!(poll_after_ms(u32::MAX), 10_000);
}
