//! Reading one person (welink-api.md 4.4), in the new and the old form.

use serde_json::Value;

use super::answer::{Answer, Fields, Refusal, china_time, put, put_list};
use super::model::Member;
use super::world::{Call, Caller, World};

/// Mobile numbers are compared by their digits without a leading 86 (welink-api.md 1).
fn same_mobile(a: &str, b: &str) -> bool {
    fn bare(number: &str) -> String {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        digits.strip_prefix("86").filter(|rest| rest.len() == 11).map(str::to_owned).unwrap_or(digits)
    }
    !bare(a).is_empty() && bare(a) == bare(b)
}

/// The person that the first given identifier names: userId before corpUserId before mobileNumber.
fn find<'w>(world: &'w World, caller: &Caller, ids: [&str; 3]) -> Result<&'w Member, Refusal> {
    let [user_id, corp_user_id, mobile] = ids;
    let mut members = world.members_of(&caller.tenant_id);
    let found = if !user_id.is_empty() {
        members.find(|m| m.user_id == user_id)
    } else if !corp_user_id.is_empty() {
        members.find(|m| m.corp_user_id.as_deref() == Some(corp_user_id))
    } else if !mobile.is_empty() {
        members.find(|m| m.mobile.as_deref().is_some_and(|number| same_mobile(number, mobile)))
    } else {
        return Err(Refusal::new("47003"));
    };
    drop(members);
    let Some(found) = found else { return Err(Refusal::new(world.settings.unknown_user_code.clone())) };
    if world.apps.get(&caller.client_id).is_some_and(|app| app.range.holds(&found.user_id)) {
        Ok(found)
    } else {
        Err(Refusal::new(world.settings.out_of_range_code.clone()))
    }
}

/// The fields that both generations share.
fn common(member: &Member) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "userStatus", Some(member.status.number()));
    put(&mut fields, "userId", Some(&member.user_id));
    put(&mut fields, "corpUserId", member.corp_user_id.as_deref());
    put(&mut fields, "mobileNumber", member.mobile.as_deref());
    put(&mut fields, "userNameCn", Some(&member.name_zh));
    put(&mut fields, "userNameEn", Some(&member.name_en));
    put(&mut fields, "sex", member.sex.as_deref());
    put(&mut fields, "userEmail", member.email.as_deref());
    put(&mut fields, "creationTime", Some(&china_time(member.created)));
    put(&mut fields, "lastUpdatedTime", Some(&china_time(member.updated)));
    fields
}

/// `POST /api/contact/v2/user/detail`, and v1 in the same shape (welink-api.md 4.4).
pub(super) fn detail(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("47101")) };
    if call.body.is_none() {
        return Err(Refusal::new("47004"));
    }
    let member = find(world, caller, [call.text("userId"), call.text("corpUserId"), call.text("mobileNumber")])?;
    let mut fields = common(member);
    put_list(&mut fields, "phoneNumber", member.mobile.as_slice());
    let departments: Vec<&super::model::Department> =
        member.dept_codes.iter().filter_map(|code| world.department(&caller.tenant_id, code)).collect();
    let main = member.dept_codes.first().map_or("0", String::as_str);
    put(&mut fields, "mainDeptCode", Some(main));
    let main_corp = departments.iter().find(|d| d.dept_code == main).and_then(|d| d.corp_dept_code.as_deref());
    put(&mut fields, "mainCorpDeptCode", main_corp);
    put_list(&mut fields, "deptCodes", &member.dept_codes);
    let corp_codes: Vec<String> = departments.iter().filter_map(|d| d.corp_dept_code.clone()).collect();
    put_list(&mut fields, "corpDeptCodes", &corp_codes);
    put(&mut fields, "employeeId", member.employee_id.as_deref());
    put(&mut fields, "position", member.position_zh.as_deref());
    fields.insert("isActivated".to_owned(), Value::from(u8::from(member.status.number() == "3")));
    fields.insert("isAdmin".to_owned(), Value::from(u8::from(member.is_admin)));
    Ok(fields)
}

/// `GET /api/contact/v1/users` with exactly one of userId, mobileNumber, corpUserId (welink-api.md 4.4, old form).
pub(super) fn users_v1(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("47101")) };
    let ids = [call.param("userId"), call.param("corpUserId"), call.param("mobileNumber")];
    if ids.iter().filter(|id| !id.is_empty()).count() > 1 {
        return Err(Refusal::new("47004"));
    }
    let member = find(world, caller, ids)?;
    let mut fields = common(member);
    put(&mut fields, "deptCode", Some(member.dept_codes.first().map_or("0", String::as_str)));
    put(&mut fields, "phoneNumber", member.mobile.as_deref());
    fields.insert("isActivated".to_owned(), Value::from(u8::from(member.status.number() == "3")));
    Ok(fields)
}
