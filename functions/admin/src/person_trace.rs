//! `/v1/enterprises/{enterprise}/people/{user}/trace`: why can this person sign in, or why not (product.md ADM-05)? A
//! list of steps; each looks at one thing and says what to do about it. A step that cannot be judged says so and stops
//! none of the others. Nothing is written.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::ids::{OaUserId, WeLinkUserId};
use domain::model::{Enterprise, Link, OaInstance, Person, PersonSource, PersonStatus, SignInNote};
use domain::text::Text;
use domain::time::Timestamp;
use oa::port::Port as _;
use serde::Serialize;
use signin::{Bridge, Refusal};
use state::config::TenantConfig;
use welink::{Status, UserDetail};

use crate::actor::Actor;
use crate::error::ApiError;
use crate::verdicts;
use crate::{enterprises, input};

/// Apps whose visible range is asked at most, and how long WeLink and the OA may take over a question: with both the
/// answer comes before the gateway gives up.
const APPS_MAX: usize = 3;
const WELINK_MAX: Duration = Duration::from_secs(9);
const OA_MAX: Duration = Duration::from_secs(6);

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Judged {
    Ok,
    /// It works, or will, but not as one may expect.
    Warning,
    /// This is why it does not work.
    Problem,
    /// It could not be found out.
    Unknown,
}

/// What a step says, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    pub(crate) zh: String,
    pub(crate) en: String,
}

impl From<Text> for Said {
    fn from(text: Text) -> Self {
        Self { zh: text.zh.to_owned(), en: text.en.to_owned() }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// Stable: `copy`, `departments`, `visible-range`, `link`, `auto-bind`, `oa-account`, `sign-ins`, `conflict`.
    pub(crate) name: &'static str,
    pub(crate) verdict: Judged,
    pub(crate) text: Said,
    /// What to do; absent = nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<Said>,
}

impl Step {
    pub(crate) fn new(name: &'static str, verdict: Judged, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { name, verdict, text: Said { zh: zh.into(), en: en.into() }, advice: None }
    }

    pub(crate) fn advise(mut self, zh: &'static str, en: &'static str) -> Self {
        self.advice = Some(Text::new(zh, en).into());
        self
    }

    /// The step that a failed question makes: its problem's own words.
    fn unknown(name: &'static str, refusal: &Refusal) -> Self {
        refusal.log();
        let advice = Some(refusal.problem.advice.into());
        Self { name, verdict: Judged::Unknown, text: refusal.problem.title.into(), advice }
    }
}

/// One sign-in: when, where from, with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SignIn {
    pub(crate) at: Timestamp,
    /// The address that it came from.
    pub(crate) from: String,
    /// Browser and system, as far as they are known.
    pub(crate) device: String,
    /// Whether the address lies in one of the company's networks; absent = none is listed.
    pub(crate) office: Option<bool>,
}

/// The person's last sign-ins, the newest first.
pub(crate) fn sign_ins_of(person: &Person, config: &TenantConfig) -> Vec<SignIn> {
    let setting = &config.scan_login;
    let office = |from: &str| (!setting.networks.is_empty()).then(|| setting.is_office(from));
    let one = |note: &SignInNote| SignIn {
        at: note.at,
        from: note.from.clone(),
        device: note.device.clone(),
        office: office(&note.from),
    };
    person.sign_ins.iter().map(one).collect()
}

/// The steps for one person.
#[derive(Debug, Serialize)]
pub(crate) struct Trace {
    pub(crate) user_id: WeLinkUserId,
    pub(crate) name_zh: String,
    pub(crate) name_en: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) sign_ins: Vec<SignIn>,
}

pub async fn show(
    State(bridge): State<Bridge>,
    actor: Actor,
    Path((enterprise, user)): Path<(String, String)>,
) -> Response {
    match trace(&bridge, &actor, &enterprise, &user).await {
        Ok(trace) => Json(trace).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// What one of the enterprise's apps is told of the person.
struct Seen {
    app: String,
    detail: Result<Option<UserDetail>, Refusal>,
}

/// Looks at everything that decides whether this person gets in. Somebody whom neither the copy nor WeLink knows is not
/// found.
pub(crate) async fn trace(bridge: &Bridge, actor: &Actor, enterprise: &str, user: &str) -> Result<Trace, ApiError> {
    let (config, enterprise) = enterprises::find(bridge, actor, enterprise).await?;
    let user = WeLinkUserId::parse(user).map_err(|_| input::missing())?;
    let known = bridge.store().person(&enterprise.id, &user).await?;
    let seen = seen_by_apps(bridge, &config, &enterprise, &user).await;
    if known.is_none() && seen.iter().all(|seen| matches!(seen.detail, Ok(None))) {
        return Err(input::missing());
    }
    let detail = seen.iter().find_map(|seen| seen.detail.as_ref().ok().and_then(Option::as_ref));
    let person =
        known.clone().unwrap_or_else(|| bridge.new_person(&enterprise.id, &user, PersonSource::Sso, detail.cloned()));
    let mut steps = vec![in_the_copy(known.as_ref())];
    if known.is_some() {
        steps.push(departments(bridge, &person).await?);
    }
    steps.extend(visible_range(&seen));
    let instance = config.oa_instance(&enterprise.oa_instance).ok_or_else(input::missing)?;
    if let Some(link) = &person.link {
        steps.push(linked(link));
        steps.push(oa_account(bridge, instance, &link.oa_user).await);
    } else {
        steps.push(not_linked());
        steps.push(auto_bind(bridge, &enterprise, instance, &person, detail).await);
        steps.extend(conflict(bridge, &enterprise, &person).await?);
    }
    let sign_ins = sign_ins_of(&person, &config);
    steps.push(signed_in(&sign_ins));
    let Person { user_id, name_zh, name_en, .. } = person;
    Ok(Trace { user_id, name_zh, name_en, steps, sign_ins })
}

async fn seen_by_apps(
    bridge: &Bridge,
    config: &TenantConfig,
    enterprise: &Enterprise,
    user: &WeLinkUserId,
) -> Vec<Seen> {
    let apps = config.apps.iter().filter(|app| app.enterprise == enterprise.id && app.enabled).take(APPS_MAX);
    let ask = async |app: &domain::model::App| -> Result<Option<UserDetail>, Refusal> {
        let credentials = bridge.credentials(app).await?;
        Ok(bridge.welink().user_detail(&credentials, user).await?)
    };
    let until = tokio::time::Instant::now() + WELINK_MAX;
    let mut seen = Vec::new();
    for app in apps {
        let detail = tokio::time::timeout_at(until, ask(app)).await;
        let slow = |_| Err(Refusal::because(domain::problem::WELINK_DOWN, "WeLink is too slow for a trace"));
        seen.push(Seen { app: app.name.clone(), detail: detail.unwrap_or_else(slow) });
    }
    seen
}

fn in_the_copy(person: Option<&Person>) -> Step {
    let Some(person) = person else {
        return Step::new("copy", Judged::Warning, "通讯录副本中没有此人。", "Not in the bridge copy.").advise(
            "他首次打开应用或下次从 WeLink 同步时会写入。",
            "His first visit or the next from-WeLink writes him.",
        );
    };
    let source = match person.source {
        PersonSource::Sso => Text::new("首次登录时写入", "written at his first sign-in"),
        PersonSource::Admin => Text::new("由管理员写入", "written by an administrator"),
        PersonSource::Sync => Text::new("由从 WeLink 同步写入", "written by a from-WeLink"),
    };
    match person.status {
        PersonStatus::Active => {
            let (zh, en) = (format!("在副本中，{}。", source.zh), format!("In the copy, {}.", source.en));
            Step::new("copy", Judged::Ok, zh, en)
        }
        PersonStatus::Missing { since } => {
            let at = time(since);
            let zh = format!("自 {at} 起，从 WeLink 同步不再找到此人，关联已暂停。");
            let en = format!("from-WeLink has not found him since {at}; his link is suspended.");
            Step::new("copy", Judged::Problem, zh, en).advise(
                "请在 WeLink 中核对他的账号和应用的可见范围；30 天内恢复则关联也恢复。",
                "Check his account and the app's visible range in WeLink; back within 30 days his link is restored.",
            )
        }
    }
}

async fn departments(bridge: &Bridge, person: &Person) -> Result<Step, ApiError> {
    if person.departments.is_empty() {
        let step = Step::new("departments", Judged::Warning, "没有部门信息。", "No department is known.");
        return Ok(step.advise("请从 WeLink 同步。", "Run from-WeLink."));
    }
    let known = bridge.store().departments(&person.enterprise, &person.departments).await?;
    let named = |pick: fn(&domain::model::Department) -> &str| {
        let name = |code: &domain::ids::DeptCode| {
            let found = known.iter().find(|department| department.code == *code).map(pick);
            found.filter(|name| !name.is_empty()).unwrap_or(code.as_str()).to_owned()
        };
        person.departments.iter().map(name).collect::<Vec<_>>()
    };
    let (zh, en) = (named(|d| &d.name_zh).join("、"), named(|d| &d.name_en).join(", "));
    Ok(Step::new("departments", Judged::Ok, format!("部门：{zh}。"), format!("Departments: {en}.")))
}

/// One step for each app: ranges differ.
fn visible_range(seen: &[Seen]) -> Vec<Step> {
    const NAME: &str = "visible-range";
    if seen.is_empty() {
        let step = Step::new(NAME, Judged::Problem, "该企业没有启用的应用。", "The enterprise has no enabled app.");
        return vec![step.advise("请添加或启用一个应用。", "Add an app, or switch one on.")];
    }
    let judge = |Seen { app, detail }: &Seen| match detail {
        Err(refusal) => Step::unknown(NAME, refusal),
        Ok(None) => Step::new(
            NAME,
            Judged::Problem,
            format!("WeLink 不让应用【{app}】看到此人。"),
            format!("WeLink does not show him to the app “{app}”."),
        )
        .advise(
            "请在 WeLink 管理后台把他加入该应用的可见范围，或确认账号仍存在。",
            "Add him to the app's visible range in WeLink, or check that his account still exists.",
        ),
        Ok(Some(detail)) => match detail.status {
            Status::Opened | Status::Unknown => {
                Step::new(NAME, Judged::Ok, format!("应用【{app}】能看到此人。"), format!("The app “{app}” sees him."))
            }
            Status::Closed => {
                Step::new(NAME, Judged::Problem, "他的 WeLink 账号已销户。", "His WeLink account is closed.")
                    .advise("请在 WeLink 中恢复账号。", "Have it opened again in WeLink.")
            }
            Status::NotOpened | Status::Opening => {
                Step::new(NAME, Judged::Problem, "他的 WeLink 账号尚未开通。", "His WeLink account is not open yet.")
                    .advise("请在 WeLink 中完成开户。", "Finish opening it in WeLink.")
            }
        },
    };
    seen.iter().map(judge).collect()
}

fn linked(link: &Link) -> Step {
    let (origin, at) = (verdicts::origin(link.origin), time(link.bound.at));
    let (oa_user, by) = (&link.oa_user, &link.bound.by);
    let zh = format!("已关联 OA 用户 {oa_user}：{}，{at}，操作者 {by}。", origin.zh);
    let en = format!("Linked to OA user {oa_user}: {}, {at}, by {by}.", origin.en);
    Step::new("link", Judged::Ok, zh, en)
}

fn not_linked() -> Step {
    let step = Step::new("link", Judged::Warning, "没有关联 OA 用户。", "Not linked to an OA user.");
    step.advise("在人员卡片上绑定，或见自动绑定一步。", "Bind him on his card, or see the step about auto-bind.")
}

async fn oa_account(bridge: &Bridge, instance: &OaInstance, oa_user: &OaUserId) -> Step {
    const NAME: &str = "oa-account";
    let ask = async { Ok::<_, Refusal>(bridge.oa(instance).await?.user(oa_user).await?) };
    let slow = |_| Err(Refusal::because(domain::problem::OA_DOWN, "the OA is too slow for a trace"));
    match tokio::time::timeout(OA_MAX, ask).await.unwrap_or_else(slow) {
        Err(refusal) => Step::unknown(NAME, &refusal),
        Ok(Some(user)) if user.active => Step::new(NAME, Judged::Ok, "OA 账号有效。", "The OA account is active."),
        Ok(Some(_)) => Step::new(NAME, Judged::Problem, "OA 账号已停用。", "The OA account is disabled.")
            .advise("请在 OA 中启用，或改绑其他账号。", "Enable it in the OA, or bind him to another one."),
        Ok(None) => Step::new(NAME, Judged::Problem, "OA 中没有这个账号。", "The OA has no such account.")
            .advise("请解绑后绑定正确的账号。", "Unbind him, then bind him to the right account."),
    }
}

/// The matching as his next sign-in would do it, with the OA's answers of now.
async fn auto_bind(
    bridge: &Bridge,
    enterprise: &Enterprise,
    instance: &OaInstance,
    person: &Person,
    detail: Option<&UserDetail>,
) -> Step {
    let Some(detail) = detail else {
        return Step::new(
            "auto-bind",
            Judged::Unknown,
            "WeLink 没有给出他的字段，无法匹配。",
            "WeLink tells nothing of him now, so nothing can be matched.",
        );
    };
    match bridge.matching(enterprise, instance, person, detail).await {
        Ok(verdict) => verdicts::auto_bind(&verdict),
        Err(refusal) => Step::unknown("auto-bind", &refusal),
    }
}

/// The case that waits for an administrator, if there is one.
async fn conflict(bridge: &Bridge, enterprise: &Enterprise, person: &Person) -> Result<Option<Step>, ApiError> {
    let found = bridge.store().conflict(&enterprise.id, &person.user_id).await?;
    Ok(found.map(|conflict| {
        let (count, at) = (conflict.candidates.len(), time(conflict.seen));
        let zh = format!("有一个未处理的冲突：{at} 匹配到 {count} 个 OA 用户。");
        let en = format!("A conflict is open: {count} OA users matched on {at}.");
        Step::new("conflict", Judged::Problem, zh, en)
            .advise("请在冲突列表中选择正确的一个。", "Choose the right one in the list of conflicts.")
    }))
}

fn signed_in(sign_ins: &[SignIn]) -> Step {
    match sign_ins.first() {
        Some(last) => {
            let (count, at) = (sign_ins.len(), time(last.at));
            let office = match last.office {
                Some(true) => Text::new("公司网络", "office network"),
                Some(false) => Text::new("公司网络以外", "outside the office network"),
                None => Text::new("", ""),
            };
            let known = |parts: [&str; 4], join: &str| {
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(join)
            };
            let zh = known([&at, &last.device, &last.from, office.zh], "，");
            let en = known([&at, &last.device, &last.from, office.en], ", ");
            let zh = format!("最近一次登录：{zh}（共记录 {count} 次）。");
            let en = format!("Last sign-in: {en} ({count} remembered).");
            Step::new("sign-ins", Judged::Ok, zh, en)
        }
        None => Step::new("sign-ins", Judged::Warning, "还没有登录过 OA。", "Has not been signed in to the OA yet."),
    }
}

fn time(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
