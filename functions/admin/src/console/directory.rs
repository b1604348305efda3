//! The directory: who is where, who is linked to whom.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::model::{Enterprise, Link as OaLink, PersonStatus};
use domain::text::{Lang, Text};
use signin::Bridge;
use state::directory::{DepartmentRow, PersonRow};

use super::blocks::{Card, Html, Link, Node, Table, Tone, beside, empty, html, link, quiet, tag, text, tree};
use super::enterprises::step_up;
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::page::{Page, Section};
use super::visitor::Visitor;
use super::words as w;
use crate::directory::{self as service, Asked};
use crate::enterprises;
use crate::error::ApiError;

/// Texts of this page.
pub mod words {
    domain::texts! {
        DEPARTMENTS = "部门" / "Departments";
        PEOPLE = "人员" / "People";
        SEARCH_HINT = "姓名或 WeLink 账号的开头，或完整账号" / "The beginning of a name or WeLink account, or the whole account";
        LINK_STATE = "关联" / "Link";
        IN_WELINK = "在 WeLink 中" / "In WeLink";
        ACTIVE = "在册" / "Present";
        MISSING = "已不在 WeLink" / "Missing in WeLink";
        ACCOUNT = "WeLink 账号" / "WeLink account";
        OA_USER = "OA 用户" / "OA user";
        NOBODY = "没有符合条件的人员" / "Nobody matches";
        NOBODY_TEXT = "换一个姓名，或清除筛选条件。" / "Try another name, or clear the filters.";
        NOBODY_HERE = "这里没有人员" / "Nobody is directly in this department";
        EMPTY = "通讯录还是空的" / "The directory is empty";
        EMPTY_TEXT = "员工从 WeLink 打开应用后会出现在这里。" / "People appear here once they have opened an app from WeLink.";
        UP = "上一级" / "Up";
        CLEAR = "清除条件" / "Clear the filters";
        SOURCE = "来源" / "Source";
        SOURCE_SSO = "单点登录" / "Sign-in";
        SOURCE_ADMIN = "管理员" / "Administrator";
        SOURCE_SYNC = "同步" / "Sync";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(enterprise): Path<String>) -> Response {
    let page = page(&bridge, &visitor, &enterprise).await;
    visitor.answer(page.map(Page::answer))
}

async fn page(bridge: &Bridge, visitor: &Visitor, enterprise: &str) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let known = enterprises::known(bridge, &visitor.actor, enterprise).await?;
    let asked = Asked {
        q: visitor.query.get("q").trim().to_owned(),
        link: visitor.query.text("link"),
        status: visitor.query.text("status"),
        cursor: visitor.query.text("cursor"),
    };
    let page = Page::new(visitor, Section::Directory, Some(&known.id), w::NAV_DIRECTORY.get(lang))
        .trail(step_up(&known.id, &known.name))
        .block(filters(visitor, &known));
    // A search is over all departments; without one the tree leads the way.
    if asked.q.is_empty() && asked.link.is_empty() && asked.status.is_empty() {
        let code = Some(visitor.query.text("department")).filter(|code| !code.is_empty());
        let code = code.unwrap_or_else(|| "0".to_owned());
        let view = service::department(bridge, &visitor.actor, enterprise, &code, &asked).await?;
        return Ok(page.block(browse(lang, &known, &view)));
    }
    let found = service::people(bridge, &visitor.actor, enterprise, &asked).await?;
    let none = empty(words::NOBODY.get(lang), words::NOBODY_TEXT.get(lang), None);
    let next = found.next.map(|cursor| next_page(visitor, lang, &cursor));
    Ok(page.block(people_card(lang, &known, &found.people, none, next)))
}

fn filters(visitor: &Visitor, enterprise: &Enterprise) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let all = Choice::new("", t(w::ALL_CHOICE));
    let links = vec![all.clone(), Choice::new("linked", t(w::LINKED)), Choice::new("unlinked", t(w::NOT_LINKED))];
    let states = vec![all, Choice::new("active", t(words::ACTIVE)), Choice::new("missing", t(words::MISSING))];
    let given = Given::fresh(visitor.query.clone());
    let action = format!("/enterprises/{}/directory", enterprise.id);
    let form = Form::search(&action, t(w::SEARCH))
        .field(Field::new("q", t(w::SEARCH)).hint(t(words::SEARCH_HINT)), &given)
        .field(Field::new("link", t(words::LINK_STATE)).kind(Kind::Select(links)), &given)
        .field(Field::new("status", t(words::IN_WELINK)).kind(Kind::Select(states)), &given)
        .cancel(Link::new(action, t(words::CLEAR)));
    html(&Card { id: "filters", blocks: vec![form.html()], ..Card::default() })
}

/// The address of this listing's next page.
fn next_page(visitor: &Visitor, lang: Lang, cursor: &str) -> Link {
    let fields: Fields = visitor.query.clone().with("cursor", cursor);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    Link::new(format!("?{}", query.finish()), w::NEXT_PAGE.get(lang))
}

fn browse(lang: Lang, enterprise: &Enterprise, view: &service::DepartmentView) -> Html {
    let t = |text: Text| text.get(lang);
    let base = format!("/enterprises/{}/directory?department=", enterprise.id);
    let here = &view.department;
    let mut nodes = Vec::new();
    if let Some(parent) = &here.parent {
        nodes.push(Node { href: format!("{base}{parent}"), label: t(words::UP).to_owned(), ..Node::default() });
    }
    nodes.push(Node {
        href: format!("{base}{}", here.code),
        label: named(lang, &here.name_zh, &here.name_en).to_owned(),
        linked: here.link.is_some(),
        here: true,
        ..Node::default()
    });
    nodes.extend(view.departments.iter().map(|row: &DepartmentRow| Node {
        level: 1,
        href: format!("{base}{}", row.code),
        label: named(lang, &row.name_zh, &row.name_en).to_owned(),
        linked: row.link.is_some(),
        ..Node::default()
    }));
    let none = if view.departments.is_empty() {
        empty(t(words::EMPTY), t(words::EMPTY_TEXT), None)
    } else {
        empty(t(words::NOBODY_HERE), "", None)
    };
    let next =
        view.next.as_ref().map(|cursor| Link::new(format!("{base}{}&cursor={cursor}", here.code), t(w::NEXT_PAGE)));
    let tree = html(&Card {
        id: "tree",
        title: t(words::DEPARTMENTS).to_owned(),
        blocks: vec![tree(lang, &nodes)],
        ..Card::default()
    });
    beside(tree, people_card(lang, enterprise, &view.people, none, next))
}

fn people_card(lang: Lang, enterprise: &Enterprise, people: &[PersonRow], none: Html, next: Option<Link>) -> Html {
    let t = |text: Text| text.get(lang);
    let row = |person: &PersonRow| {
        let href = person_href(enterprise, person.user_id.as_str());
        let name = named(lang, &person.name_zh, &person.name_en);
        let name = if name.is_empty() { person.user_id.as_str() } else { name };
        vec![
            link(&href, name),
            text(person.user_id.as_str()),
            link_cell(lang, person.link.as_ref()),
            status_cell(lang, person.status),
            text(t(source(person.source))),
        ]
    };
    let table = Table {
        label: t(words::PEOPLE).to_owned(),
        columns: [w::NAME, words::ACCOUNT, words::LINK_STATE, words::IN_WELINK, words::SOURCE].map(t).to_vec(),
        rows: people.iter().map(row).collect(),
        empty: none,
        next,
    };
    html(&Card {
        id: "people",
        title: t(words::PEOPLE).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    })
}

/// The address of a person's card.
pub fn person_href(enterprise: &Enterprise, user: &str) -> String {
    person_path(enterprise.id.as_str(), user)
}

/// The same by the id of the enterprise. An account is WeLink's own, and may hold whatever an address gives a meaning.
pub fn person_path(enterprise: &str, user: &str) -> String {
    format!("/enterprises/{enterprise}/people/{}", in_path(user))
}

/// A foreign id as one segment of a path.
pub fn in_path(id: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// A name in the reader's language, the other one where it is missing.
pub fn named<'a>(lang: Lang, zh: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::En if !en.is_empty() => en,
        Lang::En | Lang::Zh if !zh.is_empty() => zh,
        _ => en,
    }
}

pub fn link_cell(lang: Lang, oa: Option<&OaLink>) -> Html {
    match oa {
        Some(oa) => {
            let login = if oa.login_id.is_empty() { oa.oa_user.as_str() } else { &oa.login_id };
            tag(Tone::Ok, w::LINKED.get(lang)).and(&quiet(login))
        }
        None => tag(Tone::Warn, w::NOT_LINKED.get(lang)),
    }
}

pub fn status_cell(lang: Lang, status: PersonStatus) -> Html {
    match status {
        PersonStatus::Active => quiet(words::ACTIVE.get(lang)),
        PersonStatus::Missing { .. } => tag(Tone::Bad, words::MISSING.get(lang)),
    }
}

pub fn source(source: domain::model::PersonSource) -> Text {
    match source {
        domain::model::PersonSource::Sso => words::SOURCE_SSO,
        domain::model::PersonSource::Admin => words::SOURCE_ADMIN,
        domain::model::PersonSource::Sync => words::SOURCE_SYNC,
    }
}
