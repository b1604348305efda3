//! Sessions of browsers, and what is written when one begins.

use domain::audit::Entry;
use domain::ids::{EnterpriseId, OaUserId, SessionId, WeLinkUserId};
use domain::model::SignInNote;
use domain::session::{PendingHandOff, SESSION_IDLE_S, Scanned, StoredTicket, WebSession};

use crate::keys;
use crate::store::{Change, Item, Outcome, Store, StoreError, Transaction, Write, item, number, read, text, value_of};

/// How long a spent ticket is remembered, so that its repeated redemption gets the same answer (oa-api.md C.6).
const TICKET_KEPT_S: i64 = 86_400;

/// How a transaction that depends on a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issued {
    Done,
    /// The link was removed or changed between the read and the write.
    LinkGone,
    /// What is opened under this id exists: the confirmed code that fixed it is used up.
    Taken,
    /// The person has taken the confirmation of his code back.
    Revoked,
}

impl Store {
    /// Begins a session that waits for the OA's nonce, together with its audit entry, while the link still holds.
    pub async fn begin_session(
        &self,
        enterprise: &EnterpriseId,
        session: &WebSession,
        sign_ins: &[SignInNote],
        audit: &Entry,
    ) -> Result<Issued, StoreError> {
        let mut writes = vec![
            self.note_sign_in(enterprise, &session.user, &session.oa_user, sign_ins)?,
            self.write_new(item(&keys::session(&session.id), session, Some(session.expires))?)?,
            self.write_audit(audit)?,
        ];
        if let Some(scanned) = &session.scanned {
            writes.push(self.check_scanned(scanned)?);
        }
        self.issue(writes).await
    }

    /// Issues a ticket, together with its audit entry, while the link still holds: a ticket never outlives an unbinding
    /// that came before it.
    /// `sign_ins` is what the person's item remembers from now on; `None` = this sign-in was noted before. `scanned` is
    /// the confirmed code that the ticket stands for, which must still stand.
    pub async fn issue_ticket(
        &self,
        enterprise: &EnterpriseId,
        ticket: &StoredTicket,
        sign_ins: Option<&[SignInNote]>,
        scanned: Option<&Scanned>,
        audit: &Entry,
    ) -> Result<Issued, StoreError> {
        let link = match sign_ins {
            Some(sign_ins) => self.note_sign_in(enterprise, &ticket.user, &ticket.oa_user, sign_ins)?,
            None => self.check_link(enterprise, &ticket.user, &ticket.oa_user)?,
        };
        let mut writes = vec![
            link,
            self.write_new(item(&keys::ticket(&ticket.id), ticket, Some(ticket.expires.plus_s(TICKET_KEPT_S)))?)?,
            self.write_audit(audit)?,
        ];
        if let Some(scanned) = scanned {
            writes.push(self.check_scanned(scanned)?);
        }
        self.issue(writes).await
    }

    /// Takes the hand-off that waits in a session, once, and moves the session's idle limit on. `None` when there is no
    /// such session, the secret is wrong, a limit has passed, or nothing waits.
    pub async fn take_handoff(
        &self,
        id: &SessionId,
        secret: &str,
    ) -> Result<Option<(WebSession, PendingHandOff)>, StoreError> {
        let now = self.clock.now();
        let nonce = self.nonce();
        let change = Change {
            set: "SET handed_off = :nonce, idle_until = :idle",
            condition: "secret = :secret AND attribute_not_exists(handed_off) AND expires > :now AND idle_until > :now \
                        AND handoff.expires > :now",
            names: vec![],
            values: vec![
                (":nonce", text(&nonce)),
                (":idle", number(now.plus_s(SESSION_IDLE_S).0)),
                (":secret", text(secret)),
                (":now", number(now.0)),
            ],
        };
        let item = match self.update(&keys::session(id), change).await? {
            Outcome::Done(item) => item,
            Outcome::Refused(item) if handed_off_by(&item) == Some(&nonce) => item,
            Outcome::Refused(_) => return Ok(None),
        };
        let session: WebSession = read(item)?;
        Ok(session.handoff.clone().map(|handoff| (session, handoff)))
    }

    /// The session, if the secret fits and its limits have not passed.
    pub async fn session(&self, id: &SessionId, secret: &str) -> Result<Option<WebSession>, StoreError> {
        let session: Option<WebSession> = self.get(&keys::session(id)).await?;
        Ok(session.filter(|s| s.secret == secret && s.is_live(self.clock.now())))
    }

    /// Remembers a sign-in, while the link still holds: the same cost as only checking it.
    fn note_sign_in(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        oa_user: &OaUserId,
        sign_ins: &[SignInNote],
    ) -> Result<Write, StoreError> {
        let change = Change {
            set: "SET sign_ins = :sign_ins",
            condition: "#link.oa_user = :oa_user",
            names: vec![("#link", "link")],
            values: vec![(":sign_ins", value_of(&sign_ins)?), (":oa_user", text(oa_user.as_str()))],
        };
        self.write_change(&keys::person(enterprise, user), change)
    }

    fn check_link(
        &self,
        enterprise: &EnterpriseId,
        user: &WeLinkUserId,
        oa_user: &OaUserId,
    ) -> Result<Write, StoreError> {
        let person = keys::person(enterprise, user);
        self.check(&person, "#link.oa_user = :oa_user", &[("#link", "link")], (":oa_user", text(oa_user.as_str())))
    }

    async fn issue(&self, writes: Vec<Write>) -> Result<Issued, StoreError> {
        match self.transact(writes).await? {
            Transaction::Done => Ok(Issued::Done),
            Transaction::Refused(0, _) => Ok(Issued::LinkGone),
            Transaction::Refused(1, _) => Ok(Issued::Taken),
            Transaction::Refused(3, _) => Ok(Issued::Revoked),
            Transaction::Refused(..) => Err(StoreError::Unavailable("a random id was taken".to_owned())),
        }
    }
}

fn handed_off_by(item: &Item) -> Option<&String> {
    item.get("handed_off").and_then(|value| value.as_s().ok())
}
