//! The pages of the workflow: what waits for me, what I have asked for, one to-do, and a new request.

use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use domain::text::Lang;
use serde::Deserialize;

use super::directory::Account;
use super::pages::{FOREIGN_FORM, MISSING, Member, NOT_YOURS, Row, explain, row};
use super::refusal::Explained;
use super::todo::{self, Kind, Todo, Verdict};
use super::view::{self, Ui, minute_text};
use super::{Oa, flow, lock};

pub(super) fn routes() -> Router<Oa> {
    Router::new()
        .route("/workflow", get(workflow))
        .route("/workflow/new", get(new_page).post(ask))
        .route("/todo/{id}", get(todo_page).post(act))
}

#[derive(Template)]
#[template(path = "oa/workflow.html")]
struct WorkflowPage {
    ui: Ui,
    rows: Vec<Row>,
    asked: Vec<Row>,
}

async fn workflow(State(oa): State<Oa>, Member { visit, signed }: Member) -> Response {
    let rows = |todos: Vec<Todo>| todos.iter().map(|todo| row(todo, visit.lang)).collect();
    let page = WorkflowPage {
        ui: visit.ui(&oa, "workflow"),
        rows: rows(todo::of(&oa, &signed.account.id)),
        asked: rows(todo::asked_by(&oa, &signed.account.id)),
    };
    visit.page(StatusCode::OK, &page)
}

/// Whom a request can be given to: id and name.
fn colleagues(oa: &Oa, but: &str, lang: Lang) -> Vec<(String, String)> {
    let directory = lock(&oa.0.directory);
    let active = directory.accounts().iter().filter(|account| account.active && account.id != but);
    active.map(|account| (account.id.clone(), account.name(lang).to_owned())).collect()
}

#[derive(Template)]
#[template(path = "oa/new.html")]
struct NewPage {
    ui: Ui,
    kinds: Vec<(&'static str, &'static str)>,
    colleagues: Vec<(String, String)>,
}

async fn new_page(State(oa): State<Oa>, Member { visit, signed }: Member) -> Response {
    let page = NewPage {
        ui: visit.ui(&oa, "workflow"),
        kinds: Kind::ALL.into_iter().map(|kind| (kind.key(), kind.name().get(visit.lang))).collect(),
        colleagues: colleagues(&oa, &signed.account.id, visit.lang),
    };
    visit.page(StatusCode::OK, &page)
}

#[derive(Debug, Deserialize)]
struct Wish {
    kind: String,
    to: String,
}

async fn ask(
    State(oa): State<Oa>,
    headers: HeaderMap,
    Member { visit, signed }: Member,
    form: Result<Form<Wish>, FormRejection>,
) -> Response {
    if !view::from_our_page(&oa, &headers) {
        return explain(&oa, &visit, FOREIGN_FORM);
    }
    let Ok(Form(wish)) = form else { return explain(&oa, &visit, MISSING) };
    let kind = Kind::ALL.into_iter().find(|kind| kind.key() == wish.kind);
    match kind.and_then(|kind| flow::ask(&oa, &signed.account.id, &wish.to, kind)) {
        Some(id) => view::see_other(&format!("/todo/{id}"), &[]),
        None => explain(&oa, &visit, MISSING),
    }
}

#[derive(Template)]
#[template(path = "oa/todo.html")]
struct TodoPage {
    ui: Ui,
    row: Row,
    facts: Vec<(&'static str, String)>,
    decided: Option<String>,
    /// It waits for the reader, who may decide it or pass it on.
    mine: bool,
    /// The reader has asked for it, and may remind or withdraw.
    asked: bool,
    owner: String,
    colleagues: Vec<(String, String)>,
}

/// The to-do, if this person decides it or has asked for it.
fn visible(oa: &Oa, account: &Account, id: &str) -> Result<Todo, Explained> {
    let todo = id.parse().ok().and_then(|id| todo::find(oa, id)).ok_or(MISSING)?;
    if todo.owner == account.id || todo.is_asked_by(&account.id) { Ok(todo) } else { Err(NOT_YOURS) }
}

async fn todo_page(State(oa): State<Oa>, Path(id): Path<String>, Member { visit, signed }: Member) -> Response {
    let todo = match visible(&oa, &signed.account, &id) {
        Ok(todo) => todo,
        Err(refusal) => return explain(&oa, &visit, refusal),
    };
    let people = colleagues(&oa, "", visit.lang);
    let owner = people.iter().find(|(id, _)| *id == todo.owner).map(|(_, name)| name.clone());
    let page = TodoPage {
        ui: visit.ui(&oa, "workflow"),
        row: row(&todo, visit.lang),
        facts: todo.facts(visit.lang),
        decided: todo.decision.map(|decision| minute_text(decision.at)),
        mine: todo.owner == signed.account.id,
        asked: todo.is_asked_by(&signed.account.id),
        owner: owner.unwrap_or_default(),
        colleagues: people.into_iter().filter(|(id, _)| *id != todo.owner).collect(),
    };
    visit.page(StatusCode::OK, &page)
}

#[derive(Debug, Deserialize)]
struct Choice {
    verdict: String,
    /// Whom it is passed on to.
    #[serde(default)]
    to: String,
}

async fn act(
    State(oa): State<Oa>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Member { visit, signed }: Member,
    form: Result<Form<Choice>, FormRejection>,
) -> Response {
    if !view::from_our_page(&oa, &headers) {
        return explain(&oa, &visit, FOREIGN_FORM);
    }
    let todo = match visible(&oa, &signed.account, &id) {
        Ok(todo) => todo,
        Err(refusal) => return explain(&oa, &visit, refusal),
    };
    let Ok(Form(choice)) = form else { return explain(&oa, &visit, MISSING) };
    let (mine, asked) = (todo.owner == signed.account.id, todo.is_asked_by(&signed.account.id));
    match choice.verdict.as_str() {
        "approve" if mine => flow::end(&oa, todo.id, Verdict::Approved),
        "return" if mine => flow::end(&oa, todo.id, Verdict::Returned),
        "pass" if mine && flow::pass_on(&oa, &todo, &choice.to) => return view::see_other("/workflow", &[]),
        "remind" if asked => flow::remind(&oa, todo.id),
        "withdraw" if asked => flow::end(&oa, todo.id, Verdict::Withdrawn),
        "approve" | "return" | "remind" | "withdraw" => return explain(&oa, &visit, NOT_YOURS),
        _ => return explain(&oa, &visit, MISSING),
    }
    view::see_other(&format!("/todo/{}", todo.id), &[])
}
