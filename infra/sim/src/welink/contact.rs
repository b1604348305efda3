//! Reading one person (welink-api.md 4.4), in the new and the old form.

use super::answer::{Answer, Fields, Refusal, put};
use super::model::Member;
use super::records;
use super::world::{Call, Caller, World};

/// The person that the first given identifier names: userId before corpUserId before mobileNumber.
fn find<'w>(world: &'w World, caller: &Caller, ids: [&str; 3]) -> Result<&'w Member, Refusal> {
    let [user_id, corp_user_id, mobile] = ids;
    let tenant = &caller.tenant_id;
    let found = if !user_id.is_empty() {
        world.member(tenant, user_id)
    } else if !corp_user_id.is_empty() {
        world.members.by_corp(tenant, corp_user_id)
    } else if !mobile.is_empty() {
        world.members.by_mobile(tenant, mobile).next()
    } else {
        return Err(Refusal::new("47003"));
    };
    let Some(found) = found else { return Err(Refusal::new(world.settings.unknown_user_code.clone())) };
    if world.sees_member(caller, found) {
        Ok(found)
    } else {
        Err(Refusal::new(world.settings.out_of_range_code.clone()))
    }
}

/// `POST /api/contact/v2/user/detail`, and v1 in the same shape (welink-api.md 4.4).
pub(super) fn detail(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("47101")) };
    if call.body.is_none() {
        return Err(Refusal::new("47004"));
    }
    let member = find(world, caller, [call.text("userId"), call.text("corpUserId"), call.text("mobileNumber")])?;
    Ok(records::person(world, caller, member))
}

/// The one identifier in the query of an old interface.
fn find_old<'w>(world: &'w World, call: &Call, caller: &Caller) -> Result<&'w Member, Refusal> {
    let ids = [call.param("userId"), call.param("corpUserId"), call.param("mobileNumber")];
    if ids.iter().filter(|id| !id.is_empty()).count() > 1 {
        return Err(Refusal::new("47004"));
    }
    find(world, caller, ids)
}

/// `GET /api/contact/v1/users` with exactly one of userId, mobileNumber, corpUserId (welink-api.md 4.4, old form).
pub(super) fn users_v1(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("47101")) };
    let member = find_old(world, call, caller)?;
    Ok(records::person_old(world, caller, member))
}

/// `GET /api/contact/v1/users/email` (welink-api.md 4.4): the address, which has a permission of its own.
pub(super) fn email(world: &mut World, call: &Call, caller: Option<&Caller>) -> Answer {
    let Some(caller) = caller else { return Err(Refusal::new("47101")) };
    let member = find_old(world, call, caller)?;
    let mut fields: Fields = records::simple(world, caller, member);
    put(&mut fields, "userEmail", member.email.as_deref());
    Ok(fields)
}
