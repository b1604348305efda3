"""Runs the independent oidc-provider-mock as an OA's own OIDC provider (oa-api.md C.3).

usage: oidc_provider.py REDIRECT_URI. Registers the bridge, prints issuer, client id and secret as one line of JSON, and
ends when its standard input does.
"""
import json
import logging
import os
import sys
import urllib.request

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, on this machine alone

import oidc_provider_mock


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with oidc_provider_mock.run_server_in_thread(require_client_registration=True, require_nonce=True) as server:
        issuer = f"http://localhost:{server.server_port}"
        body = json.dumps({"redirect_uris": [sys.argv[1]]}).encode()
        request = urllib.request.Request(f"{issuer}/oauth2/clients", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            client = json.load(answer)
        known = {"issuer": issuer, "client_id": client["client_id"], "client_secret": client["client_secret"]}
        print(json.dumps(known), flush=True)
        sys.stdin.read()


main()
