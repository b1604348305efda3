//! The pages of the OA: login, home, attendance, and what went wrong.

use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::text::{Lang, Text};
use platform::secret::Secret;
use serde::Deserialize;

use super::attendance::{self, Day};
use super::directory::Account;
use super::refusal::{Explained, Refusal};
use super::sessions::{Session, Via};
use super::ticket::is_local_path;
use super::todo::{self, Todo};
use super::view::{self, SESSION_COOKIE, Signed, Ui, Visit, minute_text};
use super::{DEMO_PASSWORD, Oa, lock, scan};

/// Accounts that the login page offers to try.
const SUGGESTED: usize = 4;

pub(super) fn routes() -> Router<Oa> {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/attendance", get(attendance_page))
        .route("/assets/oa.css", get(style))
        .route("/assets/oa.svg", get(icon))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/oa/oa.css"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/oa/oa.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// A page for members only: anybody else is sent to the login page and comes back.
pub(super) struct Member {
    pub(super) visit: Visit,
    pub(super) signed: Signed,
}

impl FromRequestParts<Oa> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, oa: &Oa) -> Result<Self, Response> {
        let visit = Visit::of(oa, &parts.headers, &parts.uri);
        if let Some(signed) = visit.signed.clone() {
            return Ok(Self { visit, signed });
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return", &visit.here)
            .append_pair("lang", visit.lang.tag())
            .finish();
        Err(view::see_other(&format!("/login?{query}"), &[]))
    }
}

/// Opens a session under a fresh id, ends the one that the browser held, and gives the cookie.
pub(super) fn open_session(oa: &Oa, headers: &HeaderMap, account: &Account, via: Via) -> String {
    let id = oa.0.entropy.hex(16);
    let mut sessions = lock(&oa.0.sessions);
    if let Some(before) = view::cookie(headers, SESSION_COOKIE) {
        sessions.end(before);
    }
    sessions.open(id.clone(), &account.id, &account.login, via, oa.now());
    format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly; Secure; SameSite=Lax")
}

#[derive(Template)]
#[template(path = "oa/login.html")]
struct LoginPage<'a> {
    ui: Ui,
    action: String,
    wrong: bool,
    account: String,
    dest: String,
    password: &'a str,
    suggested: Vec<(String, String)>,
    /// The way to sign in by scanning, where a bridge is connected (product.md M89).
    scan: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(rename = "return")]
    dest: Option<String>,
}

impl Wanted {
    /// Where to go after signing in; anything that is not a page of ours is the home page.
    fn dest(&self) -> &str {
        self.dest.as_deref().filter(|dest| is_local_path(dest)).unwrap_or("/")
    }
}

async fn login(State(oa): State<Oa>, visit: Visit, Query(wanted): Query<Wanted>) -> Response {
    if visit.signed.is_some() {
        return view::see_other(wanted.dest(), &[]);
    }
    login_page(&oa, &visit, StatusCode::OK, wanted.dest(), "")
}

fn login_page(oa: &Oa, visit: &Visit, status: StatusCode, dest: &str, account: &str) -> Response {
    let directory = lock(&oa.0.directory);
    let active = directory.accounts().iter().filter(|account| account.active);
    let suggested = active.take(SUGGESTED).map(|one| (one.login.clone(), one.name(visit.lang).to_owned())).collect();
    let page = LoginPage {
        ui: visit.ui(oa, ""),
        action: "/login".to_owned(),
        wrong: status != StatusCode::OK,
        account: account.to_owned(),
        dest: dest.to_owned(),
        password: DEMO_PASSWORD,
        suggested,
        scan: scan::entry(oa, dest),
    };
    visit.page(status, &page)
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    account: String,
    #[serde(default)]
    password: String,
    #[serde(flatten)]
    wanted: Wanted,
}

async fn sign_in(
    State(oa): State<Oa>,
    headers: HeaderMap,
    visit: Visit,
    form: Result<Form<Credentials>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return login_page(&oa, &visit, StatusCode::BAD_REQUEST, "/", "") };
    if !view::from_our_page(&oa, &headers) {
        return explain(&oa, &visit, FOREIGN_FORM);
    }
    let account = lock(&oa.0.directory).account_by_login(form.account.trim()).filter(|one| one.active).cloned();
    let known = Secret::new(form.password).matches(DEMO_PASSWORD);
    match account.filter(|_| known) {
        Some(account) => {
            let cookie = open_session(&oa, &headers, &account, Via::Password);
            view::see_other(form.wanted.dest(), &[cookie])
        }
        None => login_page(&oa, &visit, StatusCode::UNAUTHORIZED, form.wanted.dest(), form.account.trim()),
    }
}

async fn sign_out(State(oa): State<Oa>, headers: HeaderMap, visit: Visit) -> Response {
    if !view::from_our_page(&oa, &headers) {
        return explain(&oa, &visit, FOREIGN_FORM);
    }
    if let Some(id) = view::cookie(&headers, SESSION_COOKIE) {
        lock(&oa.0.sessions).end(id);
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0");
    view::see_other("/login", &[gone])
}

#[derive(Template)]
#[template(path = "oa/home.html")]
struct HomePage {
    ui: Ui,
    card: Card,
    how: How,
    pending: Vec<Row>,
    done: usize,
}

/// Who is signed in.
struct Card {
    login: String,
    name: String,
    initial: String,
    title: String,
    unit: String,
    work_code: String,
}

/// How he came in.
struct How {
    by_ticket: bool,
    at: String,
    enterprise: String,
    ticket: String,
    amr: String,
    bound: bool,
}

/// One line of a list of to-dos.
pub(super) struct Row {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) applicant: String,
    pub(super) state: &'static str,
    pub(super) received: String,
    pub(super) urgent: bool,
    pub(super) open: bool,
}

pub(super) fn row(todo: &Todo, lang: Lang) -> Row {
    Row {
        id: todo.id,
        title: todo.title(lang),
        kind: todo.kind.name().get(lang),
        applicant: todo.applicant(lang).to_owned(),
        state: todo.state().get(lang),
        received: minute_text(todo.received),
        urgent: todo.urgent && todo.decision.is_none(),
        open: todo.decision.is_none(),
    }
}

fn card(oa: &Oa, account: &Account, lang: Lang) -> Card {
    let directory = lock(&oa.0.directory);
    let post = account.primary();
    let unit = post.and_then(|post| directory.unit(&post.unit));
    let name = account.name(lang).to_owned();
    Card {
        login: account.login.clone(),
        initial: name.chars().next().map(String::from).unwrap_or_default(),
        name,
        title: post.map(|post| post.title(lang).to_owned()).unwrap_or_default(),
        unit: unit.map(|unit| unit.name(lang).to_owned()).unwrap_or_default(),
        work_code: account.work_code.clone(),
    }
}

fn how(session: &Session) -> How {
    let at = minute_text(session.began);
    match &session.via {
        Via::Password => How {
            by_ticket: false,
            at,
            enterprise: String::new(),
            ticket: String::new(),
            amr: String::new(),
            bound: false,
        },
        Via::Ticket { jti, amr, enterprise, bound_to_browser } => How {
            by_ticket: true,
            at,
            enterprise: enterprise.as_deref().map(ends).unwrap_or_default(),
            ticket: ends(jti),
            amr: amr.join(" + "),
            bound: *bound_to_browser,
        },
    }
}

/// The two ends of a long id, enough to recognise it.
fn ends(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    if chars.len() <= 16 {
        return id.to_owned();
    }
    chars[..6].iter().chain(&['…']).chain(&chars[chars.len() - 6..]).collect()
}

async fn home(State(oa): State<Oa>, Member { visit, signed }: Member) -> Response {
    let (pending, done): (Vec<Todo>, Vec<Todo>) =
        todo::of(&oa, &signed.account.id).into_iter().partition(|todo| todo.decision.is_none());
    let page = HomePage {
        ui: visit.ui(&oa, "home"),
        card: card(&oa, &signed.account, visit.lang),
        how: how(&signed.session),
        pending: pending.iter().map(|todo| row(todo, visit.lang)).collect(),
        done: done.len(),
    };
    visit.page(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "oa/attendance.html")]
struct AttendancePage {
    ui: Ui,
    name: String,
    days: Vec<Day>,
}

async fn attendance_page(State(oa): State<Oa>, Member { visit, signed }: Member) -> Response {
    let seed = signed.account.id.bytes().fold(0, |sum, byte| sum * 31 % 100_003 + i64::from(byte));
    let page = AttendancePage {
        ui: visit.ui(&oa, "attendance"),
        name: signed.account.name(visit.lang).to_owned(),
        days: attendance::week(seed, oa.now(), visit.lang),
    };
    visit.page(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "oa/error.html")]
struct ErrorPage {
    ui: Ui,
    title: &'static str,
    what: &'static str,
    todo: &'static str,
    code: &'static str,
    trace: String,
}

pub(super) fn explain(oa: &Oa, visit: &Visit, explained: Explained) -> Response {
    let trace = oa.0.entropy.hex(6);
    tracing::info!(code = explained.code, trace, "an error page was shown");
    let page = ErrorPage {
        ui: visit.ui(oa, ""),
        title: explained.title.get(visit.lang),
        what: explained.what.get(visit.lang),
        todo: explained.todo.get(visit.lang),
        code: explained.code,
        trace,
    };
    visit.page(explained.status, &page)
}

/// The page for a ticket that opened no session.
pub(super) fn refused(oa: &Oa, headers: &HeaderMap, refusal: Refusal) -> Response {
    // The language link leads to the home page: a landing cannot be asked for twice.
    let visit = Visit::of(oa, headers, &Uri::from_static("/"));
    explain(oa, &visit, refusal.explain())
}

pub(super) async fn not_found(State(oa): State<Oa>, visit: Visit) -> Response {
    explain(&oa, &visit, MISSING)
}

pub(super) const MISSING: Explained = Explained {
    status: StatusCode::NOT_FOUND,
    code: "not-found",
    title: Text::new("没有这个页面", "There is no such page"),
    what: Text::new("您打开的页面或待办不存在。", "The page or to-do that you opened does not exist."),
    todo: Text::new("请检查地址，或者回到首页。", "Check the address, or go back to the home page."),
};

pub(super) const NOT_YOURS: Explained = Explained {
    status: StatusCode::FORBIDDEN,
    code: "not-yours",
    title: Text::new("这条待办属于其他同事", "This to-do belongs to a colleague"),
    what: Text::new(
        "您已登录，但这条待办不是发给您的，因此不能查看。",
        "You are signed in, but this to-do was not sent to you, so it is not shown.",
    ),
    todo: Text::new(
        "请确认登录的账号是否正确，或者回到首页查看自己的待办。",
        "Check that you are signed in with the right account, or go back to your own to-dos.",
    ),
};

pub(super) const FOREIGN_FORM: Explained = Explained {
    status: StatusCode::FORBIDDEN,
    code: "foreign-form",
    title: Text::new("请求来自其他网站", "The request came from another site"),
    what: Text::new(
        "为了您的账号安全，OA 只接受自己页面提交的表单。",
        "To protect your account the OA accepts forms from its own pages only.",
    ),
    todo: Text::new("请回到 OA 的页面重新操作。", "Go back to the OA's own page and try again."),
};
