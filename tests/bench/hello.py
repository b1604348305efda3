"""The least that a function in Python can be, with the standard library alone: what P2 compares a start with."""

import json
import os
import urllib.request

BASE = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def hello(event):
    return {"statusCode": 200, "body": "hello"}


while True:
    with urllib.request.urlopen(f"{BASE}/next") as answer:
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(answer)
    body = json.dumps(hello(event)).encode()
    urllib.request.urlopen(urllib.request.Request(f"{BASE}/{request_id}/response", data=body, method="POST")).close()
