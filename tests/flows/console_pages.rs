//! ADM-06 and ADM-09 at the console: what each role is offered, and in which language.

use std::collections::BTreeSet;

use domain::role::{Permission, Role};
use domain::text::Lang;
use http::{HeaderValue, Method, StatusCode, header};
use regex::Regex;
use serde_json::Value;
use tests::console::{Console, Things, forms, links, route};
use tests::web::{Page, unescape};
use tests::world::World;

/// Everything that a page offers is a page or an action of the console, and the role may do it.
fn offers_what_he_may(role: Role, page: &Page) -> usize {
    let posted = forms(&page.body).into_iter().map(|form| (form.method, form.action));
    let linked = links(page).into_iter().map(|url| ("GET".to_owned(), url.path().to_owned()));
    let mut seen = 0;
    for (method, path) in posted.chain(linked) {
        let path = path.split(['?', '#']).next().unwrap();
        let Some(route) = route(&method, path) else { unreachable!("{} leads nowhere: {method} {path}", page.url) };
        assert!(role.may(route.needs), "{} offers a {role:?} {method} {path}", page.url);
        seen += 1;
    }
    seen
}

#[tokio::test]
async fn adm_06_the_console_offers_each_role_what_it_may_and_refuses_the_rest_with_403() {
    let world = World::start().await;
    let (things, nobody) = (Things::own(&world).await, Things::of_nobody());
    let (mut offered, mut asked) = (0, 0);
    for role in Role::ALL {
        let mut console = Console::of_role(&world, role).await;
        for (page, path) in things.pages() {
            let answer = console.get(&path).await;
            let want = if role.may(page.needs) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, want, "{role:?} {path}: {}", answer.body);
            offered += offers_what_he_may(role, &answer);
        }
        let before = world.audit().await.len();
        for page in admin::PAGES.iter().filter(|page| page.method == "POST" && page.needs != Permission::Anybody) {
            // That one works: it would end the session of this test.
            if page.path == "/sign-out" {
                continue;
            }
            let answer = console.post(&nobody.fill(page.path), &[]).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !role.may(page.needs), "{role:?} {}: {}", page.path, answer.body);
            asked += 1;
        }
        assert_eq!(world.audit().await.len(), before, "{role:?}: nothing was changed");
    }
    assert!(offered >= 1000 && asked >= 4 * 36, "{offered} offered, {asked} asked");
}

fn is_chinese(c: char) -> bool {
    ('\u{3000}'..='\u{303f}').contains(&c)
        || ('\u{4e00}'..='\u{9fff}').contains(&c)
        || ('\u{ff00}'..'\u{fff0}').contains(&c)
}

/// Every Chinese text in an answer of the API: names that somebody gave.
fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.chars().any(is_chinese) => {
            names.insert(text.clone());
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, names)),
        Value::Object(fields) => fields.values().for_each(|one| collect(one, names)),
        _ => {}
    }
}

/// Names of the demonstration, the longest first.
async fn names(world: &World, things: &Things) -> Vec<String> {
    let tenant = format!("/v1/tenants/{}", world.tenant());
    let mut names = BTreeSet::new();
    let enterprise = things.fill("/v1/enterprises/{enterprise}");
    for path in [
        tenant.clone(),
        format!("{tenant}/oa-instances"),
        format!("{tenant}/enterprises"),
        format!("{tenant}/accounts"),
        format!("{tenant}/settings-history"),
        format!("{tenant}/settings/export"),
        format!("{enterprise}/apps"),
        format!("{enterprise}/departments/0"),
        things.fill("/v1/enterprises/{enterprise}/people/{user}"),
        things.fill("/v1/oa-instances/{instance}/apps"),
    ] {
        let page = world.api(Method::GET, &path, None).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        collect(&page.json(), &mut names);
    }
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

/// WeLink's own words: they stand in WeLink's pages in Chinese alone, so that an English reader needs them as they are.
/// And the language's name for itself. The longest come first.
const OWN_WORDS: [&str; 19] = [
    "用户详细信息",
    "申请应用权限",
    "应用可见范围",
    "身份与鉴权",
    "通讯录同步",
    "企业通讯录",
    "部门信息",
    "待办通知",
    "基本信息",
    "接口权限",
    "开发指引",
    "开发准备",
    "通讯录",
    "轻应用",
    "关联值",
    "获取",
    "免登",
    "鉴权",
    "中文",
];

/// What a person reads of a page, attributes that are read out included.
fn text_of(page: &Page) -> String {
    let attributes = Regex::new(r#"\s(?:value|title|aria-label|placeholder|alt|data-copied)="([^"]*)""#).unwrap();
    let read: Vec<&str> = attributes.captures_iter(&page.body).map(|found| found.get(1).unwrap().as_str()).collect();
    let plain = Regex::new("<[^>]*>").unwrap().replace_all(&page.body, "\n").into_owned();
    unescape(&format!("{plain}\n{}", read.join("\n")))
}

/// The lines in which an English page speaks Chinese.
fn chinese_lines(page: &Page, names: &[String]) -> Vec<String> {
    let text = names.iter().fold(text_of(page), |text, name| text.replace(name.as_str(), ""));
    let text = OWN_WORDS.iter().fold(text, |text, word| text.replace(word, ""));
    let lines = text.lines().filter(|line| line.chars().any(is_chinese));
    lines.map(|line| format!("{}: {}", page.url.path(), line.trim())).collect()
}

fn speaks(console: &mut Console<'_>, lang: Lang) {
    console.browser.headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(lang.tag()));
}

/// Every page, and every page that answers a form that is sent empty.
async fn all_pages(console: &mut Console<'_>, things: &Things) -> Vec<Page> {
    let mut pages = Vec::new();
    for (_, path) in things.pages() {
        let page = console.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        pages.push(page);
    }
    for path in ["/enterprises/{enterprise}?check=all", "/enterprises/{enterprise}/directory?link=unlinked"] {
        pages.push(console.get(&things.fill(path)).await);
    }
    let mut sent = BTreeSet::new();
    let all: Vec<_> = pages.iter().flat_map(|page| forms(&page.body)).collect();
    for mut form in all {
        let quiet = ["/sign-out", "/unbind", "/end", "/continue"].iter().any(|end| form.action.ends_with(end));
        let deletes_a_key = form.action.starts_with("/api-keys/");
        let deletes_an_account = form.action.starts_with("/accounts/") && form.action.ends_with("/delete");
        if form.method != "POST" || quiet || deletes_a_key || deletes_an_account || !sent.insert(form.action.clone()) {
            continue;
        }
        form.values.retain(|(name, _)| name == "csrf");
        let answer = console.submit(&form).await;
        if answer.status != StatusCode::SEE_OTHER {
            pages.push(answer);
        }
    }
    for path in ["/nowhere", "/apps/a_nobody"] {
        pages.push(console.get(path).await);
    }
    let mut stranger = console.browser.clone();
    stranger.forget_cookies();
    for path in ["/sign-in", "/setup", "/sign-in?done=signed-out"] {
        pages.push(stranger.get(&console.url(path)).await.unwrap());
    }
    pages.retain(|page| page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    pages
}

#[tokio::test]
async fn adm_09_every_page_speaks_the_language_of_its_reader_and_no_other() {
    let world = World::start().await;
    let things = Things::own(&world).await;
    let names = names(&world, &things).await;
    let mut console = Console::owner(&world).await;
    let error = Regex::new(r#"(?s)<span class="error"[^>]*>(.*?)</span>"#).unwrap();
    for lang in [Lang::Zh, Lang::En] {
        speaks(&mut console, lang);
        let pages = all_pages(&mut console, &things).await;
        let (mut wrong, mut errors) = (Vec::new(), 0);
        for page in &pages {
            assert!(page.body.contains(&format!("<html lang=\"{}\">", lang.tag())), "{}", page.url);
            if lang == Lang::En {
                wrong.extend(chinese_lines(page, &names));
            }
            for found in error.captures_iter(&page.body) {
                errors += 1;
                let reason = unescape(&found[1]);
                if lang == Lang::Zh && !reason.chars().any(is_chinese) {
                    wrong.push(format!("{}: {reason}", page.url.path()));
                }
            }
        }
        assert!(pages.len() >= 40 && errors >= 10, "{} pages, {errors} errors", pages.len());
        assert!(wrong.is_empty(), "{lang:?}: {wrong:#?}");
    }
}
