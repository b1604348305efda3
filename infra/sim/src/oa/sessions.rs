//! Who is signed in, and how he came in.

use std::collections::BTreeMap;

use domain::time::Timestamp;

/// A session ends so long after its beginning, whatever happens in it: 8 hours.
const AGE_MS_MAX: i64 = 8 * 3_600_000;
/// A session ends after so long without a request: 30 minutes.
const IDLE_MS_MAX: i64 = 30 * 60_000;
/// Live sessions at most; the oldest gives way.
const SESSIONS_MAX: usize = 10_000;

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Via {
    Password,
    /// A redeemed ticket of the bridge (oa-api.md C.2.2).
    Ticket {
        jti: String,
        amr: Vec<String>,
        enterprise: Option<String>,
        bound_to_browser: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) account: String,
    pub(super) login: String,
    pub(super) via: Via,
    pub(super) began: Timestamp,
    seen: Timestamp,
}

/// One live session, as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Login name.
    pub login: String,
    /// The ticket that opened it; none after a sign-in by password.
    pub jti: Option<String>,
    /// How the ticket says WeLink proved the person, e.g. `["welink"]`; empty for a password.
    pub amr: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<String, Session>);

impl Sessions {
    pub(super) fn open(&mut self, id: String, account: &str, login: &str, via: Via, now: Timestamp) {
        self.0.retain(|_, session| alive(session, now));
        if self.0.len() >= SESSIONS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, session)| session.began).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.0.remove(&id));
        }
        let session = Session { account: account.to_owned(), login: login.to_owned(), via, began: now, seen: now };
        self.0.insert(id, session);
    }

    /// The session with this id, if it lives; asking keeps it from idling out.
    pub(super) fn touch(&mut self, id: &str, now: Timestamp) -> Option<Session> {
        let session = self.0.get_mut(id).filter(|session| alive(session, now))?;
        session.seen = now;
        Some(session.clone())
    }

    pub(super) fn end(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Ends what this ticket opened and says how many sessions that were (oa-api.md C.1, `session.revoke`).
    pub(super) fn end_by_ticket(&mut self, ended: &str) -> usize {
        let before = self.0.len();
        self.0.retain(|_, session| !matches!(&session.via, Via::Ticket { jti, .. } if jti == ended));
        before - self.0.len()
    }

    pub(super) fn list(&self, now: Timestamp) -> Vec<SessionInfo> {
        let mut live: Vec<&Session> = self.0.values().filter(|session| alive(session, now)).collect();
        live.sort_by(|a, b| (a.began, &a.login).cmp(&(b.began, &b.login)));
        live.into_iter()
            .map(|session| {
                let (jti, amr) = match &session.via {
                    Via::Password => (None, Vec::new()),
                    Via::Ticket { jti, amr, .. } => (Some(jti.clone()), amr.clone()),
                };
                SessionInfo { login: session.login.clone(), jti, amr }
            })
            .collect()
    }
}

fn alive(session: &Session, now: Timestamp) -> bool {
    now.ms_since(session.began) < AGE_MS_MAX && now.ms_since(session.seen) < IDLE_MS_MAX
}
