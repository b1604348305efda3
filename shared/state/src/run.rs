//! Runs of a sync: a head, what a run has read, planned and done in chunks beside it, and who may work on it.
//!
//! One run of an enterprise at a time: the lock names it, and outlives it as the highest fence that was ever given.
//! Numbers decide who works on a run, never a clock: a slice takes the run with the next fence on the condition that
//! the fence is still the one it was told, and everything that it writes demands that nobody holds a higher one. When
//! somebody may try is a matter of due work; too early does no harm (goals.md R9, R16).

use std::io::{Read as _, Write as _};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::audit::Entry as AuditEntry;
use domain::ids::{EnterpriseId, RunId};
use domain::run::{KEPT_S, LEASE_S, Run};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::due::Due;
use crate::keys;
use crate::store::{
    Change, Item, Store, StoreError, Transaction, Write, damaged, item, number, read, text, unavailable,
};

/// The kind of due work that goes on with a run whose slice has fallen silent.
pub const DUE_RUN: &str = "run";
/// Bytes of a chunk before it is packed: an item stays below 400 KB whatever its rows are.
const CHUNK_BYTES_MAX: usize = 320 * 1024;
/// Bytes that a chunk may unpack to: somebody who can write the table shall not fill the memory.
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Runs that are listed at once.
const LISTED_MAX: i32 = 20;

/// Who has an enterprise, and the highest fence that was given in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Lock {
    #[serde(default)]
    fence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    run: RunId,
}

/// How the beginning of a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    Done(Box<Run>),
    /// This one is under way.
    Busy(RunId),
}

/// How an attempt to work on a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    Mine(Box<Run>),
    /// Somebody else has it, or it is over, or there is no such run.
    NotMine,
}

/// Rows of one kind as chunks, ready to be stored.
pub fn pack<T: Serialize>(rows: &[T]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut chunks = Vec::new();
    let mut plain = Vec::new();
    for row in rows {
        let line = serde_json::to_vec(row).map_err(damaged)?;
        if !plain.is_empty() && plain.len() + line.len() > CHUNK_BYTES_MAX {
            chunks.push(deflated(&plain)?);
            plain.clear();
        }
        plain.extend_from_slice(&line);
        plain.push(b'\n');
    }
    if !plain.is_empty() {
        chunks.push(deflated(&plain)?);
    }
    Ok(chunks)
}

fn deflated(plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).map_err(damaged)?;
    encoder.finish().map_err(damaged)
}

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<Vec<T>, StoreError> {
    let mut plain = Vec::new();
    DeflateDecoder::new(packed).take(UNPACKED_BYTES_MAX).read_to_end(&mut plain).map_err(damaged)?;
    let lines = plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(damaged)).collect()
}

impl Store {
    /// Begins a run, unless one of its enterprise is under way. It has its fence afterwards; whoever is told that
    /// number goes on with it.
    pub async fn begin_run(&self, run: &Run, audit: &AuditEntry) -> Result<Begun, StoreError> {
        let key = keys::run_lock(&run.enterprise);
        let lock: Option<Lock> = self.get(&key).await?;
        if let Some(busy) = lock.as_ref().and_then(|lock| lock.run.clone()) {
            return Ok(Begun::Busy(busy));
        }
        let seen = lock.as_ref().map_or(0, |lock| lock.fence);
        let run = Run { fence: seen + 1, ..run.clone() };
        let held = item(&key, &Lock { fence: run.fence, run: Some(run.id.clone()) }, None)?;
        let lock = if lock.is_some() {
            let values = vec![(":seen", number(seen))];
            self.write_if(held, "fence = :seen AND attribute_not_exists(run)", values)?
        } else {
            self.write_new(held)?
        };
        let listed = keys::run_of(&run.enterprise, run.began.at, &run.id);
        let writes = vec![
            lock,
            self.write_new(item(&keys::run(&run.id), &run, Some(run.expires))?)?,
            self.write_new(item(&listed, &Listed { run: run.id.clone() }, Some(run.expires))?)?,
            self.write_due(&self.due_of(&run, 0))?,
            self.write_audit(audit)?,
        ];
        match self.transact(writes).await? {
            Transaction::Done => Ok(Begun::Done(Box::new(run))),
            Transaction::Refused(_, there) => {
                let busy = read::<Lock>(there).ok().and_then(|lock| lock.run);
                busy.map(Begun::Busy).ok_or_else(|| StoreError::Unavailable("another run came and went".to_owned()))
            }
        }
    }

    /// A run that did not begin, for the list.
    pub async fn note_run(&self, run: &Run, audit: &AuditEntry) -> Result<(), StoreError> {
        let listed = keys::run_of(&run.enterprise, run.began.at, &run.id);
        let writes = vec![
            self.write_new(item(&keys::run(&run.id), run, Some(run.expires))?)?,
            self.write_new(item(&listed, &Listed { run: run.id.clone() }, Some(run.expires))?)?,
            self.write_audit(audit)?,
        ];
        match self.transact(writes).await? {
            Transaction::Done => Ok(()),
            Transaction::Refused(..) => Err(StoreError::Unavailable("a run exists already".to_owned())),
        }
    }

    /// The work that goes on with this run should its present slice fall silent.
    fn due_of(&self, run: &Run, after_s: i64) -> Due {
        Due {
            tenant: run.id.tenant(),
            at: self.clock.now().plus_s(after_s),
            kind: DUE_RUN.to_owned(),
            id: format!("{}#{}", run.id, run.fence),
        }
    }

    /// Takes a run whose fence is still `fence`, with the next one. Another claim is scheduled for the case that this
    /// one is never heard of again.
    pub async fn claim_run(&self, id: &RunId, fence: u64) -> Result<Claimed, StoreError> {
        let Some(run) = self.sync_run(id).await?.filter(|run| run.fence == fence && !run.status.is_over()) else {
            return Ok(Claimed::NotMine);
        };
        let mine = Run { fence: fence + 1, holder: self.nonce(), slices: run.slices + 1, ..run };
        let values = vec![(":fence", number(fence)), (":running", text("running"))];
        let item = item(&keys::run(id), &mine, Some(mine.expires))?;
        let condition = "fence = :fence AND #status = :running";
        let writes = vec![
            self.write_if_named(item, condition, &[("#status", "status")], values)?,
            self.write_due(&self.due_of(&mine, LEASE_S))?,
        ];
        Ok(match self.transact(writes).await? {
            Transaction::Done => Claimed::Mine(Box::new(mine)),
            Transaction::Refused(..) => Claimed::NotMine,
        })
    }

    pub async fn sync_run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let run: Option<Run> = self.get(&keys::run(id)).await?;
        Ok(run.filter(|run| self.clock.now() < run.expires))
    }

    /// The run that the enterprise is busy with.
    pub async fn run_under_way(&self, enterprise: &EnterpriseId) -> Result<Option<RunId>, StoreError> {
        let lock: Option<Lock> = self.get(&keys::run_lock(enterprise)).await?;
        Ok(lock.and_then(|lock| lock.run))
    }

    /// The newest runs of an enterprise, newest first.
    pub async fn runs(&self, enterprise: &EnterpriseId) -> Result<Vec<Run>, StoreError> {
        let query = self.query(&keys::runs_partition(enterprise)).key_condition_expression("pk = :pk AND sk < :lock");
        let query = query.expression_attribute_values(":lock", text(keys::run_lock(enterprise).sk));
        let page = query.scan_index_forward(false).limit(LISTED_MAX).send().await.map_err(unavailable)?;
        let mut runs = Vec::new();
        for listed in page.items.unwrap_or_default() {
            let listed: Listed = read(listed)?;
            runs.extend(self.sync_run(&listed.run).await?);
        }
        Ok(runs)
    }

    /// Whether this slice still has the run: asked before what cannot be taken back.
    pub async fn holds_run(&self, run: &Run) -> Result<bool, StoreError> {
        let now = self.sync_run(&run.id).await?;
        Ok(now.is_some_and(|now| now.fence == run.fence && now.holder == run.holder))
    }

    /// Stores the run as it shall be, with more chunks of one kind: it moves on when the last of them is there. Whoever
    /// is interrupted before that stores some of them again. `false` = somebody else has the run, and it moved nowhere.
    pub async fn save_run(
        &self,
        run: &mut Run,
        mut after: Run,
        kind: &str,
        chunks: Vec<Vec<u8>>,
    ) -> Result<bool, StoreError> {
        let mut left = chunks.len();
        if left == 0 {
            let write = self.write_held(&after)?;
            *run = after;
            return Ok(self.transact(vec![write]).await? == Transaction::Done);
        }
        for chunk in chunks {
            left -= 1;
            let at = after.stored(kind);
            after.chunks.insert(kind.to_owned(), at + 1);
            // One a transaction: more could be above its 4 MB.
            let mut head = if left == 0 { after.clone() } else { run.clone() };
            head.chunks.clone_from(&after.chunks);
            let writes = vec![self.write_held(&head)?, self.write_over(chunk_item(&head, kind, at, chunk))?];
            if self.transact(writes).await? != Transaction::Done {
                return Ok(false);
            }
            *run = head;
        }
        Ok(true)
    }

    fn write_held(&self, run: &Run) -> Result<Write, StoreError> {
        let values = vec![(":fence", number(run.fence)), (":holder", text(&run.holder))];
        self.write_if(item(&keys::run(&run.id), run, Some(run.expires))?, "fence = :fence AND holder = :holder", values)
    }

    /// Rows of one stored chunk.
    pub async fn run_chunk<T: DeserializeOwned>(&self, run: &RunId, kind: &str, at: u32) -> Result<Vec<T>, StoreError> {
        let missing = || StoreError::Damaged(format!("a run without its chunk {kind} {at}"));
        let item = self.get_item(&keys::run_chunk(run, kind, at)).await?.ok_or_else(missing)?;
        let packed = item.get("rows").and_then(|rows| rows.as_b().ok()).ok_or_else(missing)?;
        unpack(packed.as_ref())
    }

    /// Ends a run that this slice holds, and lets the enterprise go.
    pub async fn end_run(&self, run: &Run, audit: &AuditEntry) -> Result<bool, StoreError> {
        let lock = Change {
            set: "SET fence = :fence REMOVE run",
            condition: "run = :run",
            names: vec![],
            values: vec![(":fence", number(run.fence)), (":run", text(run.id.as_str()))],
        };
        let writes = vec![
            self.write_held(run)?,
            self.write_change(&keys::run_lock(&run.enterprise), lock)?,
            self.write_audit(audit)?,
        ];
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// Writes the work that goes on with this run after a while, for instance when the other side rests.
    pub async fn schedule_run(&self, run: &Run, after_s: i64) -> Result<(), StoreError> {
        self.schedule(&self.due_of(run, after_s)).await
    }
}

fn chunk_item(run: &Run, kind: &str, at: u32, rows: Vec<u8>) -> Item {
    let key = keys::run_chunk(&run.id, kind, at);
    Item::from([
        (crate::table::PARTITION_KEY.to_owned(), text(key.pk)),
        (crate::table::SORT_KEY.to_owned(), text(key.sk)),
        ("rows".to_owned(), AttributeValue::B(rows.into())),
        (crate::table::TTL.to_owned(), number(run.expires.epoch_s() + 1)),
    ])
}

/// When a run that begins now is forgotten.
pub fn expiry(now: domain::time::Timestamp) -> domain::time::Timestamp {
    now.plus_s(KEPT_S)
}
