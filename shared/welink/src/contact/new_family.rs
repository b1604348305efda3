//! The bodies of the new family (welink-api.md 5B): batches of 100 with a job, single calls that answer at once.

use domain::ids::DeptCode;
use domain::sync::Field;
use http::Method;
use serde_json::{Value, json};

use crate::contact::outcome::Kind;
use crate::contact::write::{Batch, DepartmentWrite, PersonWrite, Place, mobile};
use crate::contact::writer::{Answers, BATCH_MAX, Call, Calls, Fields, Removal, Writer, department_key, person_key};

pub(crate) const RESULT: &str = "/api/contact/v1/batch/result";
const DEPARTMENTS: &str = "deptInfos";
const PEOPLE: &str = "personInfos";

/// Single call and batch of one kind of write.
struct Endpoints {
    single: Option<&'static str>,
    batch: &'static str,
}

const DEPARTMENT_CREATE: Endpoints =
    Endpoints { single: Some("/api/contact/v1/department/create"), batch: "/api/contact/v2/department/batch/create" };
const DEPARTMENT_UPDATE: Endpoints =
    Endpoints { single: Some("/api/contact/v1/department/update"), batch: "/api/contact/v2/department/batch/update" };
const DEPARTMENT_DELETE: Endpoints =
    Endpoints { single: Some("/api/contact/v1/department/delete"), batch: "/api/contact/v1/department/batch/delete" };
const DEPARTMENT_ADOPT: Endpoints =
    Endpoints { single: None, batch: "/api/contact/v1/department/batch/updatecorpdept" };
const PERSON_CREATE: Endpoints =
    Endpoints { single: Some("/api/contact/v1/user/create"), batch: "/api/contact/v1/user/batch/create" };
const PERSON_UPDATE: Endpoints =
    Endpoints { single: Some("/api/contact/v1/user/update"), batch: "/api/contact/v1/user/batch/update" };
const PERSON_DELETE: Endpoints =
    Endpoints { single: Some("/api/contact/v1/user/delete"), batch: "/api/contact/v1/user/batch/delete" };
const PERSON_ADOPT: Endpoints = Endpoints { single: None, batch: "/api/contact/v1/user/batch/updatecorpuid" };

/// The calls of one batch. What is created and what is changed go separately, because the one call for both would
/// create again what has been removed in the meantime.
pub(super) fn calls(writer: &Writer, batch: Batch<'_>) -> Calls {
    let mut out = Calls::default();
    match batch {
        Batch::AdoptDepartments(all) => departments(writer, &mut out, all, &[(DEPARTMENT_ADOPT, adopted_department)]),
        Batch::WriteDepartments(all) => departments(
            writer,
            &mut out,
            all,
            &[(DEPARTMENT_CREATE, new_department), (DEPARTMENT_UPDATE, changed_department)],
        ),
        Batch::RemoveDepartments(all) => departments(writer, &mut out, all, &[(DEPARTMENT_DELETE, named_department)]),
        Batch::AdoptPeople(all) => people(writer, &mut out, all, &[(PERSON_ADOPT, adopted_person)]),
        Batch::WritePeople(all) => {
            people(writer, &mut out, all, &[(PERSON_CREATE, new_person), (PERSON_UPDATE, changed_person)]);
        }
        Batch::RemovePeople(all) => people(writer, &mut out, all, &[(PERSON_DELETE, removed_person)]),
    }
    out
}

/// What an object is told by one of the endpoints.
enum Told {
    This(Fields),
    /// It is for the other endpoint.
    Other,
    /// It lacks this.
    Missing(&'static str),
}

type Tell<T> = fn(&Writer, &T) -> Told;

fn departments(writer: &Writer, out: &mut Calls, all: &[DepartmentWrite], ways: &[(Endpoints, Tell<DepartmentWrite>)]) {
    for (endpoints, tell) in ways {
        let kind = Kind { people: false, removes: endpoints.batch == DEPARTMENT_DELETE.batch };
        collect(writer, out, endpoints, (DEPARTMENTS, kind), all, *tell, department_key);
    }
}

fn people(writer: &Writer, out: &mut Calls, all: &[PersonWrite], ways: &[(Endpoints, Tell<PersonWrite>)]) {
    for (endpoints, tell) in ways {
        let kind = Kind { people: true, removes: endpoints.batch == PERSON_DELETE.batch };
        collect(writer, out, endpoints, (PEOPLE, kind), all, *tell, person_key);
    }
}

fn collect<T>(
    writer: &Writer,
    out: &mut Calls,
    endpoints: &Endpoints,
    (list, kind): (&'static str, Kind),
    all: &[T],
    tell: Tell<T>,
    key: fn(usize, &T) -> crate::contact::outcome::Key,
) {
    let mut items = Vec::new();
    for (place, one) in all.iter().enumerate() {
        match tell(writer, one) {
            Told::This(fields) => items.push((key(place, one), fields)),
            Told::Other => {}
            Told::Missing(what) => out.refuse(place, what),
        }
    }
    let call = |interface, list, answers| Call { interface, method: Method::POST, list, kind, answers, items };
    match endpoints.single {
        Some(single) if all.len() <= writer.single_max => out.add(&call(single, "", Answers::Object), 1),
        _ => out.add(&call(endpoints.batch, list, Answers::Job), BATCH_MAX),
    }
}

fn set(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    fields.insert(name.to_owned(), value.into());
}

fn put(fields: &mut Fields, name: &str, value: Option<&str>) {
    if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
        set(fields, name, value);
    }
}

fn department_fields(one: &DepartmentWrite) -> Fields {
    let mut fields = Fields::new();
    if let Some(parent) = &one.parent {
        match (&parent.code, &parent.corp) {
            (Some(code), _) => set(&mut fields, "parentCode", code.as_str()),
            (None, corp) => put(&mut fields, "corpParentCode", corp.as_deref()),
        }
    }
    put(&mut fields, "deptNameCn", one.name_zh.as_deref());
    put(&mut fields, "deptNameEn", one.name_en.as_deref());
    if one.order > 0 {
        set(&mut fields, "orderNo", one.order.to_string());
    }
    fields
}

fn new_department(_: &Writer, one: &DepartmentWrite) -> Told {
    if one.code.is_some() {
        return Told::Other;
    }
    let Some(corp) = one.corp_code.as_deref().filter(|corp| !corp.is_empty()) else {
        return Told::Missing("corpDeptCode");
    };
    let mut fields = department_fields(one);
    if !fields.contains_key("parentCode") && !fields.contains_key("corpParentCode") {
        return Told::Missing("parentCode");
    }
    if !fields.contains_key("deptNameCn") {
        return Told::Missing("deptNameCn");
    }
    set(&mut fields, "corpDeptCode", corp);
    Told::This(fields)
}

fn changed_department(_: &Writer, one: &DepartmentWrite) -> Told {
    let Some(code) = &one.code else { return Told::Other };
    let mut fields = department_fields(one);
    set(&mut fields, "deptCode", code.as_str());
    Told::This(fields)
}

/// By one identifier, WeLink's own if it is known.
fn named_department(_: &Writer, one: &DepartmentWrite) -> Told {
    let mut fields = Fields::new();
    match &one.code {
        Some(code) => set(&mut fields, "deptCode", code.as_str()),
        None => put(&mut fields, "corpDeptCode", one.corp_code.as_deref()),
    }
    if fields.is_empty() { Told::Missing("deptCode") } else { Told::This(fields) }
}

fn adopted_department(_: &Writer, one: &DepartmentWrite) -> Told {
    match (&one.code, one.corp_code.as_deref().filter(|corp| !corp.is_empty())) {
        (Some(code), Some(corp)) => {
            let mut fields = Fields::new();
            set(&mut fields, "deptCode", code.as_str());
            set(&mut fields, "corpDeptCode", corp);
            Told::This(fields)
        }
        (None, _) => Told::Missing("deptCode"),
        (_, None) => Told::Missing("corpDeptCode"),
    }
}

/// All places by one side's codes, because both in one call may be read as a contradiction.
fn put_places(fields: &mut Fields, places: &[Place]) -> Result<(), &'static str> {
    if places.is_empty() {
        return Ok(());
    }
    let codes: Option<Vec<&str>> = places.iter().map(|place| place.code.as_ref().map(DeptCode::as_str)).collect();
    let corps: Option<Vec<&str>> = places.iter().map(|place| place.corp.as_deref()).collect();
    let (main, list, all) = match (codes, corps) {
        (Some(codes), _) => ("mainDeptCode", "deptCodes", codes),
        (None, Some(corps)) => ("mainCorpDeptCode", "corpDeptCodes", corps),
        (None, None) => return Err("deptCodes"),
    };
    set(fields, main, all.first().copied().unwrap_or_default());
    set(fields, list, json!(all));
    Ok(())
}

fn person_fields(one: &PersonWrite) -> Result<Fields, &'static str> {
    let mut fields = Fields::new();
    for (field, name) in [
        (Field::NameZh, "userNameCn"),
        (Field::NameEn, "userNameEn"),
        (Field::Email, "userEmail"),
        (Field::EmployeeId, "employeeId"),
        (Field::Position, "position"),
        (Field::Sex, "sex"),
    ] {
        put(&mut fields, name, one.field(field));
    }
    put(&mut fields, "mobileNumber", one.field(Field::Mobile).map(mobile).as_deref());
    put_places(&mut fields, &one.places)?;
    Ok(fields)
}

fn new_person(_: &Writer, one: &PersonWrite) -> Told {
    if one.user.is_some() {
        return Told::Other;
    }
    let Some(corp) = one.corp_user.as_deref().filter(|corp| !corp.is_empty()) else {
        return Told::Missing("corpUserId");
    };
    let mut fields = match person_fields(one) {
        Ok(fields) => fields,
        Err(missing) => return Told::Missing(missing),
    };
    // WeLink cannot hold a person without a number (welink-api.md 5B.2).
    for needed in ["userNameCn", "mobileNumber"] {
        if !fields.contains_key(needed) {
            return Told::Missing(needed);
        }
    }
    set(&mut fields, "corpUserId", corp);
    set(&mut fields, "seniorMode", 0);
    Told::This(fields)
}

fn changed_person(_: &Writer, one: &PersonWrite) -> Told {
    let Some(user) = &one.user else { return Told::Other };
    match person_fields(one) {
        Ok(mut fields) => {
            set(&mut fields, "userId", user.as_str());
            Told::This(fields)
        }
        Err(missing) => Told::Missing(missing),
    }
}

fn removed_person(writer: &Writer, one: &PersonWrite) -> Told {
    let mut fields = Fields::new();
    match &one.user {
        Some(user) => set(&mut fields, "userId", user.as_str()),
        None => put(&mut fields, "corpUserId", one.corp_user.as_deref()),
    }
    if fields.is_empty() {
        return Told::Missing("userId");
    }
    set(&mut fields, "isDeleteUser", u8::from(writer.removal == Removal::Remove));
    Told::This(fields)
}

fn adopted_person(_: &Writer, one: &PersonWrite) -> Told {
    match (&one.user, one.corp_user.as_deref().filter(|corp| !corp.is_empty())) {
        (Some(user), Some(corp)) => {
            let mut fields = Fields::new();
            set(&mut fields, "userId", user.as_str());
            set(&mut fields, "corpUserId", corp);
            Told::This(fields)
        }
        (None, _) => Told::Missing("userId"),
        (_, None) => Told::Missing("corpUserId"),
    }
}
