//! One slice of a run: step after step until the time is nearly up, then on to the next one.

use std::pin::Pin;

use domain::audit::Action;
use domain::ids::EnterpriseId;
use domain::model::{App, Enterprise};
use domain::problem;
use domain::run::{Kind, Note, Run, SLICES_MAX, Status, Step, TRIES_MAX, TRY_AGAIN_S};
use domain::sync_settings::SyncSettings;
use domain::text::Text;
use domain::time::Timestamp;
use oa::port::OaError;
use platform::trace::TraceId;
use signin::{Bridge, Refusal, RunMessage};
use state::StoreError;
use state::run::Claimed;
use welink::contact::ReadError;
use welink::{Credentials, WeLinkError};

use crate::{compare, copy, plan, read_oa, read_welink};

/// How long a slice begins new work. A function has 90 s, and what has begun may take a while (design.md 5).
const SLICE_MS: i64 = 50_000;

/// A run that this slice holds, with what it works on.
#[derive(Debug)]
pub(crate) struct Slice<'a> {
    pub bridge: &'a Bridge,
    pub run: Run,
    pub enterprise: Enterprise,
    pub settings: SyncSettings,
    pub credentials: Credentials,
    until: Timestamp,
}

/// How a piece of a step ended.
#[derive(Debug)]
pub(crate) enum Next {
    /// Stored; there is more.
    On,
    /// The run is over as it says.
    Over(Status),
    /// A later slice has the run.
    Overtaken,
}

/// Why a piece could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    WeLink(#[from] WeLinkError),
    #[error(transparent)]
    Read(ReadError),
    #[error(transparent)]
    Oa(#[from] OaError),
    #[error("{}", .0.problem.name)]
    Refused(Refusal),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Call(error) => Self::WeLink(error),
            other => Self::Read(other),
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Works on a run for a slice of time, if it is still where the message says. An error means that the table is out of
/// reach: the message comes again.
pub(crate) async fn work(bridge: &Bridge, message: &RunMessage) -> Result<(), StoreError> {
    let Claimed::Mine(run) = bridge.store().claim_run(&message.run, message.fence).await? else { return Ok(()) };
    Box::pin(TraceId::new(bridge.entropy()).scope(slice(bridge, *run))).await
}

async fn slice(bridge: &Bridge, run: Run) -> Result<(), StoreError> {
    let until = bridge.clock().now().plus_ms(SLICE_MS);
    let mut slice = match prepare(bridge, run.clone(), until).await {
        Ok(Some(slice)) => slice,
        Ok(None) => return finish(bridge, run, Status::Aborted, Some(Note::new("settings-gone", SETTINGS_GONE))).await,
        Err(stop) => return failed(bridge, run, stop).await,
    };
    if slice.run.slices > SLICES_MAX {
        let note = Note::new("too-long", TOO_LONG).with(&[&SLICES_MAX]);
        return finish(bridge, slice.run, Status::Failed, Some(note)).await;
    }
    while bridge.clock().now() < until {
        match piece(&mut slice).await {
            Ok(Next::On) => {}
            Ok(Next::Over(status)) => return finish(bridge, slice.run, status, None).await,
            Ok(Next::Overtaken) => return Ok(()),
            Err(stop) => return failed(bridge, slice.run, stop).await,
        }
    }
    bridge.hand_over(&slice.run).await;
    Ok(())
}

/// Boxed: all steps in one future would be more than the compiler lays out.
type Piece<'p> = Pin<Box<dyn Future<Output = Result<Next, Stop>> + Send + 'p>>;

fn piece<'p>(slice: &'p mut Slice<'_>) -> Piece<'p> {
    match slice.run.step {
        Step::Departments => Box::pin(read_welink::departments(slice)),
        Step::People => Box::pin(read_welink::people(slice)),
        Step::Compare => Box::pin(compare::compare(slice)),
        Step::Copy => Box::pin(copy::copy(slice)),
        Step::Bind => Box::pin(copy::bind(slice)),
        Step::ReadOa => Box::pin(read_oa::read(slice)),
        Step::Plan => Box::pin(plan::plan(slice)),
        Step::Write | Step::Ended => Box::pin(async { Ok(Next::Over(Status::Success)) }),
    }
}

/// What the run works on; `None` = its enterprise or app has gone.
async fn prepare(bridge: &Bridge, run: Run, until: Timestamp) -> Result<Option<Slice<'_>>, Stop> {
    let tenant = run.enterprise.tenant();
    let Some(config) = bridge.store().config_now(&tenant).await? else { return Ok(None) };
    let found: Option<(&Enterprise, &App)> = config.enterprise(&run.enterprise).zip(config.app(&run.app));
    let Some((enterprise, app)) = found else { return Ok(None) };
    let credentials = bridge.credentials(app).await?;
    let (enterprise, settings) = (enterprise.clone(), config.sync(&run.enterprise));
    Ok(Some(Slice { bridge, run, enterprise, settings, credentials, until }))
}

impl Slice<'_> {
    pub(crate) fn is_time_up(&self) -> bool {
        self.bridge.clock().now() >= self.until
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.bridge.clock().now()
    }

    pub(crate) fn enterprise(&self) -> &EnterpriseId {
        &self.enterprise.id
    }

    /// Stores the run as it shall be, with what it has to remember.
    pub(crate) async fn save(&mut self, after: Run, kind: &str, chunks: Vec<Vec<u8>>) -> Result<Next, Stop> {
        let saved = self.bridge.store().save_run(&mut self.run, after, kind, chunks).await?;
        Ok(if saved { Next::On } else { Next::Overtaken })
    }
}

/// A piece failed: it is tried again later, or the run ends and says why.
async fn failed(bridge: &Bridge, run: Run, stop: Stop) -> Result<(), StoreError> {
    tracing::warn!(run = %run.id, step = ?run.step, error = %stop, "a piece of a run failed");
    let (status, note) = match stop {
        Stop::Store(error) => return Err(error),
        Stop::WeLink(WeLinkError::Store(error)) => return Err(StoreError::Unavailable(error)),
        Stop::WeLink(WeLinkError::Busy { .. } | WeLinkError::Down) | Stop::Read(_) if run.tries < TRIES_MAX => {
            return again(bridge, run).await;
        }
        Stop::Refused(refusal) if is_passing(&refusal) && run.tries < TRIES_MAX => return again(bridge, run).await,
        Stop::Oa(OaError::Down(_) | OaError::Malformed(_)) if run.tries < TRIES_MAX => return again(bridge, run).await,
        Stop::Oa(error) => (Status::Failed, told(&Refusal::from(error))),
        Stop::Read(_) => (Status::Failed, Note::new("read-incomplete", READ_INCOMPLETE)),
        Stop::WeLink(error) => ended_by(error),
        Stop::Refused(refusal) => (Status::Failed, told(&refusal)),
    };
    finish(bridge, run, status, Some(note)).await
}

/// The same piece in a minute.
async fn again(bridge: &Bridge, mut run: Run) -> Result<(), StoreError> {
    let again = Run { tries: run.tries + 1, ..run.clone() };
    if bridge.store().save_run(&mut run, again, "", Vec::new()).await? {
        bridge.store().schedule_run(&run, TRY_AGAIN_S).await?;
    }
    Ok(())
}

fn is_passing(refusal: &Refusal) -> bool {
    [problem::OA_DOWN, problem::UNAVAILABLE, problem::BUSY].contains(&refusal.problem)
}

fn ended_by(error: WeLinkError) -> (Status, Note) {
    match error {
        // Nothing was read, so nothing was done; that is no failure of the bridge (product.md FWL-09).
        WeLinkError::Permission { code } => (Status::Warning, Note::new("permission", PERMISSION).with(&[&code])),
        WeLinkError::Blocked { code, .. } => (Status::Failed, Note::new("credentials", CREDENTIALS).with(&[&code])),
        WeLinkError::Code { code } | WeLinkError::Refused { code, .. } => {
            (Status::Failed, Note::new("welink-refused", WELINK_REFUSED).with(&[&code, &advice(&code)]))
        }
        WeLinkError::Malformed => (Status::Failed, Note::new("read-incomplete", READ_INCOMPLETE)),
        WeLinkError::Busy { .. } | WeLinkError::Down | WeLinkError::Store(_) => {
            (Status::Failed, Note::new("welink-down", WELINK_DOWN))
        }
    }
}

/// What a problem says to people.
fn told(refusal: &Refusal) -> Note {
    let (title, advice) = (refusal.problem.title, refusal.problem.advice);
    Note {
        name: refusal.problem.name.to_owned(),
        zh: format!("{}。{}", title.zh, advice.zh),
        en: format!("{}. {}", title.en, advice.en),
    }
}

fn advice(code: &str) -> String {
    welink::codes::find(code).map(|known| known.advice.zh.to_owned()).unwrap_or_default()
}

/// Ends the run, once: the end, the lock and the audit entry are one transaction.
async fn finish(bridge: &Bridge, mut run: Run, status: Status, note: Option<Note>) -> Result<(), StoreError> {
    run.notes.extend(note);
    let mut status = status;
    if run.kind == Kind::FromOa && run.step < Step::ReadOa && status != Status::Success {
        // What went before is not done, so nothing else begins (product.md Q11).
        run.notes.push(Note::new("from-welink-failed", FROM_WELINK_FAILED));
        status = Status::Aborted;
    }
    let status = if status == Status::Success && !run.notes.is_empty() { Status::Warning } else { status };
    run.end(status, bridge.clock().now());
    let mut entry = bridge.entry(run.enterprise.tenant(), Action::RunEnd, &run.began.by, run.id.as_str(), "");
    entry.detail.insert("kind".to_owned(), run.kind.name().to_owned());
    if status != Status::Success {
        status.name().clone_into(&mut entry.result);
    }
    let reasons: Vec<&str> = run.notes.iter().map(|note| note.name.as_str()).collect();
    if !reasons.is_empty() {
        entry.detail.insert("reasons".to_owned(), reasons.join(", "));
    }
    if bridge.store().end_run(&run, &entry).await? {
        tracing::info!(run = %run.id, kind = run.kind.name(), status = status.name(), "a run has ended");
    }
    Ok(())
}

const FROM_WELINK_FAILED: Text = Text::new(
    "从 OA 同步之前的「从 WeLink 同步」没有完成，从 OA 同步没有开始，WeLink 没有任何改动。",
    "The from-WeLink before this from-OA was not completed: from-OA did not begin and WeLink is unchanged.",
);
const SETTINGS_GONE: Text = Text::new(
    "企业或用于同步的应用已被删除，同步已中止。",
    "The enterprise or the app of the sync was deleted; the run has stopped.",
);
const TOO_LONG: Text = Text::new(
    "同步超过 {0} 个阶段仍未完成，已停止。请检查 WeLink 接口的频率限制，然后重新开始。",
    "The run was not done after {0} slices and has stopped. Check WeLink's rate limits and begin again.",
);
const WELINK_DOWN: Text = Text::new(
    "WeLink 多次没有回应，同步已停止，云桥通讯录保持不变的部分将在下次同步时更新。请稍后重试。",
    "WeLink did not answer several times, and the run has stopped. Begin again later; what is done stays done.",
);
const PERMISSION: Text = Text::new(
    "应用缺少通讯录读取权限（{0}），没有读取到任何数据，云桥通讯录没有改动。请在 WeLink 开放平台为该应用开通【部门信息】和【用户信息】权限并重新发布。",
    "The app lacks a permission to read contacts ({0}). Nothing was read and the copy is unchanged. Grant 部门信息 and \
     用户信息 to the app on the WeLink open platform and publish it again.",
);
const CREDENTIALS: Text = Text::new(
    "WeLink 不接受应用的 client_id 和 client_secret（{0}）。请更换密钥后重试。",
    "WeLink refuses the app's client_id and client_secret ({0}). Replace the secret and begin again.",
);
const WELINK_REFUSED: Text = Text::new("WeLink 拒绝了请求（{0}）。{1}", "WeLink refused a request ({0}). {1}");
const READ_INCOMPLETE: Text = Text::new(
    "WeLink 的数据没有完整读取，云桥通讯录没有改动。请稍后重试。",
    "What WeLink answered was not complete; the copy is unchanged. Begin again later.",
);
