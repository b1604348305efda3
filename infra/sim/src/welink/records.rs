//! One department and one person as the interfaces show them (welink-api.md 4.1 to 4.5).

use serde_json::Value;

use super::ROOT_DEPT;
use super::answer::{Fields, china_time, put, put_list};
use super::model::{Department, Member, MemberStatus, Permission};
use super::world::{Caller, World};

fn number(fields: &mut Fields, name: &str, value: usize) {
    fields.insert(name.to_owned(), Value::from(value));
}

fn has_children(world: &World, caller: &Caller, department: &Department) -> usize {
    usize::from(world.departments.children(&caller.tenant_id, &department.dept_code).next().is_some())
}

fn order(department: &Department) -> Option<String> {
    (department.order > 0).then(|| department.order.to_string())
}

/// An item of 4.2.
pub(super) fn department(world: &World, caller: &Caller, department: &Department) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "deptCode", Some(&department.dept_code));
    put(&mut fields, "corpDeptCode", department.corp_dept_code.as_deref());
    put(&mut fields, "parentCode", Some(&department.parent_code));
    let parent = world.department(&caller.tenant_id, &department.parent_code);
    put(&mut fields, "corpParentCode", parent.and_then(|parent| parent.corp_dept_code.as_deref()));
    put(&mut fields, "deptNameCn", Some(&department.name_zh));
    put(&mut fields, "deptNameEn", Some(&department.name_en));
    put_list(&mut fields, "managerId", &department.heads);
    put(&mut fields, "orderNo", order(department).as_deref());
    number(&mut fields, "hasChildDept", has_children(world, caller, department));
    fields
}

/// An item of 4.1. Level 1 is written "2" here.
pub(super) fn department_old(world: &World, caller: &Caller, department: &Department) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "deptCode", Some(&department.dept_code));
    put(&mut fields, "corpDeptCode", department.corp_dept_code.as_deref());
    put(&mut fields, "fatherCode", Some(&department.parent_code));
    put(&mut fields, "deptNameCn", Some(&department.name_zh));
    put(&mut fields, "deptNameEn", Some(&department.name_en));
    let level = world.departments.path(&caller.tenant_id, &department.dept_code).len() + 1;
    put(&mut fields, "deptLevel", Some(&level.to_string()));
    if department.order > 0 {
        number(&mut fields, "orderNo", usize::from(department.order));
    }
    number(&mut fields, "hasChildDept", has_children(world, caller, department));
    fields
}

/// Whether the address is shown: it has a permission of its own (welink-api.md 4.4).
fn email<'m>(world: &World, caller: &Caller, member: &'m Member) -> Option<&'m str> {
    let app = world.apps.get(&caller.client_id);
    member.email.as_deref().filter(|_| app.is_some_and(|app| app.permissions.contains(&Permission::UserEmail)))
}

/// The fields that both generations share.
fn common(world: &World, caller: &Caller, member: &Member) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "userStatus", Some(member.status.number()));
    put(&mut fields, "userId", Some(&member.user_id));
    put(&mut fields, "corpUserId", member.corp_user_id.as_deref());
    put(&mut fields, "mobileNumber", member.mobile.as_deref());
    put(&mut fields, "userNameCn", Some(&member.name_zh));
    put(&mut fields, "userNameEn", Some(&member.name_en));
    put(&mut fields, "sex", member.sex.as_deref());
    put(&mut fields, "userEmail", email(world, caller, member));
    put(&mut fields, "secretary", member.secretary.as_deref());
    put(&mut fields, "remark", member.remark.as_deref());
    put(&mut fields, "creationTime", Some(&china_time(member.created)));
    put(&mut fields, "lastUpdatedTime", Some(&china_time(member.updated)));
    number(&mut fields, "isActivated", usize::from(member.status == MemberStatus::Opened));
    fields
}

/// The record of 4.4, new.
pub(super) fn person(world: &World, caller: &Caller, member: &Member) -> Fields {
    let mut fields = common(world, caller, member);
    put_list(&mut fields, "phoneNumber", member.mobile.as_slice());
    let departments: Vec<&Department> =
        member.dept_codes.iter().filter_map(|code| world.department(&caller.tenant_id, code)).collect();
    let main = member.dept_codes.first().map_or(ROOT_DEPT, String::as_str);
    put(&mut fields, "mainDeptCode", Some(main));
    let main_corp = departments.iter().find(|d| d.dept_code == main).and_then(|d| d.corp_dept_code.as_deref());
    put(&mut fields, "mainCorpDeptCode", main_corp);
    put_list(&mut fields, "deptCodes", &member.dept_codes);
    let corp_codes: Vec<String> = departments.iter().filter_map(|d| d.corp_dept_code.clone()).collect();
    put_list(&mut fields, "corpDeptCodes", &corp_codes);
    put(&mut fields, "employeeId", member.employee_id.as_deref());
    put(&mut fields, "position", member.position_zh.as_deref());
    number(&mut fields, "isAdmin", usize::from(member.is_admin));
    fields
}

/// The record of 4.4, old: one department.
pub(super) fn person_old(world: &World, caller: &Caller, member: &Member) -> Fields {
    let mut fields = common(world, caller, member);
    let code = member.dept_codes.first().map_or(ROOT_DEPT, String::as_str);
    put(&mut fields, "deptCode", Some(code));
    let department = world.department(&caller.tenant_id, code);
    put(&mut fields, "deptNameCn", department.map(|department| department.name_zh.as_str()));
    put(&mut fields, "deptNameEn", department.map(|department| department.name_en.as_str()));
    put(&mut fields, "phoneNumber", member.mobile.as_deref());
    fields
}

/// The four fields of the simple lists (4.5).
pub(super) fn simple(_: &World, _: &Caller, member: &Member) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "userId", Some(&member.user_id));
    put(&mut fields, "corpUserId", member.corp_user_id.as_deref());
    put(&mut fields, "userNameCn", Some(&member.name_zh));
    put(&mut fields, "userNameEn", Some(&member.name_en));
    fields
}
