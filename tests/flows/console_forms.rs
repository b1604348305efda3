//! C30: forms of the console that meet trouble: a session that ends meanwhile, and somebody else who is faster.

use std::collections::BTreeMap;

use domain::role::Role;
use http::{Method, StatusCode};
use tests::console::{Console, Form, PASSWORD, Things, account, forms};
use tests::web::Page;
use tests::world::World;

/// A minute longer than a session lives unused.
const OUTLIVED_S: i64 = 31 * 60;

/// The form of this page that posts to this path.
fn form_of(page: &Page, action: &str) -> Form {
    let found = forms(&page.body).into_iter().find(|form| form.action == action);
    found.unwrap_or_else(|| unreachable!("no form for {action}: {}", page.body))
}

/// Signs in with the form that a late one was answered with; gives the form that offers to go on.
async fn sign_in_again(world: &World, console: &mut Console<'_>, late: &Page, action: &str) -> Form {
    assert_eq!(late.status, StatusCode::UNAUTHORIZED, "{}", late.body);
    let way_in = form_of(late, "/sign-in").with("login", "admin");
    let slip = console.submit(&way_in.clone().with("password", "not the password")).await;
    assert_eq!(slip.status, StatusCode::UNAUTHORIZED, "a slip loses nothing either");
    let way_in = form_of(&slip, "/sign-in").with("password", &world.demo().remembered.admin_password);
    let entered = console.submit(&way_in).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.body);
    form_of(&entered, action)
}

/// A page, where a form of it posts to, and what is typed into that.
type Case<'a> = (&'a str, String, &'a [(&'a str, &'a str)]);

#[tokio::test]
async fn c30_a_form_that_outlives_its_session_is_saved_after_signing_in_again() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    let (enterprise, app) = (format!("/enterprises/{}", known.enterprise), format!("/apps/{}", known.app));
    let oa = format!("/oa-instances/{}", known.oa_instance);
    let auto_bind = [("enabled", "yes"), ("require_password", "yes"), ("deny", "1001\n1002")];
    let cases: [Case<'_>; 7] = [
        (&enterprise, format!("{enterprise}/rename"), &[("name", "远帆 & 伙伴 <集团> \"一\"")]),
        (&enterprise, format!("{enterprise}/auto-bind"), &auto_bind),
        (&enterprise, format!("{enterprise}/authority"), &[("authority", "oa")]),
        ("/settings-history", "/team".to_owned(), &[("name", "团队=1&2"), ("link_hosts", "a.example\r\nb.example")]),
        (&app, app.clone(), &[("name", "门户+%41")]),
        (&format!("{oa}/edit"), oa.clone(), &[("name", "另一个名字")]),
        ("/accounts", "/api-keys".to_owned(), &[("key_name", "夜间任务"), ("role", "auditor"), ("days", "7")]),
    ];
    for (page, action, fields) in cases {
        let mut console = Console::owner(&world).await;
        let form = console.form(page, &action).await;
        let form = fields.iter().fold(form, |form, (name, value)| form.with(name, value));
        world.advance_s(OUTLIVED_S);
        let late = console.submit(&form).await;
        let go_on = sign_in_again(&world, &mut console, &late, &action).await;
        for (name, value) in fields {
            let (kept, typed) = (go_on.value(name).unwrap().replace('\r', ""), value.replace('\r', ""));
            assert_eq!(kept, typed, "{action}: {name}");
        }
        // Whoever goes away once more finds his form again.
        world.advance_s(OUTLIVED_S);
        let late = console.submit(&go_on).await;
        let go_on = sign_in_again(&world, &mut console, &late, &action).await;
        let saved = console.submit(&go_on).await;
        assert!([StatusCode::SEE_OTHER, StatusCode::CREATED].contains(&saved.status), "{action}: {}", saved.body);
        if action != "/api-keys" {
            let shown = console.form(page, &action).await;
            for (name, value) in fields {
                let shown = shown.value(name).unwrap_or_default().replace('\r', "");
                assert_eq!(shown, value.replace('\r', ""), "{action}: {name} is saved");
            }
        }
        world.advance_s(901);
    }
    let keys = world.api(Method::GET, &format!("/v1/tenants/{}/api-keys", world.tenant()), None).await;
    assert!(keys.body.contains("夜间任务"), "{}", keys.body);
}

#[tokio::test]
async fn c30_secrets_are_asked_for_again_with_all_else_still_there() {
    let world = World::start().await;
    let mut console = Console::owner(&world).await;
    let form = console.form("/new-account", "/accounts").await;
    let form = form.with("login", "late.comer").with("name", "迟到者").with("role", "operator");
    let form = form.with("password", "typed before the end");
    world.advance_s(OUTLIVED_S);
    let late = console.submit(&form).await;
    assert!(!late.body.contains("typed before the end"));
    let go_on = sign_in_again(&world, &mut console, &late, "/accounts").await;
    let asked = console.submit(&go_on).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", asked.body);
    let form = form_of(&asked, "/accounts");
    let shown = ["login", "name", "role"].map(|name| form.value(name));
    assert_eq!(shown, [Some("late.comer"), Some("迟到者"), Some("operator")]);
    assert_eq!(console.submit(&form.with("password", PASSWORD)).await.status, StatusCode::SEE_OTHER);
    Console::sign_in(&world, "late.comer", PASSWORD).await;
}

#[tokio::test]
async fn c30_no_form_of_the_console_loses_what_was_typed_when_its_session_ends() {
    let world = World::start().await;
    let things = Things::own(&world).await;
    let mut console = Console::owner(&world).await;
    let mut filled = BTreeMap::new();
    for (_, path) in things.pages() {
        for mut form in forms(&console.get(&path).await.body) {
            if form.method != "POST" || form.upload {
                continue;
            }
            for name in form.typed.clone() {
                form = form.with(&name, &format!("什么 {name} <&+%> \"'"));
            }
            for name in form.secret.clone() {
                form = form.with(&name, "planted secret");
            }
            filled.insert(form.action.clone(), form);
        }
    }
    world.advance_s(OUTLIVED_S);
    let mut typed = 0;
    for (action, form) in &filled {
        let late = console.submit(form).await;
        assert_eq!(late.status, StatusCode::UNAUTHORIZED, "{action}");
        assert!(!late.body.contains("planted secret") && !late.body.contains("planted+secret"), "{action}");
        let way_in = form_of(&late, "/sign-in");
        assert_eq!(way_in.value("resume"), Some(action.as_str()));
        let kept = url::form_urlencoded::parse(way_in.value("kept").unwrap().as_bytes()).into_owned();
        let kept: BTreeMap<String, String> = kept.collect();
        let plain = |name: &str| name != "csrf" && !form.secret.iter().any(|secret| secret == name);
        for (name, value) in form.values.iter().filter(|(name, _)| plain(name)) {
            assert_eq!(kept.get(name), Some(value), "{action}: {name}");
            typed += usize::from(form.typed.contains(name));
        }
        assert!(form.secret.iter().all(|name| !kept.contains_key(name)), "{action}");
    }
    assert!(filled.len() >= 20 && typed >= 30, "{} forms, {typed} fields", filled.len());
}

#[tokio::test]
async fn c30_what_is_too_long_to_be_kept_is_said_and_a_file_is_asked_for_again() {
    let world = World::start().await;
    let mut console = Console::owner(&world).await;
    let form = console.form("/settings-history", "/settings-import").await;
    let enterprise = format!("/enterprises/{}", world.enterprise());
    let upload = console.form(&format!("{enterprise}/bindings"), &format!("{enterprise}/import")).await;
    world.advance_s(OUTLIVED_S);
    // As much as other forms take is kept, however it is written.
    let long = "{\" ".repeat(9_000);
    let late = console.submit(&form.clone().with("document", &long)).await;
    let go_on = sign_in_again(&world, &mut console, &late, "/settings-import").await;
    assert_eq!(go_on.value("document"), Some(long.as_str()));
    world.advance_s(OUTLIVED_S);
    let late = console.submit(&form.with("document", &"{\" ".repeat(60_000))).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.body.contains("太长") && !late.body.contains("保留，登录后可以继续"), "{}", late.body);
    let late = console.submit(&upload).await;
    assert!(late.body.contains("文件没有保存"), "{}", late.body);
    let way_in = form_of(&late, "/sign-in").with("login", "admin");
    let entered = console.submit(&way_in.with("password", &world.demo().remembered.admin_password)).await;
    assert_eq!(entered.header("location"), Some(format!("{enterprise}/bindings").as_str()));
}

#[tokio::test]
async fn c30_the_second_of_two_administrators_is_told_and_overwrites_nothing() {
    let world = World::start().await;
    let known = world.demo().remembered.clone();
    account(&world, world.tenant().as_str(), "second", Role::Owner).await;
    let edited = account(&world, world.tenant().as_str(), "edited", Role::Auditor).await;
    let edited = format!("/accounts/{}", edited["id"].as_str().unwrap());
    let (enterprise, app) = (format!("/enterprises/{}", known.enterprise), format!("/apps/{}", known.app));
    let oa = format!("/oa-instances/{}", known.oa_instance);
    let mut one = Console::owner(&world).await;
    let mut two = Console::sign_in(&world, "second", PASSWORD).await;
    for (page, action, field, [first, second]) in [
        ("/settings-history", "/team", "name", ["团队一", "团队二"]),
        (&enterprise, &format!("{enterprise}/rename"), "name", ["企业一", "企业二"]),
        (&enterprise, &format!("{enterprise}/authority"), "authority", ["welink", "oa"]),
        (&enterprise, &format!("{enterprise}/auto-bind"), "deny", ["1001", "1002"]),
        (&app, &app, "name", ["应用一", "应用二"]),
        (&format!("{oa}/edit"), &oa, "name", ["OA 一", "OA 二"]),
        (&edited, &edited, "name", ["张一", "张二"]),
    ] {
        let (ones, twos) = (one.form(page, action).await, two.form(page, action).await);
        let saved = one.submit(&ones.with(field, first)).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{action}: {}", saved.body);
        let refused = two.submit(&twos.with(field, second)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{action}: {}", refused.body);
        let main = refused.body.split("<main").nth(1).unwrap();
        let told = main.find("您填写的内容还在下面").unwrap_or_else(|| unreachable!("{action}: {main}"));
        assert!(told < main.find("class=\"card").unwrap(), "{action}: told before everything else");
        assert_eq!(one.form(page, action).await.value(field), Some(first), "{action}: nothing is overwritten");
        let again = form_of(&refused, action);
        assert_eq!(again.value(field), Some(second), "{action}: what he typed is still there");
        let saved = two.submit(&again).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{action}: knowingly he may: {}", saved.body);
        assert_eq!(one.form(page, action).await.value(field), Some(second), "{action}");
    }
}

#[tokio::test]
async fn ui_an_account_of_any_letters_has_its_card_its_trace_and_its_forms() {
    let world = World::start().await;
    let mut console = Console::owner(&world).await;
    let enterprise = format!("/enterprises/{}", world.enterprise());
    for login in ["a/b", "100%", "what?", "a#b", "a b+c"] {
        crate::link_jobs::add_person(&world, login).await;
        let encoded: String = url::form_urlencoded::byte_serialize(format!("{login}@welink").as_bytes()).collect();
        let listed = console.get(&format!("{enterprise}/directory?q={encoded}")).await;
        let card = tests::console::links(&listed).into_iter().find(|url| url.path().contains("/people/")).unwrap();
        let shown = console.browser.get(&card).await.unwrap();
        assert_eq!(shown.status, StatusCode::OK, "{login}: {}", shown.body);
        for page in tests::console::links(&shown).iter().filter(|url| url.path().ends_with("/trace")) {
            assert_eq!(console.browser.get(page).await.unwrap().status, StatusCode::OK, "{page}");
        }
        let mark = forms(&shown.body).into_iter().find(|form| form.action.ends_with("/no-auto-bind")).unwrap();
        let marked = console.submit(&mark).await;
        let back = console.browser.follow(marked).await.unwrap();
        assert_eq!((back.status, back.url.path()), (StatusCode::OK, card.path()), "{login}");
        assert!(forms(&back.body).iter().any(|form| form.action.ends_with("/allow-auto-bind")), "{login}");
    }
}
