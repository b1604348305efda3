//! WeLink's own QR element in the place of our code, where the setting says so (welink-api.md 3.5). The page holds no
//! session; the state that it carries is good once, and only for the browser that it was made for.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domain::destination::Destination;
use domain::ids::AppId;
use domain::model::{App, Enterprise};
use domain::problem;
use domain::session::STATE_S;
use domain::text::Lang;
use platform::http::host_cookie;
use signin::{BROWSER_COOKIE, ElementBegun, Refusal};

use crate::pages::{Asker, Choice, ChoosePage, page, policy, policy_with_frame, set_cookie};
use crate::service::{Qr, Site};

/// Seconds before the end of its state at which a page begins anew: whoever is about to scan is not turned away.
const MARGIN_S: i64 = 60;

#[derive(Template)]
#[template(path = "element.html")]
struct ElementPage<'a> {
    lang: Lang,
    site: &'a Site,
    enterprise: &'a str,
    begun: &'a ElementBegun,
    life_ms: i64,
    next: &'a str,
}

/// The page for one of the offered enterprises; with several the browser is asked first, because the element needs to
/// know the app. `here` and `next` are the addresses of this page and of the one that follows, without the app.
pub async fn show(
    qr: &Qr,
    site: &Site,
    (asked, dest): (Option<&str>, Option<Destination>),
    (here, next): (&str, &str),
    asker: &Asker,
) -> Result<Response, Refusal> {
    let named = asked.and_then(|text| AppId::parse(text).ok());
    let chosen = match (site.offered.as_slice(), named) {
        ([only], _) => Some(only),
        (_, Some(app)) => Some(site.offer(&app).ok_or(problem::NOT_FOUND)?),
        (_, None) => None,
    };
    let Some((app, enterprise)) = chosen else {
        let choice = |(app, enterprise): &(App, Enterprise)| Choice {
            app: app.id.as_str().to_owned(),
            name: enterprise.name.clone(),
            href: format!("{here}&app={}", app.id),
        };
        let body = ChoosePage { lang: asker.lang, site, choices: site.offered.iter().map(choice).collect() };
        return Ok(page(&body, StatusCode::OK, &policy("", "'none'")));
    };
    let begun = qr.bridge.begin_element(&app.id, dest, asker.visitor()).await?;
    let body = ElementPage {
        lang: asker.lang,
        site,
        enterprise: &enterprise.name,
        begun: &begun,
        life_ms: (STATE_S - MARGIN_S) * 1000,
        next: &format!("{next}&app={}", app.id),
    };
    let mut answer = page(&body, StatusCode::OK, &policy_with_frame(&begun.element.origin));
    set_cookie(&mut answer, &host_cookie(BROWSER_COOKIE, begun.browser.expose(), STATE_S));
    Ok(answer)
}
