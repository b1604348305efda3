//! Redemption of a ticket by the OA's server (oa-api.md C.2.2, C.6).

use domain::audit::Action;
use domain::ids::{OaInstanceId, TicketId};
use domain::model::OaInstance;
use domain::problem;
use domain::time::Timestamp;
use http::HeaderMap;
use oa::webhook::{self, WebhookError, WebhookId};
use serde::Deserialize;
use state::ticket::Redemption;

use crate::bridge::Bridge;
use crate::enter::with;
use crate::refusal::Refusal;

/// A signed request, as it came.
#[derive(Debug)]
pub struct RedeemRequest<'a> {
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub from: &'a str,
}

/// What the OA learns.
#[derive(Debug)]
pub struct Redeemed {
    pub sub: String,
    pub dest: String,
    pub redeemed_at: Timestamp,
}

fn disbelieved(error: WebhookError) -> Refusal {
    let problem = match error {
        WebhookError::TimestampSkew => problem::TIMESTAMP_SKEW,
        WebhookError::SignatureInvalid => problem::SIGNATURE_INVALID,
    };
    Refusal::because(problem, error)
}

#[derive(Deserialize)]
struct Body {
    op: String,
    jti: String,
    aud: String,
}

impl Bridge {
    /// Redeems a ticket for the OA that signed the request. An unknown instance and a bad signature answer alike.
    pub async fn redeem(&self, request: RedeemRequest<'_>) -> Result<Redeemed, Refusal> {
        // The body only says whose secret to try; nothing else of it is believed before the signature fits.
        let body: Body = serde_json::from_slice(request.body)
            .map_err(|_| Refusal::because(problem::SIGNATURE_INVALID, "not a redeem request"))?;
        let (instance, webhook_id) = self.proved_oa(&body.aud, request.headers, request.body).await?;
        if body.op != "ticket.redeem" {
            return Err(Refusal::because(problem::SIGNATURE_INVALID, "signed for another operation"));
        }
        self.redeem_for(&instance.id, &body.jti, webhook_id.as_str(), request.from).await
    }

    /// The OA that signed a request (oa-api.md C.6), with the `webhook-id` that a repetition of it carries. The caller
    /// looks whether it was signed for this operation.
    pub async fn proved_oa(
        &self,
        aud: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(OaInstance, WebhookId), Refusal> {
        let instance = self.named_oa(aud).await?;
        let secrets = self.push_secrets(&instance).await?;
        let webhook_id = webhook::verify(&secrets, headers, body, self.clock().now()).map_err(disbelieved)?;
        Ok((instance, webhook_id))
    }

    /// The same for a message of the queue, however long it has lain there; says when it was signed.
    pub async fn proved_message(
        &self,
        aud: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(OaInstance, WebhookId, Timestamp), Refusal> {
        let instance = self.named_oa(aud).await?;
        let secrets = self.push_secrets(&instance).await?;
        let (webhook_id, signed) = webhook::verify_kept(&secrets, headers, body).map_err(disbelieved)?;
        Ok((instance, webhook_id, signed))
    }

    /// Signs a message for the queue as its OA does, so that whoever reads the queue believes nobody else
    /// (docs/decisions/0011-queue-messages.md).
    pub async fn sign_message(&self, instance: &OaInstance, body: &str) -> Result<HeaderMap, Refusal> {
        let secrets = self.push_secrets(instance).await?;
        let unset = || Refusal::because(problem::SECRET_MISSING, "an OA instance without a push secret");
        let newest = secrets.first().ok_or_else(unset)?;
        let id = WebhookId::new(self.entropy());
        webhook::sign(newest, &id, self.clock().now(), body).map_err(|_| unset())
    }

    async fn named_oa(&self, aud: &str) -> Result<OaInstance, Refusal> {
        let caller =
            OaInstanceId::parse(aud).map_err(|_| Refusal::because(problem::SIGNATURE_INVALID, "not an instance id"))?;
        let config = self.store().config(&caller.tenant()).await?;
        let instance = config.as_ref().and_then(|config| config.oa_instance(&caller));
        instance.cloned().ok_or_else(|| Refusal::because(problem::SIGNATURE_INVALID, "unknown instance"))
    }

    async fn redeem_for(
        &self,
        caller: &OaInstanceId,
        jti: &str,
        webhook_id: &str,
        from: &str,
    ) -> Result<Redeemed, Refusal> {
        let id = TicketId::parse(jti).ok().filter(|id| id.tenant() == caller.tenant());
        let outcome = match &id {
            Some(id) => self.store().redeem(id, caller, webhook_id).await?,
            None => Redemption::Unknown,
        };
        let object = id.as_ref().map_or("", TicketId::as_str);
        let answer = match outcome {
            Redemption::Done(ticket) => Ok(*ticket),
            Redemption::Used => Err(problem::TICKET_USED),
            Redemption::Expired => Err(problem::TICKET_EXPIRED),
            Redemption::Unknown => Err(problem::TICKET_UNKNOWN),
        };
        let action = if answer.is_ok() { Action::TicketRedeem } else { Action::TicketRefused };
        let mut entry = self.entry(caller.tenant(), action, &format!("oa:{caller}"), object, from);
        if let Err(problem) = &answer {
            problem.name.clone_into(&mut entry.result);
        }
        self.store().append_audit(&with(entry, "webhook_id", webhook_id)).await?;
        let ticket = answer?;
        let redeemed_at = ticket.redeemed.map_or(Timestamp::default(), |redeemed| redeemed.at);
        Ok(Redeemed { sub: ticket.oa_user.into(), dest: ticket.dest.into(), redeemed_at })
    }
}
