"""WeLink's side of a callback with the cryptography library, written from the contract alone (welink-api.md 10).

Reads {"secret", "plain"} and prints {"encrypt"}; with "encrypt" instead of "plain" it prints {"plain"}.
"""
import base64
import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

given = json.load(sys.stdin)
key = hashlib.sha1(hashlib.sha1(given["secret"].encode()).digest()).digest()[:16]
cipher = AESGCM(key)
if "encrypt" in given:
    coded = given["encrypt"]
    plain = cipher.decrypt(base64.b64decode(coded[:24]), base64.b64decode(coded[24:]), None)
    json.dump({"plain": json.loads(plain)}, sys.stdout)
else:
    iv = os.urandom(16)
    sealed = cipher.encrypt(iv, json.dumps(given["plain"]).encode(), None)
    json.dump({"encrypt": base64.b64encode(iv).decode() + base64.b64encode(sealed).decode()}, sys.stdout)
