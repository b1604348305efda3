//! Link jobs: a head whose version guards every step, rows in chunks, and one ending for each row that was to be
//! written. The ending is a part of the transaction that writes the link, so that a job which is interrupted anywhere
//! writes no row twice and loses none (docs/decisions/0007-link-jobs.md).

use std::collections::BTreeMap;

use domain::audit::Entry;
use domain::ids::{EnterpriseId, LinkJobId, WeLinkUserId};
use domain::link_job::{Change as LinkChange, Ending, LinkJob, Row};
use domain::model::Link;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::index::account_entry;
use crate::keys;
use crate::link::Back;
use crate::store::{Change, Item, Outcome, Store, StoreError, Transaction, Write, item, number, read, text};
use crate::store::{unavailable, value_of};

/// Jobs of an enterprise that are listed at most.
const LISTED_MAX: i32 = 20;

/// One item of rows. They are one text: nobody asks the table about a single row.
#[derive(Serialize, Deserialize)]
struct Chunk {
    rows: String,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    job: LinkJobId,
}

#[derive(Serialize, Deserialize)]
struct Ended {
    position: u32,
    ending: Ending,
}

/// A row that is to be written: its job, its position among the job's rows, and what changes.
#[derive(Debug, Clone, Copy)]
pub struct RowWrite<'a> {
    pub job: &'a LinkJob,
    pub position: u32,
    pub user: &'a WeLinkUserId,
    pub change: &'a LinkChange,
}

impl Store {
    /// Writes one chunk of a job that is being made: nobody knows the job before [`Self::create_link_job`].
    pub async fn put_link_job_rows(&self, job: &LinkJob, chunk: u32, rows: &[Row]) -> Result<(), StoreError> {
        self.put(chunk_item(job, chunk, rows)?).await
    }

    /// Makes the job known, its chunks being there. `before` is the job that it takes back, with its next version.
    /// `false` = that one was changed meanwhile.
    pub async fn create_link_job(
        &self,
        job: &LinkJob,
        before: Option<&LinkJob>,
        audit: &Entry,
    ) -> Result<bool, StoreError> {
        let listed = keys::link_job_of(&job.enterprise, job.created.at, &job.id);
        let mut writes = vec![
            self.write_new(item(&keys::link_job(&job.id), job, Some(job.expires))?)?,
            self.write_new(item(&listed, &Listed { job: job.id.clone() }, Some(job.expires))?)?,
            self.write_audit(audit)?,
        ];
        if let Some(before) = before {
            writes.push(self.write_head(before)?);
        }
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// The job, until it expires.
    pub async fn link_job(&self, id: &LinkJobId) -> Result<Option<LinkJob>, StoreError> {
        let job: Option<LinkJob> = self.get(&keys::link_job(id)).await?;
        Ok(job.filter(|job| self.clock.now() < job.expires))
    }

    /// The newest jobs of an enterprise, newest first.
    pub async fn link_jobs(&self, enterprise: &EnterpriseId) -> Result<Vec<LinkJob>, StoreError> {
        let partition = keys::link_jobs_partition(enterprise);
        let page = self.query(&partition).scan_index_forward(false).limit(LISTED_MAX).send().await;
        let mut jobs = Vec::new();
        for listed in page.map_err(unavailable)?.items.unwrap_or_default() {
            let listed: Listed = read(listed)?;
            jobs.extend(self.link_job(&listed.job).await?);
        }
        Ok(jobs)
    }

    pub async fn link_job_rows(&self, id: &LinkJobId, chunk: u32) -> Result<Vec<Row>, StoreError> {
        let stored: Option<Chunk> = self.get(&keys::link_job_rows(id, chunk)).await?;
        let stored = stored.ok_or_else(|| StoreError::Damaged(format!("a link job without its chunk {chunk}")))?;
        serde_json::from_str(&stored.rows).map_err(|e| StoreError::Damaged(e.to_string()))
    }

    /// The job's next step: `job` has its next version. With a chunk the two change together, so that a slice which
    /// comes too late rewrites nothing. `false` = another slice was faster.
    pub async fn save_link_job(
        &self,
        job: &LinkJob,
        chunk: Option<(u32, &[Row])>,
        audit: Option<&Entry>,
    ) -> Result<bool, StoreError> {
        let mut writes = vec![self.write_head(job)?];
        if let Some((number, rows)) = chunk {
            writes.push(self.write_over(chunk_item(job, number, rows)?)?);
        }
        if let Some(audit) = audit {
            writes.push(self.write_audit(audit)?);
        }
        Ok(self.transact(writes).await? == Transaction::Done)
    }

    /// The endings of the rows `from..to`, by their position.
    pub async fn link_job_endings(
        &self,
        id: &LinkJobId,
        from: u32,
        to: u32,
    ) -> Result<BTreeMap<u32, Ending>, StoreError> {
        let sk = |position| text(keys::link_job_ending(id, position).sk);
        let mut endings = BTreeMap::new();
        let mut start = None;
        loop {
            let page = self
                .query(&keys::link_job_partition(id))
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", sk(from))
                .expression_attribute_values(":to", sk(to.saturating_sub(1)))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(unavailable)?;
            for ended in page.items.unwrap_or_default() {
                let ended: Ended = read(ended)?;
                endings.insert(ended.position, ended.ending);
            }
            // Each page moves on, and there are as many rows as a job has.
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(endings);
            }
        }
    }

    /// Writes a row's change with its ending, once: the link, its other side, the ending and the audit entry are one
    /// transaction. Asked again it says how it ended the first time.
    pub async fn write_link_row(&self, row: RowWrite<'_>, audit: &Entry) -> Result<Ending, StoreError> {
        let key = keys::link_job_ending(&row.job.id, row.position);
        let ended = |ending| item(&key, &Ended { position: row.position, ending }, Some(row.job.expires));
        let mut writes = vec![self.write_new(ended(Ending::Applied)?)?];
        writes.extend(self.write_link_change(row)?);
        writes.push(self.write_audit(audit)?);
        match self.transact(writes).await? {
            Transaction::Done => Ok(Ending::Applied),
            Transaction::Refused(0, there) => ending_of(there),
            Transaction::Refused(..) => match self.put_new(ended(Ending::Changed)?).await? {
                Outcome::Done(_) => Ok(Ending::Changed),
                Outcome::Refused(there) => ending_of(there),
            },
        }
    }

    /// Both sides of the change, each on the condition that it is as the preview saw it.
    fn write_link_change(&self, row: RowWrite<'_>) -> Result<Vec<Write>, StoreError> {
        let enterprise = &row.job.enterprise;
        let after = row.job.written(row.change);
        let mut values = match &row.change.before {
            Some(link) => seen_link(link),
            None => vec![(":null", text("NULL"))],
        };
        values.extend(after.as_ref().map(value_of).transpose()?.map(|link| (":link", link)));
        let [partition, sort] = account_entry(enterprise, row.user, after.is_some());
        let mut names = vec![("#link", "link"), ("#apk", partition.0), ("#ask", sort.0)];
        values.extend([(":apk", text(partition.1)), (":ask", text(sort.1))]);
        if row.change.before.is_some() {
            names.extend([("#bound", "bound"), ("#at", "at")]);
        }
        let person = Change {
            // A bulk unbinding, unlike one of its own, does not say "do not auto-link" (product.md Q26).
            set: match &after {
                Some(_) => "SET #link = :link, #apk = :apk, #ask = :ask REMOVE unlink_asked",
                None => "SET #apk = :apk, #ask = :ask REMOVE #link, unlink_asked",
            },
            condition: match &row.change.before {
                Some(_) => "#link.oa_user = :seen AND #link.#bound.#at = :since",
                None => "attribute_exists(pk) AND (attribute_not_exists(#link) OR attribute_type(#link, :null))",
            },
            names,
            values,
        };
        let mut writes = vec![self.write_change(&keys::person(enterprise, row.user), person)?];
        if let Some(link) = &row.change.before {
            let back = keys::link_by_oa_user(enterprise, &link.oa_user);
            writes.push(self.write_delete(&back, "person = :user", (":user", text(row.user.as_str())))?);
        }
        if let Some(link) = &after {
            let back = keys::link_by_oa_user(enterprise, &link.oa_user);
            writes.push(self.write_new(item(&back, &Back { person: row.user.clone() }, None)?)?);
        }
        Ok(writes)
    }

    fn write_head(&self, job: &LinkJob) -> Result<Write, StoreError> {
        self.write_version(item(&keys::link_job(&job.id), job, Some(job.expires))?, job.version.saturating_sub(1))
    }
}

/// What tells one link from a later one with the same OA user: when it was bound.
fn seen_link(link: &Link) -> Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)> {
    let Timestamp(since) = link.bound.at;
    vec![(":seen", text(link.oa_user.as_str())), (":since", number(since))]
}

fn ending_of(there: Item) -> Result<Ending, StoreError> {
    read::<Ended>(there).map(|ended| ended.ending)
}

fn chunk_item(job: &LinkJob, chunk: u32, rows: &[Row]) -> Result<Item, StoreError> {
    let rows = serde_json::to_string(rows).map_err(|e| StoreError::Damaged(e.to_string()))?;
    item(&keys::link_job_rows(&job.id, chunk), &Chunk { rows }, Some(job.expires))
}
