//! The audit log: who did what, when, from where, and with which result.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use domain::audit::Entry;
use domain::text::Text;
use signin::Bridge;

use super::blocks::{Card, Html, Link, Table, Tone, button_link, code, empty, folded, html, quiet, tag, text, time};
use super::form::{Field, Form, Given};
use super::page::{Page, Section};
use super::visitor::Visitor;
use super::words as w;
use crate::audit::{self as service, Asked, Exported};
use crate::error::ApiError;

/// Texts of this page.
pub mod words {
    domain::texts! {
        LEAD = "只增不改，保留 400 天。" / "Append only, kept for 400 days.";
        ACTION = "操作（例如 app.update）" / "Action (for example app.update)";
        ACTOR = "操作人" / "By whom";
        OBJECT = "对象编号" / "Id of the object";
        MONTH = "月份（例如 2026-11）" / "Month (for example 2026-11)";
        NONE = "没有符合条件的记录" / "No entries match";
        EXPORT_CSV = "导出本月 CSV" / "Export the month, CSV";
        OK = "成功" / "ok";
        MORE_PARTS = "下一部分" / "The next part";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let page = page(&bridge, &visitor).await;
    visitor.answer(page.map(Page::answer))
}

async fn page(bridge: &Bridge, visitor: &Visitor) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let query = &visitor.query;
    let asked = Asked {
        from: None,
        to: None,
        month: query.optional("month"),
        action: query.optional("action"),
        actor: query.optional("actor"),
        object: query.optional("object"),
        before: query.optional("before"),
    };
    let given = Given::fresh(query.clone());
    let list = service::search(bridge, &visitor.actor, visitor.session.tenant.as_str(), &asked).await?;
    let filters = Form::search("/audit", t(w::SEARCH))
        .field(Field::new("action", t(words::ACTION)), &given)
        .field(Field::new("actor", t(words::ACTOR)), &given)
        .field(Field::new("object", t(words::OBJECT)), &given)
        .field(Field::new("month", t(words::MONTH)), &given)
        .cancel(Link::new("/audit", t(super::directory::words::CLEAR)));
    let next = list.next.map(|next| {
        let fields = query.clone().with("before", next);
        let mut address = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            address.append_pair(name, value);
        }
        Link::new(format!("?{}", address.finish()), t(w::NEXT_PAGE))
    });
    let table = Table {
        label: t(w::NAV_AUDIT).to_owned(),
        columns: [w::WHEN, w::WHAT, w::BY, w::OBJECT, w::RESULT, w::FROM, w::DETAIL].map(t).to_vec(),
        rows: list.entries.iter().map(|entry| row(visitor, entry)).collect(),
        empty: empty(t(words::NONE), "", None),
        next,
    };
    let table = Card {
        id: "audit",
        lead: t(words::LEAD).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    };
    let month = asked.month.unwrap_or_else(|| this_month(bridge));
    let export = button_link(&format!("/audit-export?month={month}"), t(words::EXPORT_CSV), "");
    Ok(Page::new(visitor, Section::Audit, None, t(w::NAV_AUDIT))
        .action(export)
        .block(html(&Card { id: "filters", blocks: vec![filters.html()], ..Card::default() }))
        .block(html(&table)))
}

fn this_month(bridge: &Bridge) -> String {
    let now = jiff::Timestamp::from_millisecond(bridge.clock().now().0).unwrap_or_default();
    now.strftime("%Y-%m").to_string()
}

fn row(visitor: &Visitor, entry: &Entry) -> Vec<Html> {
    let lang = visitor.lang();
    let action = serde_json::to_value(entry.action).ok();
    let action = action.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    let result = if entry.result == "ok" { tag(Tone::Ok, words::OK.get(lang)) } else { tag(Tone::Bad, &entry.result) };
    let lines: Vec<Html> =
        entry.detail.iter().map(|(name, value)| text(name).and(&code(value))).chain([code(&entry.trace)]).collect();
    let detail = super::blocks::stack(&lines);
    vec![
        time(visitor.zone(), entry.at),
        code(action),
        text(&entry.actor),
        code(&entry.object),
        result,
        quiet(&entry.from),
        folded(w::DETAIL.get(lang), &detail),
    ]
}

pub async fn export(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let month = visitor.query.text("month");
    let asked =
        Exported { format: Some("csv".to_owned()), month: month.clone(), after: visitor.query.optional("after") };
    match service::part(&bridge, &visitor.actor, visitor.session.tenant.as_str(), &asked).await {
        Ok(part) => match part.next {
            // More than one file: a page of links, as a browser saves one answer as one file.
            Some(next) if !visitor.query.checked("download") => {
                let here = visitor.query.optional("after").map(|after| format!("&after={after}")).unwrap_or_default();
                let one = button_link(
                    &format!("?month={month}{here}&download=yes"),
                    super::bindings::words::DOWNLOAD_PART.get(visitor.lang()),
                    "primary",
                );
                let more =
                    button_link(&format!("?month={month}&after={next}"), words::MORE_PARTS.get(visitor.lang()), "");
                Page::new(&visitor, Section::Audit, None, w::NAV_AUDIT.get(visitor.lang()))
                    .block(one.and(&more))
                    .answer()
            }
            _ => {
                let name = format!(
                    "attachment; filename=\"audit-{}.csv\"",
                    month.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
                );
                let headers =
                    [(header::CONTENT_TYPE, part.content_type.to_owned()), (header::CONTENT_DISPOSITION, name)];
                (headers, part.text).into_response()
            }
        },
        Err(error) => visitor.problem(&error),
    }
}
