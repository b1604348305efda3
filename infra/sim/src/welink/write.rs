//! What one write does to the directory (welink-api.md 5). Both families end here: a bulk or batch call holds many of
//! these and runs them later (`jobs`), a single call runs one at once.

use domain::time::Timestamp;
use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, put};
use super::contact_settings::Orders;
use super::model::Department;
use super::world::{Caller, World};
use super::write_person;
use super::{ROOT_DEPT, callbacks};

/// Characters of a department's name at most (welink-api.md 5B.1, a guess there).
const NAME_CHARS_MAX: usize = 128;
/// Heads of a department at most (welink-api.md 12).
const HEADS_MAX: usize = 5;
/// The first code of a department that is made through the API.
const DEPT_CODE_FIRST: u64 = 20_000_000;

/// What kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Department,
    Person,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
    /// Create what is unknown, change what is known, delete what has `valid` 0.
    Sync,
    Delete,
    /// The customer's own id is set.
    Adopt,
    /// The mobile number is set.
    Mobile,
}

/// One write.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub caller: Caller,
    pub of: Of,
    pub verb: Verb,
    /// In the names of the new family.
    pub fields: Fields,
    /// Refused with this when its turn comes, because of what else was in its call.
    pub refused: Option<&'static str>,
}

/// A field as text: both types come (welink-api.md 1). Empty when absent.
pub(super) fn text(fields: &Fields, name: &str) -> String {
    match fields.get(name) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A list of texts; a single one is a list of one.
pub(super) fn texts(fields: &Fields, name: &str) -> Vec<String> {
    match fields.get(name) {
        Some(Value::Array(items)) => items.iter().filter_map(|item| Some(item.as_str()?.trim().to_owned())).collect(),
        _ => Some(text(fields, name)).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

pub(super) fn refuse<T>(code: &'static str) -> Result<T, Refusal> {
    Err(Refusal::new(code))
}

/// Runs one write; the fields of the answer name the object on both sides.
pub(super) fn perform(world: &mut World, order: &Order, now: Timestamp) -> Answer {
    if let Some(code) = order.refused {
        return refuse(code);
    }
    match order.of {
        Of::Department => department(world, order, now),
        Of::Person => write_person::person(world, order, now),
    }
}

/// The department that a write names: by `deptCode`, else by `corpDeptCode`.
fn find<'w>(world: &'w World, tenant: &str, fields: &Fields) -> Option<&'w Department> {
    let (code, corp) = (text(fields, "deptCode"), text(fields, "corpDeptCode"));
    if code.is_empty() {
        return world.departments.by_corp(tenant, &corp);
    }
    world.departments.get(tenant, &code)
}

/// A department by one of its two codes; the root by 0 on either side.
pub(super) fn resolve(world: &World, tenant: &str, code: &str, corp: &str) -> Option<String> {
    if code == ROOT_DEPT || (code.is_empty() && corp == ROOT_DEPT) {
        return Some(ROOT_DEPT.to_owned());
    }
    let found =
        if code.is_empty() { world.departments.by_corp(tenant, corp) } else { world.departments.get(tenant, code) };
    found.map(|department| department.dept_code.clone())
}

fn named(department: &Department) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "deptCode", Some(&department.dept_code));
    put(&mut fields, "corpDeptCode", department.corp_dept_code.as_deref());
    fields
}

fn department(world: &mut World, order: &Order, now: Timestamp) -> Answer {
    let tenant = order.caller.tenant_id.clone();
    let fields = &order.fields;
    if text(fields, "deptCode").is_empty() && text(fields, "corpDeptCode").is_empty() && order.verb != Verb::Create {
        return refuse("47002");
    }
    let found = find(world, &tenant, fields).cloned();
    if let Some(found) = &found
        && world.settings.contact.range_limits_writes
        && !world.sees_department(&order.caller, found)
    {
        return Err(Refusal::new(world.settings.out_of_range_code.clone()));
    }
    let goes = order.verb == Verb::Delete || (order.verb == Verb::Sync && text(fields, "valid") == "0");
    let written = match (order.verb, found) {
        (_, None) if goes => return refuse("47012"),
        (_, Some(found)) if goes => return delete(world, &tenant, &found, now),
        (Verb::Adopt, Some(found)) => adopt(world, &tenant, found, fields)?,
        (Verb::Update | Verb::Sync, Some(found)) => change(world, &tenant, found, fields)?,
        (Verb::Create, Some(_)) => return Err(Refusal::new(world.settings.contact.exists_code.clone())),
        (Verb::Create | Verb::Sync, None) => create(world, &tenant, fields)?,
        (Verb::Update | Verb::Adopt | Verb::Delete | Verb::Mobile, _) => return refuse("47012"),
    };
    let answer = named(&written);
    callbacks::tell(world, &tenant, &callbacks::Event::EditDepartment(written.dept_code.clone()), now);
    world.departments.insert(&tenant, written);
    Ok(answer)
}

fn create(world: &mut World, tenant: &str, fields: &Fields) -> Result<Department, Refusal> {
    let (parent, corp_parent) = (text(fields, "parentCode"), text(fields, "corpParentCode"));
    if text(fields, "deptNameCn").is_empty() || (parent.is_empty() && corp_parent.is_empty()) {
        return refuse("47003");
    }
    let Some(parent_code) = resolve(world, tenant, &parent, &corp_parent) else { return refuse("47106") };
    let fresh = Department {
        dept_code: String::new(),
        corp_dept_code: Some(text(fields, "corpDeptCode")).filter(|corp| !corp.is_empty()),
        parent_code,
        name_zh: String::new(),
        name_en: String::new(),
        order: 0,
        heads: Vec::new(),
    };
    let mut made = change(world, tenant, fresh, fields)?;
    made.dept_code = (world.work.next_number() + DEPT_CODE_FIRST).to_string();
    Ok(made)
}

/// Changes what is given; the rest stays (welink-api.md 5B.1).
fn change(world: &World, tenant: &str, department: Department, fields: &Fields) -> Result<Department, Refusal> {
    let mut department = department;
    let (parent, corp_parent) = (text(fields, "parentCode"), text(fields, "corpParentCode"));
    if !parent.is_empty() || !corp_parent.is_empty() {
        let Some(parent) = resolve(world, tenant, &parent, &corp_parent) else { return refuse("47106") };
        let own = department.dept_code.as_str();
        // Nothing hangs under itself.
        if !own.is_empty() && world.departments.path(tenant, &parent).contains(&own) {
            return refuse("47004");
        }
        department.parent_code = parent;
    }
    for (name, field) in [("deptNameCn", &mut department.name_zh), ("deptNameEn", &mut department.name_en)] {
        let value = text(fields, name);
        if value.chars().count() > NAME_CHARS_MAX {
            return refuse("47004");
        }
        if !value.is_empty() {
            *field = value;
        }
    }
    if let Some(order) = order_number(world, fields, "orderNo", 9_999)? {
        department.order = order;
    }
    if fields.contains_key("managerId") || fields.contains_key("corpManagerId") {
        department.heads = heads(world, tenant, fields)?;
    }
    Ok(department)
}

/// An order number from 1 to `max`, if one is given.
pub(super) fn order_number(world: &World, fields: &Fields, name: &str, max: u16) -> Result<Option<u16>, Refusal> {
    let given = text(fields, name);
    if given.is_empty() {
        return Ok(None);
    }
    let Ok(number) = given.parse::<u32>() else { return refuse("47004") };
    let clamped = number.clamp(1, u32::from(max));
    if clamped != number && world.settings.contact.orders == Orders::Refused {
        return refuse("47004");
    }
    Ok(u16::try_from(clamped).ok())
}

fn heads(world: &World, tenant: &str, fields: &Fields) -> Result<Vec<String>, Refusal> {
    let mut heads = texts(fields, "managerId");
    if heads.iter().any(|user| world.member(tenant, user).is_none()) {
        return refuse("47105");
    }
    for corp in texts(fields, "corpManagerId") {
        let Some(member) = world.members.by_corp(tenant, &corp) else { return refuse("47105") };
        if !heads.contains(&member.user_id) {
            heads.push(member.user_id.clone());
        }
    }
    if heads.len() > HEADS_MAX { refuse("47004") } else { Ok(heads) }
}

fn adopt(world: &World, tenant: &str, department: Department, fields: &Fields) -> Result<Department, Refusal> {
    let corp = text(fields, "corpDeptCode");
    if corp.is_empty() || text(fields, "deptCode").is_empty() {
        return refuse("47003");
    }
    let taken = world.departments.by_corp(tenant, &corp);
    if taken.is_some_and(|other| other.dept_code != department.dept_code) {
        return Err(Refusal::new(world.settings.contact.exists_code.clone()));
    }
    Ok(Department { corp_dept_code: Some(corp), ..department })
}

fn delete(world: &mut World, tenant: &str, department: &Department, now: Timestamp) -> Answer {
    let code = &department.dept_code;
    let occupied = world.members.in_department(tenant, code).any(write_person::is_open)
        || world.departments.children(tenant, code).next().is_some();
    if occupied {
        return Err(Refusal::new(world.settings.contact.not_empty_code.clone()));
    }
    world.departments.remove(tenant, code);
    callbacks::tell(world, tenant, &callbacks::Event::DeleteDepartment(code.clone()), now);
    Ok(named(department))
}
