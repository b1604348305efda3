//! The people to choose from, and the phone of one of them.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::text::Lang;
use http::HeaderMap;

use super::inbox::Inbox;
use super::words::Words;
use super::{Params, PhoneState, calls, chosen_lang, named, page, segment};
use crate::welink::{App, Department, Member, MemberStatus, WeLink};

/// People on one page of the list.
const PEOPLE_PER_PAGE: usize = 24;
/// Characters of a search that are looked at.
const SEARCH_CHARS_MAX: usize = 60;

/// One person of the list.
struct Card {
    href: String,
    initial: String,
    hue: usize,
    name: String,
    account: String,
    line: String,
    sees: String,
    sees_none: bool,
    open: bool,
    labels: Vec<Label>,
}

/// A word beside a member: what is special about him.
pub(super) struct Label {
    pub text: String,
    /// `good`, `warn` or `bad`.
    pub tone: &'static str,
}

struct Choice {
    value: String,
    label: String,
    selected: bool,
}

#[derive(Template)]
#[template(path = "phone/people.html")]
struct PeoplePage {
    w: Words,
    nav: &'static str,
    here: String,
    query: String,
    departments: Vec<Choice>,
    filtered: bool,
    /// Only people with a label are listed.
    special: bool,
    cards: Vec<Card>,
    shown: String,
    previous: Option<String>,
    next: Option<String>,
}

/// An app as an icon.
struct Icon {
    client_id: String,
    name: String,
    initial: String,
    hue: usize,
    /// The homepage on the device that is shown.
    home: String,
    pc_url: String,
}

/// A line of the tab "me".
struct Fact {
    label: &'static str,
    value: String,
    missing: bool,
}

#[derive(Template)]
#[template(path = "phone/phone.html")]
struct PhonePage {
    w: Words,
    nav: &'static str,
    here: String,
    tab: &'static str,
    pc: bool,
    /// Keeps the device in the links to other tabs.
    keep: &'static str,
    base: String,
    labels: Vec<Label>,
    clock: String,
    company: String,
    name: String,
    initial: String,
    hue: usize,
    line: String,
    user_id: String,
    apps: Vec<Icon>,
    origins: String,
    /// Codes that the scanner sees.
    codes: Vec<String>,
    facts: Vec<Fact>,
    calls: Vec<calls::Row>,
    inbox: Inbox,
}

/// A colour that stays with a name.
pub(super) fn hue(text: &str) -> usize {
    text.bytes().fold(7, |sum, byte| (sum * 31 + usize::from(byte)) % 997) % 6
}

pub(super) fn initial(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

fn department_name(departments: &BTreeMap<String, Department>, member: &Member, w: Words) -> String {
    let main = member.dept_codes.first().and_then(|code| departments.get(code));
    main.map_or_else(|| w.company_root().to_owned(), |d| named(w.0, &d.name_zh, &d.name_en).to_owned())
}

pub(super) fn position(member: &Member, lang: Lang) -> &str {
    named(lang, member.position_zh.as_deref().unwrap_or_default(), member.position_en.as_deref().unwrap_or_default())
}

/// "Research and Development · Engineer", the second part only if there is one.
fn line(departments: &BTreeMap<String, Department>, member: &Member, w: Words) -> String {
    let department = department_name(departments, member, w);
    match position(member, w.0) {
        "" => department,
        position => format!("{department} · {position}"),
    }
}

fn by_code(state: &PhoneState, tenant_id: &str) -> BTreeMap<String, Department> {
    state.welink.departments(tenant_id).into_iter().map(|d| (d.dept_code.clone(), d)).collect()
}

/// `dept_code` and everything below it; the depth is bounded by the number of departments.
fn within(departments: &BTreeMap<String, Department>, code: &str, wanted: &str) -> bool {
    let mut at = code;
    for _ in 0..=departments.len() {
        if at == wanted {
            return true;
        }
        match departments.get(at) {
            Some(department) => at = &department.parent_code,
            None => return false,
        }
    }
    false
}

pub(super) fn matches(member: &Member, query: &str) -> bool {
    let wanted = query.to_lowercase();
    [Some(member.name_zh.as_str()), Some(&member.name_en), Some(&member.user_id), member.mobile.as_deref()]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(&wanted))
}

/// What the simulator knows that a colleague would stumble over.
pub(super) fn labels(welink: &WeLink, tenant: &str, member: &Member, apps: &[App], w: Words) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut add = |text: &str, tone| labels.push(Label { text: text.to_owned(), tone });
    match member.status {
        MemberStatus::Opened => {}
        MemberStatus::Closed => add(w.left(), "bad"),
        MemberStatus::NotOpened | MemberStatus::Opening => add(w.not_open(), "warn"),
    }
    if apps.iter().any(|app| !app.range.holds(&member.user_id)) {
        add(w.out_of_range(), "warn");
    }
    if let Some(remark) = welink.remark_on(tenant, &member.user_id) {
        add(remark.get(w.0), "warn");
    }
    labels
}

/// What was typed into a search box, cut.
pub(super) fn search_text(params: &BTreeMap<String, String>) -> String {
    let text = params.get("q").map(|value| value.trim()).unwrap_or_default();
    text.chars().take(SEARCH_CHARS_MAX).collect()
}

fn card(
    welink: &WeLink,
    tenant: &str,
    member: &Member,
    departments: &BTreeMap<String, Department>,
    apps: &[App],
    w: Words,
) -> Card {
    let visible = apps.iter().filter(|app| app.range.holds(&member.user_id)).count();
    let name = named(w.0, &member.name_zh, &member.name_en).to_owned();
    Card {
        href: format!("/t/{}/{}/workbench", segment(tenant), segment(&member.user_id)),
        initial: initial(&name),
        hue: hue(&member.user_id),
        name,
        account: member.user_id.clone(),
        line: line(departments, member, w),
        sees: if visible == 0 { w.no_apps_visible().to_owned() } else { w.sees(visible, apps.len()) },
        sees_none: visible == 0,
        open: member.status == MemberStatus::Opened,
        labels: labels(welink, tenant, member, apps, w),
    }
}

/// Departments of a company as a select box, in the order of the tree.
fn choices(departments: &BTreeMap<String, Department>, wanted: &str, lang: Lang) -> Vec<Choice> {
    departments
        .values()
        .map(|department| {
            let mut depth = 0;
            let mut parent = &department.parent_code;
            while depth < departments.len() {
                let Some(above) = departments.get(parent) else { break };
                parent = &above.parent_code;
                depth += 1;
            }
            Choice {
                value: department.dept_code.clone(),
                label: format!("{}{}", "　".repeat(depth), named(lang, &department.name_zh, &department.name_en)),
                selected: department.dept_code == wanted,
            }
        })
        .collect()
}

/// `GET /?q=&dept=&special=&page=`: everybody of every company, whether or not the OA knows him.
pub(super) async fn people(State(state): State<PhoneState>, Query(params): Params, headers: HeaderMap) -> Response {
    let chosen = chosen_lang(&headers, params.get("lang").map(String::as_str));
    let w = Words(chosen.0);
    let param = |name: &str| params.get(name).map(|value| value.trim()).unwrap_or_default();
    let query = search_text(&params);
    let special = !param("special").is_empty();
    let dept = param("dept");
    let mut cards = Vec::new();
    let mut departments = Vec::new();
    for tenant in state.welink.tenants() {
        let by_code = by_code(&state, &tenant.tenant_id);
        let apps = state.welink.apps(&tenant.tenant_id);
        for member in state.welink.members(&tenant.tenant_id) {
            let inside = dept.is_empty() || member.dept_codes.iter().any(|code| within(&by_code, code, dept));
            if inside && matches(&member, &query) {
                cards.push(card(&state.welink, &tenant.tenant_id, &member, &by_code, &apps, w));
            }
        }
        departments.extend(choices(&by_code, dept, w.0));
    }
    cards.retain(|card| !special || !card.labels.is_empty());
    let total = cards.len();
    let pages = total.div_ceil(PEOPLE_PER_PAGE).max(1);
    let number = param("page").parse::<usize>().unwrap_or(1).clamp(1, pages);
    let from = (number - 1) * PEOPLE_PER_PAGE;
    let to = (from + PEOPLE_PER_PAGE).min(total);
    let filters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("q", &query)
        .append_pair("dept", dept)
        .append_pair("special", if special { "1" } else { "" })
        .finish();
    let template = PeoplePage {
        w,
        nav: "people",
        here: format!("/?{filters}&page={number}&"),
        departments,
        filtered: !query.is_empty() || !dept.is_empty() || special,
        special,
        query,
        cards: cards.drain(from..to).collect(),
        shown: w.shown_of((from + 1).min(to), to, total),
        previous: (number > 1).then(|| format!("/?{filters}&page={}", number - 1)),
        next: (number < pages).then(|| format!("/?{filters}&page={}", number + 1)),
    };
    page(&template, chosen)
}

pub(super) fn origin(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// The visible apps of a member as icons. An address that is not http(s) counts as not set.
fn icons(apps: Vec<App>, user_id: &str, pc: bool, lang: Lang) -> Vec<Icon> {
    apps.into_iter()
        .filter(|app| app.range.holds(user_id))
        .map(|app| {
            let name = named(lang, &app.name_zh, &app.name_en).to_owned();
            let web = |url: String| if origin(&url).is_some() { url } else { String::new() };
            Icon {
                initial: initial(&name),
                hue: hue(&app.client_id),
                name,
                client_id: app.client_id,
                home: web(if pc { app.pc_url.clone() } else { app.mobile_url }),
                pc_url: web(app.pc_url),
            }
        })
        .collect()
}

fn facts(member: &Member, department: &str, company: &str, w: Words) -> Vec<Fact> {
    let fact = |label: &'static str, value: &str| Fact {
        label,
        value: if value.is_empty() { w.not_maintained().to_owned() } else { value.to_owned() },
        missing: value.is_empty(),
    };
    vec![
        fact(w.account(), &member.user_id),
        fact(w.corp_user_id(), member.corp_user_id.as_deref().unwrap_or_default()),
        fact(w.mobile(), member.mobile.as_deref().unwrap_or_default()),
        fact(w.email(), member.email.as_deref().unwrap_or_default()),
        fact(w.department(), department),
        fact(w.position(), position(member, w.0)),
        fact(w.company(), company),
    ]
}

/// `GET /t/{tenant}/{user}/{tab}`: the phone, or with `?device=pc` the PC client; an unknown person or tab leads back
/// to the list.
pub(super) async fn phone(
    State(state): State<PhoneState>,
    Path((tenant_id, user_id, tab)): Path<(String, String, String)>,
    Query(params): Params,
    headers: HeaderMap,
) -> Response {
    let chosen = chosen_lang(&headers, params.get("lang").map(String::as_str));
    let w = Words(chosen.0);
    let tab = ["messages", "todos", "workbench", "me", "scan"].into_iter().find(|known| *known == tab);
    let tenant = state.welink.tenants().into_iter().find(|tenant| tenant.tenant_id == tenant_id);
    let (Some(tab), Some(tenant), Some(member)) = (tab, tenant, state.welink.member(&tenant_id, &user_id)) else {
        return Redirect::to("/").into_response();
    };
    let departments = by_code(&state, &tenant_id);
    let company = named(w.0, &tenant.name_zh, &tenant.name_en).to_owned();
    let pc = params.get("device").is_some_and(|device| device == "pc");
    if pc {
        state.welink.set_pc_member(&tenant_id, &user_id);
    }
    let all_apps = state.welink.apps(&tenant_id);
    let labels = labels(&state.welink, &tenant_id, &member, &all_apps, w);
    let apps = icons(all_apps, &user_id, pc, w.0);
    let base = format!("/t/{}/{}", segment(&tenant_id), segment(&user_id));
    let name = named(w.0, &member.name_zh, &member.name_en).to_owned();
    let mut origins: Vec<String> =
        apps.iter().flat_map(|app| [origin(&app.home), origin(&app.pc_url)]).flatten().collect();
    let inbox = Inbox::of(&state.welink, (&tenant_id, &user_id), pc, tab == "messages", w);
    origins.extend(inbox.origins());
    origins.extend(state.codes.seen().iter().filter_map(|code| origin(code)));
    origins.sort();
    origins.dedup();
    let template = PhonePage {
        w,
        nav: "phone",
        here: format!("{base}/{tab}?{}", if pc { "device=pc&" } else { "" }),
        tab,
        pc,
        keep: if pc { "?device=pc" } else { "" },
        labels,
        base,
        clock: calls::clock_text(state.welink.time(), "%H:%M"),
        facts: facts(&member, &department_name(&departments, &member, w), &company, w),
        company,
        initial: initial(&name),
        name,
        hue: hue(&user_id),
        line: line(&departments, &member, w),
        user_id,
        apps,
        origins: origins.join(" "),
        codes: state.codes.seen(),
        calls: calls::rows(&state.welink, w.0),
        inbox,
    };
    page(&template, chosen)
}
