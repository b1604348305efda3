//! To-dos: each receiver's row is brought to what the OA wants, one call at a time (domain::push::todo).

use domain::ids::{AppId, OaUserId, TodoTaskId, WeLinkUserId};
use domain::model::App;
use domain::push::delivery::{CLAIM_S, Message, State};
use domain::push::render;
use domain::push::retry::{Class, Reason};
use domain::push::rule::Aim;
use domain::push::todo::{Closed, Effect, Step, take, task};
use platform::secret::sha256_hex;
use state::StoreError;
use state::todo::{TodoRow, TodoText, matter};
use welink::{Applicant, Credentials, Outcome};

use crate::outcome::{class_of, sent, settle};
use crate::receivers::place;
use crate::work::{Desk, wait};

/// Calls that one row takes at most: a removal, an addition, and once more each when another event comes between.
const STEPS_MAX: usize = 4;
/// How often a write is tried when others write the same row.
const TURNS_MAX: usize = 4;

/// How far a row came.
enum Came {
    /// WeLink shows what the OA wants.
    There,
    Nothing(Reason),
    Failed(Class, Option<String>),
    /// Somebody else is at it.
    Busy,
}

/// Everything about the rows of one message at one app.
struct Rows<'d, 'b> {
    desk: &'d Desk<'b>,
    app: &'d App,
    credentials: Credentials,
    matter: String,
    biz_id: String,
    shown: TodoText,
    look: String,
}

/// Brings the to-dos of these deliveries, which are claimed, to what the event says, and notes what became of each.
pub async fn send(desk: &Desk<'_>, message: &mut Message, places: &[usize]) {
    let Some(first) = places.first() else { return };
    let aim = message.aims[message.deliveries[*first].aim].clone();
    let Some(rows) = Rows::of(desk, &aim).await else {
        for at in places {
            settle(desk.bridge, &aim, &mut message.deliveries[*at], Class::Before(Reason::Store), None);
        }
        return;
    };
    for at in places {
        let delivery = &mut message.deliveries[*at];
        let (Some(oa_user), Some(user)) = (delivery.oa_user.clone(), delivery.user.clone()) else { continue };
        let came = rows.take(&oa_user, &user).await.unwrap_or_else(|error| lost(&error));
        note(desk, &aim, delivery, came);
    }
    if desk.event.closes_all() {
        let rest = rows.close_rest().await.unwrap_or_else(|error| lost(&error));
        // Somebody else's row is still open: the message is not done with before it is not.
        if let (Came::Failed(..) | Came::Busy, Some(at)) = (&rest, places.first()) {
            note(desk, &aim, &mut message.deliveries[*at], rest);
        }
    }
}

fn lost(error: &StoreError) -> Came {
    tracing::error!(%error, "a to-do cannot be written down");
    Came::Failed(Class::Before(Reason::Store), None)
}

fn note(desk: &Desk<'_>, aim: &Aim, delivery: &mut domain::push::delivery::Delivery, came: Came) {
    let now = desk.bridge.clock().now();
    match came {
        Came::There => sent(delivery, now),
        Came::Nothing(reason) => delivery.state = State::Skipped { at: now, reason },
        Came::Failed(class, code) => settle(desk.bridge, aim, delivery, class, code),
        Came::Busy => wait(delivery, Reason::Busy, now),
    }
}

impl<'d, 'b> Rows<'d, 'b> {
    async fn of(desk: &'d Desk<'b>, aim: &Aim) -> Option<Self> {
        let (_, app) = place(&desk.config, &desk.instance, aim).ok()?;
        let content = desk.event.content.as_ref()?;
        let credentials = desk.bridge.credentials(app).await.inspect_err(signin::Refusal::log).ok()?;
        let shown = render::shown(desk.event.kind, content, desk.bridge.config().origin.as_str(), &app.id);
        let shown = TodoText {
            title: shown.title,
            owner: shown.owner,
            url: shown.url,
            url_pc: shown.url_pc,
            applicant: content.creator_name.clone(),
        };
        let parts = [&shown.title, &shown.owner, &shown.url, &shown.url_pc, &shown.applicant];
        let look = sha256_hex(&parts.map(String::as_str).join("\n")).chars().take(16).collect();
        let (matter, biz_id) = (matter(&content.biz_id), content.biz_id.clone());
        Some(Self { desk, app, credentials, matter, biz_id, shown, look })
    }

    /// Takes the event into one receiver's row, and calls WeLink until it shows what is wanted.
    async fn take(&self, oa_user: &OaUserId, user: &WeLinkUserId) -> Result<Came, StoreError> {
        let (store, event) = (self.desk.bridge.store(), &self.desk.event);
        let instance = &self.desk.instance.id;
        if event.closes_all() {
            store.close_todos(instance, &self.matter, Closed { time: event.time }).await?;
        }
        for _ in 0..TURNS_MAX {
            let now = self.desk.bridge.clock().now();
            let known = store.todo(instance, &self.matter, &self.app.id, oa_user).await?;
            let before = known.clone();
            let (todo, effect) = take(known.as_ref().map(|row| row.todo.clone()), event, &self.look, now);
            let Some(todo) = todo else { return Ok(Came::Nothing(Reason::Stale)) };
            let mut row = known.unwrap_or_else(|| self.row(oa_user, user, &todo));
            row.todo = todo;
            if effect == Effect::Taken {
                (row.shown, row.user) = (self.shown.clone(), user.clone());
            }
            if before.as_ref() != Some(&row) && !store.save_todo(instance, &self.matter, &mut row).await? {
                continue;
            }
            // Read after the write: an end that was noted before it is seen here, a later one sees this row.
            row.todo.close(store.todo_closed(instance, &self.matter).await?, now);
            let came = self.settle(&mut row).await?;
            return Ok(match (came, effect) {
                (Came::There, Effect::Older) if row.todo.order != domain::push::todo::Order::of(event) => {
                    Came::Nothing(Reason::Older)
                }
                (came, _) => came,
            });
        }
        Ok(Came::Busy)
    }

    /// The other rows of a matter that has ended for everybody.
    async fn close_rest(&self) -> Result<Came, StoreError> {
        let (store, instance) = (self.desk.bridge.store(), &self.desk.instance.id);
        let closed = store.todo_closed(instance, &self.matter).await?;
        let mut worst = Came::There;
        for mut row in store.todos(instance, &self.matter).await? {
            let now = self.desk.bridge.clock().now();
            row.todo.close(closed, now);
            if row.app != self.app.id || row.todo.step(now) == Step::Nothing {
                continue;
            }
            match self.settle(&mut row).await? {
                Came::There | Came::Nothing(_) => {}
                came => worst = came,
            }
        }
        Ok(worst)
    }

    fn row(&self, oa_user: &OaUserId, user: &WeLinkUserId, todo: &domain::push::todo::Todo) -> TodoRow {
        TodoRow {
            app: self.app.id.clone(),
            oa_user: oa_user.clone(),
            user: user.clone(),
            biz_id: self.biz_id.clone(),
            shown: self.shown.clone(),
            todo: todo.clone(),
            claim: None,
            version: 0,
        }
    }

    /// Calls WeLink until it shows what the row wants. Each step is written down before and after; a write that
    /// somebody else was faster with leaves the rest to him.
    async fn settle(&self, row: &mut TodoRow) -> Result<Came, StoreError> {
        let (store, instance) = (self.desk.bridge.store(), &self.desk.instance.id);
        let owner = store.nonce();
        for _ in 0..STEPS_MAX {
            let now = self.desk.bridge.clock().now();
            let step = row.todo.step(now);
            if step == Step::Nothing {
                if row.claim.take().is_some() && !store.save_todo(instance, &self.matter, row).await? {
                    return Ok(Came::Busy);
                }
                return Ok(Came::There);
            }
            if row.claim.as_ref().is_some_and(|(by, until)| *by != owner && *until > now) {
                return Ok(Came::Busy);
            }
            let before = row.todo.remote.clone();
            row.todo.begun(step);
            row.claim = Some((owner.clone(), now.plus_s(CLAIM_S)));
            if !store.save_todo(instance, &self.matter, row).await? {
                return Ok(Came::Busy);
            }
            let outcome = self.call(row, step).await;
            let again = matches!(step, Step::Add { again: true, .. } | Step::Remove { again: true, .. });
            let failed = match (&outcome, class_of(&outcome)) {
                (Outcome::Already(_), _) if again => None,
                (Outcome::Accepted { failed, why, .. }, None) if !failed.is_empty() => {
                    Some(crate::outcome::class_of_receiver(why.as_ref()))
                }
                (_, failed) => failed,
            };
            let now = self.desk.bridge.clock().now();
            match &failed {
                None => row.todo.ended(step, now),
                Some((Class::Perhaps, _)) => {}
                Some(_) => row.todo.undone(before),
            }
            row.claim = None;
            let kept = store.save_todo(instance, &self.matter, row).await?;
            match failed {
                Some((class, code)) => return Ok(Came::Failed(class, code)),
                None if !kept => return Ok(Came::Busy),
                None => {}
            }
        }
        Ok(Came::Busy)
    }

    async fn call(&self, row: &TodoRow, step: Step) -> Outcome {
        let welink = self.desk.bridge.welink();
        match step {
            Step::Remove { generation, .. } => match self.task(row, generation) {
                Some(task) => welink.delete_todo(&self.credentials, &task).await,
                None => Outcome::NotSent(welink::WeLinkError::Malformed),
            },
            Step::Add { generation, .. } => match self.task(row, generation) {
                Some(task) => self.add(row, &task).await,
                None => Outcome::NotSent(welink::WeLinkError::Malformed),
            },
            Step::Nothing => Outcome::Accepted { item: None, failed: Vec::new(), why: None },
        }
    }

    async fn add(&self, row: &TodoRow, task: &TodoTaskId) -> Outcome {
        let person = self.desk.bridge.store().person(&self.app.enterprise, &row.user).await.ok().flatten();
        let name = |name: fn(&domain::model::Person) -> &String| {
            person.as_ref().map(name).filter(|name| !name.is_empty()).map_or(row.user.as_str(), String::as_str)
        };
        let (cn, en) = (name(|person| &person.name_zh), name(|person| &person.name_en));
        // WeLink wants somebody who asks: without one of the OA's it is the receiver's account, under the OA's name.
        let asks = if row.shown.applicant.is_empty() { "OA" } else { &row.shown.applicant };
        let todo = welink::Todo {
            task,
            receiver: &row.user,
            receiver_name_cn: cn,
            receiver_name_en: en,
            title: &row.shown.title,
            url: &row.shown.url,
            pc_url: Some(&row.shown.url_pc),
            app_name: &row.shown.owner,
            applicant: Applicant { user: row.user.as_str(), name_cn: asks, name_en: asks },
            request: &row.biz_id,
            business_code: None,
            announced: false,
        };
        self.desk.bridge.welink().add_todo(&self.credentials, &todo).await
    }

    /// The row's name at WeLink (product.md Q21): 32 hexadecimal digits.
    fn task(&self, row: &TodoRow, generation: u32) -> Option<TodoTaskId> {
        let app: &AppId = &row.app;
        let instance = self.desk.instance.id.as_str();
        let name = task(instance, &row.biz_id, row.oa_user.as_str(), app.as_str(), generation);
        TodoTaskId::parse(&sha256_hex(&name).chars().take(32).collect::<String>()).ok()
    }
}
