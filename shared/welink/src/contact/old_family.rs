//! The bodies of the old family (welink-api.md 5A): bulk calls of 10 that only take an object, and the status of each.

use domain::sync::Field;
use http::Method;
use serde_json::{Value, json};

use crate::client::Ask;
use crate::contact::outcome::{Key, Kind};
use crate::contact::write::{Batch, DepartmentWrite, PersonWrite, Place, mobile};
use crate::contact::writer::{Answers, Call, Calls, Fields, Writer, department_key, person_key};

const DEPARTMENTS_BULK: &str = "/api/contact/v2/departments/bulk";
const DEPARTMENTS_UPDATE: &str = "/api/contact/v2/departments/update";
const DEPARTMENTS_STATUS: &str = "/api/contact/v2/departments/status";
const PEOPLE_BULK: &str = "/api/contact/v1/users/bulk";
const PEOPLE_UPDATE: &str = "/api/contact/v1/users/update";
const PEOPLE_STATUS: &str = "/api/contact/v1/users/status";
const DEPARTMENTS: &str = "deptInfo";
const PEOPLE: &str = "personInfo";

/// The calls of one batch: whole records for what is created or removed, the changed fields for what is changed.
pub(super) fn calls(writer: &Writer, batch: Batch<'_>) -> Calls {
    let mut out = Calls::default();
    match batch {
        Batch::AdoptDepartments(all) => (0..all.len()).for_each(|place| out.refuse(place, "deptCode")),
        Batch::AdoptPeople(all) => (0..all.len()).for_each(|place| out.refuse(place, "userId")),
        Batch::WriteDepartments(all) => {
            let new = |one: &DepartmentWrite| one.code.is_none().then(|| department(one, "1"));
            let known = |one: &DepartmentWrite| one.code.is_some().then(|| changed_department(one));
            departments(writer, &mut out, all, (DEPARTMENTS_BULK, false), new);
            departments(writer, &mut out, all, (DEPARTMENTS_UPDATE, false), known);
        }
        Batch::RemoveDepartments(all) => {
            departments(writer, &mut out, all, (DEPARTMENTS_BULK, true), |one| Some(department(one, "0")));
        }
        Batch::WritePeople(all) => {
            let new = |one: &PersonWrite| one.user.is_none().then(|| person(writer, one, "1"));
            let known = |one: &PersonWrite| one.user.is_some().then(|| changed_person(one));
            people(writer, &mut out, all, (PEOPLE_BULK, false), new);
            people(writer, &mut out, all, (PEOPLE_UPDATE, false), known);
        }
        Batch::RemovePeople(all) => {
            people(writer, &mut out, all, (PEOPLE_BULK, true), |one| Some(person(writer, one, "0")));
        }
    }
    out
}

/// Asks what became of objects that were taken (welink-api.md 5A.2, 5A.6).
pub(super) fn status(kind: Kind, keys: &[Key]) -> Ask {
    let name = kind.names()[1];
    let items: Vec<Value> = keys.iter().map(|key| json!({ name: key.corp })).collect();
    let (interface, list) = if kind.people { (PEOPLE_STATUS, PEOPLE) } else { (DEPARTMENTS_STATUS, DEPARTMENTS) };
    Ask::post(interface, json!({ list: items }).to_string())
}

type Told = Result<Fields, &'static str>;

fn departments(
    writer: &Writer,
    out: &mut Calls,
    all: &[DepartmentWrite],
    (interface, removes): (&'static str, bool),
    tell: impl Fn(&DepartmentWrite) -> Option<Told>,
) {
    let kind = Kind { people: false, removes };
    collect(writer, out, (interface, DEPARTMENTS, kind), all, tell, department_key);
}

fn people(
    writer: &Writer,
    out: &mut Calls,
    all: &[PersonWrite],
    (interface, removes): (&'static str, bool),
    tell: impl Fn(&PersonWrite) -> Option<Told>,
) {
    let kind = Kind { people: true, removes };
    collect(writer, out, (interface, PEOPLE, kind), all, tell, person_key);
}

fn collect<T>(
    writer: &Writer,
    out: &mut Calls,
    (interface, list, kind): (&'static str, &'static str, Kind),
    all: &[T],
    tell: impl Fn(&T) -> Option<Told>,
    key: fn(usize, &T) -> Key,
) {
    let mut items = Vec::new();
    for (place, one) in all.iter().enumerate() {
        match tell(one) {
            Some(Ok(fields)) => items.push((key(place, one), fields)),
            Some(Err(missing)) => out.refuse(place, missing),
            None => {}
        }
    }
    let method = if interface == DEPARTMENTS_UPDATE || interface == PEOPLE_UPDATE { Method::PUT } else { Method::POST };
    out.add(&Call { interface, method, list, kind, answers: Answers::Items, items }, writer.batch_max());
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    fields.insert(name.to_owned(), Value::from(value));
}

fn put(fields: &mut Fields, name: &str, value: Option<&str>) {
    if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
        set(fields, name, value);
    }
}

fn corp<'a>(code: Option<&'a String>, name: &'static str) -> Result<&'a str, &'static str> {
    code.map(|code| code.trim()).filter(|code| !code.is_empty()).ok_or(name)
}

/// The root is 0 in this family too; everything else has to have the customer's code.
fn place<'a>(place: &'a Place, name: &'static str) -> Result<&'a str, &'static str> {
    if place.is_root() { Ok("0") } else { corp(place.corp.as_ref(), name) }
}

fn changed_department(one: &DepartmentWrite) -> Told {
    let mut fields = Fields::new();
    set(&mut fields, "corpDeptCode", corp(one.corp_code.as_ref(), "corpDeptCode")?);
    if let Some(parent) = &one.parent {
        set(&mut fields, "corpParentCode", place(parent, "corpParentCode")?);
    }
    put(&mut fields, "deptNameCn", one.name_zh.as_deref());
    put(&mut fields, "deptNameEn", one.name_en.as_deref());
    if one.order > 0 {
        // 1 to 999 in this family (welink-api.md 5A.1).
        set(&mut fields, "orderNo", &one.order.min(999).to_string());
    }
    Ok(fields)
}

fn department(one: &DepartmentWrite, valid: &str) -> Told {
    let mut fields = changed_department(one)?;
    if !fields.contains_key("corpParentCode") {
        return Err("corpParentCode");
    }
    let Some(name) = fields.get("deptNameCn").cloned() else { return Err("deptNameCn") };
    fields.entry("deptNameEn").or_insert(name);
    set(&mut fields, "deptLevel", &one.level.max(1).to_string());
    set(&mut fields, "valid", valid);
    Ok(fields)
}

fn changed_person(one: &PersonWrite) -> Told {
    let mut fields = Fields::new();
    set(&mut fields, "corpUserId", corp(one.corp_user.as_ref(), "corpUserId")?);
    for (field, name) in
        [(Field::NameZh, "userNameCn"), (Field::NameEn, "userNameEn"), (Field::Email, "userEmail"), (Field::Sex, "sex")]
    {
        put(&mut fields, name, one.field(field));
    }
    if let Some(number) = one.field(Field::Mobile).map(mobile) {
        set(&mut fields, "mobileNumber", &number);
        set(&mut fields, "phoneNumber", &number);
    }
    match one.places.first() {
        Some(main) if main.is_root() => set(&mut fields, "deptCode", "0"),
        Some(main) => set(&mut fields, "corpDeptCode", place(main, "corpDeptCode")?),
        None => {}
    }
    Ok(fields)
}

fn person(writer: &Writer, one: &PersonWrite, valid: &str) -> Told {
    let mut fields = changed_person(one)?;
    // WeLink cannot hold a person without a number (welink-api.md 5B.2).
    for needed in ["userNameCn", "mobileNumber"] {
        if !fields.contains_key(needed) {
            return Err(needed);
        }
    }
    if !fields.contains_key("corpDeptCode") && !fields.contains_key("deptCode") {
        return Err("corpDeptCode");
    }
    set(&mut fields, "isOpenAccount", if writer.opens_accounts { "1" } else { "0" });
    set(&mut fields, "valid", valid);
    Ok(fields)
}
