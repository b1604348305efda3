//! Redemption of hand-off tickets: one conditional write that also remembers the caller's `webhook-id` (oa-api.md
//! C.2.2).

use domain::ids::{OaInstanceId, TicketId};
use domain::session::{Redeemed, StoredTicket};

use crate::keys;
use crate::store::{Change, Outcome, Store, StoreError, read, text, value_of};

/// How a redemption ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// Redeemed by this request, now or before: a repetition of the same signed request gets the same answer.
    Done(Box<StoredTicket>),
    /// Redeemed by another request.
    Used,
    Expired,
    /// No such ticket, or it belongs to another OA instance.
    Unknown,
}

impl Store {
    pub async fn redeem(
        &self,
        id: &TicketId,
        caller: &OaInstanceId,
        webhook_id: &str,
    ) -> Result<Redemption, StoreError> {
        let now = self.clock.now();
        let redeemed = Redeemed { at: now, webhook_id: webhook_id.to_owned() };
        let change = Change {
            set: "SET redeemed = :redeemed",
            condition: "audience = :caller AND (attribute_not_exists(redeemed) OR attribute_type(redeemed, :null)) \
                        AND expires > :now",
            names: vec![],
            values: vec![
                (":redeemed", value_of(&redeemed)?),
                (":caller", text(caller.as_str())),
                (":null", text("NULL")),
                (":now", crate::store::number(now.0)),
            ],
        };
        let old = match self.update(&keys::ticket(id), change).await? {
            Outcome::Done(item) => return Ok(Redemption::Done(Box::new(read(item)?))),
            Outcome::Refused(item) if item.is_empty() => return Ok(Redemption::Unknown),
            Outcome::Refused(item) => read::<StoredTicket>(item)?,
        };
        Ok(match &old.redeemed {
            _ if old.audience != *caller => Redemption::Unknown,
            Some(first) if first.webhook_id == webhook_id => Redemption::Done(Box::new(old)),
            Some(_) => Redemption::Used,
            None => Redemption::Expired,
        })
    }
}
