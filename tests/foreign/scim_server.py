"""Runs the independent scim2-server with the schemas of an OA (oa-api.md C.1) and fills it with people.

usage: scim_server.py PORT TOKEN PEOPLE. Prints "ready" when it can be asked, ends when its standard input does.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import scim2_server

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
OA_USER = "urn:cloudbridge:params:scim:schemas:1.0:OaUser"
ORG_UNIT = "urn:cloudbridge:params:scim:schemas:1.0:OrgUnit"


def attribute(name, kind="string", many=False, parts=None, exact=False):
    described = dict(name=name, type=kind, multiValued=many, required=False, caseExact=exact, mutability="readWrite",
                     returned="default", uniqueness="none", description=name)
    if parts:
        described["subAttributes"] = parts
    return described


def schema(urn, attributes):
    return dict(schemas=["urn:ietf:params:scim:schemas:core:2.0:Schema"], id=urn, name=urn.rsplit(":", 1)[1],
                description=urn, attributes=attributes)


def write_configuration(folder):
    defaults = pathlib.Path(scim2_server.__file__).parent / "resources"
    schemas = json.loads((defaults / "default-schemas.json").read_text())
    types = json.loads((defaults / "default-resource-types.json").read_text())
    position = [attribute("unit"), attribute("unitKind"), attribute("primary", "boolean"), attribute("title"),
                attribute("order", "integer")]
    schemas.append(schema(OA_USER, [
        attribute("loginId"), attribute("workCode", exact=True), attribute("accountType"), attribute("mainAccount"),
        attribute("employmentStatus"), attribute("order", "integer"),
        attribute("positions", "complex", True, position)]))
    schemas.append(schema(ORG_UNIT, [
        attribute("displayName"), attribute("kind"), attribute("code"),
        attribute("parent", "complex", False, [attribute("value"), attribute("kind")]),
        attribute("order", "integer"), attribute("active", "boolean"),
        attribute("manager", "complex", False, [attribute("value")])]))
    for kind in types:
        if kind["name"] == "User":
            kind.setdefault("schemaExtensions", []).append(dict(schema=OA_USER, required=False))
    types.append(dict(schemas=["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], id="OrgUnit", name="OrgUnit",
                      endpoint="/OrgUnits", description="OrgUnit", schema=ORG_UNIT))
    (folder / "schemas.json").write_text(json.dumps(schemas))
    (folder / "types.json").write_text(json.dumps(types))


def post(port, token, path, body):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def wait_for(port):
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ServiceProviderConfig")
            return
        except urllib.error.HTTPError:
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    sys.exit("scim2-server does not answer")


def fill(port, token, people):
    for n in range(people):
        person = {
            "schemas": [CORE, OA_USER], "userName": f"user{n:04d}", "displayName": f"员工{n:04d}", "active": n % 50 != 49,
            "emails": [{"type": "work", "value": f"User{n:04d}@corp.example"}],
            "phoneNumbers": [{"type": "mobile", "value": f"+86138{n:08d}"}],
            OA_USER: {"workCode": f"W{n:04d}", "positions": [
                {"unit": "d-1", "unitKind": "department", "primary": True, "title": "工程师", "order": n}]},
        }
        post(port, token, "/Users", person)


def main():
    port, token, people = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_configuration(folder)
        program = pathlib.Path(sys.executable).parent / "scim2-server"
        server = subprocess.Popen([sys.executable, program, "--port", port, "--bearer-token", token, "--schema", folder / "schemas.json",
                                   "--resource-type", folder / "types.json"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            fill(port, token, people)
            print("ready", flush=True)
            sys.stdin.read()
        finally:
            server.kill()


main()
