//! What the queue gets (docs/decisions/0011-queue-messages.md).

use ::welink::callback::{Change, Changed};
use domain::model::{App, OaInstance};
use platform::queue::Message;
use serde_json::json;
use signin::{Bridge, Refusal};

use crate::envelope::Acceptable;

/// An event of an OA, signed as the OA signs: whoever reads the queue believes it by its signature alone.
pub async fn of_event(bridge: &Bridge, instance: &OaInstance, event: &Acceptable) -> Result<Message, Refusal> {
    let signed = bridge.sign_message(instance, &event.text).await?;
    let header = |name: &'static str| {
        let value = signed.get(name).and_then(|value| value.to_str().ok());
        (name, value.unwrap_or_default().to_owned())
    };
    let attributes = vec![
        ("kind", "oa-event".to_owned()),
        ("instance", instance.id.to_string()),
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    ];
    Ok(Message { body: event.text.clone(), attributes })
}

/// A hint of WeLink: ids that are to be read again. `None` when it names none of the app's company.
pub fn of_hint(app: &App, change: &Change) -> Option<Message> {
    let (name, ids, none) = match &change.ids {
        Changed::People(ids) => ("people", json!(ids), ids.is_empty()),
        Changed::Departments(ids) => ("departments", json!(ids), ids.is_empty()),
    };
    let kind = "welink-hint";
    let body = json!({
        "kind": kind, "app": app.id, "enterprise": app.enterprise, "event": change.event_type, name: ids,
    });
    (!none).then(|| Message { body: body.to_string(), attributes: vec![("kind", kind.to_owned())] })
}
