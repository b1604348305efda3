"""Verifies a ticket against a published key set with joserfc. Reads {"ticket", "jwks"}, prints header and claims."""
import json
import sys

from joserfc import jwt
from joserfc.jwk import KeySet

given = json.load(sys.stdin)
token = jwt.decode(given["ticket"], KeySet.import_key_set(given["jwks"]), algorithms=["Ed25519"])
json.dump({"header": token.header, "claims": token.claims}, sys.stdout)
