//! Codes of scan login. A whole login writes a code three times: shown, scanned, decided. What an approval opens is
//! stored under ids that the approval fixed, where there is none yet, so that using it up costs no fourth write.

use domain::audit::Entry;
use domain::ids::{OaInstanceId, QrId, SessionId, TicketId};
use domain::qr::{Approval, Denial, KEPT_S, QrSession, Refused, Scan};
use domain::session::{Scanned, StoredTicket};
use domain::time::Timestamp;

use crate::keys::{self, Key};
use crate::store::{
    Change, Item, Outcome, Store, StoreError, Transaction, Write, item, number, read, text, unavailable, value_of,
};
use crate::table::{PARTITION_KEY, SORT_KEY};

impl Store {
    /// Stores a code that is about to be shown. One that is there for the same purpose is the same request repeated:
    /// its id was made from the request, and the first answer counts.
    pub async fn put_qr(&self, qr: &QrSession) -> Result<QrSession, StoreError> {
        match self.put_new(item(&keys::qr(&qr.id), qr, Some(qr.created.plus_s(KEPT_S)))?).await? {
            Outcome::Done(item) => read(item),
            Outcome::Refused(item) => {
                let there: QrSession = read(item)?;
                if there.instance == qr.instance && there.shown == qr.shown {
                    Ok(there)
                } else {
                    Err(StoreError::Unavailable("a random id was taken".to_owned()))
                }
            }
        }
    }

    /// The code as it is now; `None` also when its time to be remembered has passed.
    pub async fn qr(&self, id: &QrId) -> Result<Option<QrSession>, StoreError> {
        let qr: Option<QrSession> = self.get(&keys::qr(id)).await?;
        Ok(qr.filter(|qr| self.is_qr_kept(qr)))
    }

    /// The code as it was a moment ago, for half a read unit: good enough to tell a screen how far its code is. Nothing
    /// is decided by it.
    pub async fn qr_glance(&self, id: &QrId) -> Result<Option<QrSession>, StoreError> {
        let key = keys::qr(id);
        let answer = self
            .client
            .get_item()
            .table_name(&*self.name)
            .key(PARTITION_KEY, text(&key.pk))
            .key(SORT_KEY, text(&key.sk))
            .consistent_read(false)
            .send()
            .await
            .map_err(unavailable)?;
        let qr: Option<QrSession> = answer.item.map(read).transpose()?;
        Ok(qr.filter(|qr| self.is_qr_kept(qr)))
    }

    fn is_qr_kept(&self, qr: &QrSession) -> bool {
        self.clock.now() < qr.created.plus_s(KEPT_S)
    }

    /// Claims the code for the one phone that scanned it, together with the audit entry.
    pub async fn scan_qr(&self, id: &QrId, scan: &Scan, audit: &Entry) -> Result<Result<(), Refused>, StoreError> {
        let now = self.clock.now();
        let change = Change {
            set: "SET #scan = :scan",
            condition: "attribute_not_exists(#scan) AND attribute_not_exists(approved) AND \
                        attribute_not_exists(denied) AND expires > :now",
            names: vec![("#scan", "scan")],
            values: vec![(":scan", value_of(scan)?), (":now", number(now.0))],
        };
        self.step(id, change, audit, |qr| match &qr.scan {
            // Our own earlier attempt, whose answer was lost: the phone's mark was drawn for this scan.
            Some(there) if there.phone == scan.phone => Ok(()),
            _ => qr.may_scan(now),
        })
        .await
    }

    /// Confirms the code, by the phone that scanned it.
    pub async fn approve_qr(
        &self,
        id: &QrId,
        phone: &str,
        approval: &Approval,
        audit: &Entry,
    ) -> Result<Result<(), Refused>, StoreError> {
        let change = decided("SET approved = :decision", phone, value_of(approval)?, self.clock.now());
        self.step(id, change, audit, |qr| match &qr.approved {
            Some(there) if there == approval => Ok(()),
            _ => qr.may_decide(phone, self.clock.now()),
        })
        .await
    }

    /// Ends the code without a sign-in, by the phone that scanned it.
    pub async fn deny_qr(
        &self,
        id: &QrId,
        phone: &str,
        why: Denial,
        audit: &Entry,
    ) -> Result<Result<(), Refused>, StoreError> {
        let change = decided("SET denied = :decision", phone, value_of(&why)?, self.clock.now());
        self.step(id, change, audit, |qr| qr.may_decide(phone, self.clock.now())).await
    }

    /// Takes a confirmation back: from now on it opens nothing more.
    pub async fn revoke_qr(&self, id: &QrId, phone: &str, audit: &Entry) -> Result<Result<(), Refused>, StoreError> {
        let change = Change {
            set: "SET revoked = :now",
            condition: "#scan.phone = :phone AND attribute_exists(approved) AND attribute_not_exists(revoked)",
            names: vec![("#scan", "scan")],
            values: vec![(":phone", text(phone)), (":now", number(self.clock.now().0))],
        };
        self.step(id, change, audit, |qr| qr.may_revoke(phone)).await
    }

    /// What the approval has opened so far: its ticket, if one was issued.
    pub async fn ticket(&self, id: &TicketId, audience: &OaInstanceId) -> Result<Option<StoredTicket>, StoreError> {
        let ticket: Option<StoredTicket> = self.get(&keys::ticket(id)).await?;
        Ok(ticket.filter(|ticket| ticket.audience == *audience))
    }

    /// Ends what a confirmation that was taken back has opened: a session that waits, a ticket that nobody redeemed.
    pub async fn end_opened(&self, session: &SessionId, ticket: &TicketId) -> Result<(), StoreError> {
        self.expire(&keys::session(session)).await?;
        self.expire(&keys::ticket(ticket)).await
    }

    async fn expire(&self, key: &Key) -> Result<(), StoreError> {
        let change = Change {
            set: "SET expires = :never",
            condition: "attribute_exists(pk)",
            names: vec![],
            values: vec![(":never", number(0))],
        };
        self.update(key, change).await.map(|_| ())
    }

    /// Fails the transaction that it is part of unless the confirmation still stands.
    pub(crate) fn check_scanned(&self, scanned: &Scanned) -> Result<Write, StoreError> {
        let condition = "approved.ticket = :ticket AND attribute_not_exists(revoked)";
        self.check(&keys::qr(&scanned.qr), condition, &[], (":ticket", text(scanned.approval.ticket.as_str())))
    }

    async fn step(
        &self,
        id: &QrId,
        change: Change,
        audit: &Entry,
        judge: impl FnOnce(&QrSession) -> Result<(), Refused>,
    ) -> Result<Result<(), Refused>, StoreError> {
        let writes = vec![self.write_change(&keys::qr(id), change)?, self.write_audit(audit)?];
        match self.transact(writes).await? {
            Transaction::Done => Ok(Ok(())),
            Transaction::Refused(0, old) => refusal(old, judge),
            Transaction::Refused(..) => Err(StoreError::Unavailable("an audit entry exists already".to_owned())),
        }
    }
}

/// A decision by the phone that scanned, while nobody has decided and the code's time has not passed.
fn decided(
    set: &'static str,
    phone: &str,
    decision: aws_sdk_dynamodb::types::AttributeValue,
    now: Timestamp,
) -> Change {
    Change {
        set,
        condition: "#scan.phone = :phone AND attribute_not_exists(approved) AND attribute_not_exists(denied) AND \
                    expires > :now",
        names: vec![("#scan", "scan")],
        values: vec![(":phone", text(phone)), (":now", number(now.0)), (":decision", decision)],
    }
}

/// Why the table refused, by the domain's rule over the item as it was.
fn refusal(
    old: Item,
    judge: impl FnOnce(&QrSession) -> Result<(), Refused>,
) -> Result<Result<(), Refused>, StoreError> {
    if old.is_empty() {
        return Ok(Err(Refused::Unknown));
    }
    Ok(judge(&read(old)?))
}
