//! HOM-01 to HOM-08: the homepage and the sign-in.

use std::time::Duration;

use bytes::Bytes;
use domain::audit::Action;
use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::PersonSource;
use http::{Method, Request, StatusCode};
use platform::secret::Secret;
use serde_json::{Value, json};
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

#[tokio::test]
async fn hom_01_a_linked_member_reaches_the_configured_page_without_typing() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, &world.homepage(), LINKED).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!((page.url.host_str(), page.url.path()), (Some("oa.localhost"), "/"));
    assert!(page.body.contains(r#"data-how="ticket""#), "{}", page.body);
    let sessions = world.demo().oa.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].login, LINKED);
    assert_eq!(world.audited(Action::SignIn, "ok").await, 1);
}

/// The form of an opened homepage, with a code filled in.
async fn opened(world: &World, browser: &mut Browser) -> (Url, Vec<(String, String)>) {
    let page = browser.get(&world.homepage()).await.unwrap();
    let (action, mut fields) = page.form("answer").unwrap();
    let code = world.code(LINKED);
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
    (action, fields)
}

async fn refused_state(world: &World, page: &Page, reason: &str) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{reason}: {}", page.body);
    assert_eq!(page.problem().as_deref(), Some("state-refused"), "{reason}");
    assert!(!page.trace().is_empty() && page.body.contains(page.trace()), "{reason}");
    assert!(page.header("set-cookie").is_none_or(|line| !line.contains("session")), "{reason}");
    let audit = world.audit().await;
    let told = audit.iter().filter(|e| e.detail.get("reason").is_some_and(|r| r == reason)).collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{reason}: {audit:?}");
    assert_eq!((told[0].action, told[0].trace.as_str()), (Action::SignInRefused, page.trace()));
    assert!(world.demo().oa.sessions().is_empty(), "{reason}");
}

#[tokio::test]
async fn hom_03_a_missing_foreign_expired_or_repeated_state_gives_400_no_session_and_one_audit_entry() {
    let world = World::start().await;
    // Missing.
    let mut browser = world.browser();
    let (action, fields) = opened(&world, &mut browser).await;
    let without: Vec<_> = fields.iter().filter(|(name, _)| name != "state").cloned().collect();
    refused_state(&world, &browser.post_form(&action, &without).await.unwrap(), "missing").await;
    // Foreign: another browser posts it.
    let mut thief = world.browser();
    opened(&world, &mut thief).await;
    refused_state(&world, &thief.post_form(&action, &fields).await.unwrap(), "foreign").await;
    // Expired.
    let (action, fields) = opened(&world, &mut browser).await;
    world.advance_s(domain::session::STATE_S + 1);
    refused_state(&world, &browser.post_form(&action, &fields).await.unwrap(), "expired").await;
}

#[tokio::test]
async fn hom_03_a_repeated_state_opens_no_second_session() {
    let world = World::start().await;
    let mut browser = world.browser();
    let (action, fields) = opened(&world, &mut browser).await;
    let first = browser.post_form(&action, &fields).await.unwrap();
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    let second = browser.post_form(&action, &fields).await.unwrap();
    refused_state(&world, &second, "repeated").await;
}

#[tokio::test]
async fn hom_06_a_first_visit_writes_one_person_with_source_sso() {
    let world = World::start().await;
    let unlinked = world.demo().company.people.last().unwrap().login.clone();
    let user = WeLinkUserId::parse(&format!("{unlinked}@welink")).unwrap();
    let store = world.running.bridge.store();
    assert_eq!(store.person(world.enterprise(), &user).await.unwrap(), None);
    for visit in 1..=2 {
        let page = world.sign_in(&mut world.browser(), &world.homepage(), &unlinked).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/bind"), "{visit}: {}", page.body);
    }
    let person = store.person(world.enterprise(), &user).await.unwrap().unwrap();
    assert_eq!((person.source, person.link.is_none()), (PersonSource::Sso, true));
    assert!(!person.name_zh.is_empty() && !person.mobile.is_empty(), "WeLink's own data is copied");
    assert_eq!(world.audited(Action::PersonCreate, "ok").await, 1, "one person, although he came twice");
}

/// Signs in up to the form that carries the ticket; the ticket is not redeemed.
async fn ticket(world: &World, browser: &mut Browser) -> Secret<String> {
    let answered = world.answer(browser, &world.homepage(), LINKED).await;
    let page = browser.follow(answered).await.unwrap();
    let (_, fields) = page.form("handoff").expect("a form carries the ticket");
    Secret::new(fields.into_iter().find(|(name, _)| name == "ticket").unwrap().1)
}

/// Sends a signed redeem request, as the OA's server does.
async fn redeem(world: &World, jti: &str, aud: &str, secret: &str, webhook_id: &str) -> (StatusCode, Value) {
    let body = json!({ "op": "ticket.redeem", "jti": jti, "aud": aud }).to_string();
    let id = oa::webhook::WebhookId::parse(webhook_id).unwrap();
    let now = world.running.bridge.clock().now();
    let headers = oa::webhook::sign(&Secret::new(secret.to_owned()), &id, now, &body).unwrap();
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(world.bridge("/v1/tickets/redeem").as_str())
        .body(Bytes::from(body))
        .unwrap();
    request.headers_mut().extend(headers);
    let answer = world.transport().send(request, Duration::from_secs(10)).await.unwrap();
    (answer.status(), serde_json::from_slice(answer.body()).unwrap())
}

fn claims(ticket: &Secret<String>) -> Value {
    use base64::Engine as _;
    let middle = ticket.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

#[tokio::test]
async fn hom_07_the_ticket_lives_60_s_and_its_first_signed_redemption_wins() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let aud = known.oa_instance.as_str();
    let claims = claims(&ticket(&world, &mut world.browser()).await);
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    assert_eq!(
        (claims["aud"].as_str(), claims["iss"].as_str().unwrap()),
        (Some(aud), world.bridge("").as_str().trim_end_matches('/'))
    );
    let jti = claims["jti"].as_str().unwrap();
    // Another OA of another tenant learns nothing of it.
    let other = world.other_tenant().await;
    let (status, _) = redeem(&world, jti, &other.instance, &other.push_secret, "msg_other").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let first = redeem(&world, jti, aud, &known.push_secret, "msg_1").await;
    assert_eq!(first.0, StatusCode::OK, "{}", first.1);
    assert_eq!((first.1["sub"].as_str(), first.1["dest"].as_str()), (claims["sub"].as_str(), Some("/")));
    assert_eq!(redeem(&world, jti, aud, &known.push_secret, "msg_1").await, first, "the same request, the same answer");
    let (status, problem) = redeem(&world, jti, aud, &known.push_secret, "msg_2").await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("urn:cloudbridge:problem:ticket-used")));
}

#[tokio::test]
async fn hom_07_an_expired_ticket_and_a_bad_signature_are_refused() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let aud = known.oa_instance.as_str();
    let claims = claims(&ticket(&world, &mut world.browser()).await);
    let jti = claims["jti"].as_str().unwrap();
    let forged = "whsec_Y2xvdWRicmlkZ2UtZGVtby1zZWNyZXQtMzJieXRlcyE=";
    assert_eq!(redeem(&world, jti, aud, forged, "msg_1").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(redeem(&world, jti, aud, &known.pull_secret, "msg_1").await.0, StatusCode::UNAUTHORIZED);
    world.advance_s(domain::session::TICKET_S + 1);
    let (status, problem) = redeem(&world, jti, aud, &known.push_secret, "msg_1").await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::GONE, Some("urn:cloudbridge:problem:ticket-expired")));
}

#[tokio::test]
async fn hom_08_a_deep_link_opens_its_own_page_and_one_outside_the_allow_list_the_homepage() {
    let world = World::start().await;
    let mut deep = world.homepage();
    deep.set_query(Some("to=/todo/42"));
    let page = world.sign_in(&mut world.browser(), &deep, LINKED).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/todo/42"), "{}", page.body);
    for outside in ["//evil.example/", "https://evil.example/", "/..%2fadmin", "/\\evil.example"] {
        let mut url = world.homepage();
        url.query_pairs_mut().append_pair("to", outside);
        let page = world.sign_in(&mut world.browser(), &url, LINKED).await;
        assert_eq!((page.url.host_str(), page.url.path()), (Some("oa.localhost"), "/"), "{outside}");
    }
}

/// A member opens the page, then the world changes, then he answers.
async fn answer_after(world: &World, homepage: &Url, login: &str, change: impl Fn()) -> Page {
    let mut browser = world.browser();
    let opened = browser.get(homepage).await.unwrap();
    let (action, mut fields) = opened.form("answer").unwrap();
    let code = world.code(login);
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
    change();
    browser.post_form(&action, &fields).await.unwrap()
}

#[tokio::test]
async fn hom_09_five_failures_have_five_texts_with_a_trace_id_in_both_languages() {
    use sim::faults::{Knob, Rule};
    use sim::welink::{Member, MemberStatus, VisibleRange};

    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let other = world.other_tenant().await;
    let known = world.demo().remembered.clone();
    let (welink, now) = (&world.demo().welink, world.running.bridge.clock().now());
    for login in ["left", "outside"] {
        let member = Member::named(&format!("{login}@welink"), "某人", "Somebody", now);
        welink.add_member(&known.welink_tenant, member).unwrap();
    }
    let mut told = std::collections::BTreeSet::new();
    for lang in ["zh-CN", "en"] {
        let localized = |mut url: Url| {
            url.set_query(Some(&format!("lang={lang}")));
            url
        };
        let homepage = localized(world.homepage());
        // Each opens the page, then the world changes, then he answers.
        let stranger = || async {
            let homepage = localized(world.bridge(&format!("/h/{}", other.app)));
            let mut browser = world.browser();
            let opened = browser.get(&homepage).await.unwrap();
            let (action, mut fields) = opened.form("answer").unwrap();
            let code = welink.issue_auth_code(&other.member, &other.client_id).unwrap();
            fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
            browser.post_form(&action, &fields).await.unwrap()
        };
        let set_status = |status: MemberStatus| {
            let mut member = welink.remove_member(&known.welink_tenant, "left@welink").unwrap();
            member.status = status;
            welink.add_member(&known.welink_tenant, member).unwrap();
        };
        let close = || set_status(MemberStatus::Closed);
        let narrow = || {
            let range = VisibleRange::Members([format!("{LINKED}@welink")].into());
            welink.set_visible_range(&known.client_id, range).unwrap();
        };
        let down = || world.demo().faults.set(Knob::Http5xx, Rule::per_mille(1000).under("/api/auth/v2/userid"));
        let pages = [
            ("not-linked", stranger().await),
            ("left-company", answer_after(&world, &homepage, "left", close).await),
            ("not-in-range", answer_after(&world, &homepage, "outside", narrow).await),
            ("welink-down", answer_after(&world, &homepage, LINKED, down).await),
        ];
        world.demo().faults.clear();
        welink.set_visible_range(&known.client_id, VisibleRange::Everyone).unwrap();
        set_status(MemberStatus::Opened);
        let app = format!("/v1/apps/{}", known.app);
        let switch = |enabled: bool| {
            let (world, app) = (&world, app.clone());
            async move {
                let version = world.api(Method::GET, &app, None).await.json()["version"].clone();
                world.api(Method::PATCH, &app, Some(&json!({ "version": version, "enabled": enabled }))).await;
            }
        };
        switch(false).await;
        let disabled = world.browser().get(&homepage).await.unwrap();
        switch(true).await;
        for (problem, page) in pages.into_iter().chain([("app-disabled", disabled)]) {
            assert_eq!(page.problem().as_deref(), Some(problem), "{}", page.body);
            assert!(page.body.contains(&format!("lang=\"{lang}\"")) && page.body.contains(page.trace()), "{problem}");
            told.insert(page.body.replace(page.trace(), ""));
        }
    }
    assert_eq!(told.len(), 10, "five different texts in each language");
}

/// A member of the demonstration company by login, as the table has him.
pub async fn person(world: &World, enterprise: &EnterpriseId, login: &str) -> domain::model::Person {
    let user = WeLinkUserId::parse(&format!("{login}@welink")).unwrap();
    world.running.bridge.store().person(enterprise, &user).await.unwrap().unwrap()
}
