//! Beginning a run of a sync, by hand or by its timer, and handing it over to whoever works on it.

use domain::audit::Action;
use domain::ids::{EnterpriseId, RANDOM_CHARS, RunId};
use domain::model::{App, Enterprise, InterfaceMode, Stamp};
use domain::problem;
use domain::run::{Kind, Note, Run, Status, Step};
use domain::text::Text;
use platform::secret::{sha256_hex, unhex};
use serde::{Deserialize, Serialize};
use state::config::TenantConfig;
use state::run::{Begun, expiry};

use crate::bridge::Bridge;
use crate::refusal::Refusal;

/// Who starts a run.
#[derive(Debug, Clone, Copy)]
pub enum Starter<'a> {
    /// A person or program, from this address.
    Hand { by: &'a str, from: &'a str },
    /// A timer; the text names its time, so that one time starts one run.
    Timer { time: &'a str },
}

/// What a queue's message of a run says: who had it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMessage {
    pub run: RunId,
    pub fence: u64,
}

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Started {
    Begun(Run),
    /// It is in the list, and says why it did not begin.
    Skipped(Run),
}

impl Bridge {
    /// Begins a run of an enterprise whose interface is set up (product.md FWL-03). While another one is under way, or
    /// a timer meets a mode that forbids it, the run is noted as skipped.
    pub async fn start_run(
        &self,
        config: &TenantConfig,
        enterprise: &EnterpriseId,
        (kind, simulate): (Kind, bool),
        starter: Starter<'_>,
    ) -> Result<Started, Refusal> {
        let enterprise = config.enterprise(enterprise).ok_or(problem::NOT_FOUND)?;
        let app = sync_app(config, enterprise).ok_or(problem::SYNC_NOT_SET_UP)?;
        let (by, from) = match starter {
            Starter::Hand { by, from } => (by, from),
            Starter::Timer { .. } => ("timer", ""),
        };
        let id = self.new_run_id(enterprise, starter);
        if let Some(run) = self.store().sync_run(&id).await? {
            // The timer's own earlier attempt.
            return Ok(if run.status == Status::Skipped { Started::Skipped(run) } else { self.begun(run).await });
        }
        let now = self.clock().now();
        let run = Run {
            id,
            enterprise: enterprise.id.clone(),
            kind,
            app: app.id.clone(),
            began: Stamp { at: now, by: by.to_owned() },
            ended: None,
            status: Status::Running,
            simulate,
            notes: Vec::new(),
            step: Step::Departments,
            done: 0,
            total: 0,
            fence: 0,
            holder: String::new(),
            slices: 0,
            tries: 0,
            chunks: std::collections::BTreeMap::new(),
            copy: domain::run::CopyCounts::default(),
            plan: None,
            expires: expiry(now),
        };
        if kind == Kind::FromOa && !simulate && is_read_only(enterprise) {
            return match starter {
                Starter::Hand { .. } => Err(problem::READ_ONLY.into()),
                Starter::Timer { .. } => self.skip(run, "read-only", READ_ONLY, from).await,
            };
        }
        let mut entry = self.entry(enterprise.id.tenant(), Action::RunBegin, by, run.id.as_str(), from);
        entry.detail.insert("kind".to_owned(), kind.name().to_owned());
        if simulate {
            entry.detail.insert("simulate".to_owned(), "true".to_owned());
        }
        match self.store().begin_run(&run, &entry).await? {
            Begun::Done(run) => Ok(self.begun(*run).await),
            Begun::Busy(_) => self.skip(run, "busy", BUSY, from).await,
        }
    }

    fn new_run_id(&self, enterprise: &Enterprise, starter: Starter<'_>) -> RunId {
        let mut bytes = self.entropy().bytes::<RANDOM_CHARS>();
        if let Starter::Timer { time } = starter {
            let digest = unhex(&sha256_hex(&format!("{}#{time}", enterprise.id))).unwrap_or_default();
            bytes.iter_mut().zip(digest).for_each(|(byte, drawn)| *byte = drawn);
        }
        RunId::from_random(&enterprise.id.tenant(), bytes)
    }

    async fn begun(&self, run: Run) -> Started {
        self.hand_over(&run).await;
        Started::Begun(run)
    }

    async fn skip(&self, mut run: Run, name: &str, text: Text, from: &str) -> Result<Started, Refusal> {
        run.end(Status::Skipped, run.began.at);
        run.notes.push(Note::new(name, text));
        let by = run.began.by.clone();
        let mut entry = self.entry(run.enterprise.tenant(), Action::RunBegin, &by, run.id.as_str(), from);
        entry.detail.insert("kind".to_owned(), run.kind.name().to_owned());
        format!("skipped: {name}").clone_into(&mut entry.result);
        self.store().note_run(&run, &entry).await?;
        Ok(Started::Skipped(run))
    }

    /// Sends a run to whoever works on it next. Without the queue it is found by the next tick.
    pub async fn hand_over(&self, run: &Run) {
        let message = RunMessage { run: run.id.clone(), fence: run.fence };
        let (Some(queue), Ok(body)) = (&self.queues().sync, serde_json::to_string(&message)) else { return };
        if let Err(error) = queue.send(&body, &[]).await {
            tracing::warn!(run = %run.id, %error, "a run waits for the next tick");
        }
    }
}

const BUSY: Text = Text::new(
    "另一次同步正在进行，本次已跳过。请等它结束后再试。",
    "Another sync of this enterprise is under way; this one was skipped. Try again when it has ended.",
);
const READ_ONLY: Text = Text::new(
    "企业处于只读模式，不能写入 WeLink，本次已跳过。如需从 OA 同步，请把权威方改为 OA。",
    "The enterprise is read-only: nothing is written to WeLink, and this run was skipped. For from-OA, make the OA the \
     authority.",
);

fn is_read_only(enterprise: &Enterprise) -> bool {
    enterprise.authority.is_none_or(|authority| authority.mode() == InterfaceMode::ReadOnly)
}

/// The app of a sync that may begin: a mode is chosen, and an app that has its secret.
fn sync_app<'a>(config: &'a TenantConfig, enterprise: &Enterprise) -> Option<&'a App> {
    enterprise.authority?;
    let app = config.app(config.sync(&enterprise.id).app.as_ref()?)?;
    (app.enterprise == enterprise.id && app.has_secret()).then_some(app)
}

/// The kind of due work that a timer is.
pub const DUE_TIMER: &str = "sync-timer";

/// The timer of an enterprise and a kind of run, at this time.
pub fn timer_due(enterprise: &EnterpriseId, kind: Kind, at: domain::time::Timestamp) -> state::due::Due {
    let id = format!("{enterprise}#{}", kind.name());
    state::due::Due { tenant: enterprise.tenant(), at, kind: DUE_TIMER.to_owned(), id }
}
