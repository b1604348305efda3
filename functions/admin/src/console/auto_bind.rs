//! The one auto-bind setting of an enterprise, as a card (product.md M32, BND-01).

use axum::extract::{Path, State};
use axum::response::Response;
use domain::matching::{AutoBind, OaField, Pair, WeLinkField};
use domain::model::Enterprise;
use domain::role::Permission;
use domain::text::{Lang, Text};
use signin::Bridge;

use super::blocks::{Card, Html, facts, html, quiet, text, time};
use super::enterprises::{Refused, one};
use super::form::{Choice, Field, Fields, Form, Given, Kind};
use super::oa_instances::done;
use super::page::refusal_block;
use super::visitor::{Posted, Visitor, status_of};
use super::words as w;
use crate::auto_bind::{self as service, Change};
use crate::input::Sent;

/// Texts of this card.
pub mod words {
    domain::texts! {
        TITLE = "用户绑定设置" / "Auto-bind setting";
        LEAD = "同一个设置显示在三处：单点登录、从 Welink 同步、从 OA 同步。在任何一处修改都会全部生效。"
            / "One setting, shown in three places: sign-in, from WeLink, from the OA. A change in one of them counts \
                in all.";
        ENABLED = "按匹配字段自动绑定未关联的人员" / "Link people without a link automatically, by matching fields";
        PASSWORD = "匹配后仍需输入一次 OA 密码" / "Ask for the OA password once before a match is linked";
        DENY = "从不自动绑定的 OA 用户" / "OA users who are never linked automatically";
        DENY_HINT = "每行一个 OA 用户编号，例如管理员账号" / "An OA user id a line, for example of administrators";
        SAVE = "保存用户绑定设置" / "Save the auto-bind setting";
        PAIR_1 = "首先匹配" / "Match first by";
        PAIR_2 = "其次匹配" / "Then by";
        PAIR_3 = "再次匹配" / "Then by";
        PAIR_4 = "最后匹配" / "Last by";
        NO_PAIR = "不使用" / "Not used";
        F_MOBILE = "手机号" / "mobile";
        F_EMAIL = "邮箱" / "e-mail";
        F_CORP_USER_ID = "企业用户编号" / "corpUserId";
        F_EMPLOYEE_ID = "工号" / "employee id";
        F_WORK_CODE = "工号" / "work code";
        F_LOGIN_NAME = "登录名" / "login name";
    }
}

pub fn auto_bind_card(visitor: &Visitor, enterprise: &Enterprise, refused: Option<Given>) -> Html {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let setting = &enterprise.auto_bind;
    let given = refused.unwrap_or_else(|| Given::fresh(fields_of(setting)));
    let body = if visitor.may(Permission::Operate) {
        form(visitor, enterprise, &given).html()
    } else {
        facts(&[(t(w::STATE), text(t(if setting.enabled { w::ON } else { w::OFF })))])
    };
    let changed = setting.changed.as_ref().map(|stamp| time(visitor.zone(), stamp.at).and(&quiet(&stamp.by)));
    html(&Card {
        id: "auto-bind",
        title: t(words::TITLE).to_owned(),
        lead: t(words::LEAD).to_owned(),
        more: changed,
        blocks: vec![body],
        ..Card::default()
    })
}

fn form(visitor: &Visitor, enterprise: &Enterprise, given: &Given) -> Form {
    let lang = visitor.lang();
    let t = |text: Text| text.get(lang);
    let form = Form::post(format!("/enterprises/{}/auto-bind", enterprise.id), visitor.csrf(), t(words::SAVE))
        .hidden("version", enterprise.auto_bind.version.to_string())
        .field(Field::new("enabled", t(words::ENABLED)).kind(Kind::Check), given);
    let form = PAIR_FIELDS.iter().fold(form, |form, (name, label)| {
        form.field(Field::new(name, t(*label)).kind(Kind::Select(choices(lang))), given)
    });
    form.field(Field::new("require_password", t(words::PASSWORD)).kind(Kind::Check), given)
        .field(Field::new("deny", t(words::DENY)).hint(t(words::DENY_HINT)).kind(Kind::Area), given)
}

/// The places of the ordered pairs.
const PAIR_FIELDS: [(&str, Text); 4] =
    [("pair1", words::PAIR_1), ("pair2", words::PAIR_2), ("pair3", words::PAIR_3), ("pair4", words::PAIR_4)];

/// Every pair whose fields can hold the same text.
fn pairs() -> impl Iterator<Item = Pair> {
    let welink = [WeLinkField::Mobile, WeLinkField::Email, WeLinkField::CorpUserId, WeLinkField::EmployeeId];
    let oa = [OaField::Mobile, OaField::Email, OaField::WorkCode, OaField::LoginName];
    let all = welink.into_iter().flat_map(move |welink| oa.map(|oa| Pair { welink, oa }));
    all.filter(|pair| pair.is_comparable())
}

/// A pair as a select names it: its two fields as the API writes them.
fn value(pair: Pair) -> String {
    let fields = serde_json::to_value(pair).unwrap_or_default();
    let field = |side: &str| fields[side].as_str().unwrap_or_default().to_owned();
    format!("{}={}", field("welink"), field("oa"))
}

fn choices(lang: Lang) -> Vec<Choice> {
    let welink = |field| match field {
        WeLinkField::Mobile => words::F_MOBILE,
        WeLinkField::Email => words::F_EMAIL,
        WeLinkField::CorpUserId => words::F_CORP_USER_ID,
        WeLinkField::EmployeeId => words::F_EMPLOYEE_ID,
    };
    let oa = |field| match field {
        OaField::Mobile => words::F_MOBILE,
        OaField::Email => words::F_EMAIL,
        OaField::WorkCode => words::F_WORK_CODE,
        OaField::LoginName => words::F_LOGIN_NAME,
    };
    let label = |pair: Pair| format!("WeLink {} = OA {}", welink(pair.welink).get(lang), oa(pair.oa).get(lang));
    let none = Choice::new("", words::NO_PAIR.get(lang));
    std::iter::once(none).chain(pairs().map(|pair| Choice::new(value(pair), label(pair)))).collect()
}

fn fields_of(setting: &AutoBind) -> Fields {
    let deny: Vec<&str> = setting.deny.iter().map(domain::ids::OaUserId::as_str).collect();
    let yes = |on: bool| if on { "yes" } else { "" };
    let fields = Fields::default()
        .with("enabled", yes(setting.enabled))
        .with("require_password", yes(setting.require_password))
        .with("deny", deny.join("\n"));
    let chosen = PAIR_FIELDS.iter().zip(setting.pairs.as_slice());
    chosen.fold(fields, |fields, ((name, _), pair)| fields.with(name, value(*pair)))
}

/// The chosen pairs in their order; places left open do not count.
fn chosen(fields: &Fields) -> Vec<Pair> {
    let of = |(name, _): &(&str, Text)| pairs().find(|pair| value(*pair) == fields.get(name));
    PAIR_FIELDS.iter().filter_map(of).collect()
}

pub async fn save(State(bridge): State<Bridge>, Path(enterprise): Path<String>, posted: Posted) -> Response {
    let Posted { visitor, fields } = posted;
    let change = Change {
        version: fields.number("version"),
        enabled: fields.checked("enabled"),
        pairs: Some(chosen(&fields)),
        require_password: Some(fields.checked("require_password")),
        deny: Some(fields.lines("deny")),
    };
    let Err(error) = service::apply(&bridge, &visitor.actor, &enterprise, Sent::Form(change)).await else {
        return done(&format!("/enterprises/{enterprise}"), "saved");
    };
    error.log();
    let mut given = Given::refused(fields, &error, visitor.lang());
    for (field, _) in &mut given.errors {
        if field == "pairs" {
            "pair1".clone_into(field);
        }
    }
    let page = one(&bridge, &visitor, &enterprise, Some(Refused::AutoBind(given))).await;
    let told = refusal_block(&error, visitor.lang());
    visitor.answer(page.map(|page| page.told(Some(told)).answer_with(status_of(&error))))
}
