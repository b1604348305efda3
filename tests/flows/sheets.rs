//! BND-06, BND-12 and SEC-07: files in and out.

use bytes::Bytes;
use domain::ids::WeLinkUserId;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sim::company::UNLINKED;
use sim::oa::DEMO_PASSWORD;
use tests::world::{LINKED, World};

use crate::link_jobs::{add_person, download, preview, upload, work};

fn export(world: &World, format: &str) -> String {
    format!("/v1/enterprises/{}/people/export?format={format}", world.enterprise())
}

/// All parts of a file, following `Link: <…>; rel="next"`.
async fn parts(world: &World, first: String) -> Vec<Bytes> {
    let (mut all, mut next) = (Vec::new(), Some(first));
    while let Some(path) = next {
        let (headers, file) = download(world, &path).await;
        assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment; "));
        let link = headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link.strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0.to_owned());
        assert!(file.len() <= 4 * 1024 * 1024, "{} bytes", file.len());
        all.push(file);
        assert!(all.len() < 100);
    }
    all
}

#[tokio::test]
async fn bnd_06_an_export_has_one_row_per_person_and_reimports_with_zero_changes() {
    let world = World::start().await;
    add_person(&world, "=cmd").await;
    let (headers, csv) = download(&world, &export(&world, "csv")).await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    let text = String::from_utf8(csv.to_vec()).unwrap();
    let rows: Vec<&str> = text.strip_prefix('\u{feff}').expect("a byte order mark").lines().collect();
    let people = world.demo().company.people.len() - 3 + 1;
    assert_eq!(rows.len(), people + 1);
    assert!(rows[0].starts_with("WeLink 账号 / WeLink account,") && rows[0].ends_with(",关联值 / Relation value"));
    assert!(rows[1..].iter().all(|row| row.ends_with(',')), "the relation column is empty");
    let mut users: Vec<&str> = rows[1..].iter().map(|row| row.split(',').next().unwrap()).collect();
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), people);
    assert!(users.contains(&"'=cmd@welink"), "nobody becomes a formula");
    let lihua = rows.iter().find(|row| row.starts_with("lihua@welink,")).unwrap();
    assert!(lihua.contains("李华") && lihua.contains("13800000001") && lihua.contains("1001,lihua"), "{lihua}");
    let (headers, xlsx) = download(&world, &export(&world, "xlsx")).await;
    assert_eq!(headers["content-type"], "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    for file in [csv, xlsx] {
        let job = preview(&world, "field=mobile", file).await;
        assert_eq!((&job["total"], &job["counts"]), (&json!(people), &json!({ "skipped": people })));
    }
    assert_eq!(world.audited(domain::audit::Action::PeopleExport, "ok").await, 2);
}

/// What a person types; the answer on stdout.
async fn bridge(world: &World, arguments: &[&str]) -> Value {
    let mut command = tokio::process::Command::new(tests::tools::bridge().await);
    command.args(["--api", &world.running.origin("console"), "--key", &world.running.operator_key]).args(arguments);
    let output = command.kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bnd_06_the_command_line_exports_imports_unbinds_and_undoes() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (enterprise, path) = (world.enterprise().as_str(), folder.path().join("people").display().to_string());
    let made = bridge(&world, &["export", "--enterprise", enterprise, "--out", &path]).await;
    let file = made["files"][0].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(&file).unwrap();
    // A row claims the account of somebody else.
    std::fs::write(&file, text.replace("1001,lihua,", "1001,lihua,13800000002")).unwrap();
    let import = ["import", &file, "--enterprise", enterprise, "--field", "mobile"];
    let previewed = bridge(&world, &import).await;
    assert_eq!((&previewed["phase"], &previewed["counts"]["oa-user-taken"]), (&json!("previewed"), &json!(1)));
    let applied = bridge(&world, &[&import[..], &["--apply"]].concat()).await;
    assert_eq!((&applied["phase"], &applied["counts"]["skipped"]), (&json!("done"), &json!(56)));
    let done = bridge(&world, &["unbind-all", "--enterprise", enterprise, "--count", "57"]).await;
    assert_eq!(done["counts"], json!({ "unlinked": 57 }));
    let undone = bridge(&world, &["undo", done["id"].as_str().unwrap()]).await;
    assert_eq!(undone["counts"], json!({ "restored": 57 }));
}

/// Writes this many people straight into the table, copies of one who is there.
pub async fn populate(world: &World, count: usize) {
    use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};

    let store = world.running.bridge.store();
    let key = |user: &WeLinkUserId| {
        let key = state::keys::person(world.enterprise(), user);
        [("pk", key.pk), ("sk", key.sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
    };
    add_person(world, "original").await;
    let original = WeLinkUserId::parse("original@welink").unwrap();
    let read = store.client().get_item().table_name(store.table_name()).set_key(Some(key(&original).into()));
    let original = read.send().await.unwrap().item.unwrap();
    let puts: Vec<WriteRequest> = (0..count)
        .map(|number| {
            let user = WeLinkUserId::parse(&format!("person{number:05}@welink")).unwrap();
            let mut item = original.clone();
            item.insert("user_id".to_owned(), AttributeValue::S(user.as_str().to_owned()));
            item.extend(key(&user));
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
        })
        .collect();
    for batch in puts.chunks(25) {
        let written = store.client().batch_write_item().request_items(store.table_name(), batch.to_vec()).send().await;
        assert!(written.unwrap().unprocessed_items.is_none_or(|left| left.is_empty()));
    }
}

#[tokio::test]
async fn sec_07_a_large_export_comes_in_parts_that_together_have_everybody_once() {
    let world = World::start().await;
    populate(&world, 10_050).await;
    let people = world.demo().company.people.len() - 3 + 1 + 10_050;
    let files = parts(&world, export(&world, "csv")).await;
    assert_eq!(files.len(), 2);
    let mut users = std::collections::BTreeSet::new();
    for file in &files {
        let text = String::from_utf8(file.to_vec()).unwrap();
        let rows = text.strip_prefix('\u{feff}').unwrap().lines().skip(1);
        let fresh = rows.map(|row| users.insert(row.split(',').next().unwrap().to_owned()));
        assert!(fresh.into_iter().all(|fresh| fresh), "nobody twice");
    }
    assert_eq!(users.len(), people);
    let bad = world.api(Method::GET, &format!("{}&part=99", export(&world, "csv")), None).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.body);
}

#[tokio::test]
async fn sec_07_wrong_and_hostile_uploads_are_refused_with_a_sentence_and_make_no_job() {
    let world = World::start().await;
    let headings = "WeLink account,Relation value\n";
    let many = format!("{headings}{}", "b,1\n".repeat(20_001));
    let formula = format!("{headings}b@welink,\"=HYPERLINK(1)\"\n");
    let files: [(&str, Vec<u8>, &str); 6] = [
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0".to_vec(), "CSV"),
        ("20,001 rows", many.into_bytes(), "20000"),
        ("a formula", formula.into_bytes(), "2"),
        ("no archive", b"PK\x03\x04...".to_vec(), "damaged"),
        ("GBK", b"WeLink \xd5\xcb\xba\xc5,\xb9\xd8\xc1\xaa\xd6\xb5\n".to_vec(), "encoding=gbk"),
        ("no such column", b"a,b\n1,2\n".to_vec(), "WeLink account"),
    ];
    for (name, file, told) in files {
        let page = upload(&world, "field=mobile", file).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", page.body);
        let error = &page.json()["errors"][0];
        assert_eq!(error["field"], "file", "{name}");
        assert!(error["reason"].as_str().unwrap().contains(told), "{name}: {error}");
    }
    let large = format!("{headings}{}", "x".repeat(4 * 1024 * 1024));
    let page = upload(&world, "field=mobile", large).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", page.body);
    assert!(page.body.contains("4 MiB"), "{}", page.body);
    let gbk = b"WeLink \xd5\xcb\xba\xc5,\xb9\xd8\xc1\xaa\xd6\xb5\nlihua@welink,13800000001\n".to_vec();
    let listed = format!("/v1/enterprises/{}/link-jobs", world.enterprise());
    assert_eq!(world.api(Method::GET, &listed, None).await.json(), json!([]), "no job was made");
    assert_eq!(preview(&world, "field=mobile&encoding=gbk", gbk).await["counts"], json!({ "unchanged": 1 }));
    let nobody = world.api_with(Method::GET, &export(&world, "csv"), None, &[]).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bnd_12_links_are_made_and_removed_under_read_only() {
    let world = World::with(&[("BRIDGE_CONFIG_CACHE_SECONDS", "0")]).await;
    let enterprise = format!("/v1/enterprises/{}", world.enterprise());
    let version = world.api(Method::GET, &enterprise, None).await.json()["version"].clone();
    let read_only = json!({ "version": version, "authority": "welink" });
    let saved = world.api(Method::PUT, &format!("{enterprise}/authority"), Some(&read_only)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    // By a file, on the card, and at sign-in.
    add_person(&world, UNLINKED[0]).await;
    let mobile = &world.demo().company.person(UNLINKED[0]).unwrap().mobile;
    let file = format!("WeLink account,Relation value\n{}@welink,{mobile}\n", UNLINKED[0]);
    let job = preview(&world, "field=mobile", file).await;
    let path = format!("/v1/link-jobs/{}", job["id"].as_str().unwrap());
    let decision = json!({ "preview": job["preview"] });
    world.api(Method::POST, &format!("{path}/apply"), Some(&decision)).await;
    assert_eq!(work(&world, job["id"].as_str().unwrap()).await["counts"], json!({ "linked": 1 }));
    let links = format!("{enterprise}/links");
    let card = format!("{links}/{LINKED}@welink");
    assert_eq!(world.api(Method::DELETE, &card, None).await.status, StatusCode::NO_CONTENT);
    let link = json!({ "user_id": format!("{LINKED}@welink"), "oa_user": { "by": "login_id", "value": LINKED } });
    assert_eq!(world.api(Method::POST, &links, Some(&link)).await.status, StatusCode::CREATED);
    let mut browser = world.browser();
    world.sign_in(&mut browser, &world.homepage(), UNLINKED[1]).await;
    let fields = [("login", UNLINKED[1]), ("password", DEMO_PASSWORD)].map(|(n, v)| (n.to_owned(), v.to_owned()));
    browser.post_form(&world.bridge("/bind"), &fields).await.unwrap();
    let person = crate::sign_in::person(&world, world.enterprise(), UNLINKED[1]).await;
    assert_eq!(person.link.unwrap().login_id, UNLINKED[1]);
    let count = world.api(Method::GET, &format!("{enterprise}/bulk-unbind"), None).await.json();
    let all = world.api(Method::POST, &format!("{enterprise}/bulk-unbind"), Some(&count)).await.json();
    let unlinked: Value = work(&world, all["id"].as_str().unwrap()).await["counts"]["unlinked"].clone();
    assert_eq!(unlinked, count["count"]);
}
