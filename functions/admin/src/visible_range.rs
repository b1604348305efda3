//! `POST /v1/apps/{app}/visible-range-check`: linked people whom an app cannot see, before a push or a sync fails on
//! them (product.md ENT-09, M23 to M25). Whoever is pushed to is linked, so that these are the receivers too.
//!
//! WeLink is asked person by person, in slices of some seconds: a slice says from where the next one goes on.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use domain::ids::{EnterpriseId, WeLinkUserId};
use domain::model::{Link, Person};
use domain::problem;
use serde::{Deserialize, Serialize};
use signin::{Bridge, Refusal};
use state::people::PeopleCursor;
use tokio::task::JoinSet;
use tokio::time::Instant;
use utoipa::ToSchema;
use welink::{Credentials, WeLinkError};

use crate::actor::Actor;
use crate::apps;
use crate::error::ApiError;
use crate::input::{self, Sent};

/// How long a slice asks.
const SLICE_MAX: Duration = Duration::from_secs(8);
/// People read at once.
const PAGE_MAX: i32 = 100;
/// Questions on the way at once; the client keeps to the app's rate by itself.
const AT_ONCE: usize = 8;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VisibleRangeCheck)]
pub(crate) struct Asked {
    /// `next` of the slice before; absent = from the beginning.
    #[serde(default)]
    pub(crate) cursor: Option<String>,
}

/// One slice.
#[derive(Debug, Serialize)]
pub(crate) struct Slice {
    /// Linked people asked about.
    pub checked: u32,
    pub unseen: Vec<Unseen>,
    /// Where to go on; `None` = everybody has been asked about.
    pub next: Option<String>,
    /// WeLink wants a pause of so long before the next slice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

/// A linked person who does not exist for this app.
#[derive(Debug, Serialize)]
pub(crate) struct Unseen {
    pub user_id: WeLinkUserId,
    pub name_zh: String,
    pub name_en: String,
    pub oa_login: String,
}

pub async fn check(State(bridge): State<Bridge>, actor: Actor, Path(app): Path<String>, body: input::Body) -> Response {
    match slice(&bridge, &actor, &app, Sent::Json(&body)).await {
        Ok(slice) => Json(slice).into_response(),
        Err(error) => error.answer(actor.lang),
    }
}

/// Asks for one slice; changes nothing anywhere.
pub(crate) async fn slice(bridge: &Bridge, actor: &Actor, app: &str, sent: Sent<'_, Asked>) -> Result<Slice, ApiError> {
    let place = apps::find(bridge, actor, app).await?;
    let wrong = |_| ApiError::field("cursor", "not a cursor of this check / 不是本检查的游标");
    let begin = sent.read()?.cursor.as_deref().map_or(Ok(PeopleCursor::default()), str::parse).map_err(wrong)?;
    let credentials = bridge.credentials(&place.app).await?;
    let doctor = Doctor { bridge, enterprise: &place.enterprise.id, credentials };
    doctor.ask(begin, Instant::now() + SLICE_MAX).await
}

struct Doctor<'a> {
    bridge: &'a Bridge,
    enterprise: &'a EnterpriseId,
    credentials: Credentials,
}

/// Why a slice ends in the middle.
enum Halt {
    Time,
    Busy { retry_after_s: u64 },
}

impl Doctor<'_> {
    async fn ask(&self, begin: PeopleCursor, end: Instant) -> Result<Slice, ApiError> {
        let mut slice = Slice { checked: 0, unseen: Vec::new(), next: None, retry_after_s: None };
        let mut at = Some(begin);
        while let Some(cursor) = at.take() {
            let (people, next) = self.bridge.store().people(self.enterprise, &cursor, PAGE_MAX).await?;
            if let Some(halted) = self.page(&people, cursor, end, &mut slice).await? {
                slice.next = Some(halted.to_string());
                return Ok(slice);
            }
            at = next;
        }
        Ok(slice)
    }

    /// Asks about the people of a page; where it stopped, if it did.
    async fn page(
        &self,
        people: &[Person],
        mut done: PeopleCursor,
        end: Instant,
        slice: &mut Slice,
    ) -> Result<Option<PeopleCursor>, ApiError> {
        let linked: Vec<(&Person, &Link)> = people.iter().filter_map(|p| p.link.as_ref().map(|l| (p, l))).collect();
        for some in linked.chunks(AT_ONCE) {
            let users = some.iter().map(|(person, _)| person.user_id.clone()).collect();
            match self.hidden(users, end).await? {
                Ok(hidden) => {
                    let unseen = some.iter().filter(|(person, _)| hidden.contains(&person.user_id));
                    slice.unseen.extend(unseen.map(|(person, link)| unseen_person(person, link)));
                    slice.checked += u32::try_from(some.len()).unwrap_or(u32::MAX);
                    done = some.last().map_or(done.clone(), |(person, _)| done.after(person));
                }
                // Nothing at all within a slice: the next one would fare no better.
                Err(Halt::Time) if slice.checked == 0 => return Err(problem::WELINK_DOWN.into()),
                Err(Halt::Time) => return Ok(Some(done)),
                Err(Halt::Busy { retry_after_s }) => {
                    slice.retry_after_s = Some(retry_after_s);
                    return Ok(Some(done));
                }
            }
        }
        Ok(None)
    }

    /// Which of these people the app cannot see.
    async fn hidden(
        &self,
        users: Vec<WeLinkUserId>,
        end: Instant,
    ) -> Result<Result<Vec<WeLinkUserId>, Halt>, ApiError> {
        let mut asking = JoinSet::new();
        for user in users {
            let (bridge, credentials) = (self.bridge.clone(), self.credentials.clone());
            asking.spawn(async move {
                let detail = bridge.welink().user_detail(&credentials, &user).await;
                (user, detail)
            });
        }
        // What is still asked when the time is up only reads, and ends with the set.
        let Ok(answers) = tokio::time::timeout_at(end, asking.join_all()).await else { return Ok(Err(Halt::Time)) };
        let mut hidden = Vec::new();
        for (user, detail) in answers {
            match detail {
                Ok(Some(_)) => {}
                Ok(None) => hidden.push(user),
                Err(WeLinkError::Busy { retry_after_ms }) => {
                    return Ok(Err(Halt::Busy { retry_after_s: retry_after_ms.div_ceil(1000).max(1) }));
                }
                Err(error) => return Err(Refusal::from(error).into()),
            }
        }
        Ok(Ok(hidden))
    }
}

fn unseen_person(person: &Person, link: &Link) -> Unseen {
    Unseen {
        user_id: person.user_id.clone(),
        name_zh: person.name_zh.clone(),
        name_en: person.name_en.clone(),
        oa_login: link.login_id.clone(),
    }
}
