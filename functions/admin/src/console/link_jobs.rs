//! A bulk action: its preview, how far it is, what became of each row, and its undoing.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::link_job::{CHUNK_ROWS, LinkJob, Phase, Row};
use domain::role::Permission;
use domain::text::Text;
use signin::Bridge;

use super::bindings::{kind, phase};
use super::blocks::{
    Card, Html, Link, Table, Tone, button_link, columns, empty, facts, html, notice, progress, quiet, tag, text, time,
};
use super::enterprises::step_up;
use super::form::{Form, button};
use super::page::{Page, Section};
use super::visitor::{Posted, Visitor};
use super::words as w;
use crate::enterprises;
use crate::error::ApiError;
use crate::input::Sent;
use crate::link_jobs::{self as service, View, apply::Decision};
use crate::sheet::Format;

/// Texts of this page.
pub mod words {
    domain::texts! {
        ROW = "行" / "Row";
        VALUE = "关联值" / "Relation value";
        OUTCOME = "结果" / "Outcome";
        SUMMARY = "汇总" / "Summary";
        ROWS = "各行结果" / "Each row";
        NO_ROWS = "没有行" / "No rows";
        PROGRESS_RESOLVING = "正在 OA 中查找关联值" / "Looking the values up at the OA";
        PROGRESS_APPLYING = "正在写入关联" / "Writing the links";
        SECONDS_LEFT = "预计剩余秒数" / "seconds left, estimated";
        GO_ON = "继续处理" / "Go on";
        APPLY = "按预览写入" / "Write what the preview shows";
        PREVIEW_TITLE = "这是预览，尚未改变任何内容" / "This is a preview: nothing has been changed yet";
        REFUSED_TITLE = "预览之后数据发生了变化，没有写入任何内容" / "Something changed since the preview; nothing was written";
        REFUSED_TEXT = "请重新上传文件，查看新的预览。" / "Upload the file again for a new preview.";
        UNDO = "撤销这次操作" / "Undo this action";
        UNDONE = "已被撤销" / "It has been undone";
        RESULT = "下载结果 CSV" / "Download the result, CSV";
        LATER = "可以离开此页，稍后再回来继续。" / "You may leave this page and come back later.";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(job): Path<String>) -> Response {
    let page = async {
        let view = service::show(&bridge, &visitor.actor, &job).await?;
        page(&bridge, &visitor, &view).await
    };
    visitor.answer(page.await.map(Page::answer))
}

async fn page(bridge: &Bridge, visitor: &Visitor, view: &View) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let job = &view.job;
    let known = enterprises::known(bridge, &visitor.actor, job.enterprise.as_str()).await?;
    let back = Link::new(format!("/enterprises/{}/bindings", known.id), t(w::NAV_BINDINGS));
    let mut page = Page::new(visitor, Section::Bindings, Some(&known.id), t(kind(job.kind)))
        .trail(step_up(&known.id, &known.name))
        .trail(back);
    page = page.block_if(next_step(bridge, visitor, view));
    let about = [
        (t(w::STATE), phase(lang, job.phase)),
        (t(super::bindings::words::ROWS), text(&job.total.to_string())),
        (t(w::CREATED), time(visitor.zone(), job.created.at).and(&quiet(&job.created.by))),
    ];
    let counts: Vec<(&'static str, Html)> =
        job.counts.iter().map(|(status, count)| (status.text().get(lang), text(&count.to_string()))).collect();
    let about = html(&Card { title: t(w::DETAIL).to_owned(), blocks: vec![facts(&about)], ..Card::default() });
    let summary = html(&Card {
        id: "summary",
        title: t(words::SUMMARY).to_owned(),
        blocks: vec![facts(&counts)],
        ..Card::default()
    });
    page = page.block(columns(&[about, summary]));
    if matches!(job.phase, Phase::Previewed | Phase::Done | Phase::Refused) {
        page = page.block(rows_card(bridge, visitor, job).await?);
    }
    Ok(page)
}

/// What is to be done now: wait, decide, or nothing.
fn next_step(bridge: &Bridge, visitor: &Visitor, view: &View) -> Option<Html> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let job = &view.job;
    let may = visitor.may(Permission::Bind);
    let blocks = match job.phase {
        Phase::Resolving | Phase::Applying => {
            let what = if job.phase == Phase::Resolving { words::PROGRESS_RESOLVING } else { words::PROGRESS_APPLYING };
            let left = view.seconds_left.map(|s| format!(", {s} {}", t(words::SECONDS_LEFT))).unwrap_or_default();
            let label = format!("{} ({}/{}{left})", t(what), view.done, job.total);
            let mut blocks = vec![progress(view.done.into(), job.total.into(), &label), quiet(t(words::LATER))];
            if may {
                let action = format!("/link-jobs/{}/continue", job.id);
                let form = Form { repeat: true, ..button(action, visitor.csrf(), t(words::GO_ON), "primary") };
                blocks.push(form.html());
            }
            blocks
        }
        Phase::Previewed => {
            let mut blocks = vec![notice(Tone::Hint, t(words::PREVIEW_TITLE), "")];
            if may {
                let form = button(format!("/link-jobs/{}/apply", job.id), visitor.csrf(), t(words::APPLY), "primary");
                blocks.push(form.hidden("preview", &job.preview).html());
            }
            blocks
        }
        Phase::Refused => vec![notice(Tone::Bad, t(words::REFUSED_TITLE), t(words::REFUSED_TEXT))],
        Phase::Done => {
            if let Some(by) = &job.undone_by {
                vec![button_link(&format!("/link-jobs/{by}"), t(words::UNDONE), "")]
            } else if may && job.may_be_undone(bridge.clock().now()) {
                vec![button(format!("/link-jobs/{}/undo", job.id), visitor.csrf(), t(words::UNDO), "danger").html()]
            } else {
                return None;
            }
        }
    };
    Some(html(&Card { id: "next", blocks, ..Card::default() }))
}

async fn rows_card(bridge: &Bridge, visitor: &Visitor, job: &LinkJob) -> Result<Html, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let chunk = u32::try_from(visitor.query.number("chunk")).unwrap_or(0);
    let rows = if chunk < job.chunks() { bridge.store().link_job_rows(&job.id, chunk).await? } else { Vec::new() };
    let first = chunk.saturating_mul(CHUNK_ROWS);
    let endings = bridge.store().link_job_endings(&job.id, first, first.saturating_add(CHUNK_ROWS)).await?;
    let cells = |(position, row): (u32, &Row)| {
        let outcome = row.status(endings.get(&position).copied());
        let outcome = outcome.map_or_else(
            || quiet("—"),
            |status| tag(if status.is_error() { Tone::Bad } else { Tone::Plain }, status.text().get(lang)),
        );
        vec![text(&row.number.to_string()), text(&row.user), text(&row.value), outcome]
    };
    let next = (chunk + 1 < job.chunks()).then(|| Link::new(format!("?chunk={}", chunk + 1), t(w::NEXT_PAGE)));
    let table = Table {
        label: t(words::ROWS).to_owned(),
        columns: [words::ROW, super::directory::words::ACCOUNT, words::VALUE, words::OUTCOME].map(t).to_vec(),
        rows: (first..).zip(&rows).map(cells).collect(),
        empty: empty(t(words::NO_ROWS), "", None),
        next,
    };
    Ok(html(&Card {
        id: "rows",
        title: t(words::ROWS).to_owned(),
        more: Some(button_link(&format!("/link-jobs/{}/result", job.id), t(words::RESULT), "small")),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    }))
}

fn to_job(visitor: &Visitor, outcome: Result<View, ApiError>) -> Response {
    match outcome {
        Ok(view) => Redirect::to(&format!("/link-jobs/{}", view.job.id)).into_response(),
        Err(error) => visitor.problem(&error),
    }
}

pub async fn go_on(State(bridge): State<Bridge>, Path(job): Path<String>, posted: Posted) -> Response {
    let visitor = posted.visitor;
    let page = async {
        let view = service::go_on(&bridge, &visitor.actor, &job).await?;
        // The estimate belongs to this slice, so it is shown here; at the end the page has an address of its own.
        match view.job.phase {
            Phase::Resolving | Phase::Applying => Ok(page(&bridge, &visitor, &view).await?.answer()),
            _ => Ok(Redirect::to(&format!("/link-jobs/{}", view.job.id)).into_response()),
        }
    };
    let answer = page.await;
    visitor.answer(answer)
}

pub async fn apply(State(bridge): State<Bridge>, Path(job): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let decision = Decision { preview: fields.text("preview") };
    let outcome = service::apply(&bridge, &visitor.actor, &job, Sent::Form(decision)).await;
    to_job(&visitor, outcome)
}

pub async fn undo(State(bridge): State<Bridge>, Path(job): Path<String>, posted: Posted) -> Response {
    let visitor = posted.visitor;
    let outcome = service::undo(&bridge, &visitor.actor, &job).await;
    to_job(&visitor, outcome)
}

pub async fn result(State(bridge): State<Bridge>, visitor: Visitor, Path(job): Path<String>) -> Response {
    let part = visitor.query.optional("part");
    match service::result(&bridge, &visitor.actor, &job, Format::Csv, part.as_deref()).await {
        Ok(part) => part.answer("result", visitor.path.split('?').next().unwrap_or_default()),
        Err(error) => visitor.problem(&error),
    }
}
