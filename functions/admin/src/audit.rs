//! `/v1/tenants/{tenant}/audit`: who did what, newest first, and whole months to take away.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use domain::audit::{Action, Entry};
use domain::ids::TenantId;
use domain::time::Timestamp;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signin::Bridge;
use state::audit::{KEPT_S, Search};
use utoipa::IntoParams;

use crate::actor::Actor;
use crate::error::ApiError;
use crate::tenants;

/// A part of an export ends at the first page of the table after so many bytes: with that page, at most twice a
/// megabyte once its quotes are doubled, it stays within 4 MiB.
const PART_BYTES: usize = 2 * 1024 * 1024;

/// Which entries; what is absent does not matter.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// RFC 3339; absent = as far back as entries are kept.
    pub(crate) from: Option<String>,
    /// RFC 3339, exclusive; absent = now.
    pub(crate) to: Option<String>,
    /// Any instant of the one month to read, RFC 3339, or the month itself, `2026-11`; instead of `from` and `to`.
    pub(crate) month: Option<String>,
    /// E.g. `app.update`.
    pub(crate) action: Option<String>,
    pub(crate) actor: Option<String>,
    /// The id of what was acted upon.
    pub(crate) object: Option<String>,
    /// `next` of the previous page.
    pub(crate) before: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// There may be more: a page can be short, or empty, because much was looked at and little fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Jsonl,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// What to export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Exported {
    /// `csv` or `jsonl`; absent = `csv`.
    pub(crate) format: Option<String>,
    /// `2026-11`
    #[param(required = true)]
    pub(crate) month: String,
    /// Where the previous part ended.
    pub(crate) after: Option<String>,
}

/// A part of an export.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) text: Vec<u8>,
    /// Of the whole file.
    pub(crate) content_type: &'static str,
    /// The next part begins here.
    pub(crate) next: Option<String>,
}

pub async fn list(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match search(&bridge, &actor, &tenant, &asked).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// A whole month, oldest first, in parts; `Link: <…>; rel="next"` leads to the next one. The parts put together are one
/// file.
pub async fn export(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path(tenant): Path<String>,
    Query(asked): Query<Exported>,
) -> Response {
    match part(&bridge, &actor, &tenant, &asked).await {
        Ok(part) => {
            let name = asked.format.as_deref().unwrap_or("csv");
            let mut answer = ([(header::CONTENT_TYPE, part.content_type)], part.text).into_response();
            let url = |next: String| {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("format", name).append_pair("month", &asked.month).append_pair("after", &next);
                format!("</v1/tenants/{tenant}/audit/export?{}>; rel=\"next\"", query.finish())
            };
            if let Some(link) = part.next.and_then(|next| HeaderValue::from_str(&url(next)).ok()) {
                answer.headers_mut().insert(header::LINK, link);
            }
            answer
        }
        Err(error) => error.answer(actor.lang),
    }
}

pub(crate) async fn search(bridge: &Bridge, actor: &Actor, tenant: &str, asked: &Asked) -> Result<Page, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    // Before the tenant there is nothing to look for.
    search_in(bridge, &config.tenant.id, config.tenant.created.at, asked).await
}

/// What concerns the installation and no tenant.
pub async fn of_installation(State(bridge): State<Bridge>, actor: Actor, Query(asked): Query<Asked>) -> Response {
    match search_in(&bridge, &domain::audit::installation(), Timestamp(0), &asked).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

async fn search_in(bridge: &Bridge, tenant: &TenantId, earliest: Timestamp, asked: &Asked) -> Result<Page, ApiError> {
    let now = bridge.clock().now();
    let (from, to) = match &asked.month {
        Some(text) => month(text)?,
        None => (
            asked.from.as_deref().map(|text| instant("from", text)).transpose()?,
            asked.to.as_deref().map(|text| instant("to", text)).transpose()?,
        ),
    };
    let action = asked.action.as_ref().map(|text| serde_json::from_value::<Action>(Value::String(text.clone())));
    let search = Search {
        from: from.unwrap_or_else(|| now.plus_s(-KEPT_S)).max(earliest),
        to: to.unwrap_or(Timestamp(i64::MAX)).min(now.plus_s(1)),
        action: action.transpose().map_err(|_| ApiError::field("action", "no such action / 没有这种操作"))?,
        actor: asked.actor.as_deref(),
        object: asked.object.as_deref(),
    };
    let (entries, next) = bridge.store().audit_search(tenant, &search, asked.before.as_deref()).await?;
    Ok(Page { entries, next })
}

/// One part of a month's entries, at most 4 MiB.
pub(crate) async fn part(bridge: &Bridge, actor: &Actor, tenant: &str, asked: &Exported) -> Result<Part, ApiError> {
    let config = tenants::find(bridge, actor, tenant).await?;
    let format = format_of(asked.format.as_deref())?;
    let (Some(at), _) = month(&asked.month)? else { return Err(not_a_month()) };
    let content_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Jsonl => "application/x-ndjson",
    };
    let mut part = Part { text: Vec::new(), content_type, next: asked.after.clone() };
    if format == Format::Csv && asked.after.is_none() {
        // Without the mark, Excel takes the file for one in its system's encoding.
        part.text.extend("\u{feff}".as_bytes());
        csv_row(&mut part.text, &COLUMNS.map(str::to_owned))?;
    }
    while part.text.len() < PART_BYTES {
        let page = bridge.store().audit_of_month(&config.tenant.id, at, part.next.as_deref()).await?;
        let (entries, next) = page;
        for entry in &entries {
            match format {
                Format::Csv => csv_row(&mut part.text, &cells(entry))?,
                Format::Jsonl => {
                    part.text.extend(serde_json::to_vec(entry).unwrap_or_default());
                    part.text.push(b'\n');
                }
            }
        }
        part.next = next;
        if part.next.is_none() {
            break;
        }
    }
    Ok(part)
}

fn format_of(text: Option<&str>) -> Result<Format, ApiError> {
    let known = [Format::Csv, Format::Jsonl].into_iter().find(|format| format.name() == text.unwrap_or("csv"));
    known.ok_or_else(|| ApiError::field("format", "must be csv or jsonl / 应为 csv 或 jsonl"))
}

const COLUMNS: [&str; 8] = ["at", "action", "actor", "object", "result", "from", "trace", "detail"];

fn cells(entry: &Entry) -> [String; 8] {
    let at = jiff::Timestamp::from_millisecond(entry.at.0).unwrap_or_default();
    let action = match serde_json::to_value(entry.action) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    };
    let detail = entry.detail.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    [
        at.to_string(),
        action,
        entry.actor.clone(),
        entry.object.clone(),
        entry.result.clone(),
        entry.from.clone(),
        entry.trace.clone(),
        detail,
    ]
}

/// A spreadsheet would run a cell that begins like a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

fn csv_row(to: &mut Vec<u8>, cells: &[String]) -> Result<(), ApiError> {
    let mut writer = csv::Writer::from_writer(to);
    let unwritten = |e: csv::Error| ApiError::from(signin::Refusal::because(domain::problem::UNAVAILABLE, e));
    writer.write_record(cells.iter().map(|cell| harmless(cell))).map_err(unwritten)?;
    writer.flush().map_err(|e| unwritten(e.into()))
}

fn instant(field: &str, text: &str) -> Result<Timestamp, ApiError> {
    let instant: jiff::Timestamp = text.parse().map_err(|e| ApiError::field(field, e))?;
    Ok(Timestamp(instant.as_millisecond()))
}

fn not_a_month() -> ApiError {
    ApiError::field("month", "must be like 2026-11 / 应形如 2026-11")
}

/// The first instant of a month and of the next one, UTC.
fn month(text: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let date = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => jiff::tz::TimeZone::UTC.to_datetime(instant).date().first_of_month(),
        Err(_) => format!("{text}-01").parse::<jiff::civil::Date>().map_err(|_| not_a_month())?,
    };
    let at = |date: jiff::civil::Date| {
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| not_a_month())?;
        Ok::<_, ApiError>(Timestamp(zoned.timestamp().as_millisecond()))
    };
    let next = date.last_of_month().tomorrow().map_err(|_| not_a_month())?;
    Ok((Some(at(date)?), Some(at(next)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (cell, want) in [
            ("=1+1", "'=1+1"),
            ("+86", "'+86"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("张三", "张三"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), want);
        }
    }

    #[test]
    fn a_month_is_named_by_itself_or_by_an_instant() {
        let november = month("2026-11").unwrap();
        assert_eq!(november, month("2026-11-30T23:59:59Z").unwrap());
        assert_eq!(november.1, month("2026-12").unwrap().0);
        for bad in ["", "2026", "2026-13", "11/2026", "2026-11-31"] {
            assert!(month(bad).is_err(), "{bad}");
        }
    }
}
