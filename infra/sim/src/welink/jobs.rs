//! Work that is taken now and done later: the jobs of the new family (welink-api.md 5B.3) and the objects of the old
//! one (5A). Nothing runs by itself: whoever looks at the world first does what is due.

use std::collections::{BTreeMap, BTreeSet};

use domain::text::Lang;
use domain::time::Timestamp;
use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, message};
use super::contact_settings::{ParentInBatch, Running};
use super::world::{Call, Caller, World};
use super::write::{Of, Order, Verb, perform, text};

/// Objects of one batch at most (welink-api.md 5B).
const BATCH_MAX: usize = 100;
/// Jobs and outcomes remembered at most; the oldest go first.
const JOBS_MAX: usize = 20_000;
const STATUSES_MAX: usize = 400_000;

/// What is known of one object of the old family.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub code: String,
    pub message: String,
    pub pending: bool,
}

#[derive(Debug)]
struct Job {
    tenant_id: String,
    kind: &'static str,
    ends: Timestamp,
    /// By place; `None` = not done.
    items: Vec<Option<Fields>>,
    /// What names each object, for the rows of the result.
    keys: Vec<Fields>,
}

/// By company, kind and the customer's own id.
pub(super) type StatusKey = (String, Of, String);

/// Where an outcome goes.
#[derive(Debug, Clone)]
pub(super) enum Into {
    Job { id: String, place: usize },
    Status(StatusKey),
}

/// Everything that is taken and not done, and what became of what is done.
#[derive(Debug, Default)]
pub(super) struct Work {
    queue: BTreeMap<(i64, u64), (Order, Into)>,
    jobs: BTreeMap<String, Job>,
    statuses: BTreeMap<StatusKey, Status>,
    mobile_changes: BTreeMap<(String, String), Vec<Timestamp>>,
    number: u64,
}

impl Work {
    /// Counts from 1; for codes, ids and the order of equal times.
    pub(super) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    pub(super) fn mobile_changes(&mut self, tenant_id: &str, user_id: &str) -> &mut Vec<Timestamp> {
        self.mobile_changes.entry((tenant_id.to_owned(), user_id.to_owned())).or_default()
    }

    pub(super) fn status(&self, key: &StatusKey) -> Option<&Status> {
        self.statuses.get(key)
    }

    pub(super) fn set_status(&mut self, key: StatusKey, status: Status) {
        while self.statuses.len() >= STATUSES_MAX {
            self.statuses.pop_first();
        }
        self.statuses.insert(key, status);
    }

    pub(super) fn take(&mut self, at: Timestamp, order: Order, into: Into) {
        let number = self.next_number();
        self.queue.insert((at.0, number), (order, into));
    }
}

/// Does what is due.
pub(super) fn settle(world: &mut World, now: Timestamp) {
    while let Some(entry) = world.work.queue.first_entry().filter(|entry| entry.key().0 <= now.0) {
        let at = Timestamp(entry.key().0);
        let (order, into) = entry.remove();
        let outcome = perform(world, &order, at);
        match into {
            Into::Job { id, place } => finish_item(world, &id, place, outcome),
            Into::Status(key) => {
                let status = old_status(&order, outcome);
                world.work.set_status(key, status);
            }
        }
    }
}

fn finish_item(world: &mut World, id: &str, place: usize, outcome: Answer) {
    let Some(job) = world.work.jobs.get_mut(id) else { return };
    let (code, fields) = match outcome {
        Ok(fields) => ("0".to_owned(), fields),
        Err(refusal) => (refusal.code.into_owned(), job.keys.get(place).cloned().unwrap_or_default()),
    };
    let mut row = fields;
    row.insert("message".to_owned(), Value::from(message(&code, Lang::Zh)));
    row.insert("code".to_owned(), Value::from(code));
    if let Some(kept) = job.items.get_mut(place) {
        *kept = Some(row);
    }
}

/// The final codes of 5A.7; a department's failure has its reason in the message.
fn old_status(order: &Order, outcome: Answer) -> Status {
    let closed = text(&order.fields, "isOpenAccount") == "0";
    let code = match (&outcome, order.of) {
        (Ok(_), Of::Department) => "47119".to_owned(),
        (Ok(_), Of::Person) => if closed { "47107" } else { "47109" }.to_owned(),
        (Err(refusal), Of::Department) if refusal.code != "47106" => "47114".to_owned(),
        (Err(refusal), _) => refusal.code.to_string(),
    };
    let reason = outcome.err().map_or_else(|| code.clone(), |refusal| refusal.code.into_owned());
    Status { message: message(&reason, Lang::Zh).to_owned(), code, pending: false }
}

/// What the children of objects that are made in the same call are refused with (welink-api.md 16; 5, 5B).
pub(super) fn parents_within(world: &World, orders: &mut [Order]) {
    if world.settings.contact.parent_in_batch == ParentInBatch::InOrder {
        return;
    }
    let is_new = |order: &&Order| {
        let corp = text(&order.fields, "corpDeptCode");
        let known = world.departments.by_corp(&order.caller.tenant_id, &corp).is_some();
        order.of == Of::Department && matches!(order.verb, Verb::Create | Verb::Sync) && !known
    };
    let made: BTreeSet<String> =
        orders.iter().filter(is_new).map(|order| text(&order.fields, "corpDeptCode")).collect();
    for order in orders.iter_mut().filter(|order| order.of == Of::Department) {
        if made.contains(&text(&order.fields, "corpParentCode")) {
            order.refused = Some("47106");
        }
    }
}

/// The identifiers that an object came with.
fn key_of(fields: &Fields) -> Fields {
    let names = ["userId", "corpUserId", "mobileNumber", "deptCode", "corpDeptCode"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone()))).collect()
}

/// When the object at `place` of `count` is done.
pub(super) fn done_at(world: &World, now: Timestamp, place: usize, count: usize) -> Timestamp {
    let share = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    now.plus_ms(world.settings.contact.job_ms.saturating_mul(share(place + 1)) / share(count.max(1)))
}

/// Every batch call of 5B: takes at most 100 objects and answers the job's id.
pub(super) fn batch(world: &mut World, call: &Call, caller: Option<&Caller>, of: Of, verb: Verb) -> Answer {
    let caller = caller.ok_or_else(|| Refusal::new("47101"))?;
    let list = if of == Of::Person { "personInfos" } else { "deptInfos" };
    let mut orders = orders(call, caller, list, BATCH_MAX, |fields| (of, verb, fields))?;
    parents_within(world, &mut orders);
    let id = call.entropy.hex(16);
    let ends = call.now.plus_ms(world.settings.contact.job_ms);
    let kept_ms = world.settings.contact.job_kept_ms;
    world.work.jobs.retain(|_, job| call.now.ms_since(job.ends) < kept_ms);
    if world.work.jobs.len() >= JOBS_MAX {
        world.work.jobs.pop_first();
    }
    let keys: Vec<Fields> = orders.iter().map(|order| key_of(&order.fields)).collect();
    let kind = if of == Of::Person { "user" } else { "department" };
    let job = Job { tenant_id: caller.tenant_id.clone(), kind, ends, items: vec![None; orders.len()], keys };
    world.work.jobs.insert(id.clone(), job);
    let count = orders.len();
    for (place, order) in orders.into_iter().enumerate() {
        let at = done_at(world, call.now, place, count);
        world.work.take(at, order, Into::Job { id: id.clone(), place });
    }
    Ok([("jobId".to_owned(), Value::from(id))].into_iter().collect())
}

/// The objects of a call's list: 47003 for none, 47013 for too many, 47004 for what is no object.
pub(super) fn orders(
    call: &Call,
    caller: &Caller,
    list: &str,
    max: usize,
    read: impl Fn(Fields) -> (Of, Verb, Fields),
) -> Result<Vec<Order>, Refusal> {
    let items = call.body.as_ref().and_then(|body| body.get(list)).and_then(Value::as_array);
    let items = items.filter(|items| !items.is_empty()).ok_or_else(|| Refusal::new("47003"))?;
    if items.len() > max {
        return Err(Refusal::new("47013"));
    }
    let order = |item: &Value| {
        let fields = item.as_object().cloned().ok_or_else(|| Refusal::new("47004"))?;
        let (of, verb, fields) = read(fields);
        Ok(Order { caller: caller.clone(), of, verb, fields, refused: None })
    };
    items.iter().map(order).collect()
}

/// A single call of 5B: done at once.
pub(super) fn single(world: &mut World, call: &Call, caller: Option<&Caller>, of: Of, verb: Verb) -> Answer {
    let caller = caller.ok_or_else(|| Refusal::new("47101"))?;
    let fields = call.body.clone().ok_or_else(|| Refusal::new("47004"))?;
    let order = Order { caller: caller.clone(), of, verb, fields, refused: None };
    let mut answer = perform(world, &order, call.now)?;
    if of == Of::Person {
        answer.remove("mobileNumber");
    }
    Ok(answer)
}

/// `GET /api/contact/v1/batch/result?jobId=` (welink-api.md 5B.3).
pub(super) fn result(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = caller.ok_or_else(|| Refusal::new("47101"))?;
    let id = call.param("jobId");
    if id.is_empty() {
        return Err(Refusal::new("47003"));
    }
    let kept_ms = world.settings.contact.job_kept_ms;
    let job = world.work.jobs.get(id).filter(|job| job.tenant_id == caller.tenant_id);
    let job = job.filter(|job| call.now.ms_since(job.ends) < kept_ms).ok_or_else(|| Refusal::new("47012"))?;
    let done = job.items.iter().flatten().count();
    let total = job.items.len();
    let finished = done == total;
    let status = if finished { 3 } else { 1 + usize::from(done > 0) };
    let mut fields = Fields::new();
    for (name, number) in [("status", status), ("total", total), ("percentage", done * 100 / total.max(1))] {
        fields.insert(name.to_owned(), Value::from(number));
    }
    fields.insert("jobId".to_owned(), Value::from(id));
    fields.insert("type".to_owned(), Value::from(job.kind));
    if finished || (done > 0 && world.settings.contact.running == Running::Partial) {
        let rows: Vec<Value> = job.items.iter().flatten().cloned().map(Value::Object).collect();
        fields.insert("data".to_owned(), Value::from(rows));
    }
    Ok(fields)
}
