use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::*;
use crate::company::{CLOSED, Company, OUT_OF_RANGE, UNKNOWN_TO_OA};
use crate::faults::{Knob, Rule};
use crate::welink::tests::{Bench, TENANT, pass};
use crate::welink::{MemberStatus, VisibleRange, user_id_of};

const BACK: &str = "https://bridge.test/auth/callback";
const LIHUA: &str = "lihua@welink";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.welink.register_oauth_redirect(&bench.app.client_id, BACK).unwrap();
    bench
}

impl Bench {
    fn oauth_code(&self) -> String {
        self.welink.issue_oauth_code(LIHUA, &self.app.client_id, BACK).unwrap()
    }

    fn fields(&self, code: &str, changes: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.app.client_id),
            ("client_secret", self.app.client_secret.expose()),
            ("redirect_uri", BACK),
        ];
        fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).extend_pairs(changes).finish()
    }

    async fn exchange(&self, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let request = Request::post("/api/oauth2/v1/token").header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Bytes::from(self.fields(code, changes))).unwrap()).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_code_buys_a_user_token_by_form_and_by_query() {
    let bench = bench();
    let (status, granted) = bench.exchange(&bench.oauth_code(), &[("state", "s")]).await;
    assert_eq!((status, &granted["code"], &granted["expires_in"]), (200, &json!("60001"), &json!(7200)));
    let user_token = granted["access_token"].as_str().unwrap();
    let who = bench.get("/api/auth/v1/userid", user_token).await;
    assert_eq!(who, json!({"code": "0", "message": "OK", "userId": LIHUA}));

    let query = bench.fields(&bench.oauth_code(), &[]);
    let granted = bench.get(&format!("/api/oauth2/v1/token?{query}"), "").await;
    assert_eq!(granted["code"], "60001");

    // Neither token does the other's work.
    assert_eq!(bench.get("/api/tenant/v1/tenants", user_token).await["code"], "501");
    let app_token = bench.token().await;
    assert_eq!(bench.get("/api/auth/v1/userid", &app_token).await["code"], "41500");
    assert_eq!(bench.get("/api/auth/v1/userid", "").await["code"], "1000");
    assert_eq!(bench.userid(&bench.oauth_code(), &app_token).await["code"], "41501", "not a code of the phone");
    let in_app = bench.welink.issue_auth_code(LIHUA, &bench.app.client_id).unwrap();
    assert_eq!(bench.exchange(&in_app, &[]).await.1["code"], "60008");
    let shown = format!("{:?}", bench.welink.request_log());
    assert!(!shown.contains(user_token) && !shown.contains(bench.app.client_secret.expose()));
    assert_eq!(bench.welink.recent_calls(1)[0].client_id.as_deref(), Some(bench.app.client_id.as_str()));

    pass(7_200_000).await;
    assert_eq!(bench.get("/api/auth/v1/userid", user_token).await["code"], "1000");
}

#[tokio::test(start_paused = true)]
async fn a_browser_code_is_good_once_for_its_app_and_address_and_five_minutes() {
    let bench = bench();
    let code = bench.oauth_code();
    let elsewhere = [("redirect_uri", "https://bridge.test/other")];
    assert_eq!(bench.exchange(&code, &elsewhere).await.0, 400);
    assert_eq!(bench.exchange(&code, &elsewhere).await.1["code"], "60008");
    let other = crate::welink::NewApp { tenant_id: TENANT.to_owned(), ..Default::default() };
    let other = bench.welink.add_app(other).unwrap();
    let foreign = [("client_id", other.client_id.as_str()), ("client_secret", other.client_secret.expose())];
    assert_eq!(bench.exchange(&code, &foreign).await.1["code"], "60008");
    assert_eq!(bench.exchange(&code, &[]).await.1["code"], "60001");
    assert_eq!(bench.exchange(&code, &[]).await.1["code"], "60008");
    let (fresh, late) = (bench.oauth_code(), bench.oauth_code());
    pass(299_000).await;
    assert_eq!(bench.exchange(&fresh, &[]).await.1["code"], "60001");
    pass(1_000).await;
    assert_eq!(bench.exchange(&late, &[]).await.1["code"], "60007");
}

#[tokio::test(start_paused = true)]
async fn the_token_call_tells_its_errors_apart() {
    let bench = bench();
    let code = bench.oauth_code();
    let long = "x".repeat(256);
    for (change, want) in [
        (("grant_type", "password"), "60013"),
        (("code", ""), "60003"),
        (("code", &*"A".repeat(2_001)), "60002"),
        (("code", "ABCD"), "60008"),
        (("client_id", &*long), "60004"),
        (("client_secret", &*long), "60005"),
        (("state", &*long), "60006"),
        (("client_id", "nobody"), "60010"),
    ] {
        let (status, body) = bench.exchange(&code, &[change]).await;
        assert_eq!((status, &body["code"]), (400, &json!(want)), "{change:?}");
    }
    for want in ["60010", "60010", "60010", "60010", "60010", "60009"] {
        assert_eq!(bench.exchange(&code, &[("client_secret", "wrong")]).await.1["code"], want);
    }
    assert_eq!(bench.exchange(&code, &[]).await.1["code"], "60009", "locked also for the right secret");
    pass(15 * 60_000).await;
    assert_eq!(bench.exchange(&bench.oauth_code(), &[]).await.1["code"], "60001");
}

#[tokio::test(start_paused = true)]
async fn faults_and_rates_hit_it_like_the_others() {
    let bench = bench();
    let faults = bench.welink.faults();
    faults.set(Knob::ExpiredToken, Rule::next(1));
    assert_eq!(bench.exchange(&bench.oauth_code(), &[]).await.1["code"], "60001", "it carries no token");
    assert_eq!(bench.get("/api/auth/v1/userid", "x").await["code"], "1000");
    faults.set(Knob::RateLimited, Rule::next(1).under("/api/oauth2/"));
    assert_eq!(bench.exchange(&bench.oauth_code(), &[]).await.1["code"], "48503");
    pass(60_000).await;
    for _ in 0..40 {
        bench.exchange("A", &[]).await;
    }
    assert_eq!(bench.exchange("A", &[]).await.1["code"], "48503");
}

#[tokio::test(start_paused = true)]
async fn codes_need_an_open_account_the_visible_range_and_a_registered_address() {
    let bench = bench();
    let company = Company::demo();
    assert_eq!(bench.welink.load_strangers(&company, TENANT).unwrap(), 3);
    let absent = VisibleRange::AllBut([user_id_of(OUT_OF_RANGE)].into());
    bench.welink.set_visible_range(&bench.app.client_id, absent).unwrap();
    let issue = |login: &str, back: &str| bench.welink.issue_oauth_code(&user_id_of(login), &bench.app.client_id, back);
    assert_eq!(issue(CLOSED, BACK), Err(DirectoryError::NotOpened));
    assert_eq!(issue(OUT_OF_RANGE, BACK), Err(DirectoryError::NotVisible));
    assert_eq!(issue("nobody", BACK), Err(DirectoryError::UnknownMember));
    assert_eq!(issue("lihua", "https://bridge.test/other"), Err(DirectoryError::BadRedirect));
    assert!(issue(UNKNOWN_TO_OA, BACK).is_ok());
    for bad in ["https://bridge.test/cb?x=1", "https://bridge.test/#x", "ftp://bridge.test/", "cb", "https://桥/"] {
        let refused = bench.welink.register_oauth_redirect(&bench.app.client_id, bad);
        assert_eq!(refused, Err(DirectoryError::BadRedirect), "{bad}");
    }
    // Whoever leaves between token and question has no name any more.
    let granted = bench.exchange(&bench.oauth_code(), &[]).await.1;
    let mut member = bench.welink.member(TENANT, LIHUA).unwrap();
    member.status = MemberStatus::Closed;
    bench.welink.add_member(TENANT, member).unwrap();
    assert_eq!(bench.get("/api/auth/v1/userid", granted["access_token"].as_str().unwrap()).await["code"], "41500");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_type_u_is_a_user_token_too() {
    let bench = bench();
    let code = bench.welink.issue_auth_code(LIHUA, &bench.app.client_id).unwrap();
    let secret = bench.app.client_secret.expose();
    let body = json!({"client_id": bench.app.client_id, "client_secret": secret, "type": "u", "code": code});
    let ticket = bench.post("/api/auth/v1/tickets", "", &body).await;
    let who = bench.get("/api/auth/v1/userid", ticket["access_token"].as_str().unwrap()).await;
    assert_eq!(who["userId"], LIHUA);
}
