//! One interface of each other family, as far as somebody reads with it who has nothing there yet: tickets of the page
//! script, departments, outcomes of a sync.

use serde_json::Value;

use super::ROOT_DEPT;
use super::answer::{Answer, Fields, Refusal, put};
use super::model::Department;
use super::world::{Call, Caller, World};

/// Rows of a page at most (welink-api.md 4.1).
const PAGE_MAX: usize = 100;
/// Departments of one question at most (welink-api.md 5A.2).
const STATUS_MAX: usize = 10;

/// `GET /api/auth/v1/jstickets`: 64 hexadecimal digits in upper case (welink-api.md 3.7).
pub(super) fn jstickets(_: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    caller.ok_or_else(|| Refusal::new("41600"))?;
    let ticket = Value::from(call.entropy.hex(32).to_ascii_uppercase());
    Ok([("jstickets".to_owned(), ticket)].into_iter().collect())
}

/// `GET /api/contact/v2/department/list` (welink-api.md 4.2).
pub(super) fn departments(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("47101")) };
    let parent = call.param("deptCode");
    if parent.is_empty() {
        return Err(Refusal::new("47003"));
    }
    let of_company = world.departments.iter().filter(|((tenant, _), _)| *tenant == caller.tenant_id);
    let all: Vec<&Department> = of_company.map(|(_, department)| department).collect();
    if parent != ROOT_DEPT && all.iter().all(|department| department.dept_code != parent) {
        return Err(Refusal::new("47012"));
    }
    let below = |department: &&&Department| {
        if call.param("recursiveflag") == "1" {
            is_below(&all, department, parent)
        } else {
            department.parent_code == parent
        }
    };
    let rows: Vec<&&Department> = all.iter().filter(below).collect();
    let number = |name: &str, usual: usize| call.param(name).parse().unwrap_or(usual).max(1);
    let (page, size) = (number("pageNo", 1), number("pageSize", PAGE_MAX).min(PAGE_MAX));
    let shown = rows.iter().skip((page - 1).saturating_mul(size)).take(size);
    let data: Vec<Value> = shown.map(|department| row(department)).collect();
    let mut fields = Fields::new();
    fields.insert("pageNo".to_owned(), Value::from(page));
    fields.insert("pageSize".to_owned(), Value::from(size));
    fields.insert("hasMore".to_owned(), Value::from(u8::from(page.saturating_mul(size) < rows.len())));
    if !data.is_empty() {
        fields.insert("data".to_owned(), Value::from(data));
    }
    Ok(fields)
}

fn row(department: &Department) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "deptCode", Some(&department.dept_code));
    put(&mut fields, "corpDeptCode", department.corp_dept_code.as_deref());
    put(&mut fields, "parentCode", Some(&department.parent_code));
    put(&mut fields, "deptNameCn", Some(&department.name_zh));
    put(&mut fields, "deptNameEn", Some(&department.name_en));
    Value::Object(fields)
}

/// Whether a department lies below another one, at any depth.
fn is_below(all: &[&Department], department: &Department, parent: &str) -> bool {
    let mut above = department.parent_code.as_str();
    for _ in 0..all.len() {
        if above == parent {
            return true;
        }
        let Some(next) = all.iter().find(|other| other.dept_code == above) else { return false };
        above = &next.parent_code;
    }
    false
}

/// `POST /api/contact/v2/departments/status` (welink-api.md 5A.2). Nothing was ever synced here, so nothing is known of
/// any department.
pub(super) fn sync_status(_: &mut World, call: &Call, _: Option<&Caller>) -> Answer {
    let asked = call.body.as_ref().and_then(|body| body.get("deptInfo")).and_then(Value::as_array);
    let asked = asked.filter(|items| !items.is_empty()).ok_or_else(|| Refusal::new("47003"))?;
    if asked.len() > STATUS_MAX {
        return Err(Refusal::new("47013"));
    }
    let item = |item: &Value| {
        let mut fields = Fields::new();
        put(&mut fields, "corpDeptCode", item["corpDeptCode"].as_str());
        put(&mut fields, "code", Some("47114"));
        put(&mut fields, "message", Some("no such department"));
        Value::Object(fields)
    };
    let data: Vec<Value> = asked.iter().map(item).collect();
    Ok([("data".to_owned(), Value::from(data))].into_iter().collect())
}
