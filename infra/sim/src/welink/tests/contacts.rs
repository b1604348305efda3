//! The contact contract on the wire (welink-api.md 4, 5), where the bridge's client does not look.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::Request;
use platform::transport::Transport;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use super::{Bench, TENANT, pass};
use crate::welink::{
    ContactScope, Delivered, Event, Member, Orders, Permission, VisibleRange, open_callback, seal_callback,
};

async fn put(bench: &Bench, path: &str, token: &str, body: &Value) -> Value {
    let request = Request::put(path).header("x-wlk-Authorization", token);
    bench.send(request.body(Bytes::from(body.to_string())).unwrap()).await.1
}

#[tokio::test(start_paused = true)]
async fn the_old_list_shows_the_first_level_of_the_root_only_and_counts_levels_from_two() {
    let bench = Bench::new();
    let token = bench.token().await;
    let list = async |query: &str| bench.get(&format!("/api/contact/v3/departments/list?{query}"), &token).await;
    let flat = list("deptCode=0&recursiveflag=0&offset=1&limit=100").await;
    let deep = list("deptCode=0&recursiveflag=1&offset=1&limit=100").await;
    assert_eq!((&flat["totalCount"], &flat["departmentInfo"]), (&json!(3), &deep["departmentInfo"]));
    assert_eq!(
        (&flat["departmentInfo"][0]["deptLevel"], &flat["departmentInfo"][0]["fatherCode"]),
        (&json!("2"), &json!("0"))
    );
    let first = flat["departmentInfo"][0]["deptCode"].as_str().unwrap();
    let below = list(&format!("deptCode={first}&recursiveflag=1&offset=2&limit=4")).await;
    assert_eq!((&below["totalCount"], below["departmentInfo"].as_array().unwrap().len()), (&json!(9), 4));
    assert_eq!(list("deptCode=0").await["code"], "47003", "the flag is required");
    assert_eq!(bench.get(&format!("/api/contact/v1/departments/{first}"), &token).await["deptNameCn"], "深圳总部");
    assert_eq!(bench.get("/api/contact/v1/departments/nothing", &token).await["code"], "47012");
}

#[tokio::test(start_paused = true)]
async fn each_group_of_permissions_opens_its_own_interfaces() {
    let bench = Bench::new();
    for (permission, path) in [
        (Permission::UserSimple, "/api/contact/v1/user/simplelist?deptCode=0"),
        (Permission::UserSimple, "/api/contact/v2/user/userid?deptCode=0"),
        (Permission::UserDetail, "/api/contact/v2/user/list?deptCode=0"),
        (Permission::UserDetail, "/api/contact/v1/user/users?deptCode=0"),
        (Permission::UserEmail, "/api/contact/v1/users/email?userId=lihua@welink"),
        (Permission::Departments, "/api/contact/v3/departments/list?deptCode=0&recursiveflag=0"),
        (Permission::ContactSync, "/api/contact/v1/batch/result?jobId=x"),
    ] {
        let token = bench.token().await;
        assert_ne!(bench.get(path, &token).await["code"], "501", "{path}");
        bench.welink.revoke(&bench.app.client_id, permission).unwrap();
        assert_eq!(bench.get(path, &token).await["code"], "501", "{path}");
        bench.welink.grant(&bench.app.client_id, permission).unwrap();
    }
    bench.welink.revoke(&bench.app.client_id, Permission::UserEmail).unwrap();
    let token = bench.token().await;
    let one = bench.post("/api/contact/v2/user/detail", &token, &json!({"userId": "lihua@welink"})).await;
    assert!(one["userNameCn"] == "李华" && one.get("userEmail").is_none(), "{one}");
}

#[tokio::test(start_paused = true)]
async fn contact_scope_and_visible_range_narrow_what_is_read_and_if_wished_what_is_written() {
    let bench = Bench::new();
    let token = bench.token().await;
    let research = bench.welink.departments(TENANT).into_iter().find(|one| one.name_zh == "研发部").unwrap();
    let list = format!("/api/contact/v2/user/list?deptCode={}&pageSize=50", research.dept_code);
    let before = bench.get(&list, &token).await["data"].as_array().unwrap().len();
    let absent = VisibleRange::AllBut(["lihua@welink".to_owned()].into());
    bench.welink.set_visible_range(&bench.app.client_id, absent).unwrap();
    assert_eq!(bench.get(&list, &token).await["data"].as_array().unwrap().len(), before - 1);
    let scope = ContactScope::Departments([research.parent_code.clone()].into());
    bench.welink.set_contact_scope(&bench.app.client_id, scope).unwrap();
    assert_eq!(bench.get(&list, &token).await["data"].as_array().unwrap().len(), before - 1, "what is below is in it");
    bench.welink.configure(|s| s.contact.scope_includes_below = false);
    assert_eq!(bench.get(&list, &token).await["code"], "47012");
    let rename = json!({"deptCode": research.dept_code, "deptNameCn": "别名"});
    bench.welink.configure(|s| s.contact.range_limits_writes = true);
    assert_eq!(bench.post("/api/contact/v1/department/update", &token, &rename).await["code"], "47012");
    bench.welink.configure(|s| s.contact.range_limits_writes = false);
    assert_eq!(bench.post("/api/contact/v1/department/update", &token, &rename).await["code"], "0");
    bench.welink.configure(|s| s.contact.scope_is_range = true);
    assert!(bench.welink.issue_auth_code("wangfang@welink", &bench.app.client_id).is_err());
}

#[tokio::test(start_paused = true)]
async fn single_writes_check_their_fields() {
    let bench = Bench::new();
    let token = bench.token().await;
    let create = async |body: Value| bench.post("/api/contact/v1/user/create", &token, &body).await["code"].clone();
    let person = |change: Value| {
        let mut body = json!({"corpUserId": "N1", "userNameCn": "新人", "mobileNumber": "+86-13900000001",
            "mainCorpDeptCode": "d-12", "corpDeptCodes": ["d-12"], "sex": "F"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (change, code) in [
        (json!({"userNameCn": ""}), "47003"),
        (json!({"mobileNumber": "13900000001"}), "47004"),
        (json!({"mobileNumber": "+86-13800000001"}), "47120"),
        (json!({"sex": "X"}), "47005"),
        (json!({"corpSecretary": "nobody"}), "47105"),
        (json!({"corpDeptCodes": ["nowhere"]}), "47106"),
        (json!({"mainCorpDeptCode": "d-13"}), "47004"),
        (json!({"corpUserId": "W0001"}), "58003"),
        (json!({"corpSecretary": "W0001"}), "0"),
    ] {
        assert_eq!(create(person(change.clone())).await, code, "{change}");
    }
    let update = async |body: Value| bench.post("/api/contact/v1/user/update", &token, &body).await["code"].clone();
    assert_eq!(update(json!({"userId": "lihua@welink", "corpUserId": "W0002"})).await, "47023");
    assert_eq!(update(json!({"userId": "nobody@welink"})).await, "47111");
    let department = async |path: &str, body: Value| {
        bench.post(&format!("/api/contact/v1/department/{path}"), &token, &body).await["code"].clone()
    };
    let new = |change: (&str, Value)| {
        let mut body = json!({"corpDeptCode": "x-1", "parentCode": "0", "deptNameCn": "新部"});
        body[change.0] = change.1;
        body
    };
    assert_eq!(department("create", new(("parentCode", json!("77")))).await, "47106");
    assert_eq!(department("create", new(("deptNameCn", json!("长".repeat(200))))).await, "47004");
    assert_eq!(department("create", new(("orderNo", json!("10000")))).await, "47004");
    assert_eq!(department("create", new(("corpManagerId", json!(["nobody"])))).await, "47105");
    bench.welink.configure(|s| s.contact.orders = Orders::Clamped);
    assert_eq!(department("create", new(("orderNo", json!(10_000)))).await, "0");
    assert_eq!(department("create", new(("orderNo", json!(1)))).await, "58003");
    assert_eq!(
        department("update", json!({"corpDeptCode": "d-12", "corpParentCode": "d-121"})).await,
        "47004",
        "a cycle"
    );
    assert_eq!(department("delete", json!({"corpDeptCode": "d-12"})).await, "58010");
    assert_eq!(department("delete", json!({"corpDeptCode": "x-1"})).await, "0");
    assert_eq!(department("delete", json!({"corpDeptCode": "x-1"})).await, "47012");
}

#[tokio::test(start_paused = true)]
async fn a_bulk_call_takes_what_is_whole_and_runs_it_later() {
    let bench = Bench::new();
    bench.welink.configure(|s| s.contact.job_ms = 10_000);
    let token = bench.token().await;
    let item = |corp: &str, level: &str, parent: &str| {
        json!({"corpDeptCode": corp, "corpParentCode": parent, "deptNameCn": "部", "deptNameEn": "D",
            "deptLevel": level, "valid": "1"})
    };
    let items =
        [item("x-1", "1", "0"), item("x-2", "1", "d-12"), item("x-3", "2", "x-1"), json!({"corpDeptCode": "x-4"})];
    let bulk = async |items: &[Value]| {
        let answer = bench.post("/api/contact/v2/departments/bulk", &token, &json!({"deptInfo": items})).await;
        let rows = answer["data"].as_array().cloned().unwrap_or_default();
        (answer["code"].clone(), rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(bulk(&items).await, (json!("0"), vec!["0".into(), "47004".into(), "0".into(), "47003".into()]));
    assert_eq!(bulk(&items[..1]).await.1, ["47112"], "not twice while it runs");
    assert_eq!(bulk(&vec![items[0].clone(); 11]).await.0, "47013");
    let status = async |corp: &str| {
        let body = json!({"deptInfo": [{"corpDeptCode": corp}]});
        bench.post("/api/contact/v2/departments/status", &token, &body).await["data"][0]["code"].clone()
    };
    assert_eq!((status("x-1").await, status("nobody").await), (json!("47118"), json!("47114")));
    pass(10_000).await;
    assert_eq!((status("x-1").await, status("x-3").await), (json!("47119"), json!("47106")));
    let mut gone = item("d-12", "2", "s-1");
    gone["valid"] = json!("0");
    bulk(&[gone]).await;
    pass(10_000).await;
    assert_eq!(status("d-12").await, "47114", "somebody is in it");
    let number = json!({"corpUserId": "W0001", "mobileNumber": "+86-13900000009"});
    assert_eq!(put(&bench, "/api/contact/v1/user/mobilenumber", &token, &number).await["code"], "0");
}

type Told = Arc<Mutex<Vec<Value>>>;

/// A receiver that answers as demanded, except for the first `failures` times.
fn receiver(secret: &str, failures: usize) -> (Transport, Told) {
    let told = Told::default();
    let state = (told.clone(), secret.to_owned(), Arc::new(Mutex::new(failures)));
    let answer = async |State((told, secret, failures)): State<(Told, String, Arc<Mutex<usize>>)>, body: Bytes| {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let plain: Value =
            serde_json::from_str(&open_callback(&secret, body["encrypt"].as_str().unwrap()).unwrap()).unwrap();
        let mut failures = failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return "success".to_owned();
        }
        let answer = json!({"msg": "success", "timestamp": plain["timestamp"]}).to_string();
        told.lock().unwrap().push(plain);
        json!({ "encrypt": seal_callback(&secret, [7; 16], &answer) }).to_string()
    };
    (Transport::router(Router::new().route("/v1/welink/a", post(answer)).with_state(state)), told)
}

#[tokio::test(start_paused = true)]
async fn changes_are_told_encrypted_with_ids_alone_and_again_until_the_answer_is_right() {
    let bench = Bench::new();
    let (transport, told) = receiver(bench.app.client_secret.expose(), 0);
    let url = "http://intake.localhost/v1/welink/a";
    bench.welink.set_callback_url(&bench.app.client_id, Some(url)).unwrap();
    let token = bench.token().await;
    let rename = json!({"userId": "lihua@welink", "userNameCn": "李新"});
    assert_eq!(bench.post("/api/contact/v1/user/update", &token, &rename).await["code"], "0");
    bench.welink.remove_member(TENANT, "wangfang@welink").unwrap();
    let deliveries = bench.welink.deliver_callbacks(&transport).await;
    assert!(deliveries.iter().all(|one| one.outcome == Delivered::Accepted), "{deliveries:?}");
    let told = told.lock().unwrap().clone();
    let kinds: Vec<&str> = told.iter().map(|one| one["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["test", "corpEditUser", "corpDelUser"]);
    assert_eq!(told[1]["data"], json!([{"userId": "lihua@welink", "tenantId": TENANT}]));
    assert_eq!(told[1]["timestamp"], json!((bench.welink.time().0 / 1000).to_string()));
    assert!(bench.welink.deliver_callbacks(&transport).await.is_empty(), "each once");

    let (transport, _) = receiver(bench.app.client_secret.expose(), 1);
    bench.welink.add_member(TENANT, Member::named("a@welink", "甲", "A", bench.welink.time())).unwrap();
    let first = bench.welink.deliver_callbacks(&transport).await;
    assert_eq!((first[0].outcome, &first[0].event), (Delivered::Postponed, &Event::EditUser("a@welink".to_owned())));
    assert!(bench.welink.deliver_callbacks(&transport).await.is_empty(), "not before its time");
    pass(60_000).await;
    assert_eq!(bench.welink.deliver_callbacks(&transport).await[0].outcome, Delivered::Accepted);

    // A receiver with another key never gives the right answer.
    let (transport, _) = receiver(bench.app.client_secret.expose(), usize::MAX);
    bench.welink.remove_member(TENANT, "a@welink").unwrap();
    let mut outcomes = Vec::new();
    while bench.welink.waiting_callbacks() > 0 {
        outcomes.extend(bench.welink.deliver_callbacks(&transport).await.into_iter().map(|one| one.outcome));
        pass(60_000).await;
    }
    assert_eq!(outcomes, [Delivered::Postponed, Delivered::Postponed, Delivered::GivenUp]);
}
