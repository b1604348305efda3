//! ADM-02, ADM-05: the directory and a person's trace through the administrator's API.

use domain::audit::Action;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::{CLOSED, OUT_OF_RANGE, TWO_CANDIDATES, UNLINKED};
use sim::faults::{Knob, Rule};
use tests::world::{LINKED, World};

fn path(world: &World, rest: &str) -> String {
    format!("/v1/enterprises/{}{rest}", world.enterprise())
}

async fn get(world: &World, rest: &str) -> Value {
    let page = world.api(Method::GET, &path(world, rest), None).await;
    assert_eq!(page.status, StatusCode::OK, "{rest}: {}", page.body);
    page.json()
}

fn column<'a>(rows: &'a Value, name: &str) -> Vec<&'a str> {
    rows.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn adm_02_a_linked_department_carries_the_dot_and_a_person_shows_source_link_and_state() {
    let world = World::start().await;
    let root = get(&world, "/departments/0").await;
    assert_eq!(root["department"]["name_zh"], "远帆智造集团");
    assert_eq!(column(&root["departments"], "name_zh"), ["深圳总部", "上海分公司", "成都分公司"]);
    let dots: Vec<bool> = root["departments"].as_array().unwrap().iter().map(|row| !row["link"].is_null()).collect();
    assert_eq!(dots, [true, true, false]);
    // Down to the research department, and to a person in it.
    let headquarters = root["departments"][0]["code"].as_str().unwrap();
    let headquarters = get(&world, &format!("/departments/{headquarters}")).await;
    let research = headquarters["departments"].as_array().unwrap().iter().find(|row| row["name_zh"] == "研发部");
    let research = get(&world, &format!("/departments/{}", research.unwrap()["code"].as_str().unwrap())).await;
    assert_eq!(research["department"]["link"]["oa_department"], json!({ "kind": "department", "id": "d-12" }));
    assert_eq!(column(&research["departments"], "name_zh"), ["平台组", "应用组", "测试组"]);
    let row = research["people"].as_array().unwrap().iter().find(|row| row["name_zh"] == "李华").unwrap();
    assert_eq!((&row["source"], &row["status"]), (&json!("admin"), &json!("active")));
    assert_eq!(row["link"]["login_id"], LINKED);
    // His card names both his departments; the tree lists him once, under the main one.
    let card = get(&world, &format!("/people/{LINKED}@welink")).await;
    assert_eq!(column(&card["department_names"], "name_zh"), ["研发部", "交付部"]);
    assert_eq!((&card["title"], &card["link"]["login_id"]), (&json!("工程师"), &json!(LINKED)));
    let page = world.api(Method::GET, &path(&world, "/departments/nowhere"), None).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn adm_02_people_are_searched_and_filtered_and_come_in_pages() {
    let world = World::start().await;
    world.sign_in(&mut world.browser(), &world.homepage(), UNLINKED[0]).await;
    let first = get(&world, "/people").await;
    let next = first["next"].as_str().unwrap();
    let second = get(&world, &format!("/people?cursor={next}")).await;
    let (first, second) = (column(&first["people"], "user_id"), column(&second["people"], "user_id"));
    assert_eq!((first.len(), second.len()), (50, 8));
    assert!(first.iter().all(|user| !second.contains(user)));
    let found = get(&world, "/people?q=%E7%8E%8B").await;
    assert_eq!(column(&found["people"], "user_id"), ["wangfang2@welink", "wangfang@welink"]);
    assert_eq!(column(&get(&world, "/people?q=LIHUA").await["people"], "name_zh"), ["李华"]);
    let exact = get(&world, "/people?q=lihua%40welink").await;
    assert_eq!(column(&exact["people"], "user_id"), ["lihua@welink"]);
    let unlinked = get(&world, "/people?link=unlinked").await;
    assert_eq!(
        (column(&unlinked["people"], "user_id"), &unlinked["people"][0]["source"]),
        (vec!["qinfeng@welink"], &json!("sso"))
    );
    assert_eq!(get(&world, "/people?link=linked&q=qin").await["people"], json!([]));
    assert_eq!(get(&world, "/people?status=missing").await["people"], json!([]));
    for (query, field) in [("link=all", "link"), ("status=gone", "status"), ("cursor=%21", "cursor"), ("q=", "q")] {
        let long = if field == "q" { "x".repeat(101) } else { String::new() };
        let page = world.api(Method::GET, &path(&world, &format!("/people?{query}{long}")), None).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(page.json()["errors"][0]["field"], field);
    }
    // The first visit wrote his departments too.
    let card = get(&world, &format!("/people/{}@welink", UNLINKED[0])).await;
    assert_eq!(column(&card["department_names"], "name_zh"), ["采购组"]);
}

/// The steps of a person's trace by name, with their verdicts; each says something in both languages.
async fn trace(world: &World, login: &str) -> Vec<(String, String, Value)> {
    let trace = get(world, &format!("/people/{login}@welink/trace")).await;
    let steps = trace["steps"].as_array().unwrap().iter().map(|step| {
        for said in [&step["text"], &step["advice"]].into_iter().filter(|said| !said.is_null()) {
            let (zh, en) = (said["zh"].as_str().unwrap(), said["en"].as_str().unwrap());
            assert!(zh.chars().any(|c| c >= '\u{4e00}') && en.contains(' '), "{said}");
        }
        let text = |name: &str| step[name].as_str().unwrap().to_owned();
        (text("name"), text("verdict"), step["text"]["en"].clone())
    });
    steps.collect()
}

fn judged(steps: &[(String, String, Value)]) -> Vec<(&str, &str)> {
    steps.iter().map(|(name, verdict, _)| (name.as_str(), verdict.as_str())).collect()
}

fn says(steps: &[(String, String, Value)], name: &str) -> String {
    let step = steps.iter().find(|(step, ..)| step == name);
    step.expect("a step of this name").2.as_str().unwrap().to_owned()
}

async fn switch_auto_bind_on(world: &World) {
    let setting = json!({ "version": 0, "enabled": true });
    let page = world.api(Method::PUT, &path(world, "/sign-in/auto-bind"), Some(&setting)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}

#[tokio::test]
async fn adm_05_the_trace_of_a_linked_person_shows_that_all_is_well_and_what_is_not() {
    let world = World::start().await;
    let all_well = [
        ("copy", "ok"),
        ("departments", "ok"),
        ("visible-range", "ok"),
        ("link", "ok"),
        ("oa-account", "ok"),
        ("sign-ins", "warning"),
    ];
    assert_eq!(judged(&trace(&world, LINKED).await), all_well);
    world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    let steps = trace(&world, LINKED).await;
    assert_eq!(judged(&steps).last(), Some(&("sign-ins", "ok")));
    assert!(says(&steps, "link").contains("OA user 1001: bound by an administrator"), "{steps:?}");
    assert!(says(&steps, "departments").contains("Research and Development, Delivery"), "{steps:?}");
    // His account in the OA is switched off, and WeLink does not answer: the one is a problem, the other unknown.
    assert!(world.demo().oa.change_account("1001", |account| account.active = false));
    world.demo().faults.set(Knob::Html, Rule::per_mille(1000).under("/api/contact/"));
    let steps = trace(&world, LINKED).await;
    assert_eq!(judged(&steps)[2..5], [("visible-range", "unknown"), ("link", "ok"), ("oa-account", "problem")]);
}

#[tokio::test]
async fn adm_05_the_trace_of_an_unlinked_person_says_why_and_what_matching_would_do() {
    let world = World::start().await;
    // Nobody has seen him yet, and auto-bind is off.
    let steps = trace(&world, UNLINKED[0]).await;
    let want = [("copy", "warning"), ("visible-range", "ok"), ("link", "warning"), ("auto-bind", "warning")];
    assert_eq!(judged(&steps)[..4], want);
    switch_auto_bind_on(&world).await;
    let steps = trace(&world, UNLINKED[0]).await;
    assert!(says(&steps, "auto-bind").contains("links him to OA user 1058 (WeLink mobile = OA mobile)"), "{steps:?}");
    // Looking writes nothing: he is still not in the copy.
    let card = world.api(Method::GET, &path(&world, &format!("/people/{}@welink", UNLINKED[0])), None).await;
    assert_eq!(card.status, StatusCode::NOT_FOUND);
    // Two candidates: the trace says so before his visit, and shows the open case after it.
    let before = trace(&world, TWO_CANDIDATES).await;
    assert_eq!(judged(&before)[3], ("auto-bind", "problem"));
    world.sign_in(&mut world.browser(), &world.homepage(), TWO_CANDIDATES).await;
    let after = trace(&world, TWO_CANDIDATES).await;
    let want = [("auto-bind", "problem"), ("conflict", "problem"), ("sign-ins", "warning")];
    assert_eq!(judged(&after)[4..], want);
    // Left, and never visible.
    assert_eq!(judged(&trace(&world, CLOSED).await)[1], ("visible-range", "problem"));
    let nobody = world.api(Method::GET, &path(&world, &format!("/people/{OUT_OF_RANGE}@welink/trace")), None).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "neither the copy nor WeLink knows him");
}

#[tokio::test]
async fn bnd_04_the_mark_of_an_unbinding_is_visible_removable_and_settable() {
    let world = World::start().await;
    switch_auto_bind_on(&world).await;
    let person = format!("/people/{LINKED}@welink");
    let mark = path(&world, &format!("{person}/no-auto-bind"));
    let unbound = world.api(Method::DELETE, &path(&world, &format!("/links/{LINKED}@welink")), None).await;
    assert_eq!(unbound.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&world, &person).await["no_auto_bind"], true);
    assert!(says(&trace(&world, LINKED).await, "auto-bind").contains("do not auto-link"));
    let door = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(door.url.path(), "/bind");
    let removed = world.api(Method::DELETE, &mark, None).await;
    assert_eq!((removed.status, world.audited(Action::NoAutoBindRemoved, "ok").await), (StatusCode::NO_CONTENT, 1));
    assert_eq!(get(&world, &person).await["no_auto_bind"], false);
    let page = world.sign_in(&mut world.browser(), &world.homepage(), LINKED).await;
    assert_eq!(page.url.host_str(), Some("oa.localhost"), "matching links him again");
    assert_eq!(get(&world, &person).await["link"]["origin"], "auto-bind");
    let set = world.api(Method::PUT, &mark, None).await;
    assert_eq!((set.status, world.audited(Action::NoAutoBindSet, "ok").await), (StatusCode::NO_CONTENT, 1));
    assert_eq!(get(&world, &person).await["link"]["origin"], "auto-bind", "the mark changes no link");
    let nobody = world.api(Method::PUT, &path(&world, "/people/nobody@welink/no-auto-bind"), None).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn dep_05_reindexing_by_slices_says_when_it_is_done() {
    let world = World::start().await;
    // As the first release left him.
    let store = world.running.bridge.store();
    let user = domain::ids::WeLinkUserId::parse(&format!("{LINKED}@welink")).unwrap();
    let key = state::keys::person(world.enterprise(), &user);
    let text = aws_sdk_dynamodb::types::AttributeValue::S;
    let strip = store.client().update_item().table_name(store.table_name());
    let strip = strip.key("pk", text(key.pk)).key("sk", text(key.sk));
    strip.update_expression("REMOVE dpk, dsk, npk, nsk, apk, ask").send().await.unwrap();
    assert_eq!(get(&world, "/people?q=lihua").await["people"], json!([]));
    let reindex = path(&world, "/directory/reindex");
    for written in [1, 0] {
        let slice = world.api(Method::POST, &reindex, None).await;
        assert_eq!(slice.json(), json!({ "seen": 57, "written": written, "done": true }), "{}", slice.body);
    }
    assert_eq!(column(&get(&world, "/people?q=lihua").await["people"], "user_id"), ["lihua@welink"]);
    assert_eq!(world.audited(Action::DirectoryReindex, "ok").await, 2);
}
