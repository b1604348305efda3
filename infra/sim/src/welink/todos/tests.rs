use serde_json::{Value, json};

use super::super::tests::{Bench, TENANT, pass};
use super::super::{MessageKind, NewApp, TodoChange, TodoRepeat, VisibleRange};

const ADD: &str = "/api/todo/v3/addtask";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn task(id: &str) -> Value {
    json!({
        "taskId": id, "taskTitle": "采购申请-李华", "userId": "lihua@welink", "userNameCn": "李华", "userNameEn": "Li Hua",
        "detailsUrl": "https://bridge/h/a_1?to=%2Fm%2Fworkflow%2F42", "appName": "OA", "applicantUserId": "w@welink",
        "applicantUserNameCn": "王芳", "applicantUserNameEn": "Wang Fang", "applicantId": "42",
    })
}

async fn end(bench: &Bench, token: &str, id: &str) -> Value {
    let request = http::Request::delete(format!("/api/todo/v1/deltask?taskId={id}"));
    let request = request.header("x-wlk-Authorization", token).body(bytes::Bytes::new()).unwrap();
    bench.send(request).await.1
}

#[tokio::test(start_paused = true)]
async fn a_row_comes_and_goes() {
    let bench = Bench::new();
    let token = bench.token().await;
    let mut body = task("t1");
    body["isMsg"] = json!(1);
    let added = bench.post(ADD, &token, &body).await;
    assert_eq!(
        (&added["code"], &added["data"]["taskId"], &added["data"]["status"]),
        (&json!("0"), &json!("t1"), &json!(1))
    );
    assert_eq!(added["data"]["createTime"], "2025-10-09 16:53:20");
    let rows = bench.welink.todos(TENANT, "lihua@welink");
    assert_eq!((rows.len(), &*rows[0].title, &*rows[0].applicant_zh), (1, "采购申请-李华", "王芳"));
    let inbox = bench.welink.inbox(TENANT, "lihua@welink");
    assert_eq!((inbox.len(), inbox[0].message.kind), (1, MessageKind::TodoNotice));
    assert_eq!(end(&bench, &token, "t1").await["data"]["taskId"], "t1");
    assert!(bench.welink.todos(TENANT, "lihua@welink").is_empty());
    assert_eq!(end(&bench, &token, "t1").await["code"], "55009");
    bench.welink.configure(|settings| settings.todo_gone_code = "55008".to_owned());
    assert_eq!(end(&bench, &token, "t1").await["code"], "55008");
    assert_eq!(end(&bench, &token, "").await["code"], "55005");
    let changes: Vec<TodoChange> = bench.welink.todo_history().iter().map(|event| event.change).collect();
    assert_eq!(changes, [TodoChange::Added, TodoChange::Deleted]);
}

#[tokio::test(start_paused = true)]
async fn a_task_id_that_exists_has_three_readings() {
    let bench = Bench::new();
    let token = bench.token().await;
    bench.post(ADD, &token, &task("t1")).await;
    for (reading, want) in
        [(TodoRepeat::Refused55007, "55007"), (TodoRepeat::Refused55010, "55010"), (TodoRepeat::Replaces, "0")]
    {
        bench.welink.configure(|settings| settings.todo_repeat = reading);
        let mut again = task("t1");
        again["taskTitle"] = json!("新标题");
        assert_eq!(bench.post(ADD, &token, &again).await["code"], want);
        let rows = bench.welink.todos(TENANT, "lihua@welink");
        assert_eq!((rows.len(), rows[0].title == "新标题"), (1, want == "0"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_wrong_or_out_of_range_is_told_apart() {
    let bench = Bench::new();
    let token = bench.token().await;
    for (name, value, want) in [
        ("taskId", "", "55005"),
        ("applicantId", "", "55005"),
        ("userNameEn", "", "55005"),
        ("detailsUrl", "h5://x", "55006"),
        ("detailsUrlPc", "ftp://x", "55006"),
        ("businessCode", "A-1", "55006"),
        ("userId", "nobody@welink", "55006"),
    ] {
        let mut body = task("t1");
        body[name] = json!(value);
        assert_eq!(bench.post(ADD, &token, &body).await["code"], want, "{name}");
    }
    bench.welink.set_visible_range(&bench.app.client_id, VisibleRange::Members([].into())).unwrap();
    bench.welink.configure(|settings| settings.todo_nobody_code = "55007".to_owned());
    assert_eq!(bench.post(ADD, &token, &task("t1")).await["code"], "55007");
    assert_eq!(bench.post(ADD, "nonsense", &task("t1")).await["code"], "55014");
    assert!(bench.welink.todo_history().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_apps_row_is_out_of_reach() {
    let bench = Bench::new();
    bench.post(ADD, &bench.token().await, &task("t1")).await;
    let other = NewApp { tenant_id: TENANT.to_owned(), ..NewApp::default() };
    let other = bench.welink.add_app(other).unwrap();
    let body = json!({"client_id": other.client_id, "client_secret": other.client_secret.expose()});
    let token = bench.post("/api/auth/v2/tickets", "", &body).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(end(&bench, &token, "t1").await["code"], "55011");
    assert_eq!(bench.welink.todos(TENANT, "lihua@welink").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_nobody_touches_is_gone_after_ninety_days() {
    let bench = Bench::new();
    bench.post(ADD, &bench.token().await, &task("t1")).await;
    pass(90 * DAY_MS - 1).await;
    assert_eq!(bench.welink.todos(TENANT, "lihua@welink").len(), 1);
    pass(1).await;
    assert!(bench.welink.todos(TENANT, "lihua@welink").is_empty());
    assert_eq!(bench.welink.todo_history()[1].change, TodoChange::Expired);
    assert_eq!(bench.post(ADD, &bench.token().await, &task("t1")).await["code"], "0", "the taskId is free again");
}
