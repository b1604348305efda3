//! What one write does to a person (welink-api.md 5A.4 to 5A.8, 5B.2).

use domain::time::Timestamp;

use super::ROOT_DEPT;
use super::answer::{Answer, Fields, Refusal, put};
use super::callbacks::{self, Event};
use super::contact_settings::Closed;
use super::model::{Member, MemberStatus};
use super::world::World;
use super::write::{Order, Verb, order_number, refuse, resolve, text, texts};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether he counts: a closed account is nobody's colleague.
pub(super) fn is_open(member: &Member) -> bool {
    member.status != MemberStatus::Closed
}

fn named(member: &Member) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "userId", Some(&member.user_id));
    put(&mut fields, "corpUserId", member.corp_user_id.as_deref());
    put(&mut fields, "mobileNumber", member.mobile.as_deref());
    fields
}

/// Whom a write names: userId, else corpUserId, else, where the call has no other use for it, the number.
fn find(world: &World, order: &Order) -> Result<Option<Member>, Refusal> {
    let tenant = &order.caller.tenant_id;
    let [user, corp, mobile] = ["userId", "corpUserId", "mobileNumber"].map(|name| text(&order.fields, name));
    if !user.is_empty() {
        let found = world.member(tenant, &user);
        let other = world.members.by_corp(tenant, &corp);
        if order.verb != Verb::Adopt && other.is_some_and(|other| Some(&other.user_id) != found.map(|m| &m.user_id)) {
            return refuse("47023");
        }
        return Ok(found.cloned());
    }
    let by_mobile = matches!(order.verb, Verb::Adopt | Verb::Delete);
    if by_mobile && !mobile.is_empty() && (corp.is_empty() || order.verb == Verb::Adopt) {
        return Ok(world.members.by_mobile(tenant, &mobile).find(|member| is_open(member)).cloned());
    }
    Ok(world.members.by_corp(tenant, &corp).cloned())
}

pub(super) fn person(world: &mut World, order: &Order, now: Timestamp) -> Answer {
    let tenant = order.caller.tenant_id.clone();
    let fields = &order.fields;
    if ["userId", "corpUserId", "mobileNumber"].iter().all(|name| text(fields, name).is_empty()) {
        return refuse("47003");
    }
    let found = find(world, order)?;
    if let Some(found) = &found
        && world.settings.contact.range_limits_writes
        && !world.sees_member(&order.caller, found)
    {
        return Err(Refusal::new(world.settings.out_of_range_code.clone()));
    }
    let found = found.filter(|member| is_open(member) || matches!(order.verb, Verb::Create | Verb::Sync));
    let goes = order.verb == Verb::Delete || (order.verb == Verb::Sync && text(fields, "valid") == "0");
    if goes {
        let Some(found) = found.filter(is_open) else { return refuse("47111") };
        return Ok(close(world, &tenant, found, text(fields, "isDeleteUser") == "1", now));
    }
    let member = match (order.verb, found) {
        (Verb::Create, Some(found)) if is_open(&found) => {
            return Err(Refusal::new(world.settings.contact.exists_code.clone()));
        }
        (Verb::Create | Verb::Sync, found) if found.as_ref().is_none_or(|member| !is_open(member)) => {
            create(world, order, found, now)?
        }
        (Verb::Update | Verb::Sync, Some(found)) => change(world, order, found, now)?,
        (Verb::Adopt, Some(found)) => adopt(world, order, found)?,
        (Verb::Mobile, Some(found)) => {
            let number = text(fields, "mobileNumber");
            if number.is_empty() {
                return refuse("47003");
            }
            with_mobile(world, order, found, &number, now)?
        }
        _ => return refuse("47111"),
    };
    let refused = member.status == MemberStatus::NotOpened && cannot_open(world, &member);
    let answer = named(&member);
    callbacks::tell(world, &tenant, &Event::EditUser(member.user_id.clone()), now);
    world.members.insert(&tenant, Member { updated: now, ..member });
    if refused { refuse("47110") } else { Ok(answer) }
}

fn cannot_open(world: &World, member: &Member) -> bool {
    member.corp_user_id.as_ref().is_some_and(|corp| world.settings.contact.unopenable.contains(corp))
}

fn create(world: &mut World, order: &Order, closed: Option<Member>, now: Timestamp) -> Result<Member, Refusal> {
    let tenant = &order.caller.tenant_id;
    let fields = &order.fields;
    let has_place = ["mainDeptCode", "deptCodes", "mainCorpDeptCode", "corpDeptCodes"];
    if ["corpUserId", "userNameCn", "mobileNumber"].iter().any(|name| text(fields, name).is_empty())
        || has_place.iter().all(|name| texts(fields, name).is_empty())
    {
        return refuse("47003");
    }
    // Somebody who has been here is known by either id.
    let mut former = world.members.by_mobile(tenant, &text(fields, "mobileNumber")).filter(|member| !is_open(member));
    let closed = closed.or_else(|| former.next().cloned());
    drop(former);
    let fresh = |id: String| Member::named(&id, "", "", now);
    let member = match closed {
        Some(closed) if world.settings.contact.closed != Closed::Replaced => closed,
        closed => {
            let id = free_id(world, tenant, &text(fields, "corpUserId"));
            if let Some(closed) = closed {
                // His ids go to the new account.
                let bare = Member { corp_user_id: None, mobile: None, ..closed };
                world.members.insert(tenant, bare);
            }
            fresh(id)
        }
    };
    let kept = Member { corp_user_id: Some(text(fields, "corpUserId")), mobile: None, ..member };
    let mut made = change(world, order, kept, now)?;
    let opens = text(fields, "isOpenAccount") != "0" && !cannot_open(world, &made);
    made.status = if opens { MemberStatus::Opened } else { MemberStatus::NotOpened };
    Ok(made)
}

/// `<corpUserId>@welink`, with a number where that is taken.
fn free_id(world: &World, tenant: &str, corp: &str) -> String {
    let stem: String = corp.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let stem = if stem.is_empty() { "user".to_owned() } else { stem };
    // One more than there are people, so one of them is free.
    (1..=world.members.len() + 1)
        .map(|n| if n == 1 { format!("{stem}@welink") } else { format!("{stem}-{n}@welink") })
        .find(|id| world.member(tenant, id).is_none())
        .unwrap_or(stem)
}

/// Changes what is given; the rest stays.
fn change(world: &mut World, order: &Order, member: Member, now: Timestamp) -> Result<Member, Refusal> {
    let tenant = &order.caller.tenant_id;
    let fields = &order.fields;
    let mut member = member;
    let given = |name: &str| Some(text(fields, name)).filter(|value| !value.is_empty());
    if given("sex").is_some_and(|sex| !["M", "F"].contains(&sex.as_str())) {
        return refuse("47005");
    }
    if given("userEmail").is_some_and(|email| !email.contains('@')) {
        return refuse("47004");
    }
    // In the old family a number; in the new one a map, whose numbers are not looked at.
    order_number(world, fields, "orderInDepts", 9_999)?;
    if let Some(secretary) = secretary(world, tenant, fields)? {
        member.secretary = Some(secretary);
    }
    if let Some(places) = places(world, tenant, fields)? {
        member.dept_codes = places;
    }
    for (name, field) in [("userNameCn", &mut member.name_zh), ("userNameEn", &mut member.name_en)] {
        if let Some(value) = given(name) {
            *field = value;
        }
    }
    for (name, field) in [
        ("sex", &mut member.sex),
        ("userEmail", &mut member.email),
        ("employeeId", &mut member.employee_id),
        ("position", &mut member.position_zh),
        ("remark", &mut member.remark),
    ] {
        if let Some(value) = given(name) {
            *field = Some(value);
        }
    }
    match given("mobileNumber") {
        Some(number) => with_mobile(world, order, member, &number, now),
        None => Ok(member),
    }
}

fn secretary(world: &World, tenant: &str, fields: &Fields) -> Result<Option<String>, Refusal> {
    let (user, corp) = (text(fields, "secretary"), text(fields, "corpSecretary"));
    let found = if !user.is_empty() {
        world.member(tenant, &user)
    } else if !corp.is_empty() {
        world.members.by_corp(tenant, &corp)
    } else {
        return Ok(None);
    };
    // 47105: the secretary's account does not exist yet.
    found.filter(|member| is_open(member)).map_or_else(|| refuse("47105"), |member| Ok(Some(member.user_id.clone())))
}

/// The departments, main one first; `None` when none are given. 47106 for one that does not exist, 47004 for a main one
/// that is not in the list.
fn places(world: &World, tenant: &str, fields: &Fields) -> Result<Option<Vec<String>>, Refusal> {
    let mut codes = Vec::new();
    for (name, is_corp) in [("deptCodes", false), ("corpDeptCodes", true)] {
        for given in texts(fields, name) {
            let (code, corp) = if is_corp { ("", given.as_str()) } else { (given.as_str(), "") };
            let Some(code) = resolve(world, tenant, code, corp) else { return refuse("47106") };
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
    }
    let (main, corp_main) = (text(fields, "mainDeptCode"), text(fields, "mainCorpDeptCode"));
    if !main.is_empty() || !corp_main.is_empty() {
        let Some(main) = resolve(world, tenant, &main, &corp_main) else { return refuse("47106") };
        if codes.is_empty() {
            codes.push(main.clone());
        }
        let Some(at) = codes.iter().position(|code| *code == main) else { return refuse("47004") };
        codes.swap(0, at);
    }
    if codes.is_empty() {
        return Ok(None);
    }
    // Only the root: in no department.
    if codes == [ROOT_DEPT] {
        codes.clear();
    }
    Ok(Some(codes))
}

/// `+CC-NNN` (welink-api.md 1).
fn is_mobile(number: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    number.strip_prefix('+').and_then(|rest| rest.split_once('-')).is_some_and(|(cc, rest)| digits(cc) && digits(rest))
}

/// Sets a number: 47004 malformed, 47120 taken, 47124 changed too often (welink-api.md 5A.8).
fn with_mobile(
    world: &mut World,
    order: &Order,
    member: Member,
    number: &str,
    now: Timestamp,
) -> Result<Member, Refusal> {
    let tenant = &order.caller.tenant_id;
    if member.mobile.as_deref() == Some(number) {
        return Ok(member);
    }
    if !is_mobile(number) {
        return refuse("47004");
    }
    let mut holders = world.members.by_mobile(tenant, number);
    if holders.any(|other| other.user_id != member.user_id && is_open(other)) {
        return refuse("47120");
    }
    drop(holders);
    if member.mobile.is_some() && member.status == MemberStatus::Opened {
        let max = world.settings.contact.mobile_changes_max;
        let changes = world.work.mobile_changes(tenant, &member.user_id);
        changes.retain(|at| now.ms_since(*at) < DAY_MS);
        if changes.len() >= max {
            return refuse("47124");
        }
        changes.push(now);
    }
    Ok(Member { mobile: Some(number.to_owned()), ..member })
}

fn adopt(world: &World, order: &Order, member: Member) -> Result<Member, Refusal> {
    let corp = text(&order.fields, "corpUserId");
    if corp.is_empty() {
        return refuse("47003");
    }
    let taken = world.members.by_corp(&order.caller.tenant_id, &corp);
    if taken.is_some_and(|other| other.user_id != member.user_id) {
        return Err(Refusal::new(world.settings.contact.exists_code.clone()));
    }
    Ok(Member { corp_user_id: Some(corp), ..member })
}

/// Closes the account; `removed` takes the person away as well (welink-api.md 5B.2).
fn close(world: &mut World, tenant: &str, member: Member, removed: bool, now: Timestamp) -> Fields {
    let answer = named(&member);
    callbacks::tell(world, tenant, &Event::DeleteUser(member.user_id.clone()), now);
    if removed {
        world.members.remove(tenant, &member.user_id);
    } else {
        world.members.insert(tenant, Member { status: MemberStatus::Closed, updated: now, ..member });
    }
    answer
}
