//! Settings history: who changed what, can I go back? With the team's own settings, and their export and import.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;

use super::blocks::{
    Card, Html, Link, Table, button_link, code, columns, empty, folded, html, quiet, stack, text, time,
};
use super::form::{Field, Fields, Form, Given, Kind, button};
use super::oa_instances::done;
use super::page::{Page, Section, problem_block, refusal_block};
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::error::ApiError;
use crate::history::{self as service, RollBack, View};
use crate::input::Sent;
use crate::{tenants, transfer};

/// Texts of this page.
pub mod words {
    domain::texts! {
        TEAM = "团队设置" / "Team settings";
        TEAM_NAME = "团队名称" / "Name of the team";
        HOSTS = "自定义链接允许的主机名" / "Hosts that custom links may lead to";
        HOSTS_HINT = "每行一个，例如 intranet.example.com" / "One a line, for example intranet.example.com";
        ZONE = "时区" / "Time zone";
        ZONE_HINT = "IANA 名称，例如 Asia/Shanghai；控制台按它显示时间，定时同步按它开始"
            / "Its IANA name, for example Asia/Shanghai; the console shows times in it, and timed runs start by it";
        SAVE_TEAM = "保存团队设置" / "Save the team's settings";
        CARRY = "导出与导入" / "Export and import";
        CARRY_LEAD = "导出全部设置为 JSON，不含任何密钥。可导入到一个空的团队。"
            / "All settings as JSON, without any secret. It can be imported into an empty team.";
        EXPORT = "导出设置" / "Export the settings";
        IMPORT = "导入设置" / "Import settings";
        DOCUMENT = "设置 JSON" / "Settings, JSON";
        HISTORY = "变更记录" / "Changes";
        HISTORY_LEAD = "每次保存都记录修改前后的值，保留 400 天。" / "Each save with the values before and after, kept for 400 days.";
        NONE_YET = "还没有变更" / "No changes yet";
        ROLL_BACK = "恢复到修改之前" / "Restore what was before";
        FORCE = "仍然恢复" / "Restore it all the same";
        FIELD = "字段" / "Field";
        BEFORE = "修改前" / "Before";
        AFTER = "修改后" / "After";
        CREATED = "新建" / "created";
        CHANGED = "修改" / "changed";
        DELETED = "删除" / "deleted";
        K_TENANT = "团队" / "Team";
        K_OA = "OA 实例" / "OA instance";
        K_ENTERPRISE = "企业" / "Enterprise";
        K_APP = "应用" / "App";
        NOT_JSON = "不是云桥导出的设置文件" / "This is not a settings file exported by the bridge";
        IMPORTED = "已导入；请为每个应用和 OA 填写密钥。" / "Imported. Now enter the secrets of each app and OA.";
    }
}

pub async fn show(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let page = page(&bridge, &visitor, None).await;
    visitor.answer(page.map(Page::answer))
}

/// Which form was refused.
enum Refused {
    Team(Given),
    Import(Given),
}

async fn page(bridge: &Bridge, visitor: &Visitor, refused: Option<Refused>) -> Result<Page, ApiError> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let tenant = visitor.session.tenant.as_str();
    let cursor = visitor.query.optional("cursor");
    let list = service::entries(bridge, &visitor.actor, tenant, cursor.as_deref()).await?;
    let (team, import) = match refused {
        Some(Refused::Team(given)) => (Some(given), Given::default()),
        Some(Refused::Import(given)) => (None, given),
        None => (None, Given::default()),
    };
    let mut page = Page::new(visitor, Section::History, None, t(w::NAV_HISTORY));
    if visitor.may(Permission::Own) {
        let config = tenants::find(bridge, &visitor.actor, tenant).await?;
        page = page.block(columns(&[team_card(visitor, &config.tenant, team), carry_card(visitor, &import)]));
    }
    let next = list.next.as_ref().map(|next| Link::new(format!("?cursor={}", next.as_str()), t(w::NEXT_PAGE)));
    let table = Table {
        label: t(words::HISTORY).to_owned(),
        columns: [w::WHEN, w::BY, w::OBJECT, w::DETAIL].map(t).into_iter().chain([""]).collect(),
        rows: list.entries.iter().map(|view| row(visitor, view)).collect(),
        empty: empty(t(words::NONE_YET), "", None),
        next,
    };
    Ok(page.block(html(&Card {
        id: "history",
        title: t(words::HISTORY).to_owned(),
        lead: t(words::HISTORY_LEAD).to_owned(),
        blocks: vec![html(&table)],
        flush: true,
        ..Card::default()
    })))
}

fn row(visitor: &Visitor, view: &View) -> Vec<Html> {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let what = match view.what {
        "created" => words::CREATED,
        "deleted" => words::DELETED,
        _ => words::CHANGED,
    };
    let kind = match view.kind {
        "tenant" => words::K_TENANT,
        "oa-instance" => words::K_OA,
        "enterprise" => words::K_ENTERPRISE,
        _ => words::K_APP,
    };
    let shown = |value: &Option<serde_json::Value>| {
        value
            .as_ref()
            .map_or_else(|| quiet("—"), |value| code(&value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    };
    let changes: Vec<Vec<Html>> = view
        .changes
        .iter()
        .map(|change| vec![text(&change.field), shown(&change.before), shown(&change.after)])
        .collect();
    let summary: Vec<&str> = view.changes.iter().map(|change| change.field.as_str()).take(4).collect();
    let detail = Table {
        label: t(w::DETAIL).to_owned(),
        columns: [words::FIELD, words::BEFORE, words::AFTER].map(t).to_vec(),
        rows: changes,
        ..Table::default()
    };
    let label = format!("{} · {}", t(what), summary.join(", "));
    let may = visitor.may(Permission::Own) && view.what == "changed";
    let back = if may {
        let action = format!("/settings-history/{}/roll-back", view.id.as_str());
        button(action, visitor.csrf(), t(words::ROLL_BACK), "small").html()
    } else {
        quiet("")
    };
    vec![
        time(visitor.zone(), view.at),
        text(&view.by),
        text(t(kind)).and(&quiet(&view.name)),
        folded(&label, &html(&detail)),
        back,
    ]
}

fn team_card(visitor: &Visitor, tenant: &domain::model::Tenant, refused: Option<Given>) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let given = refused.unwrap_or_else(|| {
        let fields = Fields::default().with("name", &tenant.name).with("zone", tenant.zone.name());
        Given::fresh(fields.with("link_hosts", tenant.link_hosts.join("\n")))
    });
    let form = Form::post("/team", visitor.csrf(), t(words::SAVE_TEAM))
        .hidden("version", tenant.version.to_string())
        .field(Field::new("name", t(words::TEAM_NAME)), &given)
        .field(Field::new("zone", t(words::ZONE)).hint(t(words::ZONE_HINT)), &given)
        .field(Field::new("link_hosts", t(words::HOSTS)).hint(t(words::HOSTS_HINT)).kind(Kind::Area), &given);
    html(&Card { id: "team", title: t(words::TEAM).to_owned(), blocks: vec![form.html()], ..Card::default() })
}

fn carry_card(visitor: &Visitor, given: &Given) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let mut blocks = vec![stack(&[button_link("/settings-export", t(words::EXPORT), "")])];
    if visitor.may(Permission::Own) {
        let form = Form { guard: false, ..Form::post("/settings-import", visitor.csrf(), t(words::IMPORT)) }
            .field(Field::new("document", t(words::DOCUMENT)).kind(Kind::Area), given);
        let form = form.html();
        blocks.push(if given.errors.is_empty() { folded(t(words::IMPORT), &form) } else { form });
    }
    html(&Card {
        id: "carry",
        title: t(words::CARRY).to_owned(),
        lead: t(words::CARRY_LEAD).to_owned(),
        blocks,
        ..Card::default()
    })
}

pub async fn save_team(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let change = tenants::Change {
        version: fields.number("version"),
        name: Some(fields.text("name")),
        link_hosts: Some(fields.lines("link_hosts")),
        zone: Some(fields.text("zone")),
    };
    match tenants::apply(&bridge, &visitor.actor, visitor.session.tenant.as_str(), Sent::Form(change)).await {
        Ok(_) => done("/settings-history", "saved"),
        Err(error) => {
            error.log();
            let given = Given::refused(fields, &error, visitor.lang());
            let told = given.errors.is_empty().then(|| refusal_block(&error, visitor.lang()));
            let page = page(&bridge, &visitor, Some(Refused::Team(given))).await;
            visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
        }
    }
}

pub async fn export(State(bridge): State<Bridge>, visitor: Visitor) -> Response {
    let document = transfer::document(&bridge, &visitor.actor, visitor.session.tenant.as_str()).await;
    let document = match document {
        Ok(document) => document,
        Err(error) => return visitor.problem(&error),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"bridge-settings.json\""),
    ];
    match serde_json::to_vec_pretty(&document) {
        Ok(body) => (headers, body).into_response(),
        Err(error) => visitor.problem(&ApiError::body(error)),
    }
}

pub async fn import(State(bridge): State<Bridge>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let lang = visitor.lang();
    let reason = |error: serde_json::Error| {
        ApiError::field("document", format!("{}: {error} / {}: {error}", words::NOT_JSON.en, words::NOT_JSON.zh))
    };
    let taken = match serde_json::from_str(fields.get("document")).map_err(reason) {
        Ok(document) => {
            transfer::take(&bridge, &visitor.actor, visitor.session.tenant.as_str(), Sent::Form(document)).await
        }
        Err(error) => Err(error),
    };
    match taken {
        Ok(_) => done("/", "imported"),
        Err(error) => {
            error.log();
            let mut given = Given::refused(fields, &error, lang);
            for (field, reason) in &mut given.errors {
                if field != "document" {
                    *reason = format!("{field}: {reason}");
                    "document".clone_into(field);
                }
            }
            let told = given.errors.is_empty().then(|| refusal_block(&error, lang));
            let page = page(&bridge, &visitor, Some(Refused::Import(given))).await;
            visitor.answer(page.map(|page| page.told(told).answer_with(status_of(&error))))
        }
    }
}

pub async fn roll_back(State(bridge): State<Bridge>, Path(entry): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let asked = RollBack { force: fields.checked("force") };
    let tenant = visitor.session.tenant.as_str();
    match service::restore(&bridge, &visitor.actor, tenant, &entry, Sent::Form(asked)).await {
        Ok(_) => done("/settings-history", "rolled-back"),
        Err(error) if error.problem() == domain::problem::CHANGED_MEANWHILE && !fields.checked("force") => {
            visitor.answer(Ok(moved_on(&visitor, &entry, &error)))
        }
        Err(error) => visitor.problem(&error),
    }
}

/// Others have changed the same fields since: what they are, and the choice to go back all the same.
fn moved_on(visitor: &Visitor, entry: &str, error: &ApiError) -> Response {
    error.log();
    let lang: Lang = visitor.lang();
    let action = format!("/settings-history/{entry}/roll-back");
    let form = button(action, visitor.csrf(), words::FORCE.get(lang), "danger").hidden("force", "yes");
    Page::new(visitor, Section::History, None, words::ROLL_BACK.get(lang))
        .trail(Link::new("/settings-history", w::NAV_HISTORY.get(lang)))
        .block(problem_block(error, lang))
        .block(form.html())
        .answer_with(status_of(error))
}
