"""An OA written with the official CloudEvents and Standard Webhooks libraries.

Reads {"secret", "call", "timestamp", "attributes", "data"} and prints {"headers", "body"} of the signed request.
"""
import datetime
import json
import sys

from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook

given = json.load(sys.stdin)
at = datetime.datetime.fromtimestamp(given["timestamp"], tz=datetime.timezone.utc)
message = to_structured_event(CloudEvent(attributes={**given["attributes"], "time": at}, data=given["data"]))
body = message.body.decode()
signature = Webhook(given["secret"]).sign(given["call"], at, body)
signed = {"webhook-id": given["call"], "webhook-timestamp": str(given["timestamp"]), "webhook-signature": signature}
json.dump({"headers": {**message.headers, **signed}, "body": body}, sys.stdout)
