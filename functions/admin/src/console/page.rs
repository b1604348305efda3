//! A page of the console: its frame (navigation, team, account), its title, its blocks, and the headers that keep it
//! safe.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html as HtmlAnswer, IntoResponse as _, Response};
use domain::ids::EnterpriseId;
use domain::problem;
use domain::role::Permission;
use domain::text::Lang;
use platform::trace::TraceId;

use super::blocks::{Html, Link, Notice, Tone, html};
use super::visitor::Visitor;
use super::words as w;
use crate::error::ApiError;

/// Scripts and styles of our own only, never framed, forms to ourselves only (product.md C29).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Enterprises that the navigation names; a tenant with more finds the others on the overview.
const NAV_ENTERPRISES_MAX: usize = 12;

/// Where in the console a page stands: what the navigation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    NewEnterprise,
    Apps,
    Directory,
    Bindings,
    Oa,
    ScanLogin,
    Network,
    History,
    Audit,
    Accounts,
    Me,
}

struct NavItem {
    href: String,
    label: String,
    here: bool,
}

struct NavGroup {
    title: String,
    items: Vec<NavItem>,
    under: bool,
}

struct Frame {
    team: String,
    account: String,
    csrf: String,
    path: String,
    other_lang: &'static str,
    other_lang_name: &'static str,
    groups: Vec<NavGroup>,
}

/// A page that is being put together.
#[derive(Template)]
#[template(path = "page.html")]
pub struct Page {
    lang: Lang,
    title: String,
    frame: Option<Frame>,
    trail: Vec<Link>,
    actions: Vec<Html>,
    blocks: Vec<Html>,
    back: String,
}

impl Page {
    /// A page for whoever is signed in.
    pub fn new(visitor: &Visitor, section: Section, enterprise: Option<&EnterpriseId>, title: &str) -> Self {
        let lang = visitor.actor.lang;
        let other = w::OTHER_LANG.get(lang);
        let frame = Frame {
            team: visitor.config.tenant.name.clone(),
            account: visitor.session.name.clone(),
            csrf: visitor.csrf().to_owned(),
            path: visitor.path.clone(),
            other_lang: other,
            other_lang_name: w::OTHER_LANG_NAME.get(lang),
            groups: navigation(visitor, section, enterprise),
        };
        let page = Self {
            lang,
            title: title.to_owned(),
            frame: Some(frame),
            trail: Vec::new(),
            actions: Vec::new(),
            blocks: Vec::new(),
            back: String::new(),
        };
        match w::done(visitor.query.get("done")) {
            Some(text) => page.block(super::blocks::notice(Tone::Ok, text.get(lang), "")),
            None => page,
        }
    }

    /// A page without a frame, for whoever is not signed in.
    pub fn alone(lang: Lang, title: &str, back: &str) -> Self {
        Self {
            lang,
            title: title.to_owned(),
            frame: None,
            trail: Vec::new(),
            actions: Vec::new(),
            blocks: Vec::new(),
            back: back.to_owned(),
        }
    }

    /// The way back up, from the outermost.
    #[must_use]
    pub fn trail(mut self, step: Link) -> Self {
        self.trail.push(step);
        self
    }

    /// An action of the page, at the right of its title.
    #[must_use]
    pub fn action(mut self, action: Html) -> Self {
        self.actions.push(action);
        self
    }

    #[must_use]
    pub fn block(mut self, block: Html) -> Self {
        self.blocks.push(block);
        self
    }

    #[must_use]
    pub fn block_if(self, block: Option<Html>) -> Self {
        match block {
            Some(block) => self.block(block),
            None => self,
        }
    }

    /// What became of a form, before everything else that the page shows.
    #[must_use]
    pub fn told(mut self, told: Option<Html>) -> Self {
        self.blocks.splice(0..0, told);
        self
    }

    pub fn answer(self) -> Response {
        self.answer_with(StatusCode::OK)
    }

    pub fn answer_with(self, status: StatusCode) -> Response {
        let body = match self.render() {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let mut answer = (status, HtmlAnswer(body)).into_response();
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        answer
    }
}

/// Why a form was not saved. Of one that somebody else was faster with also what saving it again does: the form that
/// is shown with it is based on what is saved now.
pub fn refusal_block(error: &ApiError, lang: Lang) -> Html {
    if error.problem() != problem::CHANGED_MEANWHILE {
        return problem_block(error, lang);
    }
    html(&Notice {
        tone: Tone::Bad,
        title: error.problem().title.get(lang).to_owned(),
        text: w::STILL_HERE.get(lang).to_owned(),
        urgent: true,
        ..Notice::default()
    })
}

/// What happened and what to do, as a block; the trace id stands small at its end.
pub fn problem_block(error: &ApiError, lang: Lang) -> Html {
    let told = error.problem();
    // The general advice is for employees, who come from WeLink.
    let advice = if told == problem::NOT_FOUND { w::NOT_FOUND } else { told.advice };
    html(&Notice {
        tone: Tone::Bad,
        title: told.title.get(lang).to_owned(),
        text: advice.get(lang).to_owned(),
        lines: error.fields_in(lang).into_iter().map(|(_, reason)| reason).collect(),
        trace: TraceId::current().as_str().to_owned(),
        trace_word: w::TRACE.get(lang),
        urgent: true,
    })
}

fn navigation(visitor: &Visitor, section: Section, enterprise: Option<&EnterpriseId>) -> Vec<NavGroup> {
    let (lang, config) = (visitor.lang(), &visitor.config);
    let item = |href: String, label: domain::text::Text, own: Section| NavItem {
        href,
        label: label.get(lang).to_owned(),
        here: section == own,
    };
    let plain = |title: String, items: Vec<NavItem>| NavGroup { title, items, under: false };
    let mut groups = vec![plain(String::new(), vec![item("/".to_owned(), w::NAV_OVERVIEW, Section::Overview)])];
    let mut title = w::NAV_ENTERPRISES.get(lang).to_owned();
    for known in config.enterprises.iter().take(NAV_ENTERPRISES_MAX) {
        let base = format!("/enterprises/{}", known.id);
        let current = enterprise == Some(&known.id);
        let name = NavItem { href: base.clone(), label: known.name.clone(), here: false };
        groups.push(plain(std::mem::take(&mut title), vec![name]));
        if current {
            let items = vec![
                item(base.clone(), w::NAV_APPS, Section::Apps),
                item(format!("{base}/directory"), w::NAV_DIRECTORY, Section::Directory),
                item(format!("{base}/bindings"), w::NAV_BINDINGS, Section::Bindings),
            ];
            groups.push(NavGroup { title: String::new(), items, under: true });
        }
    }
    if visitor.may(Permission::Operate) {
        let new = item("/new-enterprise".to_owned(), w::NAV_NEW_ENTERPRISE, Section::NewEnterprise);
        groups.push(plain(title, vec![new]));
    }
    let mut system = vec![
        item("/oa-instances".to_owned(), w::NAV_OA, Section::Oa),
        item("/scan-login".to_owned(), w::NAV_SCAN_LOGIN, Section::ScanLogin),
        item("/network".to_owned(), w::NAV_NETWORK, Section::Network),
        item("/settings-history".to_owned(), w::NAV_HISTORY, Section::History),
        item("/audit".to_owned(), w::NAV_AUDIT, Section::Audit),
    ];
    if visitor.may(Permission::Own) {
        system.push(item("/accounts".to_owned(), w::NAV_ACCOUNTS, Section::Accounts));
    }
    groups.push(plain(w::NAV_SYSTEM.get(lang).to_owned(), system));
    groups
}
