//! QRL-01 to QRL-11: scan login over the bridge's own page.

use domain::audit::Action;
use domain::ids::{QrId, WeLinkUserId};
use http::{Method, StatusCode};
use serde_json::json;
use sim::company::TWO_CANDIDATES;
use tests::scan::attribute;
use tests::web::Page;
use tests::world::{LINKED, World};

/// A member of the demonstration company whom nobody has linked yet.
const UNLINKED: &str = "yinxia";

async fn settings(world: &World) -> Page {
    world.api(Method::GET, &format!("/v1/tenants/{}/scan-login", world.tenant()), None).await
}

#[tokio::test]
async fn qrl_01_without_an_app_welink_comes_first_and_switched_off_the_entry_answers_404() {
    let world = World::start().await;
    let made = world.api(Method::POST, "/v1/tenants", Some(&json!({ "name": "新团队" }))).await.json();
    let path = format!("/v1/tenants/{}/scan-login", made["id"].as_str().unwrap());
    for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({ "version": 0, "enabled": true })))] {
        let headers =
            [("authorization", &*format!("Bearer {}", world.running.operator_key)), ("accept-language", "zh")];
        let page = world.api_with(method, &path, body.as_ref(), &headers).await;
        assert_eq!((page.status, page.json()["title"].as_str()), (StatusCode::CONFLICT, Some("请先添加welink")));
    }
    let screen = world.screen().await;
    world.set_scan_login(json!({ "enabled": false })).await;
    let entry = world.desktop().get(&world.screen_url()).await.unwrap();
    assert_eq!((entry.status, entry.problem().as_deref()), (StatusCode::NOT_FOUND, Some("qr-off")));
    let phone = world.browser().get(&screen.code).await.unwrap();
    assert_eq!((phone.status, phone.problem().as_deref()), (StatusCode::NOT_FOUND, Some("qr-off")));
    world.set_scan_login(json!({ "enabled": true })).await;
    assert_eq!(world.desktop().get(&world.screen_url()).await.unwrap().status, StatusCode::OK);
    assert_eq!(world.audited(Action::ScanLoginUpdate, "ok").await, 3, "the demonstration's own one, off and on");
}

#[tokio::test]
async fn qrl_01_settings_that_cannot_work_are_refused_by_field() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}/scan-login", world.tenant());
    let version = settings(&world).await.json()["version"].clone();
    let app = world.demo().remembered.app.as_str();
    let other = world.other_tenant().await;
    for (field, change) in [
        ("apps", json!({ "apps": [] })),
        ("apps", json!({ "apps": [other.app] })),
        ("apps", json!({ "apps": [app, app] })),
        ("life_s", json!({ "life_s": 29 })),
        ("life_s", json!({ "life_s": 301 })),
        ("refreshes", json!({ "refreshes": 6 })),
        ("networks", json!({ "networks": ["10.1.2.3/8"] })),
        ("networks", json!({ "networks_only": true })),
    ] {
        let mut body = change.clone();
        (body["version"], body["enabled"]) = (version.clone(), json!(true));
        let page = world.api(Method::PUT, &path, Some(&body)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}: {}", page.body);
        assert_eq!(page.json()["errors"][0]["field"], field, "{change}");
    }
    let late = world.api(Method::PUT, &path, Some(&json!({ "version": 0, "enabled": false }))).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(settings(&world).await.json()["version"], version, "nothing was saved");
}

#[tokio::test]
async fn qrl_02_the_page_shows_a_code_and_a_countdown_and_renews_it_five_times() {
    let world = World::start().await;
    let mut browser = world.desktop();
    let mut page = browser.get(&world.screen_url()).await.unwrap();
    let mut codes = std::collections::BTreeSet::new();
    for _ in 0..=domain::qr::REFRESHES_MAX {
        assert!(page.body.contains("<svg") && page.body.contains(r#"id="seconds">120<"#), "{}", page.body);
        assert_eq!(attribute(&page, "data-life-ms").as_deref(), Some("120000"));
        codes.insert(attribute(&page, "data-code").unwrap());
        let next = page.url.join(&attribute(&page, "data-next").unwrap()).unwrap();
        page = browser.get(&next).await.unwrap();
    }
    assert_eq!(codes.len(), 6, "the first and five more");
    assert!(page.body.contains(r#"id="idle""#) && attribute(&page, "data-code").is_none(), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let framed = browser.send(Method::GET, &world.screen_url(), &[("sec-fetch-dest", "iframe")], "").await.unwrap();
    assert_eq!(framed.problem().as_deref(), Some("qr-framed"));
}

#[tokio::test]
async fn qrl_03_only_this_tenants_enterprises_are_offered_and_one_alone_is_no_question() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let screen = world.screen().await;
    let one = world.browser().get(&screen.code).await.unwrap();
    assert!(one.form("answer").is_some(), "no question: {}", one.body);
    let known = world.demo().remembered.clone();
    let app = world.second_enterprise().await;
    world.set_scan_login(json!({ "apps": [known.app, app] })).await;
    let mut phone = world.browser();
    let question = phone.get(&screen.code).await.unwrap();
    assert!(question.body.contains(r#"id="choose""#), "{}", question.body);
    let offered = question.body.matches("data-app=").count();
    assert_eq!(offered, 2, "{}", question.body);
    assert!(!question.body.contains(&other.app) && !question.body.contains("另一家企业"));
    let mut chosen = screen.code.clone();
    chosen.set_query(Some(&format!("app={}", known.app)));
    assert!(phone.get(&chosen).await.unwrap().form("answer").is_some());
    // Remembered on this phone, and changeable; another tenant's app is not an answer.
    let again = phone.get(&screen.code).await.unwrap();
    assert!(again.form("answer").is_some() && again.body.contains("choose=1"), "{}", again.body);
    chosen.set_query(Some("choose=1"));
    assert!(phone.get(&chosen).await.unwrap().body.contains(r#"id="choose""#));
    chosen.set_query(Some(&format!("app={}", other.app)));
    assert!(world.browser().get(&chosen).await.unwrap().body.contains(r#"id="choose""#));
    let done = world.confirm(&mut phone, &screen.code, LINKED).await;
    assert!(done.body.contains(r#"data-outcome="done""#), "{}", done.body);
}

#[tokio::test]
async fn qrl_04_after_the_confirmation_the_showing_browser_and_only_it_is_signed_in() {
    let world = World::start().await;
    let mut screen = world.screen().await;
    assert_eq!(screen.poll(&world).await.json()["state"], "pending");
    let mut phone = world.browser();
    let confirmation = world.scan(&mut phone, &screen.code, LINKED).await;
    let progress = screen.poll(&world).await.json();
    assert_eq!((&progress["state"], progress["display_name"].as_str()), (&json!("scanned"), Some("李华")));
    assert!(world.demo().oa.sessions().is_empty(), "no session before the tap");
    let done = world.answer_scan(&mut phone, &confirmation, "approve").await;
    assert!(done.body.contains(r#"data-outcome="done""#), "{}", done.body);
    assert_eq!(screen.poll(&world).await.json()["state"], "approved");
    for mut other in [phone, world.desktop()] {
        let page = screen.enter_by(&mut other).await;
        assert_eq!((page.status, page.problem().as_deref()), (StatusCode::NOT_FOUND, Some("qr-unknown")));
    }
    let page = screen.enter().await;
    assert_eq!((page.status, page.url.host_str(), page.url.path()), (StatusCode::OK, Some("oa.localhost"), "/"));
    let sessions = world.demo().oa.sessions();
    assert_eq!((sessions.len(), sessions[0].login.as_str()), (1, LINKED));
    assert_eq!(sessions[0].amr, ["welink", "qr"]);
    let user = WeLinkUserId::parse(&format!("{LINKED}@welink")).unwrap();
    let person = world.running.bridge.store().person(world.enterprise(), &user).await.unwrap().unwrap();
    assert_eq!(person.sign_ins[0].device, "Chrome · Windows", "his last sign-in tells where it was");
    for action in [Action::Scan, Action::ScanApprove, Action::SignIn, Action::TicketIssue, Action::TicketRedeem] {
        assert_eq!(world.audited(action, "ok").await, 1, "{action:?}");
    }
}

#[tokio::test]
async fn qrl_05_an_unlinked_person_is_told_so_and_with_auto_bind_and_one_match_he_is_linked_and_signed_in() {
    let world = World::start().await;
    let mut screen = world.screen().await;
    let told = world.scan(&mut world.browser(), &screen.code, UNLINKED).await;
    assert_eq!((told.status, told.problem().as_deref()), (StatusCode::FORBIDDEN, Some("qr-not-linked")));
    assert_eq!(screen.poll(&world).await.json()["state"], "pending", "a colleague may still scan it");
    assert_eq!(world.audited(Action::ScanRefused, "qr-not-linked").await, 1);
    let path = format!("/v1/enterprises/{}/sign-in/auto-bind", world.enterprise());
    let seen = world.api(Method::GET, &path, None).await.json();
    let body =
        json!({ "version": seen["version"], "enabled": true, "pairs": [{ "welink": "mobile", "oa": "mobile" }] });
    assert_eq!(world.api(Method::PUT, &path, Some(&body)).await.status, StatusCode::OK);
    let mut phone = world.browser();
    let confirmation = world.scan(&mut phone, &screen.code, UNLINKED).await;
    assert!(confirmation.form("approve").is_some(), "linked, and asked all the same: {}", confirmation.body);
    assert!(world.demo().oa.sessions().is_empty());
    world.answer_scan(&mut phone, &confirmation, "approve").await;
    assert_eq!(screen.enter().await.status, StatusCode::OK);
    assert_eq!(world.demo().oa.sessions()[0].login, UNLINKED);
    // Two candidates are nobody.
    let second = world.screen().await;
    let told = world.scan(&mut world.browser(), &second.code, TWO_CANDIDATES).await;
    assert_eq!(told.problem().as_deref(), Some("qr-not-linked"));
}

#[tokio::test]
async fn qrl_06_after_its_time_after_use_and_for_a_second_phone_every_call_is_refused() {
    let world = World::start().await;
    let problem = |page: &Page| page.problem().unwrap_or_default();
    // After 120 s, before and after a scan.
    let screen = world.screen().await;
    let mut phone = world.browser();
    let scanned = world.screen().await;
    let confirmation = world.scan(&mut phone, &scanned.code, LINKED).await;
    world.advance_s(121);
    let late = world.browser().get(&screen.code).await.unwrap();
    assert_eq!((late.status, &*problem(&late)), (StatusCode::GONE, "qr-expired"));
    let (action, fields) = confirmation.form("approve").unwrap();
    assert_eq!(problem(&phone.post_form(&action, &fields).await.unwrap()), "qr-expired");
    // A second phone: before and after the first one has claimed it.
    let mut screen = world.screen().await;
    let (mut slow, colleague) = (world.browser(), world.demo().company.people[1].login.clone());
    let opened = slow.get(&screen.code).await.unwrap();
    let confirmation = world.scan(&mut phone, &screen.code, LINKED).await;
    let (action, mut fields) = opened.form("answer").unwrap();
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, code)| *code = world.code(&colleague));
    let second = slow.post_form(&action, &fields).await.unwrap();
    assert_eq!((second.status, &*problem(&second)), (StatusCode::CONFLICT, "qr-used"));
    assert_eq!(problem(&world.browser().get(&screen.code).await.unwrap()), "qr-used");
    let (action, fields) = confirmation.form("approve").unwrap();
    assert_eq!(
        problem(&slow.post_form(&action, &fields).await.unwrap()),
        "qr-used",
        "not by a phone that did not scan"
    );
    assert_eq!(world.audited(Action::ScanRefused, "qr-used").await, 1);
    // After use.
    world.answer_scan(&mut phone, &confirmation, "approve").await;
    assert_eq!(screen.enter().await.status, StatusCode::OK);
    let again = screen.enter().await;
    assert_eq!((again.status, &*problem(&again)), (StatusCode::CONFLICT, "qr-used"));
    assert_eq!(problem(&phone.post_form(&action, &fields).await.unwrap()), "qr-used", "no second confirmation");
    assert_eq!(world.demo().oa.sessions().len(), 1);
    // An approval that its browser does not take in time.
    let mut screen = world.screen().await;
    world.confirm(&mut phone, &screen.code, LINKED).await;
    world.advance_s(domain::qr::APPROVED_S);
    assert_eq!(problem(&screen.enter().await), "qr-expired");
}

#[tokio::test]
async fn qrl_06_fifty_parallel_scans_confirmations_and_entries_yield_one_session() {
    let world = World::start().await;
    let screen = world.screen().await;
    // Fifty phones of five members open the code before anybody has claimed it.
    let mut phones = Vec::new();
    for n in 0..50 {
        let mut phone = world.browser();
        let opened = phone.get(&screen.code).await.unwrap();
        phones.push((world.demo().company.people[n % 5].login.clone(), phone, opened.form("answer").unwrap()));
    }
    let scans = phones.into_iter().map(|(login, mut phone, (action, mut fields))| {
        let code = world.code(&login);
        async move {
            fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
            let page = phone.post_form(&action, &fields).await.unwrap();
            (page.status == StatusCode::SEE_OTHER).then_some(phone)
        }
    });
    let claimed: Vec<_> = futures_util::future::join_all(scans).await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1, "one phone claims it");
    let mut phone = claimed.into_iter().next().unwrap();
    let confirmation = phone.get(&world.bridge(&format!("/q/{}/confirm", screen.id))).await.unwrap();
    let (action, fields) = confirmation.form("approve").unwrap();
    let confirms = (0..50).map(|_| {
        let (mut phone, action, fields) = (phone.clone(), action.clone(), fields.clone());
        async move { phone.post_form(&action, &fields).await.unwrap().status }
    });
    let statuses = futures_util::future::join_all(confirms).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::SEE_OTHER).count(), 1, "{statuses:?}");
    let entries = (0..50).map(|_| {
        let (screen, mut browser) = (screen.clone(), screen.browser.clone());
        async move { screen.enter_by(&mut browser).await.url.host_str() == Some("oa.localhost") }
    });
    let entered = futures_util::future::join_all(entries).await.into_iter().filter(|entered| *entered).count();
    assert_eq!((entered, world.demo().oa.sessions().len()), (1, 1));
}

#[tokio::test]
async fn qrl_07_without_the_browsers_cookie_polling_and_entering_answer_404() {
    let world = World::start().await;
    let screen = world.screen().await;
    let elsewhere = world.screen().await;
    for mut thief in [world.desktop(), elsewhere.browser.clone()] {
        let polled = screen.poll_by(&mut thief).await;
        assert_eq!(polled.status, StatusCode::NOT_FOUND, "{}", polled.body);
        assert_eq!(polled.json()["type"], "urn:cloudbridge:problem:qr-unknown");
    }
    let unknown = QrId::from_random(world.tenant(), [1; domain::ids::RANDOM_CHARS]);
    let path = format!("/qr/{}/poll/{unknown}", world.demo().remembered.oa_instance);
    assert_eq!(world.desktop().get(&world.bridge(&path)).await.unwrap().status, StatusCode::NOT_FOUND);
    world.confirm(&mut world.browser(), &screen.code, LINKED).await;
    assert_eq!(screen.enter_by(&mut world.desktop()).await.status, StatusCode::NOT_FOUND);
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn qrl_08_the_confirmation_tells_browser_system_address_age_and_place_before_any_session() {
    let world = World::start().await;
    let screen = world.screen().await;
    world.advance_s(17);
    let mut phone = world.browser();
    let page = world.scan(&mut phone, &screen.code, LINKED).await;
    let fact = |page: &Page, name: &str| {
        let line = format!(r#"data-fact="{name}">"#);
        page.body.split(&line).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
    };
    assert_eq!(fact(&page, "device"), "Chrome · Windows");
    assert_eq!(fact(&page, "address"), "127.0.0.1");
    assert_eq!(fact(&page, "place"), "公司网络以外");
    assert!(fact(&page, "site").starts_with("模拟 OA (oa.localhost"), "{}", fact(&page, "site"));
    assert!(!fact(&page, "enterprise").is_empty() && !fact(&page, "team").is_empty());
    let age: i64 = fact(&page, "age").trim_end_matches(" 秒前").parse().unwrap();
    assert!((17..25).contains(&age), "{age}");
    // The same class, hence the same size: neither answer is the easier one.
    assert!(page.body.contains(r#"<button class="button" id="yes">"#), "{}", page.body);
    assert!(page.body.contains(r#"<button class="button" id="no">"#), "{}", page.body);
    assert!(world.demo().oa.sessions().is_empty());
    world.set_scan_login(json!({ "networks": ["127.0.0.0/8", "::1"] })).await;
    let mut english = world.bridge(&format!("/q/{}/confirm", screen.id));
    english.set_query(Some("lang=en"));
    let page = phone.get(&english).await.unwrap();
    assert_eq!(fact(&page, "place"), "Office network");
    let cancelled = world.answer_scan(&mut phone, &page, "deny").await;
    assert!(cancelled.body.contains(r#"data-outcome="cancelled""#), "{}", cancelled.body);
    assert_eq!(world.audited(Action::ScanDeny, "cancelled").await, 1);
}

#[tokio::test]
async fn qrl_09_a_wrong_number_ends_the_attempt_and_is_audited() {
    let world = World::start().await;
    world.set_scan_login(json!({ "number_matching": true })).await;
    for right in [false, true] {
        let mut screen = world.screen().await;
        let mut phone = world.browser();
        let page = world.scan(&mut phone, &screen.code, LINKED).await;
        let number = screen.poll(&world).await.json()["number"].as_u64().expect("the screen shows a number");
        let offered: Vec<u64> = (10..100).filter(|n| page.body.contains(&format!(r#"value="{n}""#))).collect();
        assert!(offered.len() == 3 && offered.contains(&number), "{offered:?}, {number}");
        let wrong = *offered.iter().find(|other| **other != number).unwrap();
        let chosen = if right { number } else { wrong };
        let (action, _) = page.form("approve").unwrap();
        let fields = [("verdict".to_owned(), "approve".to_owned()), ("number".to_owned(), chosen.to_string())];
        let answered = phone.post_form(&action, &fields).await.unwrap();
        let told = phone.follow(answered).await.unwrap();
        if right {
            assert_eq!(screen.enter().await.url.host_str(), Some("oa.localhost"));
            continue;
        }
        assert_eq!(told.problem().as_deref(), Some("qr-wrong-number"));
        let right_now = [("verdict".to_owned(), "approve".to_owned()), ("number".to_owned(), number.to_string())];
        let late = phone.post_form(&action, &right_now).await.unwrap();
        assert_eq!(late.problem().as_deref(), Some("qr-used"), "the attempt has ended");
        assert_eq!(screen.poll(&world).await.json()["state"], "denied");
        assert_eq!(world.audited(Action::ScanDeny, "wrong-number").await, 1);
        assert!(world.demo().oa.sessions().is_empty());
    }
    // Without a number there is no yes either.
    let screen = world.screen().await;
    let mut phone = world.browser();
    let page = world.scan(&mut phone, &screen.code, LINKED).await;
    let (action, _) = page.form("approve").unwrap();
    let answered = phone.post_form(&action, &[("verdict".to_owned(), "approve".to_owned())]).await.unwrap();
    let told = phone.follow(answered).await.unwrap();
    assert_eq!(told.problem().as_deref(), Some("qr-wrong-number"));
}

#[tokio::test]
async fn qrl_10_this_was_not_me_ends_the_sessions_and_blocks_the_source_for_an_hour() {
    let world = World::start().await;
    let mut screen = world.screen().await;
    let mut phone = world.browser();
    let done = world.confirm(&mut phone, &screen.code, LINKED).await;
    assert_eq!(screen.enter().await.status, StatusCode::OK);
    assert_eq!(world.demo().oa.sessions().len(), 1);
    let told = world.answer_scan(&mut phone, &done, "not-me").await;
    assert!(told.body.contains(r#"data-outcome="revoked""#), "{}", told.body);
    assert!(world.demo().oa.sessions().is_empty(), "the OA has ended its session");
    assert_eq!(world.audited(Action::ScanRevoke, "ok").await, 1);
    for browser in [screen.browser.clone(), world.desktop()] {
        let page = browser.clone().get(&world.screen_url()).await.unwrap();
        assert_eq!((page.status, page.problem().as_deref()), (StatusCode::FORBIDDEN, Some("qr-reported")));
        assert!(page.header("retry-after").is_some());
    }
    world.advance_s(3601);
    assert_eq!(world.desktop().get(&world.screen_url()).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn qrl_10_taken_back_before_the_browser_goes_on_it_opens_nothing() {
    let world = World::start().await;
    let mut screen = world.screen().await;
    let mut phone = world.browser();
    let done = world.confirm(&mut phone, &screen.code, LINKED).await;
    // The browser stands between the bridge's session and the OA's nonce.
    let (action, fields) = screen.page.form("enter").unwrap();
    let begun = screen.browser.post_form(&action, &fields).await.unwrap();
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    let told = world.answer_scan(&mut phone, &done, "not-me").await;
    assert!(told.body.contains(r#"data-outcome="revoked-none""#), "{}", told.body);
    let page = screen.browser.follow(begun).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("state-refused"), "the bridge's session has ended");
    assert_eq!(screen.poll(&world).await.json()["state"], "denied");
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn qrl_10_an_oa_that_cannot_end_its_session_is_told_of_within_five_seconds() {
    let world = World::start().await;
    let mut screen = world.screen().await;
    let mut phone = world.browser();
    let done = world.confirm(&mut phone, &screen.code, LINKED).await;
    screen.enter().await;
    world.demo().oa.set(|settings| settings.down = true);
    let started = tokio::time::Instant::now();
    let told = world.answer_scan(&mut phone, &done, "not-me").await;
    assert!(started.elapsed().as_secs_f64() < 6.0, "{:?}", started.elapsed());
    assert!(told.body.contains(r#"data-outcome="revoked-not""#), "{}", told.body);
    // The OA is back: the same tap asks it again.
    world.demo().oa.set(|settings| settings.down = false);
    let (action, fields) = done.form("not-me").unwrap();
    let told = phone.post_form(&action, &fields).await.unwrap();
    assert!(told.body.contains(r#"data-outcome="revoked""#), "{}", told.body);
    assert!(world.demo().oa.sessions().is_empty());
}

#[tokio::test]
async fn qrl_11_the_31st_code_of_a_minute_and_a_hasty_question_are_answered_429() {
    let world = World::start().await;
    let mut statuses = Vec::new();
    for _ in 0..31 {
        statuses.push(world.desktop().get(&world.screen_url()).await.unwrap().status);
    }
    assert_eq!(statuses[..30], [StatusCode::OK; 30]);
    assert_eq!(statuses[30], StatusCode::TOO_MANY_REQUESTS);
    world.advance_s(61);
    let mut screen = world.screen().await;
    assert_eq!(screen.poll(&world).await.status, StatusCode::OK);
    let mut browser = screen.browser.clone();
    let hasty = screen.poll_by(&mut browser).await;
    assert_eq!((hasty.status, hasty.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("7")));
    assert_eq!(hasty.json()["type"], "urn:cloudbridge:problem:slow_down");
    assert_eq!(screen.poll(&world).await.status, StatusCode::OK);
}
