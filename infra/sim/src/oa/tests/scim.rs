//! The directory: paging, filters, refusals and the faults of oa-api.md C.1.

use std::collections::BTreeSet;

use super::*;
use crate::oa::Settings;

async fn read(oa: &Oa, path: &str) -> Answer {
    let request = Request::get(format!("/scim/v2{path}")).header("authorization", format!("Bearer {BEARER}"));
    send(oa, request.body(Body::empty()).unwrap()).await
}

/// Reads a list to its end as the contract says, advancing by `itemsPerPage`.
async fn read_all(oa: &Oa, path: &str, count: usize) -> (Vec<String>, u64, usize) {
    let (mut ids, mut start, mut pages) = (Vec::new(), 1, 0);
    loop {
        let page = read(oa, &format!("{path}?startIndex={start}&count={count}")).await.json();
        let total = page["totalResults"].as_u64().unwrap();
        let rows = page["Resources"].as_array().unwrap();
        assert_eq!(page["itemsPerPage"].as_u64().unwrap(), rows.len() as u64);
        assert_eq!(page["startIndex"].as_u64().unwrap(), start);
        ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        (start, pages) = (start + rows.len() as u64, pages + 1);
        if start > total || rows.is_empty() {
            return (ids, total, pages);
        }
    }
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test(start_paused = true)]
async fn both_lists_are_read_to_the_end_in_pages_of_any_size() {
    let (oa, _) = oa();
    for (path, count, total, pages) in
        [("/Users", 7, 60, 9), ("/Users", 60, 60, 1), ("/Users", 9999, 60, 1), ("/OrgUnits", 10, 22, 3)]
    {
        let (ids, announced, read) = read_all(&oa, path, count).await;
        assert_eq!((distinct(&ids), announced, read), (total, total as u64, pages), "{path} {count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_and_a_unit_look_like_the_samples_of_the_contract() {
    let (oa, _) = oa();
    let user = read(&oa, "/Users/1001").await;
    assert_eq!(user.header("content-type"), "application/scim+json; charset=utf-8");
    let user = user.json();
    assert_eq!(user["userName"], "lihua");
    assert_eq!(user["displayName"], "李华");
    assert_eq!(user["emails"][0], json!({ "type": "work", "value": "lihua@corp.example", "primary": true }));
    assert_eq!(user["phoneNumbers"][0], json!({ "type": "mobile", "value": "+8613800000001" }));
    let extension = &user["urn:cloudbridge:params:scim:schemas:1.0:OaUser"];
    assert_eq!(extension["workCode"], "W0001");
    let positions = json!([
        { "unit": "d-12", "unitKind": "department", "primary": true, "title": "工程师", "order": 10 },
        { "unit": "d-40", "unitKind": "department", "primary": false, "title": "顾问", "order": 20 },
    ]);
    assert_eq!(extension["positions"], positions);
    assert_eq!(user["meta"]["lastModified"], "2025-12-02T00:00:00.000Z");
    let unit = read(&oa, "/OrgUnits/d-12").await.json();
    assert_eq!(unit["parent"], json!({ "value": "s-1", "kind": "subcompany" }));
    assert_eq!((&unit["displayName"], &unit["code"]), (&json!("研发部"), &json!("RD")));
}

#[tokio::test(start_paused = true)]
async fn filters_find_whom_they_should() {
    let (oa, _) = oa();
    for (path, filter, want) in [
        ("/Users", "userName eq \"LiHua\"", vec!["1001"]),
        ("/Users", "userName eq \"nobody\"", vec![]),
        ("/Users", "id eq \"1002\"", vec!["1002"]),
        ("/Users", "externalId eq \"HR-1003\"", vec!["1003"]),
        ("/Users", "emails[type eq \"work\"].value eq \"WANGFANG@corp.example\"", vec!["1002"]),
        ("/Users", "phoneNumbers.value eq \"+8613800000060\"", vec!["1060"]),
        ("/Users", "urn:cloudbridge:params:scim:schemas:1.0:OaUser:workCode eq \"W0004\"", vec!["1004"]),
        ("/Users", "meta.lastModified ge \"2025-12-02T00:58:00Z\"", vec!["1059", "1060"]),
        ("/OrgUnits", "id eq \"d-12\"", vec!["d-12"]),
    ] {
        let query = serde_urlencoded::to_string([("filter", filter)]).unwrap();
        let list = read(&oa, &format!("{path}?{query}")).await.json();
        let ids: Vec<&str> = list["Resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(ids, want, "{filter}");
        assert_eq!(list["totalResults"].as_u64().unwrap(), want.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_moves_last_modified_and_nothing_else_does() {
    let (oa, _) = oa();
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    assert!(oa.change_account("1005", |account| account.active = false));
    assert!(!oa.change_account("9999", |account| account.active = false));
    let query = serde_urlencoded::to_string([("filter", "meta.lastModified ge \"2026-01-01T00:00:01Z\"")]).unwrap();
    let list = read(&oa, &format!("/Users?{query}")).await.json();
    assert_eq!(list["totalResults"], 1);
    assert_eq!(list["Resources"][0]["active"], false);
    assert_eq!(list["Resources"][0]["meta"]["version"], "W/\"2\"");
}

#[tokio::test(start_paused = true)]
async fn odd_requests_get_scim_answers() {
    let (oa, _) = oa();
    let none = read(&oa, "/Users?count=0").await.json();
    assert_eq!((&none["totalResults"], none["Resources"].as_array().unwrap().len()), (&json!(60), 0));
    let below = read(&oa, "/Users?startIndex=-3&count=1").await.json();
    assert_eq!((&below["startIndex"], &below["Resources"][0]["id"]), (&json!(1), &json!("1001")));
    let beyond = read(&oa, "/Users?startIndex=61").await.json();
    assert_eq!(beyond["Resources"].as_array().unwrap().len(), 0);
    for (path, status, kind) in [
        ("/Users?filter=displayName+co+%22x%22", 400, json!("invalidFilter")),
        ("/Users?count=many", 400, json!("invalidValue")),
        ("/Users?cursor=", 501, Value::Null),
        ("/Users/9999", 404, Value::Null),
        ("/Groups", 404, Value::Null),
    ] {
        let answer = read(&oa, path).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["scimType"]), (status, &kind), "{path}");
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(body["status"], status.to_string());
    }
    for (path, field) in
        [("/ServiceProviderConfig", "filter"), ("/Schemas", "Resources"), ("/ResourceTypes", "Resources")]
    {
        assert!(!read(&oa, path).await.json()[field].is_null(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_bearer_there_is_nothing() {
    let (oa, _) = oa();
    for path in
        ["/scim/v2/Users", "/scim/v2/OrgUnits", "/scim/v2/ServiceProviderConfig", "/scim/v2/Users/1001", "/v1/apps"]
    {
        for bearer in [None, Some("Bearer other"), Some(BEARER), Some("Basic c2NpbQ==")] {
            let mut request = Request::get(path);
            if let Some(bearer) = bearer {
                request = request.header("authorization", bearer);
            }
            let answer = send(&oa, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401, "{path} {bearer:?}");
            assert!(!answer.body.contains("lihua"));
        }
    }
    let request = Request::get("/v1/apps").header("authorization", format!("Bearer {BEARER}"));
    let apps = send(&oa, request.body(Body::empty()).unwrap()).await.json();
    assert_eq!(apps["apps"][1]["dest_pc"], "/workflow");
}

#[tokio::test(start_paused = true)]
async fn each_directory_fault_shows_on_the_wire() {
    let (oa, _) = oa();
    oa.set(|settings| settings.page_rows_max = Some(9));
    let (ids, total, pages) = read_all(&oa, "/Users", 50).await;
    assert_eq!((distinct(&ids), total, pages), (60, 60, 7), "short pages are still a full pass");
    oa.set(|settings| *settings = Settings { rows_lost: 3, ..Default::default() });
    let (ids, total, _) = read_all(&oa, "/Users", 20).await;
    assert_eq!((distinct(&ids), total), (57, 60), "lost rows are counted but not sent");
    oa.set(|settings| {
        *settings = Settings { user_repeated: Some("1010".to_owned()), ..Default::default() };
    });
    let (ids, total, _) = read_all(&oa, "/Users", 10).await;
    assert_eq!((ids.len(), distinct(&ids), total), (60, 59, 60), "a moved row comes twice");
    oa.set(|settings| *settings = Settings { users_page_failing: Some(2), ..Default::default() });
    for (start, status) in [(1, 200), (11, 500), (11, 500), (21, 200), (1, 200), (11, 500)] {
        let answer = read(&oa, &format!("/Users?startIndex={start}&count=10")).await;
        assert_eq!(answer.status, status, "from {start}");
    }
    oa.set(|settings| *settings = Settings { down: true, ..Default::default() });
    assert_eq!(read(&oa, "/Users").await.status, 503);
    assert_eq!(oa.calls().last().unwrap().status, 503);
    assert_eq!(oa.calls().last().unwrap().path, "/scim/v2/Users");
}

#[tokio::test(start_paused = true)]
async fn accounts_and_units_come_and_go() {
    let (oa, _) = oa();
    let mut account = oa.accounts()[0].clone();
    assert!(!oa.add_account(account.clone()), "the id is taken");
    (account.id, account.login) = ("2001".to_owned(), "newcomer".to_owned());
    account.main_account = Some("1001".to_owned());
    account.roles = vec!["admin".to_owned()];
    assert!(oa.add_account(account));
    let row = read(&oa, "/Users/2001").await.json();
    let extension = &row["urn:cloudbridge:params:scim:schemas:1.0:OaUser"];
    assert_eq!((&extension["accountType"], &extension["mainAccount"]), (&json!("secondary"), &json!("1001")));
    assert_eq!(row["roles"], json!([{ "value": "admin" }]));
    assert_eq!(oa.remove_accounts(|account| account.id != "1001"), 60);
    let mut unit = oa.units()[5].clone();
    unit.id = "d-99".to_owned();
    assert!(oa.add_unit(unit));
    assert!(oa.change_unit("d-99", |unit| unit.parent = None));
    assert_eq!(oa.remove_units(|unit| unit.id == "d-99"), 1);
    assert_eq!(oa.units().len(), 22);
}
