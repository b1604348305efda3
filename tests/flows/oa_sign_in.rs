//! HOM-04, M28, C1, C2: binding at the OA's own sign-in page (`binding_mode` `redirect` and `both`).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use domain::audit::Action;
use domain::ids::EnterpriseId;
use domain::model::{Link, LinkOrigin};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::UNLINKED;
use sim::faults::{Knob, Rule};
use sim::oa::{DEMO_PASSWORD, OidcClient, TokenFault};
use sim::welink;
use tests::own_page::{
    at_the_door, at_the_door_of, denied, go_on, leave, newcomers, press, query, sign_in_there, with_query,
};
use tests::tools;
use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

async fn link_of(world: &World, login: &str) -> Option<Link> {
    crate::sign_in::person(world, world.enterprise(), login).await.link
}

/// The whole way: the button, the OA's page, and back, as somebody of the OA.
async fn confirm(world: &World, browser: &mut Browser, login: &str) -> Page {
    let authorize = leave(world, browser).await;
    let back = sign_in_there(browser, &authorize, login, DEMO_PASSWORD).await;
    browser.get(&back).await.unwrap()
}

/// `(result, reason)` of the newest refused binding.
async fn last_refusal(world: &World) -> (String, String) {
    let audit = world.audit().await;
    let entry = audit.into_iter().find(|entry| entry.action == Action::BindRefused).unwrap();
    (entry.result, entry.detail.get("reason").cloned().unwrap_or_default())
}

#[tokio::test]
async fn hom_04_a_member_confirms_himself_at_the_oa_and_the_bridge_sees_no_password() {
    let world = World::start().await;
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    let page = browser.get(&world.bridge("/bind")).await.unwrap();
    assert!(page.form("account").is_some() && page.form("at-oa").is_some(), "both ways are offered: {}", page.body);
    let authorize = leave(&world, &mut browser).await;
    assert_eq!((authorize.host_str(), authorize.path()), (Some("oa.localhost"), "/oidc/authorize"));
    let asked = |name| query(&authorize, name).unwrap_or_default();
    assert_eq!((asked("response_type"), asked("code_challenge_method")), ("code".to_owned(), "S256".to_owned()));
    assert_eq!((asked("scope"), asked("prompt")), ("openid".to_owned(), "login".to_owned()));
    assert_eq!(asked("redirect_uri"), world.bridge("/bind/callback").as_str());
    assert!(asked("nonce").len() >= 26 && asked("state").len() >= 26 && query(&authorize, "code_verifier").is_none());
    let back = sign_in_there(&mut browser, &authorize, UNLINKED[0], DEMO_PASSWORD).await;
    let answered = browser.get(&back).await.unwrap();
    assert_eq!(
        (answered.status, answered.header("location")),
        (StatusCode::OK, None),
        "on by a page: {}",
        answered.body
    );
    let page = go_on(&mut browser, answered).await;
    assert_eq!((page.status, page.url.host_str()), (StatusCode::OK, Some("oa.localhost")), "{}", page.body);
    let link = link_of(&world, UNLINKED[0]).await.unwrap();
    assert_eq!((link.login_id.as_str(), link.origin), (UNLINKED[0], LinkOrigin::Redirect));
    let calls = world.demo().oa.calls();
    assert!(calls.iter().all(|call| call.path != "/v1/credential/verify"), "no password went through the bridge");
    let bound = world.audit().await.into_iter().filter(|entry| entry.action == Action::Bind);
    assert!(bound.into_iter().any(|entry| entry.detail.get("origin").is_some_and(|origin| origin == "Redirect")));
    // The same address again is spent; the button sends him on, since he is linked.
    assert_eq!(denied(&browser.get(&back).await.unwrap()), Some("state-refused"));
    let pressed = press(&world, &mut browser).await;
    assert_eq!(go_on(&mut browser, pressed).await.url.host_str(), Some("oa.localhost"));
}

#[tokio::test]
async fn hom_04_a_token_that_proves_nobody_links_nobody() {
    let world = World::start().await;
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    for fault in TokenFault::ALL {
        world.demo().oa.set(|settings| settings.token_fault = Some(fault));
        let page = confirm(&world, &mut browser, UNLINKED[0]).await;
        let (why, reason) = match fault {
            TokenFault::Nonce | TokenFault::NoNonce => ("oa-not-proved", "nonce"),
            TokenFault::Signature | TokenFault::SharedSecret | TokenFault::Unsigned => ("oa-not-proved", "signature"),
            TokenFault::Issuer => ("oa-not-proved", "issuer"),
            TokenFault::Audience => ("oa-not-proved", "audience"),
            TokenFault::Expired | TokenFault::Old => ("oa-not-proved", "time"),
            TokenFault::Missing => ("oa-down", "malformed"),
        };
        assert_eq!(denied(&page), Some(why), "{fault:?}: {}", page.body);
        assert!(page.body.contains(page.trace()) && page.form("at-oa").is_some(), "{fault:?}: it says what to do");
        assert_eq!(last_refusal(&world).await, (why.to_owned(), reason.to_owned()), "{fault:?}");
    }
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
    world.demo().oa.set(|settings| settings.token_fault = None);
    let back = confirm(&world, &mut browser, UNLINKED[0]).await;
    assert_eq!(go_on(&mut browser, back).await.url.host_str(), Some("oa.localhost"), "nothing was half done");
}

#[tokio::test]
async fn hom_04_whoever_may_not_be_linked_is_told_why() {
    let world = World::start().await;
    let oa = &world.demo().oa;
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    // He does not want to.
    let authorize = leave(&world, &mut browser).await;
    let deny = [("action".to_owned(), "deny".to_owned())];
    let answered = browser.post_form(&authorize, &deny).await.unwrap();
    let page = browser.follow(answered).await.unwrap();
    assert_eq!((page.status, denied(&page)), (StatusCode::FORBIDDEN, Some("oa-not-confirmed")), "{}", page.body);
    // Somebody else's account.
    assert_eq!(denied(&confirm(&world, &mut browser, LINKED).await), Some("oa-user-taken"));
    // Switched off, and gone, between the page and the way back.
    for (change, want) in [(0, "oa-user-disabled"), (1, "oa-user-unknown")] {
        let authorize = leave(&world, &mut browser).await;
        let back = sign_in_there(&mut browser, &authorize, UNLINKED[1], DEMO_PASSWORD).await;
        let id = world.demo().company.person(UNLINKED[1]).unwrap().id.clone();
        match change {
            0 => assert!(oa.change_account(&id, |account| account.active = false)),
            _ => assert_eq!(oa.remove_accounts(|account| account.id == id), 1),
        }
        assert_eq!(denied(&browser.get(&back).await.unwrap()), Some(want));
        oa.change_account(&id, |account| account.active = true);
    }
    for want in ["oa-not-confirmed", "oa-user-taken", "oa-user-disabled", "oa-user-unknown"] {
        assert_eq!(world.audited(Action::BindRefused, want).await, 1, "{want}");
    }
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
    assert_eq!(link_of(&world, LINKED).await.unwrap().login_id, LINKED);
}

#[tokio::test]
async fn hom_04_an_oa_that_does_not_answer_or_does_not_know_the_bridge_ends_in_a_sentence() {
    let world = World::start().await;
    let (oa, faults) = (&world.demo().oa, &world.demo().faults);
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    for knob in [Knob::Http5xx, Knob::Html, Knob::Reset, Knob::Malformed] {
        faults.set(knob, Rule::per_mille(1000).under("/.well-known/openid-configuration"));
        let page = press(&world, &mut browser).await;
        assert_eq!((page.status, denied(&page)), (StatusCode::SERVICE_UNAVAILABLE, Some("oa-down")), "{knob:?}");
        faults.clear();
    }
    for knob in [Knob::Http5xx, Knob::Html, Knob::Reset, Knob::Truncated] {
        let authorize = leave(&world, &mut browser).await;
        let back = sign_in_there(&mut browser, &authorize, UNLINKED[0], DEMO_PASSWORD).await;
        faults.set(knob, Rule::per_mille(1000).under("/oidc/token"));
        let page = browser.get(&back).await.unwrap();
        assert_eq!((page.status, denied(&page)), (StatusCode::SERVICE_UNAVAILABLE, Some("oa-down")), "{knob:?}");
        faults.clear();
    }
    // The OA's own words for a failure and for a wrong request.
    for (error, want) in [("server_error", "oa-down"), ("invalid_scope", "oa-settings")] {
        let state = query(&leave(&world, &mut browser).await, "state").unwrap();
        let back = world.bridge(&format!("/bind/callback?error={error}&state={state}"));
        assert_eq!(denied(&browser.get(&back).await.unwrap()), Some(want));
    }
    // A secret that the OA has replaced.
    let authorize = leave(&world, &mut browser).await;
    let back = sign_in_there(&mut browser, &authorize, UNLINKED[0], DEMO_PASSWORD).await;
    let replaced = OidcClient {
        client_id: "welink-bridge".to_owned(),
        client_secret: platform::secret::Secret::new("another".to_owned()),
        redirect_uri: world.bridge("/bind/callback").into(),
    };
    oa.register(Some(replaced));
    let page = browser.get(&back).await.unwrap();
    assert_eq!((page.status, denied(&page)), (StatusCode::SERVICE_UNAVAILABLE, Some("oa-settings")), "{}", page.body);
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
}

#[tokio::test]
async fn c1_the_state_of_the_way_to_the_oa_is_his_of_now_and_used_once() {
    let world = World::start().await;
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    let authorize = leave(&world, &mut browser).await;
    let back = sign_in_there(&mut browser, &authorize, UNLINKED[0], DEMO_PASSWORD).await;
    for (state, reason) in [(None, "missing"), (Some("s_nonsense"), "unknown")] {
        let page = browser.get(&with_query(&back, "state", state)).await.unwrap();
        assert_eq!((page.status, denied(&page)), (StatusCode::BAD_REQUEST, Some("state-refused")));
        assert_eq!(last_refusal(&world).await, ("state-refused".to_owned(), reason.to_owned()));
    }
    // Another browser of the same member, and one that was never at the binding page.
    let mut another = at_the_door(&world, UNLINKED[0]).await;
    assert_eq!(denied(&another.get(&back).await.unwrap()), Some("state-refused"));
    assert_eq!(last_refusal(&world).await.1, "foreign");
    let page = world.browser().get(&back).await.unwrap();
    assert_eq!((page.status, page.problem().as_deref()), (StatusCode::BAD_REQUEST, Some("state-refused")));
    assert_eq!(world.audited(Action::BindRefused, "state-refused").await, 4);
    // None of these has spent it; time does, with the visit.
    world.advance_s(domain::session::BIND_S + 1);
    assert_eq!(browser.get(&back).await.unwrap().problem().as_deref(), Some("state-refused"));
    assert_eq!(link_of(&world, UNLINKED[0]).await, None);
    // The button belongs to the bridge's own page.
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    let page = browser.post_cross_site(&world.bridge("/bind/oa"), &[]).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("cross-site"));
}

#[tokio::test]
async fn hom_04_the_oas_new_signing_key_is_fetched_when_it_is_met() {
    let world = World::start().await;
    for login in UNLINKED {
        let mut browser = at_the_door(&world, login).await;
        let back = confirm(&world, &mut browser, login).await;
        assert_eq!(go_on(&mut browser, back).await.url.host_str(), Some("oa.localhost"), "{login}");
        world.demo().oa.rotate_oidc_key();
    }
    let asked = world.demo().oa.calls().iter().filter(|call| call.path == "/oidc/jwks").count();
    assert_eq!(asked, 2, "once, and once more for the new key");
}

/// An OA of its own settings, with an enterprise and an app over it; the app's homepage.
async fn with_oa(world: &World, settings: Value) -> (EnterpriseId, Url) {
    let (oa, known) = (world.running.origin("oa"), world.demo().remembered.clone());
    let mut instance = json!({
        "name": "自带登录页的 OA", "base": oa, "scim_base": format!("{oa}/scim/v2"), "scim_bearer": known.scim_bearer,
        "sso_landing": format!("{oa}/sso/landing"), "allowed_dest_prefixes": ["/"],
    });
    instance.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let made = |page: Page| {
        assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
        page.json()
    };
    let path = format!("/v1/tenants/{}/oa-instances", world.tenant());
    let instance = made(world.api(Method::POST, &path, Some(&instance)).await);
    let enterprise = json!({ "name": "自己登录的企业", "oa_instance": instance["id"] });
    let path = format!("/v1/tenants/{}/enterprises", world.tenant());
    let enterprise = made(world.api(Method::POST, &path, Some(&enterprise)).await);
    let enterprise = EnterpriseId::parse(enterprise["id"].as_str().unwrap()).unwrap();
    let app = welink::NewApp {
        tenant_id: known.welink_tenant,
        name_zh: "自己登录".to_owned(),
        name_en: "Own page".to_owned(),
        mobile_url: String::new(),
        pc_url: String::new(),
        credentials: Some((CLIENT_ID.to_owned(), "secret-of-the-second-app".to_owned())),
    };
    let credentials = world.demo().welink.add_app(app).unwrap();
    let app = json!({
        "name": "自己登录", "client_id": credentials.client_id, "client_secret": credentials.client_secret.expose(),
        "homepage": { "mode": "oa-app", "oa_app": "portal" },
    });
    let app = made(world.api(Method::POST, &format!("/v1/enterprises/{enterprise}/apps"), Some(&app)).await);
    let homepage = world.bridge(&format!("/h/{}", app["id"].as_str().unwrap()));
    world.demo().welink.set_homepage(&credentials.client_id, homepage.as_str(), homepage.as_str()).unwrap();
    (enterprise, homepage)
}

const CLIENT_ID: &str = "20260101080000009";

/// A browser of this member in front of the binding page of the second app.
async fn at_the_second_door(world: &World, homepage: &Url, login: &str) -> Browser {
    let mut browser = world.browser();
    let opened = browser.get(homepage).await.unwrap();
    let (action, mut fields) = opened.form("answer").unwrap();
    let code = world.demo().welink.issue_auth_code(&format!("{login}@welink"), CLIENT_ID).unwrap();
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
    let answered = browser.post_form(&action, &fields).await.unwrap();
    let page = browser.follow(answered).await.unwrap();
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/bind"), "{}", page.body);
    assert!(page.form("account").is_none() && page.form("at-oa").is_some(), "only the button: {}", page.body);
    browser
}

/// A foreign OIDC provider; it ends with this value.
struct Provider {
    child: Child,
    known: Value,
}

impl Provider {
    fn start(redirect_uri: &Url) -> Self {
        let mut child = Command::new(tools::python())
            .args([concat!(env!("CARGO_MANIFEST_DIR"), "/foreign/oidc_provider.py"), redirect_uri.as_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, known: serde_json::from_str(&line).expect("the OIDC provider starts") }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It has ended with its standard input; how, is no matter to the test.
        let _ = self.child.wait();
    }
}

/// Presses the button of the second app's page and says there who one is; gives the way back.
async fn say(world: &World, browser: &mut Browser, fields: &[(&str, &str)]) -> Page {
    let authorize = leave(world, browser).await;
    let shown = browser.get(&authorize).await.unwrap();
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answered = browser.post_form(&authorize, &fields).await.unwrap();
    assert!(answered.status.is_redirection(), "{}", answered.body);
    browser.follow(answered).await.unwrap()
}

#[tokio::test]
async fn hom_04_a_member_is_linked_by_an_oidc_provider_that_we_did_not_write() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let provider = Provider::start(&world.bridge("/bind/callback"));
    let oidc = json!({ "binding_mode": "redirect", "oidc": provider.known });
    let (enterprise, homepage) = with_oa(&world, oidc).await;
    let mut browser = at_the_second_door(&world, &homepage, LINKED).await;
    // Its page lets everybody be anybody: one whom the OA does not know, nobody, and at last himself.
    let page = say(&world, &mut browser, &[("sub", "nobody-of-this-oa")]).await;
    assert_eq!(denied(&page), Some("oa-user-unknown"), "{}", page.body);
    // Its refusal forgets the state, which no provider may: without one nothing that comes back is looked at (C1).
    let page = say(&world, &mut browser, &[("action", "deny")]).await;
    assert_eq!(denied(&page), Some("state-refused"), "{}", page.body);
    let id = world.demo().company.person(LINKED).unwrap().id.clone();
    let page = say(&world, &mut browser, &[("sub", &id)]).await;
    let (landing, fields) = page.form("handoff").unwrap_or_else(|| panic!("on to the OA: {}", page.body));
    assert_eq!((landing.path(), fields[0].0.as_str()), ("/sso/landing", "ticket"));
    let link = crate::sign_in::person(&world, &enterprise, LINKED).await.link.unwrap();
    assert_eq!((link.oa_user.as_str(), link.login_id.as_str(), link.origin), (&*id, LINKED, LinkOrigin::Redirect));
    // One to one: another member may confirm himself as much as he likes.
    let mut browser = at_the_second_door(&world, &homepage, UNLINKED[0]).await;
    let page = say(&world, &mut browser, &[("sub", &id)]).await;
    assert_eq!(denied(&page), Some("oa-user-taken"), "{}", page.body);
    // Where no password is checked, none is sent.
    let fields = [("login", LINKED), ("password", DEMO_PASSWORD)].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let page = browser.post_form(&world.bridge("/bind"), &fields).await.unwrap();
    assert_eq!(page.problem().as_deref(), Some("not-linked"));
    assert!(world.demo().oa.calls().iter().all(|call| call.path != "/v1/credential/verify"));
    drop(provider);
    // What was learned of it is used for five minutes; then the button says that it does not answer.
    world.advance_s(301);
    let page = press(&world, &mut browser).await;
    assert_eq!((page.status, denied(&page)), (StatusCode::SERVICE_UNAVAILABLE, Some("oa-down")), "{}", page.body);
}

#[tokio::test]
async fn hom_04_a_binding_mode_is_saved_only_with_the_settings_that_it_works_by() {
    let world = World::start().await;
    let path = format!("/v1/tenants/{}/oa-instances", world.tenant());
    let oidc = json!({ "issuer": "https://oa.example/", "client_id": "bridge", "client_secret": "kept-to-ourselves" });
    let verify = "https://oa.example/verify";
    let broken = |field: &str, value: &str| {
        let mut broken = oidc.clone();
        broken[field] = value.into();
        broken
    };
    let cases = [
        (json!({ "binding_mode": "redirect" }), Some("oidc")),
        (json!({ "binding_mode": "both", "verify_url": verify }), Some("oidc")),
        (json!({ "binding_mode": "both", "oidc": oidc }), Some("verify_url")),
        (json!({ "binding_mode": "password", "oidc": oidc }), Some("verify_url")),
        (json!({ "binding_mode": "redirect", "oidc": broken("issuer", "http://oa.example") }), Some("oidc.issuer")),
        (json!({ "binding_mode": "redirect", "oidc": broken("issuer", "https://oa.example/?a") }), Some("oidc.issuer")),
        (json!({ "binding_mode": "redirect", "oidc": broken("client_id", "") }), Some("oidc.client_id")),
        (json!({ "binding_mode": "redirect", "oidc": broken("client_secret", "") }), Some("oidc.client_secret")),
        (json!({ "binding_mode": "redirect", "oidc": oidc }), None),
        (json!({ "binding_mode": "both", "oidc": oidc, "verify_url": verify }), None),
    ];
    for (settings, refused) in cases {
        let mut body = json!({
            "name": format!("OA {}", settings["binding_mode"]), "base": "https://oa.example",
            "scim_base": "https://oa.example/scim", "scim_bearer": "x",
            "sso_landing": "https://oa.example/sso", "allowed_dest_prefixes": ["/"],
        });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let page = world.api(Method::POST, &path, Some(&body)).await;
        let Some(field) = refused else {
            assert_eq!(page.status, StatusCode::CREATED, "{settings}: {}", page.body);
            assert_eq!(page.json()["oidc"]["issuer"], "https://oa.example/", "as it was written");
            assert!(!page.body.contains("kept-to-ourselves"), "a secret goes in and never comes out");
            continue;
        };
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", page.body);
        assert_eq!(page.json()["errors"][0]["field"], field, "{settings}: {}", page.body);
    }
}

#[tokio::test]
async fn hom_04_the_oas_sign_in_page_can_be_changed_switched_on_and_off() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let known = world.demo().remembered.clone();
    let path = format!("/v1/oa-instances/{}", known.oa_instance);
    let version = async || world.api(Method::GET, &path, None).await.json()["version"].clone();
    let change = async |mut body: Value| {
        body["version"] = version().await;
        world.api(Method::PATCH, &path, Some(&body)).await
    };
    // A mode does not outlive its provider; without the mode the provider may go.
    let refused = change(json!({ "oidc": null })).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    let off = change(json!({ "oidc": null, "binding_mode": "password" })).await;
    assert_eq!((off.status, &off.json()["oidc"]), (StatusCode::OK, &Value::Null), "{}", off.body);
    let mut browser = at_the_door(&world, UNLINKED[0]).await;
    assert_eq!(denied(&press(&world, &mut browser).await), Some("oa-settings"), "a button of an older page");
    // Back with a wrong secret, then with the right one.
    for (secret, right) in [("wrong", false), (&*known.oidc_client_secret, true)] {
        let issuer = world.running.origin("oa");
        let oidc = json!({ "issuer": issuer, "client_id": "welink-bridge", "client_secret": secret });
        let on = change(json!({ "oidc": oidc, "binding_mode": "redirect" })).await;
        assert_eq!((on.status, &on.json()["oidc"]["issuer"]), (StatusCode::OK, &json!(issuer)), "{}", on.body);
        assert!(on.json()["secrets"]["oidc"]["by"].is_string() && !on.body.contains(secret), "{}", on.body);
        let page = confirm(&world, &mut browser, UNLINKED[0]).await;
        assert_eq!(denied(&page), (!right).then_some("oa-settings"), "{}", page.body);
    }
    assert!(link_of(&world, UNLINKED[0]).await.is_some());
    let changed = world.audit().await.into_iter().filter(|entry| entry.action == Action::OaInstanceUpdate);
    let notes: Vec<String> = changed.filter_map(|entry| entry.detail.get("oidc.client_secret").cloned()).collect();
    assert_eq!(notes, ["replaced", "replaced", "removed"]);
    assert!(world.audit().await.iter().all(|entry| !format!("{entry:?}").contains(&known.oidc_client_secret)));
}

#[tokio::test]
async fn c18_many_wrong_passwords_from_one_address_raise_one_alert_and_lock_nobody() {
    let limit = domain::lockout::PASSWORD_ADDRESS.failures_max;
    let captured = tests::logs::capture();
    let world = World::start().await;
    world.demo().welink.configure(|settings| {
        settings.rates.per_second_max = u32::MAX;
        settings.rates.per_minute_max = u32::MAX;
    });
    let members = newcomers(&world, 8);
    let alerts = async || world.audited(Action::AddressAlert, "wrong-passwords-from-one-address").await;
    let mut wrong = 0;
    for window in 1..=2 {
        wrong = 0;
        for member in &members {
            let mut browser = at_the_door_of(&world, &world.homepage(), member).await;
            for _ in 0..4 {
                let fields = [("login", member.as_str()), ("password", "guess")];
                let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let page = browser.post_form(&world.bridge("/bind"), &fields).await.unwrap();
                assert_eq!(denied(&page), Some("wrong-password"), "the address is never refused");
                wrong += 1;
                assert_eq!(alerts().await, window - usize::from(wrong < limit), "window {window}, try {wrong}");
            }
        }
        world.advance_s(901);
    }
    assert!(wrong > limit + 10, "it went on well after the alert");
    let entry = world.audit().await.into_iter().find(|entry| entry.action == Action::AddressAlert).unwrap();
    assert!(!entry.from.is_empty(), "the audit log says which address");
    let lines: Vec<String> = captured.text().lines().map(str::to_owned).collect();
    let warned: Vec<&String> =
        lines.iter().filter(|line| line.contains("\"alert\":\"wrong-passwords-from-one-address\"")).collect();
    assert_eq!(warned.len(), 2, "one line a window");
    assert!(warned.iter().all(|line| line.contains("WARN") && !line.contains(&entry.from)), "{warned:?}");
}
