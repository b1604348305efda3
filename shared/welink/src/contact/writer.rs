//! Handing batches to WeLink and asking what became of them (welink-api.md 5; product.md TWL-19 to TWL-21).

use http::Method;
use platform::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::{Ask, Body, Repeat, WeLink};
use crate::contact::outcome::{Found, Key, Kind, Outcome, Submitted, Ticket};
use crate::contact::write::{Batch, DepartmentWrite, PersonWrite};
use crate::contact::{Family, new_family, old_family};
use crate::error::WeLinkError;
use crate::shared::{Credentials, Shared};
use crate::wire::Reply;

/// Objects of one status question at most (welink-api.md 5A.2, 5A.6), and of a bulk call as its page says (5A.1).
pub(super) const BULK_MAX: usize = 10;
/// Objects of one batch at most (welink-api.md 5B).
pub(super) const BATCH_MAX: usize = 100;
/// Codes with which a bulk call refuses its size (welink-api.md 5A.1).
const TOO_MANY: [&str; 2] = ["47013", "47004"];

/// What removing a person means (welink-api.md 5B.2, `isDeleteUser`: the two readings).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// 0: the account is closed (销户).
    #[default]
    Close,
    /// 1: and the person is removed.
    Remove,
}

/// How an enterprise's contacts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    pub family: Family,
    pub removal: Removal,
    /// Objects of one bulk call of the old family: 10, or up to 100 where WeLink takes them (welink-api.md 5A.1); a
    /// refused call is sent again in tens.
    pub bulk_max: usize,
    /// Up to so many objects go one by one (new family). Two cost no more calls than a batch and its result.
    pub single_max: usize,
    /// New people get an account (old family, `isOpenAccount`).
    pub opens_accounts: bool,
}

impl Writer {
    pub fn new(family: Family) -> Self {
        Self { family, removal: Removal::Close, bulk_max: BULK_MAX, single_max: 2, opens_accounts: true }
    }

    /// Objects of one batch at most.
    pub fn batch_max(&self) -> usize {
        match self.family {
            Family::New => BATCH_MAX,
            Family::Old => self.bulk_max.clamp(1, BATCH_MAX),
        }
    }
}

/// What a call's answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// The object itself.
    Object,
    /// A job.
    Job,
    /// Whether each object was taken.
    Items,
}

/// One call with its objects.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub interface: &'static str,
    pub method: Method,
    /// Field of the list in the body; empty = the one object is the body.
    pub list: &'static str,
    pub kind: Kind,
    pub answers: Answers,
    pub items: Vec<(Key, Fields)>,
}

pub(super) type Fields = Map<String, Value>;

impl Call {
    fn ask(&self) -> Ask {
        let mut objects = self.items.iter().map(|(_, fields)| Value::Object(fields.clone()));
        let body = if self.list.is_empty() {
            objects.next().unwrap_or_default()
        } else {
            Value::Object([(self.list.to_owned(), Value::Array(objects.collect()))].into_iter().collect())
        };
        Ask {
            method: self.method.clone(),
            body: Body::Json(Secret::new(body.to_string())),
            repeat: Repeat::UnlessUsed,
            ..Ask::get(self.interface)
        }
    }

    fn all(&self, into: &mut Submitted, outcome: &Outcome) {
        for (key, _) in &self.items {
            into.set(key.place, outcome.clone());
        }
    }
}

/// What a batch comes to: its calls, and the objects that no call can say.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub calls: Vec<Call>,
    pub refused: Vec<(usize, Outcome)>,
}

impl Calls {
    /// An object that lacks what the family needs, told as WeLink would: 47003, a parameter is empty.
    pub(super) fn refuse(&mut self, place: usize, missing: &str) {
        self.refused.push((place, Outcome::failed("47003", missing)));
    }

    pub(super) fn add(&mut self, call: &Call, max: usize) {
        for items in call.items.chunks(max.max(1)) {
            self.calls.push(Call { items: items.to_vec(), ..call.clone() });
        }
    }
}

pub(super) fn department_key(place: usize, one: &DepartmentWrite) -> Key {
    Key { place, own: one.code.as_ref().map(|code| code.as_str().to_owned()), corp: one.corp_code.clone() }
}

pub(super) fn person_key(place: usize, one: &PersonWrite) -> Key {
    Key { place, own: one.user.as_ref().map(|user| user.as_str().to_owned()), corp: one.corp_user.clone() }
}

impl<S: Shared> WeLink<S> {
    /// Hands a batch to WeLink. An error means that nothing of it has happened; once a call has been made, what became
    /// of it is in the outcomes. Objects whose call was not made after that are [`Outcome::NotSent`].
    pub async fn submit(&self, c: &Credentials, writer: &Writer, batch: Batch<'_>) -> Result<Submitted, WeLinkError> {
        let Calls { calls, refused } = match writer.family {
            Family::New => new_family::calls(writer, batch),
            Family::Old => old_family::calls(writer, batch),
        };
        let mut submitted = Submitted::new(batch.len());
        for (place, outcome) in refused {
            submitted.set(place, outcome);
        }
        let mut is_first = true;
        for call in calls {
            match self.write(c, &call, &mut submitted).await {
                Ok(()) => is_first = false,
                Err(error) if is_first => return Err(error),
                Err(_) => break,
            }
        }
        Ok(submitted)
    }

    /// One call; where its size was refused, its objects again in tens.
    async fn write(&self, c: &Credentials, call: &Call, into: &mut Submitted) -> Result<(), WeLinkError> {
        match self.0.call(c, &call.ask()).await {
            Ok(reply) => taken(call, reply, into),
            // The answer was lost, or says nothing: it may have happened.
            Err(WeLinkError::Down | WeLinkError::Malformed) => call.all(into, &Outcome::Unknown),
            Err(WeLinkError::Refused { code, .. })
                if call.answers == Answers::Items
                    && call.items.len() > BULK_MAX
                    && TOO_MANY.contains(&code.as_str()) =>
            {
                for (at, items) in call.items.chunks(BULK_MAX).enumerate() {
                    let part = Call { items: items.to_vec(), ..call.clone() };
                    match Box::pin(self.write(c, &part, into)).await {
                        Err(error) if at == 0 => return Err(error),
                        Err(_) => break,
                        Ok(()) => {}
                    }
                }
            }
            Err(WeLinkError::Refused { code, message }) => {
                let gone = call.kind.removes && code == "47111" && call.items.len() == 1;
                let outcome = if gone { Outcome::Success { id: None } } else { Outcome::failed(&code, &message) };
                call.all(into, &outcome);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Asks for what is pending; true when nothing is left to ask for. Wait [`super::poll_after_ms`] between two times.
    /// An error leaves the outcomes as they are.
    pub async fn poll(&self, c: &Credentials, submitted: &mut Submitted) -> Result<bool, WeLinkError> {
        for ticket in submitted.tickets.clone() {
            let waiting: Vec<Key> = ticket.keys.iter().filter(|key| submitted.is_pending(key.place)).cloned().collect();
            if waiting.is_empty() {
                continue;
            }
            match &ticket.job {
                Some(job) => self.poll_job(c, job, ticket.kind, &waiting, submitted).await?,
                None => self.poll_status(c, ticket.kind, &waiting, submitted).await?,
            }
        }
        Ok(submitted.is_settled())
    }

    async fn poll_job(
        &self,
        c: &Credentials,
        job: &str,
        kind: Kind,
        waiting: &[Key],
        into: &mut Submitted,
    ) -> Result<(), WeLinkError> {
        let ask = Ask { query: Some(crate::api::query("jobId", job)), ..Ask::get(new_family::RESULT) };
        let mut reply = match self.0.call(c, &ask).await {
            Ok(reply) => reply,
            // WeLink does not know the job any more.
            Err(WeLinkError::Refused { .. }) => {
                for key in waiting {
                    into.set(key.place, Outcome::Unknown);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let finished = reply.integer("status").is_some_and(|status| status >= 3)
            || reply.integer("percentage").is_some_and(|percentage| percentage >= 100);
        let rows = reply.take_rows("data").ok_or(WeLinkError::Malformed)?;
        let found = Found::new(rows, kind);
        for key in waiting {
            let outcome = found.get(key).map(|row| Outcome::of_item(row, kind, Outcome::is_done));
            match outcome {
                // What runs on may still say something else of an object that it has not come to.
                Some(Outcome::Pending | Outcome::Unknown) | None if finished => into.set(key.place, Outcome::Unknown),
                Some(Outcome::Pending | Outcome::Unknown) | None => {}
                Some(outcome) => into.set(key.place, outcome),
            }
        }
        Ok(())
    }

    async fn poll_status(
        &self,
        c: &Credentials,
        kind: Kind,
        waiting: &[Key],
        into: &mut Submitted,
    ) -> Result<(), WeLinkError> {
        for keys in waiting.chunks(BULK_MAX) {
            let mut reply = match self.0.call(c, &old_family::status(kind, keys)).await {
                Ok(reply) => reply,
                Err(WeLinkError::Refused { .. }) => {
                    for key in keys {
                        into.set(key.place, Outcome::Unknown);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let found = Found::new(reply.take_rows("data").ok_or(WeLinkError::Malformed)?, kind);
            for key in keys {
                let row = found.get(key);
                into.set(key.place, row.map_or(Outcome::Unknown, |row| Outcome::of_item(row, kind, Outcome::is_done)));
            }
        }
        Ok(())
    }
}

/// What the answer to a call says of its objects.
fn taken(call: &Call, mut reply: Reply, into: &mut Submitted) {
    let keys = || call.items.iter().map(|(key, _)| key.clone());
    match call.answers {
        Answers::Object => call.all(into, &Outcome::Success { id: call.kind.id(&reply) }),
        // Without its name a job cannot be asked for.
        Answers::Job => match reply.text("jobId") {
            None => call.all(into, &Outcome::Unknown),
            job => {
                call.all(into, &Outcome::Pending);
                into.tickets.push(Ticket { kind: call.kind, job, keys: keys().collect() });
            }
        },
        Answers::Items => {
            let found = Found::new(reply.take_rows("data").unwrap_or_default(), call.kind);
            for key in keys() {
                // An object that the answer leaves out was taken: the call as a whole was.
                let row = found.get(&key);
                let outcome = row.map_or(Outcome::Pending, |row| Outcome::of_item(row, call.kind, Outcome::is_taken));
                into.set(key.place, outcome);
            }
            into.tickets.push(Ticket { kind: call.kind, job: None, keys: keys().collect() });
        }
    }
}
