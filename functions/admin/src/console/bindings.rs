//! Bindings: what is unlinked or in conflict, and how to settle many at once.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ids::OaUserId;
use domain::link_job::{Kind as JobKind, Phase};
use domain::matching::OaField;
use domain::model::Enterprise;
use domain::problem;
use domain::role::Permission;
use domain::text::{Lang, Text};
use platform::http::is_cross_site;
use signin::Bridge;
use state::bind::Conflict;

use super::auto_bind::auto_bind_card;
use super::blocks::{
    Card, Html, Table, Tone, button_link, columns, empty, html, link, notice, quiet, stack, tag, text, time,
};
use super::directory::{in_path, person_href};
use super::enterprises::step_up;
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::oa_instances::done;
use super::page::{Page, Section, refusal_block};
use super::visitor::{Posted, Visitor, lang_of, problem_alone, status_of};
use super::{sign_in, words as w};
use crate::error::ApiError;
use crate::input::Sent;
use crate::link_jobs::{self, View, make::Confirmation, make::ImportAsked};
use crate::sheet::{Encoding, FILE_BYTES_MAX, Format};
use crate::{conflicts, console_session, enterprises, links, people_export};

/// Texts of this page.
pub mod words {
    domain::texts! {
        CONFLICTS = "冲突" / "Conflicts";
        CONFLICTS_LEAD = "自动绑定时匹配到多个 OA 用户的人员。选择正确的一个即可关联。"
            / "People whom several OA users matched. Choosing the right one links them.";
        NO_CONFLICTS = "没有冲突" / "No conflicts";
        CANDIDATES = "候选 OA 用户" / "Candidates";
        CHOOSE = "关联所选用户" / "Link the chosen one";
        UNLINKED = "未关联的人员" / "People without a link";
        UNLINKED_TEXT = "在通讯录中逐个关联，或用下面的导入一次处理。"
            / "Link them one by one in the directory, or many at once by an import.";
        SHOW_UNLINKED = "查看未关联的人员" / "Show people without a link";
        EXPORT = "导出" / "Export";
        EXPORT_LEAD = "每人一行，最后一列「关联值」为空，填好后可以导入。"
            / "One row a person; the last column, the relation value, is empty, to be filled in and imported.";
        CSV = "导出 CSV" / "Export CSV";
        XLSX = "导出 XLSX" / "Export XLSX";
        IMPORT = "导入" / "Import";
        IMPORT_LEAD = "先预览每一行的结果，确认后才写入。最多 20,000 行、4 MiB。"
            / "A preview of each row comes first; nothing is written before you confirm. At most 20,000 rows and 4 \
                MiB.";
        FILE = "CSV（UTF-8）或 XLSX 文件" / "CSV (UTF-8) or XLSX file";
        FIELD = "关联值是 OA 用户的" / "The relation value is the OA user's";
        F_MOBILE = "手机号" / "Mobile";
        F_EMAIL = "邮箱" / "E-mail";
        F_WORK = "工号" / "Work code";
        F_LOGIN = "登录名" / "Login name";
        OVERWRITE = "已关联到其他 OA 用户的人员改为新的关联" / "Link people anew who are linked to somebody else";
        GBK = "文件是 GBK 编码" / "The file is encoded as GBK";
        PREVIEW = "上传并预览" / "Upload and preview";
        BULK = "批量解绑" / "Bulk unbind";
        BULK_LEAD = "解除这家企业的全部关联。人员保留，30 天内可以撤销。"
            / "Removes every link of this enterprise. The people stay; it can be undone for 30 days.";
        BULK_COUNT = "输入当前关联数量以确认" / "Type the present number of links to confirm";
        BULK_NOW = "当前关联数量" / "Links now";
        BULK_BUTTON = "解除全部关联" / "Remove every link";
        JOBS = "最近的批量操作" / "Latest bulk actions";
        NO_JOBS = "还没有批量操作" / "No bulk actions yet";
        K_IMPORT = "导入" / "Import";
        K_BULK = "批量解绑" / "Bulk unbind";
        K_UNDO = "撤销" / "Undo";
        ROWS = "行数" / "Rows";
        P_RESOLVING = "正在预览" / "Preparing the preview";
        P_PREVIEWED = "等待确认" / "Waits for a decision";
        P_APPLYING = "正在写入" / "Being written";
        P_DONE = "已完成" / "Done";
        P_REFUSED = "未执行，数据已变化" / "Not done: something changed";
        MORE_PARTS = "文件分为多个部分" / "The file comes in parts";
        DOWNLOAD_PART = "下载这一部分" / "Download this part";
        NEXT_PART = "下一部分" / "The next part";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor, Path(enterprise): Path<String>) -> Response {
    let page = page(&bridge, &visitor, &enterprise, None).await;
    visitor.answer(page.map(Page::answer))
}

/// Which form of the page was refused.
enum Refused {
    Import(Given),
    Bulk(Given),
}

async fn page(
    bridge: &Bridge,
    visitor: &Visitor,
    enterprise: &str,
    refused: Option<Refused>,
) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let (_, known) = enterprises::find(bridge, &visitor.actor, enterprise).await?;
    let conflicts = links::open_conflicts(bridge, &visitor.actor, enterprise).await?;
    let jobs = link_jobs::list(bridge, &visitor.actor, enterprise).await?;
    let (import, bulk) = match refused {
        Some(Refused::Import(given)) => (given, Given::default()),
        Some(Refused::Bulk(given)) => (Given::default(), given),
        None => (Given::default(), Given::default()),
    };
    let count = link_jobs::count_links(bridge, &visitor.actor, enterprise).await?;
    let mut page = Page::new(visitor, Section::Bindings, Some(&known.id), w::NAV_BINDINGS.get(lang))
        .trail(step_up(&known.id, &known.name))
        .block(conflicts_card(visitor, &known, &conflicts))
        .block(columns(&[unlinked_card(lang, &known), export_card(lang, &known)]));
    if visitor.may(Permission::Bind) {
        page = page.block(columns(&[import_card(visitor, &known, &import), bulk_card(visitor, &known, count, &bulk)]));
    }
    Ok(page.block(jobs_card(visitor, &jobs)).block(auto_bind_card(visitor, &known, None)))
}

fn conflicts_card(visitor: &Visitor, enterprise: &Enterprise, conflicts: &[Conflict]) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let row = |conflict: &Conflict| {
        let user = conflict.user.as_str();
        let choices: Vec<Choice> =
            conflict.candidates.iter().map(|one| Choice::new(one.as_str(), one.as_str())).collect();
        let action = format!("/enterprises/{}/conflicts/{}", enterprise.id, in_path(user));
        let form = if visitor.may(Permission::Bind) {
            let form = Form {
                class: "filters",
                tone: "small",
                guard: false,
                ..Form::post(action, visitor.csrf(), t(words::CHOOSE))
            };
            form.field(Field::new("oa_user", t(words::CANDIDATES)).kind(Kind::Select(choices)), &Given::default())
                .html()
        } else {
            let all: Vec<&str> = conflict.candidates.iter().map(OaUserId::as_str).collect();
            text(&all.join(", "))
        };
        vec![link(&person_href(enterprise, user), user), form]
    };
    let table = Table {
        label: t(words::CONFLICTS).to_owned(),
        columns: [super::directory::words::ACCOUNT, words::CANDIDATES].map(t).to_vec(),
        rows: conflicts.iter().map(row).collect(),
        empty: empty(t(words::NO_CONFLICTS), "", None),
        next: None,
    };
    html(&Card {
        id: "conflicts",
        title: t(words::CONFLICTS).to_owned(),
        lead: t(words::CONFLICTS_LEAD).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    })
}

fn unlinked_card(lang: Lang, enterprise: &Enterprise) -> Html {
    let go = format!("/enterprises/{}/directory?link=unlinked", enterprise.id);
    html(&Card {
        title: words::UNLINKED.get(lang).to_owned(),
        lead: words::UNLINKED_TEXT.get(lang).to_owned(),
        blocks: vec![stack(&[button_link(&go, words::SHOW_UNLINKED.get(lang), "")])],
        ..Card::default()
    })
}

fn export_card(lang: Lang, enterprise: &Enterprise) -> Html {
    let base = format!("/enterprises/{}/export?format", enterprise.id);
    let csv = button_link(&format!("{base}=csv"), words::CSV.get(lang), "");
    let xlsx = button_link(&format!("{base}=xlsx"), words::XLSX.get(lang), "");
    html(&Card {
        id: "export",
        title: words::EXPORT.get(lang).to_owned(),
        lead: words::EXPORT_LEAD.get(lang).to_owned(),
        blocks: vec![stack(&[csv.and(&xlsx)])],
        ..Card::default()
    })
}

fn import_card(visitor: &Visitor, enterprise: &Enterprise, given: &Given) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let fields = vec![
        Choice::new("mobile", t(words::F_MOBILE)),
        Choice::new("email", t(words::F_EMAIL)),
        Choice::new("work-code", t(words::F_WORK)),
        Choice::new("login-name", t(words::F_LOGIN)),
    ];
    let action = format!("/enterprises/{}/import", enterprise.id);
    let form = Form { upload: true, guard: false, ..Form::post(action, visitor.csrf(), t(words::PREVIEW)) }
        .field(Field::new("file", t(words::FILE)).kind(Kind::File), given)
        .field(Field::new("field", t(words::FIELD)).kind(Kind::Select(fields)), given)
        .field(Field::new("overwrite", t(words::OVERWRITE)).kind(Kind::Check), given)
        .field(Field::new("gbk", t(words::GBK)).kind(Kind::Check), given);
    let lines = form.elsewhere(given);
    let told = (!lines.is_empty()).then(|| notice(Tone::Bad, t(w::CHECK_FIELDS), &lines.join(" ")));
    html(&Card {
        id: "import",
        title: t(words::IMPORT).to_owned(),
        lead: t(words::IMPORT_LEAD).to_owned(),
        blocks: told.into_iter().chain([form.html()]).collect(),
        ..Card::default()
    })
}

fn bulk_card(visitor: &Visitor, enterprise: &Enterprise, count: u64, given: &Given) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let action = format!("/enterprises/{}/bulk-unbind", enterprise.id);
    let form = Form { guard: false, ..Form::post(action, visitor.csrf(), t(words::BULK_BUTTON)) }
        .danger()
        .field(Field::new("count", t(words::BULK_COUNT)), given);
    html(&Card {
        id: "bulk-unbind",
        title: t(words::BULK).to_owned(),
        lead: t(words::BULK_LEAD).to_owned(),
        more: Some(quiet(t(words::BULK_NOW)).and(&text(&count.to_string()))),
        blocks: vec![form.html()],
        ..Card::default()
    })
}

/// A job's kind as people read it.
pub fn kind(kind: JobKind) -> Text {
    match kind {
        JobKind::Import => words::K_IMPORT,
        JobKind::BulkUnbind => words::K_BULK,
        JobKind::Undo => words::K_UNDO,
    }
}

/// A job's phase as people read it.
pub fn phase(lang: Lang, phase: Phase) -> Html {
    let (tone, word) = match phase {
        Phase::Resolving => (Tone::Hint, words::P_RESOLVING),
        Phase::Previewed => (Tone::Warn, words::P_PREVIEWED),
        Phase::Applying => (Tone::Hint, words::P_APPLYING),
        Phase::Done => (Tone::Ok, words::P_DONE),
        Phase::Refused => (Tone::Bad, words::P_REFUSED),
    };
    tag(tone, word.get(lang))
}

fn jobs_card(visitor: &Visitor, jobs: &[View]) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let row = |view: &View| {
        let job = &view.job;
        vec![
            link(&format!("/link-jobs/{}", job.id), t(kind(job.kind))),
            phase(lang, job.phase),
            text(&job.total.to_string()),
            time(visitor.zone(), job.created.at),
            text(&job.created.by),
        ]
    };
    let table = Table {
        label: t(words::JOBS).to_owned(),
        columns: [w::WHAT, w::STATE, words::ROWS, w::WHEN, w::BY].map(t).to_vec(),
        rows: jobs.iter().map(row).collect(),
        empty: empty(t(words::NO_JOBS), "", None),
        next: None,
    };
    html(&Card {
        id: "jobs",
        title: t(words::JOBS).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    })
}

pub async fn settle(
    State(bridge): State<Bridge>,
    Path((enterprise, user)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { visitor, fields } = posted;
    let choice = OaUserId::parse(fields.get("oa_user")).map(|oa_user| conflicts::Choice { oa_user });
    let choice = choice.map_err(|_| ApiError::field("oa_user", "choose one of the candidates / 请选择一个候选"));
    let settled = match choice {
        Ok(choice) => conflicts::settle(&bridge, &visitor.actor, &enterprise, &user, Sent::Form(choice)).await,
        Err(error) => Err(error),
    };
    match settled {
        Ok(_) => done(&format!("/enterprises/{enterprise}/bindings"), "bound"),
        Err(error) => visitor.problem(&error),
    }
}

pub async fn bulk_unbind(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let count = fields.get("count").trim().replace(',', "").parse().unwrap_or(u32::MAX);
    match link_jobs::bulk_unbind(&bridge, &visitor.actor, &enterprise, Sent::Form(Confirmation { count })).await {
        Ok(view) => Redirect::to(&format!("/link-jobs/{}", view.job.id)).into_response(),
        Err(error) => {
            error.log();
            let given = Given::refused(fields, &error, visitor.lang());
            let page = page(&bridge, &visitor, &enterprise, Some(Refused::Bulk(given))).await;
            visitor.answer(page.map(|page| page.answer_with(status_of(&error))))
        }
    }
}

/// An uploaded form: its fields, and the file.
#[derive(Debug)]
pub struct Uploaded {
    visitor: Visitor,
    fields: Fields,
    file: Bytes,
}

/// Fields of an upload at most.
const PARTS_MAX: usize = 12;

impl FromRequest<Bridge> for Uploaded {
    type Rejection = Response;

    async fn from_request(request: Request, bridge: &Bridge) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let lang = lang_of(&parts.headers);
        let refused = |error: ApiError| problem_alone(&error, lang);
        if is_cross_site(&parts.headers, bridge.config().console_origin.as_str()) {
            return Err(refused(problem::CROSS_SITE.into()));
        }
        let Some(visitor) = Visitor::find(&mut parts, bridge).await.map_err(refused)? else {
            // The address of the upload is no page; the form stands on the page of the bindings.
            let path = parts.uri.path();
            let form = path.strip_suffix("/import").map_or_else(|| "/".to_owned(), |base| format!("{base}/bindings"));
            return Err(sign_in::again_with_file(lang, &form));
        };
        let visitor = visitor.admitted(&parts)?;
        let multipart = Multipart::from_request(Request::from_parts(parts, body), bridge).await;
        let multipart = multipart.map_err(|_| refused(problem::BAD_REQUEST.into()))?;
        let (fields, file) = read(multipart).await.map_err(refused)?;
        if !console_session::is_token_of(&visitor.session, fields.get("csrf")) {
            return Err(refused(problem::CROSS_SITE.into()));
        }
        Ok(Self { visitor, fields, file })
    }
}

async fn read(mut multipart: Multipart) -> Result<(Fields, Bytes), ApiError> {
    let (mut fields, mut file) = (Fields::default(), Bytes::new());
    for _ in 0..PARTS_MAX {
        let part = multipart.next_field().await.map_err(|error| of_multipart(&error))?;
        let Some(part) = part else { break };
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| of_multipart(&error))?;
        if name == "file" {
            file = bytes;
        } else {
            fields.set(&name, String::from_utf8_lossy(&bytes));
        }
    }
    Ok((fields, file))
}

fn of_multipart(error: &axum::extract::multipart::MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let reason = "a file has 4 MiB at most: split it / 文件最大 4 MiB，请拆分文件";
        ApiError::from(problem::BODY_TOO_LARGE).about("file", reason)
    } else {
        ApiError::body("ended early / 未完整收到")
    }
}

pub async fn import(State(bridge): State<Bridge>, Path(enterprise): Path<String>, uploaded: Uploaded) -> Response {
    let Uploaded { visitor, fields, file } = uploaded;
    let field = match fields.get("field") {
        "email" => OaField::Email,
        "work-code" => OaField::WorkCode,
        "login-name" => OaField::LoginName,
        _ => OaField::Mobile,
    };
    let encoding = fields.checked("gbk").then_some(Encoding::Gbk);
    let asked = || Ok(ImportAsked { field, overwrite: fields.checked("overwrite"), encoding });
    let made = if file.len() > FILE_BYTES_MAX {
        let reason = "a file has 4 MiB at most: split it / 文件最大 4 MiB，请拆分文件";
        Err(ApiError::from(problem::BODY_TOO_LARGE).about("file", reason))
    } else {
        link_jobs::import(&bridge, &visitor.actor, &enterprise, &file, asked).await
    };
    match made {
        Ok(view) => Redirect::to(&format!("/link-jobs/{}", view.job.id)).into_response(),
        Err(error) => {
            error.log();
            let mut given = Given::refused(fields, &error, visitor.lang());
            // What is wrong with a file stands at the file, whichever part of it the service names.
            for (field, _) in &mut given.errors {
                "file".clone_into(field);
            }
            let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
            let page = page(&bridge, &visitor, &enterprise, Some(Refused::Import(given))).await;
            visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
        }
    }
}

pub async fn export(State(bridge): State<Bridge>, visitor: Visitor, Path(enterprise): Path<String>) -> Response {
    let format = if visitor.query.get("format") == "xlsx" { Format::Xlsx } else { Format::Csv };
    let part = visitor.query.optional("part");
    let asked = || Ok(link_jobs::PartAsked { format, part: part.clone() });
    let made = people_export::export(&bridge, &visitor.actor, &enterprise, asked).await;
    match made {
        // A file in parts is a page of links: a browser saves one answer as one file.
        Ok(made) if (made.next.is_some() || part.is_some()) && !visitor.query.checked("download") => {
            parts_page(&visitor, format, part.as_deref(), made.next.as_deref()).answer()
        }
        Ok(made) => made.answer("people", visitor.path.split('?').next().unwrap_or_default()),
        Err(error) => visitor.problem(&error),
    }
}

fn parts_page(visitor: &Visitor, format: Format, part: Option<&str>, next: Option<&str>) -> Page {
    let lang = visitor.lang();
    let address = |part: Option<&str>, download: bool| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", format.name());
        if let Some(part) = part {
            query.append_pair("part", part);
        }
        if download {
            query.append_pair("download", "yes");
        }
        format!("?{}", query.finish())
    };
    let mut go = button_link(&address(part, true), words::DOWNLOAD_PART.get(lang), "primary");
    if next.is_some() {
        go = go.and(&button_link(&address(next, false), words::NEXT_PART.get(lang), ""));
    }
    Page::new(visitor, Section::Bindings, None, words::EXPORT.get(lang)).block(html(&Card {
        lead: words::MORE_PARTS.get(lang).to_owned(),
        blocks: vec![stack(&[go])],
        ..Card::default()
    }))
}
