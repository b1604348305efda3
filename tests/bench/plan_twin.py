"""The planner as one writes it on an afternoon: dicts of dicts, one pass over everybody. P5 and P6 compare with it.

Prints the seconds of parsing and of planning, and what the plan holds, as JSON."""

import json
import sys
import time

FIELDS = [("name_zh", "name"), ("mobile", "mobile"), ("email", "email"), ("employee", "work_code"), ("position", "title")]


def read(path):
    departments, people = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            page = json.loads(line)
            departments.extend(page.get("departments", []))
            people.extend(page.get("people", []))
    return departments, people


def number(mobile):
    return mobile.replace("-", "").replace(" ", "")


def plan_departments(oa_departments, copy_departments):
    by_link = {one["link"]: one for one in copy_departments if one["link"]}
    children = {}
    for one in copy_departments:
        children.setdefault((one["parent"], one["name"].strip()), []).append(one)
    codes, new, changed = {}, 0, 0
    waiting, below = [], {}
    for one in oa_departments:
        if one["parent"]:
            below.setdefault(one["parent"], []).append(one)
        else:
            waiting.append(one)
    while waiting:
        one = waiting.pop(0)
        waiting.extend(below.get(one["id"], []))
        parent = codes.get(one["parent"], "")
        known = by_link.get(one["id"])
        if known is None:
            same = [other for other in children.get((parent, one["name"].strip()), []) if not other["link"]]
            known = same[0] if len(same) == 1 else None
        if known is None:
            codes[one["id"]] = None
            new += 1
            continue
        codes[one["id"]] = known["code"]
        if one["parent"] and (known["name"].strip() != one["name"].strip() or known["parent"] != parent):
            changed += 1
    return codes, new, changed


def plan(oa, copy):
    codes, new_departments, changed_departments = plan_departments(oa[0], copy[0])
    linked = {one["link"]: one for one in copy[1] if one["link"]}
    by_mobile = {}
    for one in copy[1]:
        by_mobile.setdefault(number(one["mobile"]), []).append(one)
    users_by_mobile = {}
    for one in oa[1]:
        users_by_mobile.setdefault(number(one["mobile"]), []).append(one)
    seen, unchanged, changed, new, adopted = set(), 0, [], [], []
    for one in oa[1]:
        if not one["active"] or one["departments"][0] not in codes:
            continue
        seen.add(one["id"])
        person = linked.get(one["id"])
        if person is None:
            mobile = number(one["mobile"])
            same = by_mobile.get(mobile, [])
            if len(same) == 1 and len(users_by_mobile[mobile]) == 1 and not same[0]["link"]:
                adopted.append((one, same[0]))
            elif not same:
                new.append(one)
            continue
        differing = []
        for ours, theirs in FIELDS:
            wanted, found = one[theirs].strip(), person[ours]
            if ours == "mobile":
                wanted, found = number(wanted), number(found)
            if wanted and wanted != found:
                differing.append(ours)
        if [codes[one["departments"][0]]] != person["departments"]:
            differing.append("departments")
        if differing:
            changed.append((one, person, differing))
        else:
            unchanged += 1
    removed = [person for link, person in linked.items() if link not in seen]
    return {
        "unchanged": unchanged,
        "changed": len(changed),
        "new": len(new),
        "removed": len(removed),
        "new_departments": new_departments,
        "changed_departments": changed_departments,
    }


def main(folder):
    begin = time.perf_counter()
    oa, copy = read(f"{folder}/oa.jsonl"), read(f"{folder}/copy.jsonl")
    parsed = time.perf_counter()
    counts = plan(oa, copy)
    done = time.perf_counter()
    print(json.dumps({"parse_s": parsed - begin, "plan_s": done - parsed, **counts}))


main(sys.argv[1])
