"""Signs or verifies with the official standardwebhooks library.

Reads {"secret", "id", "timestamp", "body"} and prints {"signature"}; with "headers" instead it verifies and prints {"ok"}.
"""
import datetime
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

given = json.load(sys.stdin)
webhook = Webhook(given["secret"])
if "headers" in given:
    try:
        webhook.verify(given["body"], given["headers"])
        json.dump({"ok": True}, sys.stdout)
    except WebhookVerificationError:
        json.dump({"ok": False}, sys.stdout)
else:
    at = datetime.datetime.fromtimestamp(given["timestamp"], tz=datetime.timezone.utc)
    json.dump({"signature": webhook.sign(given["id"], at, given["body"])}, sys.stdout)
