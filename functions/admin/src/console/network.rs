//! The network check: can the bridge get out to WeLink and the OAs, and can WeLink's clients get in?

use axum::extract::State;
use axum::response::Response;
use domain::text::{Lang, Text};
use platform::reach::{Outcome, StepName};
use signin::Bridge;

use super::blocks::{Card, Html, Step, StepState, Tone, button_link, code, html, notice, quiet, steps, text};
use super::page::{Page, Section};
use super::visitor::Visitor;
use super::words as w;
use crate::error::ApiError;
use crate::network::{self as service, NetworkReport, Reached};

/// Texts of this page.
pub mod words {
    domain::texts! {
        LEAD = "任何 HTTP 回应（包括错误）都说明网络是通的。检查刚刚完成。"
            / "Any HTTP answer, an error too, means that the way is open. Checked just now.";
        WELINK = "出：WeLink 开放平台" / "Out: WeLink's open platform";
        OWN = "入：云桥自己的地址" / "In: the bridge's own address";
        OA = "出：OA" / "Out: OA";
        ALL_OPEN = "所有网络都畅通" / "Every way is open";
        SOME_CLOSED = "有网络不通" / "Some ways are closed";
        AGAIN = "重新检查" / "Check again";
        DNS = "域名解析" / "Name";
        CONNECT = "连接" / "Connection";
        PROXY = "代理" / "Proxy";
        TLS = "TLS" / "TLS";
        HTTP = "HTTP" / "HTTP";
        STATUS = "HTTP 状态" / "HTTP status";
        BY_PROXY = "出站代理" / "Outbound proxy";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let page = page(&bridge, &visitor).await;
    visitor.answer(page.map(Page::answer))
}

async fn page(bridge: &Bridge, visitor: &Visitor) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let report = service::report_of_tenant(bridge, &visitor.actor, visitor.session.tenant.as_str()).await?;
    let (tone, title) = if report.ok { (Tone::Ok, words::ALL_OPEN) } else { (Tone::Bad, words::SOME_CLOSED) };
    let card =
        Card { id: "network", lead: t(words::LEAD).to_owned(), blocks: vec![all(lang, &report)], ..Card::default() };
    Ok(Page::new(visitor, Section::Network, None, t(w::NAV_NETWORK))
        .action(button_link("/network", t(words::AGAIN), ""))
        .block(notice(tone, t(title), ""))
        .block(html(&card)))
}

fn all(lang: Lang, report: &NetworkReport) -> Html {
    let own = &report.own;
    let own_state = if own.fault.is_none() { StepState::Done } else { StepState::Failed };
    let own_step = Step::new(lang, own_state, words::OWN.get(lang), own.text.get(lang));
    let mut list = vec![one(lang, words::WELINK.get(lang), &report.welink), details(lang, own_step, &own.check)];
    list.extend(report.oas.iter().map(|oa| one(lang, &format!("{} · {}", words::OA.get(lang), oa.name), &oa.check)));
    if let Some(proxy) = &report.proxy {
        list.push(Step::new(lang, StepState::Done, words::BY_PROXY.get(lang), proxy));
    }
    steps(&list)
}

fn one(lang: Lang, title: &str, reached: &Reached) -> Step {
    let state = if reached.outcome == Outcome::Reachable { StepState::Done } else { StepState::Failed };
    details(lang, Step::new(lang, state, title, reached.text.get(lang)), reached)
}

/// The address, the time of each step, and the words of whatever failed.
fn details(lang: Lang, step: Step, reached: &Reached) -> Step {
    let mut times: Vec<String> =
        reached.steps.iter().map(|step| format!("{} {} ms", name(step.step).get(lang), step.ms)).collect();
    times.extend(reached.http_status.map(|status| format!("{} {status}", words::STATUS.get(lang))));
    let step = step.detail(code(&reached.address)).detail(quiet(&times.join(" · ")));
    match &reached.detail {
        Some(detail) => step.detail(text(detail)),
        None => step,
    }
}

fn name(step: StepName) -> Text {
    match step {
        StepName::Dns => words::DNS,
        StepName::Tcp => words::CONNECT,
        StepName::Proxy => words::PROXY,
        StepName::Tls => words::TLS,
        StepName::Http => words::HTTP,
    }
}
