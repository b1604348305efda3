//! `/v1/enterprises/{enterprise}/departments` and `/people`: the directory (bridge copy) as one looks through it, and a
//! person's card (product.md ADM-02).

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::audit::Action;
use domain::ids::{DeptCode, WeLinkUserId};
use domain::model::{Department, Enterprise, Person, PersonStatus};
use serde::{Deserialize, Serialize};
use signin::Bridge;
use state::directory::{Cursor, DepartmentRow, Filter, PersonRow};
use utoipa::IntoParams;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::{enterprises, input, links};

/// Characters of a search at most.
const SEARCH_CHARS_MAX: usize = 100;
/// How long one call of the re-indexing works; milliseconds. The gateway waits for 30 s.
const REINDEX_MS: i64 = 10_000;

/// What a listing is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// An account in full, or the beginning of an account or a name.
    pub(crate) q: String,
    /// `linked` or `unlinked`.
    pub(crate) link: String,
    /// `active` or `missing`.
    pub(crate) status: String,
    /// `next` of the previous page.
    pub(crate) cursor: String,
}

/// A department with what stands directly below it, a page of it.
#[derive(Debug, Serialize)]
pub(crate) struct DepartmentView {
    pub(crate) department: Department,
    /// Child departments, in their order; all of them before the first person.
    pub(crate) departments: Vec<DepartmentRow>,
    /// People whose main department it is, by name.
    pub(crate) people: Vec<PersonRow>,
    /// There is more: the next page's `cursor`. A filtered page may be short and still have a next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A page of people.
#[derive(Debug, Serialize)]
pub(crate) struct PeopleView {
    pub(crate) people: Vec<PersonRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// All that the copy knows of a person.
#[derive(Debug, Serialize)]
pub(crate) struct PersonCard {
    #[serde(flatten)]
    pub(crate) person: Person,
    /// His departments by name, the main one first; one that the copy does not have is left out.
    pub(crate) department_names: Vec<DepartmentRow>,
}

/// What a slice of re-indexing did.
#[derive(Debug, Serialize)]
pub(crate) struct Slice {
    /// People looked at.
    pub(crate) seen: usize,
    /// People who got their place in the listings.
    pub(crate) written: usize,
    /// Nobody is left; otherwise call again with `cursor` = `next`.
    pub(crate) done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

pub async fn show_department(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, code)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    match department(&bridge, &actor, &enterprise, &code, &asked).await {
        Ok(view) => Json(view).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn list_people(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match people(&bridge, &actor, &enterprise, &asked).await {
        Ok(view) => Json(view).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn set_no_auto_bind(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    match mark(&bridge, &actor, &enterprise, &user, true).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn remove_no_auto_bind(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    match mark(&bridge, &actor, &enterprise, &user, false).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

pub async fn reindex(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(enterprise): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match reindex_slice(&bridge, &actor, &enterprise, &asked).await {
        Ok(slice) => Json(slice).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// A department of the copy; the root is there before anything was synced, under the enterprise's name.
pub(crate) async fn department(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    code: &str,
    asked: &Asked,
) -> Result<DepartmentView, ApiError> {
    let enterprise = enterprises::known(bridge, actor, enterprise).await?;
    let code = DeptCode::parse(code).map_err(|_| input::missing())?;
    let (filter, cursor) = (filter(asked)?, cursor(asked)?);
    let department = match bridge.store().department(&enterprise.id, &code).await? {
        Some(department) => department,
        None if code.is_root() => root(&enterprise),
        None => return Err(input::missing()),
    };
    let page = bridge.store().department_page(&enterprise.id, &code, filter, cursor.as_ref()).await?;
    let next = page.next.map(|next| next.to_string());
    Ok(DepartmentView { department, departments: page.departments, people: page.people, next })
}

fn root(enterprise: &Enterprise) -> Department {
    Department {
        enterprise: enterprise.id.clone(),
        code: DeptCode::root(),
        parent: None,
        name_zh: enterprise.name.clone(),
        name_en: String::new(),
        corp_code: String::new(),
        order: 0,
        link: None,
        status: PersonStatus::Active,
        updated: enterprise.created.at,
        version: 0,
    }
}

/// People by account or name; without a search all of them, by account.
pub(crate) async fn people(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    asked: &Asked,
) -> Result<PeopleView, ApiError> {
    let enterprise = enterprises::known(bridge, actor, enterprise).await?;
    if asked.q.chars().count() > SEARCH_CHARS_MAX {
        let reason = format!("at most {SEARCH_CHARS_MAX} characters / 最多 {SEARCH_CHARS_MAX} 个字符");
        return Err(ApiError::field("q", reason));
    }
    let (filter, cursor) = (filter(asked)?, cursor(asked)?);
    let page = bridge.store().search_people(&enterprise.id, &asked.q, filter, cursor.as_ref()).await?;
    Ok(PeopleView { people: page.people, next: page.next.map(|next| next.to_string()) })
}

/// A person with the names of his departments.
pub(crate) async fn card(bridge: &Bridge, actor: &Actor, enterprise: &str, user: &str) -> Result<PersonCard, ApiError> {
    let enterprise = enterprises::known(bridge, actor, enterprise).await?;
    let user = WeLinkUserId::parse(user).map_err(|_| input::missing())?;
    let person = bridge.store().person(&enterprise.id, &user).await?.ok_or_else(input::missing)?;
    let known = bridge.store().departments(&enterprise.id, &person.departments).await?;
    let named = |code: &DeptCode| {
        let found = known.iter().find(|department| department.code == *code)?;
        let Department { code, name_zh, name_en, link, .. } = found.clone();
        Some(DepartmentRow { code, name_zh, name_en, link })
    };
    let department_names = person.departments.iter().filter_map(named).collect();
    Ok(PersonCard { person, department_names })
}

/// The mark "do not auto-link": visible on the card, set by hand as by an unbinding, and removable (product.md Q26).
pub(crate) async fn mark(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    user: &str,
    marked: bool,
) -> Result<(), ApiError> {
    let (enterprise, person) = links::find_person(bridge, actor, enterprise, user).await?;
    let action = if marked { Action::NoAutoBindSet } else { Action::NoAutoBindRemoved };
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), action, person.user_id.as_str());
    entry.detail.insert("no_auto_bind".to_owned(), format!("{} -> {marked}", person.no_auto_bind));
    let there = bridge.store().mark_no_auto_bind(&enterprise.id, &person.user_id, marked, &entry).await?;
    if there { Ok(()) } else { Err(input::missing()) }
}

/// Works for at most ten seconds, and says where to go on.
pub(crate) async fn reindex_slice(
    bridge: &Bridge,
    actor: &Actor,
    enterprise: &str,
    asked: &Asked,
) -> Result<Slice, ApiError> {
    let (_, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let (mut from, began) = (cursor(asked)?, bridge.clock().now());
    let mut slice = Slice { seen: 0, written: 0, done: false, next: None };
    while !slice.done && bridge.clock().now().ms_since(began) < REINDEX_MS {
        let did = bridge.store().reindex(&enterprise.id, from.as_ref()).await?;
        slice.seen += did.seen;
        slice.written += did.written;
        slice.done = did.next.is_none();
        from = did.next;
    }
    slice.next = from.map(|from| from.to_string());
    let mut entry = actor.entry(bridge, enterprise.id.tenant(), Action::DirectoryReindex, enterprise.id.as_str());
    entry.detail.insert("written".to_owned(), format!("{} of {}", slice.written, slice.seen));
    bridge.store().append_audit(&entry).await?;
    Ok(slice)
}

fn filter(asked: &Asked) -> Result<Filter, ApiError> {
    let linked = match asked.link.as_str() {
        "" => None,
        "linked" => Some(true),
        "unlinked" => Some(false),
        _ => return Err(ApiError::field("link", "linked or unlinked / 应为 linked 或 unlinked")),
    };
    let missing = match asked.status.as_str() {
        "" => None,
        "active" => Some(false),
        "missing" => Some(true),
        _ => return Err(ApiError::field("status", "active or missing / 应为 active 或 missing")),
    };
    Ok(Filter { linked, missing })
}

fn cursor(asked: &Asked) -> Result<Option<Cursor>, ApiError> {
    if asked.cursor.is_empty() {
        return Ok(None);
    }
    let parsed = Cursor::parse(&asked.cursor);
    parsed.map(Some).ok_or_else(|| ApiError::field("cursor", "not a cursor of a listing / 不是列表给出的游标"))
}
