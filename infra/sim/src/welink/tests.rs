mod contacts;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use platform::transport::{Transport, TransportError};
use serde_json::{Value, json};

use super::*;
use crate::company::Company;
use crate::faults::{Knob, Rule};

pub(super) const TENANT: &str = "A8F2C3D41B6E4F0C9D7E5A1B2C3D4E5F";

pub(super) struct Bench {
    pub(super) welink: WeLink,
    api: Transport,
    pub(super) app: Credentials,
}

impl Bench {
    pub(super) fn new() -> Self {
        let entropy = Entropy::seeded(42);
        let welink = WeLink::new(Options {
            clock: Clock::virtual_from(Timestamp(1_760_000_000_000)),
            faults: Faults::new(entropy.clone()),
            entropy,
            settings: Settings::default(),
        });
        let tenant = Tenant {
            tenant_id: TENANT.to_owned(),
            name_zh: "远帆智造集团".to_owned(),
            name_en: "Yuanfan Manufacturing Group".to_owned(),
            domain: "corp.example".to_owned(),
            created: Timestamp(1_600_000_000_000),
        };
        assert_eq!(welink.load(&Company::demo(), tenant, &["yinxia"]).unwrap(), 59);
        let app = welink.add_app(NewApp { tenant_id: TENANT.to_owned(), ..NewApp::default() }).unwrap();
        Self { api: Transport::router(welink.router()), welink, app }
    }

    pub(super) async fn send(&self, request: Request<Bytes>) -> (u16, Value) {
        let answer = self.api.send(request, Duration::from_secs(5)).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let request = Request::post(path).header("x-wlk-Authorization", token);
        self.send(request.body(Bytes::from(body.to_string())).unwrap()).await.1
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Value {
        self.send(Request::get(path).header("x-wlk-Authorization", token).body(Bytes::new()).unwrap()).await.1
    }

    async fn ticket(&self, secret: &str) -> Value {
        let body = json!({"client_id": self.app.client_id, "client_secret": secret});
        self.post("/api/auth/v2/tickets", "", &body).await
    }

    pub(super) async fn token(&self) -> String {
        let answer = self.ticket(self.app.client_secret.expose()).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub(super) async fn userid(&self, code: &str, token: &str) -> Value {
        self.get(&format!("/api/auth/v2/userid?code={code}"), token).await
    }
}

pub(super) async fn pass(ms: u64) {
    tokio::time::advance(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn the_whole_sign_in() {
    let bench = Bench::new();
    let ticket = bench.ticket(bench.app.client_secret.expose()).await;
    assert_eq!((ticket["code"].as_str(), ticket["expires_in"].as_u64()), (Some("0"), Some(7200)));
    let token = ticket["access_token"].as_str().unwrap();
    let code = bench.welink.issue_auth_code("lihua@welink", &bench.app.client_id).unwrap();
    assert_eq!(code.len(), 96);
    let who = bench.userid(&code, token).await;
    assert_eq!(who, json!({"code": "0", "message": "OK", "userId": "lihua@welink", "tenantId": TENANT}));
    let detail = bench.post("/api/contact/v2/user/detail/", token, &json!({"userId": "lihua@welink"})).await;
    assert_eq!(detail["mobileNumber"], "+86-13800000001");
    assert_eq!(detail["corpDeptCodes"], json!(["d-12", "d-40"]));
    assert_eq!(detail["mainCorpDeptCode"], "d-12");
    let company = bench.get("/api/tenant/v1/tenants", token).await;
    assert_eq!(company["data"]["tenantId"], TENANT);
    assert_eq!(company["data"]["creationTime"], "2020-09-13 20:26:40");
}

#[tokio::test(start_paused = true)]
async fn ticket_errors_are_told_apart() {
    let bench = Bench::new();
    let (id, secret) = (&bench.app.client_id, bench.app.client_secret.expose());
    for (body, want) in [
        (json!({"client_secret": "x"}), "41579"),
        (json!({"client_id": "x"}), "41580"),
        (json!({"client_id": "x", "client_secret": "y"}), "10007"),
        (json!([]), "411000"),
        (json!({"client_id": id, "client_secret": secret, "tenant_id": "B"}), "41500"),
    ] {
        assert_eq!(bench.post("/api/auth/v2/tickets", "", &body).await["code"], want);
    }
    assert_eq!(bench.get("/api/auth/v2/tickets", "").await["code"], "411000");
    let untyped = json!({"client_id": bench.app.client_id, "client_secret": bench.app.client_secret.expose()});
    assert_eq!(bench.post("/api/auth/v1/tickets", "", &untyped).await["code"], "411000");
    let request = Request::get("/api/nowhere").body(Bytes::new()).unwrap();
    let (status, body) = bench.send(request).await;
    assert_eq!((status, body["code"].as_str()), (404, Some("404")));
}

#[tokio::test(start_paused = true)]
async fn five_failures_lock_for_fifteen_minutes() {
    let bench = Bench::new();
    let right = bench.app.client_secret.expose();
    for _ in 0..4 {
        assert_eq!(bench.ticket("wrong").await["code"], "10007");
    }
    assert_eq!(bench.ticket(right).await["code"], "0", "a success forgets the failures");
    for _ in 0..5 {
        assert_eq!(bench.ticket("wrong").await["code"], "10007");
    }
    assert_eq!(bench.ticket(right).await["code"], "41403");
    pass(15 * 60 * 1000 - 1).await;
    assert_eq!(bench.ticket(right).await["code"], "41403");
    pass(1).await;
    assert_eq!(bench.ticket(right).await["code"], "0");
}

#[tokio::test(start_paused = true)]
async fn each_family_shows_a_bad_token_in_its_own_way() {
    let bench = Bench::new();
    bench.welink.configure(|settings| settings.expires_in_s = 1000);
    let old = bench.token().await;
    let detail = json!({"userId": "lihua@welink"});
    pass(999_000).await;
    let young = bench.token().await;
    assert_eq!(bench.post("/api/contact/v2/user/detail", &old, &detail).await["code"], "0", "both live");
    pass(1000).await;
    assert_eq!(bench.post("/api/contact/v2/user/detail", &old, &detail).await["code"], "47103");
    assert_eq!(bench.post("/api/contact/v2/user/detail", "Bearer x", &detail).await["code"], "47101");
    assert_eq!(bench.userid("AB", &old).await["code"], "1000");
    assert_eq!(bench.get("/api/tenant/v1/tenants", "").await["code"], "1000");
    assert_eq!(bench.get("/api/tenant/v1/tenants", &young).await["code"], "0");
    bench.welink.expire_tokens(&bench.app.client_id);
    assert_eq!(bench.get("/api/tenant/v1/tenants", &young).await["code"], "1000");
}

#[tokio::test(start_paused = true)]
async fn an_auth_code_is_good_once_for_two_minutes_for_one_app() {
    let bench = Bench::new();
    let token = bench.token().await;
    let issue = || bench.welink.issue_auth_code("lihua@welink", &bench.app.client_id).unwrap();
    let code = issue();
    assert_eq!(bench.userid(&code, &token).await["code"], "0");
    assert_eq!(bench.userid(&code, &token).await["code"], "41504");
    let code = issue();
    pass(120_000).await;
    assert_eq!(bench.userid(&code, &token).await["code"], "41503");
    assert_eq!(bench.userid("", &token).await["code"], "41501");
    assert_eq!(bench.userid("not-hex", &token).await["code"], "41501");
    let other = bench.welink.add_app(NewApp { tenant_id: TENANT.to_owned(), ..NewApp::default() }).unwrap();
    let foreign = bench.welink.issue_auth_code("lihua@welink", &other.client_id).unwrap();
    assert_eq!(bench.userid(&foreign, &token).await["code"], "41500");
    let code = issue();
    bench.welink.remove_member(TENANT, "lihua@welink").unwrap();
    assert_eq!(bench.userid(&code, &token).await["code"], "41500");
}

#[tokio::test(start_paused = true)]
async fn a_granted_permission_needs_a_new_token() {
    let bench = Bench::new();
    bench.welink.revoke(&bench.app.client_id, Permission::SignIn).unwrap();
    let before = bench.token().await;
    assert_eq!(bench.userid("AB", &before).await["code"], "501");
    bench.welink.grant(&bench.app.client_id, Permission::SignIn).unwrap();
    assert_eq!(bench.userid("AB", &before).await["code"], "501", "the old token does not see it");
    let after = bench.token().await;
    assert_eq!(bench.userid("AB", &after).await["code"], "41501");
    bench.welink.revoke(&bench.app.client_id, Permission::SignIn).unwrap();
    assert_eq!(bench.userid("AB", &after).await["code"], "501");
}

#[tokio::test(start_paused = true)]
async fn people_are_found_by_three_ids_within_the_visible_range() {
    let bench = Bench::new();
    let token = bench.token().await;
    let find = async |body: Value| bench.post("/api/contact/v2/user/detail", &token, &body).await;
    assert_eq!(find(json!({"corpUserId": "W0002"})).await["userId"], "wangfang@welink");
    assert_eq!(find(json!({"mobileNumber": "13800000003"})).await["userId"], "zhangwei@welink");
    assert_eq!(find(json!({})).await["code"], "47003");
    assert_eq!(find(json!({"userId": "nobody@welink"})).await["code"], "47012");
    assert!(find(json!({"userId": "zhaolei@welink"})).await.get("corpUserId").is_none(), "empty fields are left out");
    let old = bench.get("/api/contact/v1/users?mobileNumber=%2B86-13800000001", &token).await;
    assert_eq!((old["userId"].as_str(), old["deptCode"].as_str()), (Some("lihua@welink"), Some("10006")));
    let range = VisibleRange::Members(["lihua@welink".to_owned()].into());
    bench.welink.set_visible_range(&bench.app.client_id, range).unwrap();
    bench.welink.configure(|settings| settings.out_of_range_code = "47000".to_owned());
    assert_eq!(find(json!({"userId": "wangfang@welink"})).await["code"], "47000");
    assert_eq!(find(json!({"userId": "lihua@welink"})).await["code"], "0");
    let refused = bench.welink.issue_auth_code("wangfang@welink", &bench.app.client_id);
    assert_eq!(refused, Err(DirectoryError::NotVisible));
}

#[tokio::test(start_paused = true)]
async fn types_wobble_when_told_to() {
    let bench = Bench::new();
    let token = bench.token().await;
    bench.welink.configure(|settings| settings.wobble = true);
    let (mut strings, mut numbers) = (0, 0);
    for _ in 0..40 {
        let answer = bench.post("/api/contact/v2/user/detail", &token, &json!({"userId": "lihua@welink"})).await;
        match &answer["code"] {
            Value::String(code) if code == "0" => strings += 1,
            Value::Number(code) if code.as_i64() == Some(0) => numbers += 1,
            other => panic!("{other}"),
        }
    }
    assert!(strings > 5 && numbers > 5);
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_answers_48503_and_ends_by_itself() {
    let bench = Bench::new();
    let token = bench.token().await;
    for _ in 0..40 {
        assert_eq!(bench.get("/api/tenant/v1/tenants", &token).await["code"], "0");
    }
    assert_eq!(bench.get("/api/tenant/v1/tenants", &token).await["code"], "48503");
    assert_eq!(bench.userid("AB", &token).await["code"], "41501", "another interface has its own window");
    pass(1000).await;
    assert_eq!(bench.get("/api/tenant/v1/tenants", &token).await["code"], "0");
    assert_eq!(bench.welink.call_counts()["GET /api/tenant/v1/tenants"], 42);
}

#[tokio::test(start_paused = true)]
async fn the_log_has_an_outcome_for_every_call_and_no_secret() {
    let bench = Bench::new();
    bench.welink.configure(|settings| settings.log_entries_max = 5);
    let token = bench.token().await;
    let code = bench.welink.issue_auth_code("lihua@welink", &bench.app.client_id).unwrap();
    bench.userid(&code, &token).await;
    bench.welink.faults().set(Knob::AnswerLost, Rule::next(1));
    let request = || Request::get("/api/auth/v2/userid?code=AB").body(Bytes::new()).unwrap();
    let lost = bench.api.send(request(), Duration::from_secs(5)).await;
    assert!(matches!(lost, Err(TransportError::Broken(_))));
    bench.welink.faults().set(Knob::Hang, Rule::next(1));
    let hung = bench.api.send(request(), Duration::from_secs(5)).await;
    assert_eq!(hung.unwrap_err(), TransportError::Timeout);
    let log = bench.welink.request_log();
    let outcomes: Vec<&str> = log.iter().filter_map(|entry| entry.outcome.as_deref()).collect();
    assert_eq!(outcomes, ["0", "0", NO_ANSWER, NO_ANSWER]);
    assert_eq!(log[1].path, "/api/auth/v2/userid?code");
    assert_eq!(log[1].client_id.as_deref(), Some(bench.app.client_id.as_str()));
    assert_eq!(log[2].faults, [Knob::AnswerLost]);
    let shown = format!("{log:?}");
    for secret in [code.as_str(), token.as_str(), bench.app.client_secret.expose()] {
        assert!(!shown.contains(secret));
    }
    for _ in 0..10 {
        bench.token().await;
    }
    assert_eq!(bench.welink.request_log().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_ends_the_old_one_but_not_its_tokens() {
    let bench = Bench::new();
    let token = bench.token().await;
    let secret = bench.welink.rotate_secret(&bench.app.client_id).unwrap();
    assert_eq!(bench.ticket(bench.app.client_secret.expose()).await["code"], "10007");
    assert_eq!(bench.ticket(secret.expose()).await["code"], "0");
    assert_eq!(bench.get("/api/tenant/v1/tenants", &token).await["code"], "0");
}

#[tokio::test(start_paused = true)]
async fn every_family_refuses_what_was_not_applied_for_and_has_its_own_sign_of_a_bad_token() {
    let bench = Bench::new();
    let status = json!({"deptInfo": [{"corpDeptCode": "nobody"}]});
    let cases = [
        (Permission::JsTickets, "GET", "/api/auth/v1/jstickets", "0", "41600"),
        (Permission::Departments, "GET", "/api/contact/v2/department/list?deptCode=0&pageSize=1", "0", "47101"),
        (Permission::ContactSync, "POST", "/api/contact/v2/departments/status", "0", "47101"),
        (Permission::Todo, "DELETE", "/api/todo/v1/deltask?taskId=nobody", "55009", "55014"),
    ];
    for (permission, method, path, usual, bad_token) in cases {
        let ask = async |token: &str| {
            let request = Request::builder().method(method).uri(path).header("x-wlk-Authorization", token);
            bench.send(request.body(Bytes::from(status.to_string())).unwrap()).await.1["code"].clone()
        };
        let token = bench.token().await;
        assert_eq!(ask(&token).await, usual, "{path}");
        assert_eq!(ask("bad").await, bad_token, "{path}");
        bench.welink.revoke(&bench.app.client_id, permission).unwrap();
        assert_eq!(ask(&token).await, "501", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn departments_are_listed_by_pages_level_by_level_or_all_below() {
    let bench = Bench::new();
    let token = bench.token().await;
    let list = async |query: &str| bench.get(&format!("/api/contact/v2/department/list?{query}"), &token).await;
    let whole = list("deptCode=0&recursiveflag=1").await["data"].as_array().unwrap().len();
    let first = list("deptCode=0&recursiveflag=0").await["data"].as_array().unwrap().len();
    assert_eq!(whole, bench.welink.departments(TENANT).len());
    assert!(0 < first && first < whole);
    let page = list(&format!("deptCode=0&recursiveflag=1&pageNo={whole}&pageSize=1")).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["hasMore"]), (1, &json!(0)));
    assert!(list(&format!("deptCode=0&recursiveflag=1&pageNo={}&pageSize=1", whole + 1)).await.get("data").is_none());
    assert_eq!(list("deptCode=nowhere").await["code"], "47012");
}
