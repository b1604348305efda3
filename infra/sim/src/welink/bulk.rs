//! The old family of writes (welink-api.md 5A): a call takes each object or not; what became of it is asked for.

use domain::text::Lang;
use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, message, put};
use super::contact_settings::Orders;
use super::jobs::{Into, Status, done_at, orders, parents_within};
use super::world::{Call, Caller, World};
use super::write::{Of, Order, Verb, order_number, perform, text, texts};

/// Objects of one status question at most (welink-api.md 5A.2, 5A.6).
const STATUS_MAX: usize = 10;

/// What a bulk call demands of a whole record.
const DEPARTMENT_NEEDS: [&str; 6] =
    ["corpDeptCode", "corpParentCode", "deptNameCn", "deptNameEn", "deptLevel", "valid"];
const PERSON_NEEDS: [&str; 6] = ["corpUserId", "userNameCn", "sex", "mobileNumber", "phoneNumber", "isOpenAccount"];

fn known(caller: Option<&Caller>) -> Result<&Caller, Refusal> {
    caller.ok_or_else(|| Refusal::new("47101"))
}

/// `POST /api/contact/v2/departments/bulk` (5A.1).
pub(super) fn departments(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let checks: Check = |world, fields| {
        if DEPARTMENT_NEEDS.iter().any(|name| text(fields, name).is_empty()) {
            return Some("47003");
        }
        let first = text(fields, "deptLevel") == "1";
        // Level 1 hangs under the root and nothing else.
        if first && text(fields, "corpParentCode") != "0" {
            return Some("47004");
        }
        bad_order(world, fields, "orderNo")
    };
    bulk(world, call, caller, (Of::Department, Verb::Sync), checks)
}

/// `PUT /api/contact/v2/departments/update`, and POST (5A.3).
pub(super) fn departments_update(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let checks: Check = |world, fields| match text(fields, "corpDeptCode").as_str() {
        "" => Some("47002"),
        _ => bad_order(world, fields, "orderNo"),
    };
    bulk(world, call, caller, (Of::Department, Verb::Update), checks)
}

/// `POST /api/contact/v1/users/bulk` (5A.4).
pub(super) fn users(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let checks: Check = |_, fields| {
        let missing = PERSON_NEEDS.iter().any(|name| text(fields, name).is_empty());
        let nowhere = texts(fields, "corpDeptCodes").is_empty() && texts(fields, "deptCodes").is_empty();
        (missing || nowhere).then_some("47003")
    };
    bulk(world, call, caller, (Of::Person, Verb::Sync), checks)
}

/// `POST /api/contact/v2/users/bulk`: several departments (5A.5).
pub(super) fn users_new(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let checks: Check = |_, fields| {
        let needed = ["corpUserId", "userNameCn", "mobileNumber"];
        needed.iter().any(|name| text(fields, name).is_empty()).then_some("47003")
    };
    bulk(world, call, caller, (Of::Person, Verb::Sync), checks)
}

/// `PUT /api/contact/v1/users/update` and v2 (5A.5).
pub(super) fn users_update(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let checks: Check = |_, fields| text(fields, "corpUserId").is_empty().then_some("47003");
    bulk(world, call, caller, (Of::Person, Verb::Update), checks)
}

/// `PUT /api/contact/v1/user/mobilenumber`: at once (5A.8).
pub(super) fn mobile_number(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let caller = known(caller)?;
    let fields = call.body.clone().ok_or_else(|| Refusal::new("47004"))?;
    let order = Order { caller: caller.clone(), of: Of::Person, verb: Verb::Mobile, fields, refused: None };
    perform(world, &order, call.now).map(|_| Fields::new())
}

/// 1 to 999 in this family.
fn bad_order(world: &World, fields: &Fields, name: &str) -> Option<&'static str> {
    let refused = world.settings.contact.orders == Orders::Refused && order_number(world, fields, name, 999).is_err();
    refused.then_some("47004")
}

/// Why an object is not taken at all.
type Check = fn(&World, &Fields) -> Option<&'static str>;

fn list_of(of: Of) -> (&'static str, &'static str) {
    match of {
        Of::Department => ("deptInfo", "corpDeptCode"),
        Of::Person => ("personInfo", "corpUserId"),
    }
}

fn bulk(world: &mut World, call: &Call, caller: Option<&Caller>, (of, verb): (Of, Verb), check: Check) -> Answer {
    let caller = known(caller)?;
    let (list, key) = list_of(of);
    let max = world.settings.contact.bulk_max;
    let mut orders = orders(call, caller, list, max, |fields| (of, verb, in_new_names(of, fields)))?;
    parents_within(world, &mut orders);
    let count = orders.len();
    let mut rows = Vec::new();
    for (place, order) in orders.into_iter().enumerate() {
        let corp = text(&order.fields, key);
        let status_key = (caller.tenant_id.clone(), of, corp.clone());
        let running = world.work.status(&status_key).is_some_and(|status| status.pending);
        let code = match check(world, &order.fields) {
            Some(code) => code,
            None if running => "47112",
            None => "0",
        };
        if code == "0" {
            let known = world.members.by_corp(&caller.tenant_id, &corp).is_some();
            let pending = match of {
                Of::Department => "47118",
                Of::Person if known => "47104",
                Of::Person => "47108",
            };
            let status = Status { code: pending.to_owned(), message: String::new(), pending: true };
            world.work.set_status(status_key.clone(), status);
            let at = done_at(world, call.now, place, count);
            world.work.take(at, order, Into::Status(status_key));
        }
        rows.push(row(key, &corp, code, message(code, call.lang)));
    }
    Ok([("data".to_owned(), Value::from(rows))].into_iter().collect())
}

fn row(key: &str, corp: &str, code: &str, message: &str) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, key, Some(corp));
    put(&mut fields, "code", Some(code));
    put(&mut fields, "message", Some(message));
    Value::Object(fields)
}

/// One department a person, under its own names here.
fn in_new_names(of: Of, mut fields: Fields) -> Fields {
    if of == Of::Person {
        for (old, new) in
            [("deptCode", "deptCodes"), ("corpDeptCode", "corpDeptCodes"), ("mainCorpDept", "mainCorpDeptCode")]
        {
            if let Some(value) = fields.remove(old) {
                fields.insert(new.to_owned(), value);
            }
        }
    }
    fields
}

/// `POST /api/contact/v2/departments/status` (5A.2).
pub(super) fn departments_status(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    status(world, call, caller, Of::Department)
}

/// `POST /api/contact/v1/users/status` (5A.6): by corpUserId, number or address.
pub(super) fn users_status(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    status(world, call, caller, Of::Person)
}

fn status(world: &World, call: &Call, caller: Option<&Caller>, of: Of) -> Answer {
    let caller = known(caller)?;
    let (list, key) = list_of(of);
    let asked = call.body.as_ref().and_then(|body| body.get(list)).and_then(Value::as_array);
    let asked = asked.filter(|items| !items.is_empty()).ok_or_else(|| Refusal::new("47003"))?;
    if asked.len() > STATUS_MAX {
        return Err(Refusal::new("47013"));
    }
    let mut rows = Vec::new();
    for item in asked {
        let fields = item.as_object().cloned().unwrap_or_default();
        let corp = corp_of(world, caller, of, &fields);
        let known = world.work.status(&(caller.tenant_id.clone(), of, corp.clone()));
        let (code, said) = match (known, of) {
            (Some(status), _) => (status.code.as_str(), status.message.as_str()),
            (None, Of::Department) => ("47114", message("47012", Lang::Zh)),
            (None, Of::Person) => match world.members.by_corp(&caller.tenant_id, &corp) {
                Some(_) => ("47109", ""),
                None => ("47111", message("47111", call.lang)),
            },
        };
        rows.push(row(key, &corp, code, said));
    }
    Ok([("data".to_owned(), Value::from(rows))].into_iter().collect())
}

fn corp_of(world: &World, caller: &Caller, of: Of, fields: &Fields) -> String {
    let corp = text(fields, list_of(of).1);
    if !corp.is_empty() || of == Of::Department {
        return corp;
    }
    let (number, email) = (text(fields, "mobileNumber"), text(fields, "userEmail"));
    let mut by_mobile = world.members.by_mobile(&caller.tenant_id, &number);
    let found = by_mobile.next().or_else(|| {
        let mut all = world.members_of(&caller.tenant_id);
        all.find(|member| !email.is_empty() && member.email.as_deref() == Some(email.as_str()))
    });
    found.and_then(|member| member.corp_user_id.clone()).unwrap_or_default()
}
