use axum::body::{Body, to_bytes};
use domain::time::Timestamp;
use http::Request;
use platform::clock::Clock;
use platform::entropy::Entropy;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::company::Company;
use crate::welink::{NewApp, Options, Settings, Tenant};

const TENANT: &str = "A8F2C3D41B6E4F0C9D7E5A1B2C3D4E5F";

fn bench() -> (PhoneState, Router, String) {
    let entropy = Entropy::seeded(3);
    let faults = Faults::new(entropy.clone());
    let welink = WeLink::new(Options {
        clock: Clock::virtual_from(Timestamp(1_760_000_000_000)),
        entropy,
        faults: faults.clone(),
        settings: Settings::default(),
    });
    let tenant = Tenant {
        tenant_id: TENANT.to_owned(),
        name_zh: "远帆智造集团".to_owned(),
        name_en: "Yuanfan Manufacturing Group".to_owned(),
        domain: "corp.example".to_owned(),
        created: Timestamp(0),
    };
    welink.load(&Company::demo(), tenant, &[]).unwrap();
    let home = "http://bridge.localhost:9400/h/a_1".to_owned();
    let app = NewApp {
        tenant_id: TENANT.to_owned(),
        name_zh: "OA 首页".to_owned(),
        name_en: "OA home".to_owned(),
        mobile_url: home.clone(),
        pc_url: home,
        credentials: None,
    };
    let client_id = welink.add_app(app).unwrap().client_id;
    let state = PhoneState { welink, faults, codes: Codes::default() };
    (state.clone(), router(state), client_id)
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn get_page(router: &Router, path: &str) -> String {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await.2
}

#[tokio::test(start_paused = true)]
async fn people_are_searched_and_paged() {
    let (_, router, _) = bench();
    let all = get_page(&router, "/?lang=en").await;
    assert!(all.contains("1–24 of 60 members") && all.contains("Sees 1 of 1 apps") && all.contains("page=2"));
    let one = get_page(&router, "/?q=lihua&lang=zh").await;
    assert!(one.contains("李华") && one.contains("/t/A8F2C3D41B6E4F0C9D7E5A1B2C3D4E5F/lihua%40welink/workbench"));
    let branch = get_page(&router, "/?dept=10002&lang=en").await;
    assert!(branch.contains("Peng Fei") && branch.contains("Xiao Bo"), "a department holds its sub-departments");
    assert!(!branch.contains("Zhang Wei"));
    assert!(get_page(&router, "/?q=%3Cscript%3E&lang=en").await.contains("&#60;script&#62;"));
}

#[tokio::test(start_paused = true)]
async fn the_phone_shows_four_tabs_in_two_languages() {
    let (state, router, client_id) = bench();
    for (tab, zh, en) in [
        ("workbench", "企业应用", "Company apps"),
        ("messages", "还没有消息", "No messages yet"),
        ("todos", "还没有待办", "No to-dos yet"),
        ("me", "+86-13800000001", "+86-13800000001"),
    ] {
        let path = format!("/t/{TENANT}/lihua%40welink/{tab}");
        assert!(get_page(&router, &format!("{path}?lang=zh")).await.contains(zh));
        assert!(get_page(&router, &format!("{path}?lang=en")).await.contains(en));
    }
    let path = format!("/t/{TENANT}/lihua%40welink/workbench");
    assert!(get_page(&router, &path).await.contains("data-origins=\"http://bridge.localhost:9400\""));
    let nobody = crate::welink::VisibleRange::Members(std::collections::BTreeSet::new());
    state.welink.set_visible_range(&client_id, nobody).unwrap();
    assert!(get_page(&router, &path).await.contains("这里还没有应用"));
    state.welink.set_homepage(&client_id, "javascript:alert(1)", "").unwrap();
    state.welink.set_visible_range(&client_id, crate::welink::VisibleRange::Everyone).unwrap();
    assert!(!get_page(&router, &path).await.contains("javascript:"));
}

#[tokio::test(start_paused = true)]
async fn codes_are_issued_to_the_own_page_only() {
    let (state, router, client_id) = bench();
    let ask = |site: &str, user: &str| {
        Request::post("/sim/authcode")
            .header("content-type", "application/json")
            .header("sec-fetch-site", site)
            .body(Body::from(json!({"userId": user, "clientId": client_id}).to_string()))
            .unwrap()
    };
    let (status, _, body) = send(&router, ask("same-origin", "lihua@welink")).await;
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["code"].as_str().map(str::len), Some(96));
    assert_eq!(send(&router, ask("cross-site", "lihua@welink")).await.0, 403);
    assert_eq!(send(&router, ask("same-site", "lihua@welink")).await.0, 403);
    assert_eq!(send(&router, ask("same-origin", "nobody@welink")).await.0, 404);
    assert!(state.welink.request_log().is_empty(), "the phone is not a client of the API");
}

#[tokio::test(start_paused = true)]
async fn faults_are_switched_by_form_and_by_json() {
    let (state, router, _) = bench();
    let form = Request::post("/settings")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("per_mille.http_5xx=2000&scope.http_5xx=/api/auth/&next.reset=3&delay_ms=&wobble=1"))
        .unwrap();
    assert_eq!(send(&router, form).await.0, StatusCode::SEE_OTHER);
    let rule = state.faults.rule(faults::Knob::Http5xx);
    assert_eq!((rule.per_mille, rule.prefix.as_str()), (1000, "/api/auth/"));
    assert_eq!(state.faults.rule(faults::Knob::Reset).next, 3);
    assert!(state.welink.settings().wobble);
    assert!(get_page(&router, "/settings?saved&lang=en").await.contains("were updated"));
    let post = |body: &'static str| {
        Request::post("/sim/faults").header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    let (status, _, listing) = send(&router, post(r#"{"name": "hang", "next": 2}"#)).await;
    assert_eq!(status, 200);
    assert!(listing.contains(r#""name":"hang","next":2"#), "{listing}");
    assert_eq!(send(&router, post(r#"{"name": "nonsense"}"#)).await.0, 400);
    assert_eq!(send(&router, post(r#"{"clear": true}"#)).await.0, 200);
    assert_eq!(state.faults.rule(faults::Knob::Http5xx), faults::Rule::default());
}

#[tokio::test(start_paused = true)]
async fn pages_forbid_frames_and_foreign_scripts() {
    let (_, router, _) = bench();
    for path in ["/", "/settings", "/hwh5.js", "/nowhere"] {
        let (_, headers, _) = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}");
    }
    let (_, headers, script) = send(&router, Request::get("/hwh5.js").body(Body::empty()).unwrap()).await;
    assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    assert!(script.contains("window.HWH5"));
}

#[tokio::test(start_paused = true)]
async fn what_is_special_about_a_member_stands_beside_him() {
    use crate::company::{CLOSED, OUT_OF_RANGE, TWO_CANDIDATES, UNKNOWN_TO_OA};
    use crate::welink::{VisibleRange, user_id_of};

    let (state, router, client_id) = bench();
    assert_eq!(state.welink.load_strangers(&Company::demo(), TENANT).unwrap(), 3);
    let absent = VisibleRange::AllBut([user_id_of(OUT_OF_RANGE)].into());
    state.welink.set_visible_range(&client_id, absent).unwrap();
    let twins = Text::new("OA 中有两个候选账号", "Two OA accounts match");
    state.welink.remark(TENANT, &user_id_of(TWO_CANDIDATES), Some(twins));
    for (login, zh, en) in [
        (CLOSED, "已离职", "Left the company"),
        (OUT_OF_RANGE, "不在可见范围", "Out of the visible range"),
        (UNKNOWN_TO_OA, "OA 中没有此人", "Not in the OA"),
        (TWO_CANDIDATES, "OA 中有两个候选账号", "Two OA accounts match"),
    ] {
        assert!(get_page(&router, &format!("/?q={login}&lang=zh")).await.contains(zh), "{login}");
        assert!(get_page(&router, &format!("/t/{TENANT}/{login}%40welink/me?lang=en")).await.contains(en), "{login}");
    }
    let special = get_page(&router, "/?special=1&lang=en").await;
    assert!(special.contains("1–4 of 4 members") && !special.contains("lihua@welink"));
    state.welink.remark(TENANT, &user_id_of(TWO_CANDIDATES), None);
    assert!(get_page(&router, "/?special=1&lang=en").await.contains("1–3 of 3 members"));
}

#[tokio::test(start_paused = true)]
async fn the_pc_opens_apps_in_a_plain_tab() {
    let (_, router, _) = bench();
    let path = format!("/t/{TENANT}/lihua%40welink/workbench");
    let phone = get_page(&router, &path).await;
    assert!(phone.contains(r#"class="app" href="http://bridge.localhost:9400/h/a_1" target="_blank" rel="opener""#));
    assert!(
        phone.contains(&format!(r#"href="{path}?device=pc" data-device="pc""#)) && !phone.contains("data-pc-client")
    );
    let pc = get_page(&router, &format!("{path}?device=pc&lang=en")).await;
    assert!(pc.contains(r#"class="app" href="http://bridge.localhost:9400/h/a_1" target="_blank" rel="noopener""#));
    assert!(!pc.contains(r#"data-size="mobile""#) && pc.contains("/me?device=pc") && pc.contains("WeLink for PC"));
}

/// The login host with one registered address, and what a bridge would ask for.
fn login() -> (PhoneState, Router, String) {
    let (state, _, client_id) = bench();
    state.welink.register_oauth_redirect(&client_id, "http://bridge.localhost:9400/oauth/back").unwrap();
    let router = state.welink.login_router();
    let ask = format!(
        "client_id={client_id}&response_type=code&scope=backendlogin&state=s%261\
         &redirect_uri=http%3A%2F%2Fbridge.localhost%3A9400%2Foauth%2Fback"
    );
    (state, router, ask)
}

fn submit(fields: &str, site: &str) -> Request<Body> {
    Request::post("/sso/oauth2/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site)
        .body(Body::from(fields.to_owned()))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_login_page_asks_who_it_is_and_goes_back_with_a_code() {
    let (state, router, ask) = login();
    let get = |more: &str| Request::get(format!("/sso/oauth2/authorize?{ask}{more}")).body(Body::empty()).unwrap();
    let (status, headers, html) = send(&router, get("&lang=en")).await;
    assert_eq!(status, StatusCode::OK);
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("form-action 'self' http://bridge.localhost:9400"), "{policy}");
    assert!(html.contains("Simulation") && html.contains("OA home") && html.contains("There are more members"));
    let zh = send(&router, get("&q=lihua&lang=zh")).await.2;
    assert!(zh.contains(r#"name="user" value="lihua@welink""#) && zh.contains(r#"name="state" value="s&#38;1""#));
    state.welink.set_pc_member(TENANT, "yinxia@welink");
    let first = send(&router, get("&lang=en")).await.2;
    assert!(first.find("yinxia@welink").unwrap() < first.find("baixue@welink").unwrap() && first.contains("On the PC"));

    let (status, headers, _) = send(&router, submit(&format!("{ask}&user=lihua%40welink"), "same-origin")).await;
    assert_eq!(status, StatusCode::FOUND);
    let back = url::Url::parse(headers["location"].to_str().unwrap()).unwrap();
    assert_eq!(back.path(), "/oauth/back");
    let pairs: BTreeMap<String, String> = back.query_pairs().into_owned().collect();
    assert_eq!((pairs["code"].len(), pairs["state"].as_str(), pairs.len()), (96, "s&1", 2));
    let foreign = send(&router, submit(&format!("{ask}&user=lihua%40welink"), "cross-site")).await;
    assert_eq!(foreign.0, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn the_login_page_sends_errors_back_but_never_to_a_foreign_address() {
    let (state, router, ask) = login();
    let back = async |request: Request<Body>| {
        let (status, headers, _) = send(&router, request).await;
        assert_eq!(status, StatusCode::FOUND);
        let url = url::Url::parse(headers["location"].to_str().unwrap()).unwrap();
        let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert!(!pairs["message"].is_empty() && pairs["state"] == "s&1");
        pairs["code"].clone()
    };
    let get = |query: &str| Request::get(format!("/sso/oauth2/authorize?{query}")).body(Body::empty()).unwrap();
    assert_eq!(back(get(&ask.replace("backendlogin", "other"))).await, "60013");
    assert_eq!(back(get(&ask.replace("response_type=code", "response_type=token"))).await, "60013");
    assert_eq!(back(submit(&format!("{ask}&user=nobody%40welink"), "same-origin")).await, "41500");
    state.welink.configure(|settings| settings.authorize_error = Some("60012".to_owned()));
    assert_eq!(back(get(&ask)).await, "60012");
    for (query, zh) in [
        (ask.replace("oauth%2Fback", "elsewhere"), "没有登记"),
        (format!("{ask}%3Fx"), "没有登记"),
        (ask.replacen("client_id=", "client_id=9", 1), "没有这个 client_id"),
    ] {
        let (status, headers, html) = send(&router, get(&format!("{query}&lang=zh"))).await;
        assert_eq!((status, headers.contains_key("location")), (StatusCode::BAD_REQUEST, false));
        assert!(html.contains(zh), "{query}");
    }
}

/// Sends over the API, as the bridge does.
async fn call(state: &PhoneState, client_id: &str, path: &str, body: &Value) -> Value {
    let api = state.welink.router();
    let secret = state.welink.app(client_id).unwrap().client_secret;
    let post = |path: &str, token: &str, body: &Value| {
        Request::post(path).header("x-wlk-Authorization", token).body(Body::from(body.to_string())).unwrap()
    };
    let ticket = json!({"client_id": client_id, "client_secret": secret.expose()});
    let ticket: Value = serde_json::from_str(&send(&api, post("/api/auth/v2/tickets", "", &ticket)).await.2).unwrap();
    let token = ticket["access_token"].as_str().unwrap();
    serde_json::from_str(&send(&api, post(path, token, body)).await.2).unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_and_to_dos_are_shown_counted_and_read() {
    let (state, router, client_id) = bench();
    let to = json!(["lihua@welink"]);
    let card = json!({
        "toUserList": to, "msgOwner": "审批", "msgTitle": "{\"CN\":\"采购申请\",\"EN\":\"Purchase <request>\"}",
        "msgContent": "等待部门审批", "urlType": "html", "urlPath": "http://deep.localhost:9400/h/a_1?to=%2Fm%2F42",
        "desktopUrlPath": "http://desk.localhost:9400/h/a_1", "messageStatus": "{\"CN\":\"待处理\",\"EN\":\"pending\"}",
    });
    assert_eq!(call(&state, &client_id, "/api/messages/v2/card/common", &card).await["code"], "0");
    let mut phone_only = card.clone();
    phone_only["receiveDeviceType"] = json!(1);
    phone_only["urlPath"] = json!("");
    phone_only["desktopUrlPath"] = json!("");
    assert_eq!(call(&state, &client_id, "/api/messages/v2/card/common", &phone_only).await["code"], "0");
    let todo = json!({
        "taskId": "t1", "taskTitle": "请假申请", "userId": "lihua@welink", "userNameCn": "李华", "userNameEn": "Li Hua",
        "detailsUrl": "http://deep.localhost:9400/h/a_1?to=%2Fm%2F43", "appName": "OA", "applicantUserId": "w@welink",
        "applicantUserNameCn": "王芳", "applicantUserNameEn": "Wang Fang", "applicantId": "43",
    });
    assert_eq!(call(&state, &client_id, "/api/todo/v3/addtask", &todo).await["code"], "0");
    let path = format!("/t/{TENANT}/lihua%40welink");
    let todos = get_page(&router, &format!("{path}/todos?lang=en")).await;
    for part in [
        "请假申请",
        "from Wang Fang",
        "data-test=\"unread\">2<",
        "data-test=\"open\">1<",
        "data-origins=\"http://bridge.localhost:9400 http://deep.localhost:9400\"",
    ] {
        assert!(todos.contains(part), "{part}");
    }
    let phone = get_page(&router, &format!("{path}/messages?lang=en")).await;
    assert!(phone.contains("Purchase &#60;request&#62;") && phone.contains("class=\"state blue\""));
    assert!(
        phone.contains("data-client=") && phone.contains("data-test=\"unread\">1<"),
        "one leads nowhere: seen is read"
    );
    let pc = get_page(&router, &format!("{path}/messages?device=pc&lang=zh")).await;
    assert!(pc.contains("http://desk.localhost:9400/h/a_1") && pc.contains("待处理") && pc.contains("data-pc-client="));
    assert_eq!(pc.matches("data-message=").count(), 1, "the other is for phones");
    let read = Request::post("/sim/read")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(json!({"userId": "lihua@welink", "number": 1}).to_string()))
        .unwrap();
    assert_eq!(send(&router, read).await.0, StatusCode::NO_CONTENT);
    assert!(!get_page(&router, &format!("{path}/messages")).await.contains("data-test=\"unread\""));
}

#[tokio::test(start_paused = true)]
async fn the_element_asks_who_scans_and_its_code_is_worth_one_auth_code() {
    let (_, router, ask) = login();
    let ask = ask.replace("backendlogin", "snsapi_login");
    let frame = "/sso-proxy-front/public/qrcode/0.0.1/qrcode.html";
    let get = |path: String| Request::get(path).body(Body::empty()).unwrap();
    let (status, headers, html) = send(&router, get(format!("{frame}?{ask}&lang=en&q=lihua"))).await;
    assert_eq!(status, StatusCode::OK);
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-ancestors http://bridge.localhost:9400"), "{policy}");
    assert!(html.contains(r#"name="user" value="lihua@welink""#) && html.contains("Simulation"), "{html}");
    let stranger = send(&router, get(format!("{frame}?{}", ask.replace("oauth%2Fback", "elsewhere")))).await;
    assert_eq!(stranger.0, StatusCode::BAD_REQUEST);

    let scan = Request::post(frame).header("content-type", "application/x-www-form-urlencoded");
    let scan = scan.body(Body::from(format!("{ask}&user=lihua%40welink"))).unwrap();
    let scanned = send(&router, scan).await.2;
    let code = scanned.split_once("data-code=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let back = async |code: &str| {
        let (status, headers, _) = send(&router, get(format!("/sso/oauth2/sns_authorize?{ask}&code={code}"))).await;
        assert_eq!(status, StatusCode::FOUND);
        let url = url::Url::parse(headers["location"].to_str().unwrap()).unwrap();
        url.query_pairs().into_owned().collect::<BTreeMap<String, String>>()
    };
    let first = back(&code).await;
    assert_eq!((first["code"].len(), first["state"].as_str()), (96, "s&1"));
    assert_ne!(first["code"], code, "what the frame sends is not what the server exchanges");
    assert_eq!((back(&code).await["code"].as_str(), back("x").await["code"].as_str()), ("60008", "60008"));
}
