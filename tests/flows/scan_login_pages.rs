//! The pages of scan login for everything that can go wrong: what happened, what to do, a trace id, in both languages.

use domain::ids::QrId;
use http::{Method, StatusCode};
use serde_json::json;
use tests::world::{LINKED, World};

/// A member of the demonstration company whom nobody has linked yet.
const UNLINKED: &str = "yinxia";

/// What a person can hold up to the phone in vain, and the page that it gets.
#[tokio::test]
async fn qrl_06_each_bad_code_and_each_person_who_may_not_has_a_page_of_its_own() {
    use sim::welink::{Member, MemberStatus};

    let world = World::start().await;
    let (welink, known) = (&world.demo().welink, world.demo().remembered.clone());
    let leaver = Member::named("left@welink", "某人", "Somebody", world.running.bridge.clock().now());
    welink.add_member(&known.welink_tenant, leaver).unwrap();
    let mut told = std::collections::BTreeSet::new();
    for lang in ["zh-CN", "en"] {
        let localized = |mut url: url::Url| {
            url.set_query(Some(&format!("lang={lang}")));
            url
        };
        let foreign = QrId::from_random(world.tenant(), [9; domain::ids::RANDOM_CHARS]);
        let unknown = world.browser().get(&localized(world.bridge(&format!("/q/{foreign}")))).await.unwrap();
        let screen = world.screen().await;
        let code = localized(screen.code.clone());
        let mut phone = world.browser();
        let outside = phone.get(&code).await.unwrap();
        assert!(outside.body.contains(r#"data-problem="qr-not-in-welink""#), "{}", outside.body);
        // Who leaves between the scan and his answer.
        let (action, mut fields) = outside.form("answer").unwrap();
        let gone = welink.issue_auth_code("left@welink", &known.client_id).unwrap();
        fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&gone));
        let set_status = |status: MemberStatus| {
            let mut member = welink.remove_member(&known.welink_tenant, "left@welink").unwrap();
            member.status = status;
            welink.add_member(&known.welink_tenant, member).unwrap();
        };
        set_status(MemberStatus::Closed);
        let left = phone.post_form(&action, &fields).await.unwrap();
        set_status(MemberStatus::Opened);
        let unlinked = world.scan(&mut world.browser(), &code, UNLINKED).await;
        world.scan(&mut phone, &code, LINKED).await;
        let used = world.browser().get(&code).await.unwrap();
        let late = world.screen().await;
        world.advance_s(121);
        let expired = world.browser().get(&localized(late.code.clone())).await.unwrap();
        world.set_scan_login(json!({ "enabled": false })).await;
        let off = world.browser().get(&localized(late.code)).await.unwrap();
        world.set_scan_login(json!({ "enabled": true })).await;
        for (problem, page) in [
            ("qr-unknown", unknown),
            ("left-company", left),
            ("qr-not-linked", unlinked),
            ("qr-used", used),
            ("qr-expired", expired),
            ("qr-off", off),
        ] {
            assert_eq!(page.problem().as_deref(), Some(problem), "{}", page.body);
            assert!(page.body.contains(&format!("lang=\"{lang}\"")) && page.body.contains(page.trace()), "{problem}");
            told.insert(page.body.replace(page.trace(), ""));
        }
    }
    assert_eq!(told.len(), 12, "six different texts in each language");
    assert!(world.demo().oa.sessions().is_empty());
}

/// The OA is away while somebody signs in: each side says so, and nobody is half signed in.
#[tokio::test]
async fn qrl_05_an_oa_that_does_not_answer_signs_nobody_in_and_the_page_says_what_to_do() {
    let world = World::start().await;
    let path = format!("/v1/enterprises/{}/sign-in/auto-bind", world.enterprise());
    let seen = world.api(Method::GET, &path, None).await.json();
    let body =
        json!({ "version": seen["version"], "enabled": true, "pairs": [{ "welink": "mobile", "oa": "mobile" }] });
    assert_eq!(world.api(Method::PUT, &path, Some(&body)).await.status, StatusCode::OK);
    let mut screen = world.screen().await;
    world.demo().oa.set(|settings| settings.down = true);
    let told = world.scan(&mut world.browser(), &screen.code, UNLINKED).await;
    assert_eq!((told.status, told.problem().as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("oa-down")));
    assert!(told.body.contains(r#"id="again""#), "the code is still free: {}", told.body);
    assert_eq!(screen.poll(&world).await.json()["state"], "pending");
    world.demo().oa.set(|settings| settings.down = false);
    let mut phone = world.browser();
    world.confirm(&mut phone, &screen.code, LINKED).await;
    // The browser stands before the OA with its ticket, and the OA cannot redeem it in time.
    let (action, fields) = screen.page.form("enter").unwrap();
    let answered = screen.browser.post_form(&action, &fields).await.unwrap();
    let page = screen.browser.follow(answered).await.unwrap();
    let (landing, ticket) = page.form("handoff").unwrap();
    world.demo().oa.set(|settings| settings.down = true);
    let refused = screen.browser.post_cross_site(&landing, &ticket).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    world.demo().oa.set(|settings| settings.down = false);
    world.advance_s(domain::session::TICKET_S + 31);
    let late = screen.browser.post_cross_site(&landing, &ticket).await.unwrap();
    assert!(late.body.contains("ticket-expired") && late.body.contains("error-todo"), "{}", late.body);
    assert!(world.demo().oa.sessions().is_empty());
}

/// The person trace: his last sign-ins with device and place.
#[tokio::test]
async fn adm_05_the_trace_tells_the_last_sign_ins_with_device_address_and_place() {
    let world = World::start().await;
    let path = format!("/v1/enterprises/{}/people/{LINKED}@welink/trace", world.enterprise());
    let trace = async || world.api(Method::GET, &path, None).await.json();
    world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    let told = trace().await;
    let first = &told["sign_ins"][0];
    assert_eq!((&first["from"], &first["office"]), (&json!("127.0.0.1"), &json!(null)), "no network is listed: {told}");
    assert!(first["device"].as_str().unwrap().contains(" · "), "{told}");
    world.set_scan_login(json!({ "networks": ["10.0.0.0/8"] })).await;
    let mut screen = world.screen().await;
    world.confirm(&mut world.browser(), &screen.code, LINKED).await;
    screen.enter().await;
    let told = trace().await;
    let (last, steps) = (&told["sign_ins"][0], told["steps"].as_array().unwrap());
    assert_eq!((&last["device"], &last["office"]), (&json!("Chrome · Windows"), &json!(false)));
    let step = steps.iter().find(|step| step["name"] == "sign-ins").unwrap();
    let said = step["text"]["en"].as_str().unwrap();
    for part in ["Chrome · Windows", "127.0.0.1", "outside the office network", "2 remembered"] {
        assert!(said.contains(part), "{said}");
    }
    world.set_scan_login(json!({ "networks": ["127.0.0.0/8"] })).await;
    assert_eq!(trace().await["sign_ins"][0]["office"], json!(true));
}
