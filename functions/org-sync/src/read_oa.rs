//! The OA is read: units first, then users, each completely or not at all (oa-api.md C.1, rule 1).

use std::collections::HashMap;

use domain::ids::OaUserId;
use domain::problem;
use domain::run::Step;
use domain::sync::{OaBuilder, OaDepartment, OaPerson, OaSide, TooLarge};
use oa::model::{AccountType, OaUser, OrgUnit, Position, UnitKind, UnitRef};
use oa::port::Port as _;
use state::run::pack;

use crate::rows::{UNITS, USERS};
use crate::slice::{Next, Slice, Stop};

/// WeLink's order numbers (welink-api.md 5B.1).
const ORDER_MAX: f64 = 9_999.0;

/// One of the two reads.
pub(crate) async fn read(slice: &mut Slice<'_>) -> Result<Next, Stop> {
    let config = slice.bridge.store().config(&slice.enterprise().tenant()).await?;
    let config = config.ok_or(signin::Refusal::from(problem::NOT_FOUND))?;
    let instance = config.oa_instance(&slice.enterprise.oa_instance);
    let oa = slice.bridge.oa(instance.ok_or(signin::Refusal::from(problem::NOT_FOUND))?).await?;
    let mut after = slice.run.clone();
    if slice.run.done == 0 {
        slice.run.chunks.remove(UNITS);
        after.chunks.remove(UNITS);
        let units = oa.all_units().await?;
        after.done = 1;
        return slice.save(after, UNITS, pack(&units)?).await;
    }
    slice.run.chunks.remove(USERS);
    after.chunks.remove(USERS);
    let users = oa.all_users().await?;
    after.enter(Step::Plan, 0);
    slice.save(after, USERS, pack(&users)?).await
}

/// The OA's side as the planner reads it. Secondary accounts are folded into their main ones (oa-api.md 0); `denied`
/// says who is never linked by matching.
pub(crate) fn side(units: &[OrgUnit], users: &[OaUser], denied: impl Fn(&OaUser) -> bool) -> Result<OaSide, TooLarge> {
    let mut builder = OaBuilder::default();
    for unit in units {
        let parent = unit.parent.as_ref().map(name_of).unwrap_or_default();
        let id = name_of(&UnitRef { kind: unit.kind, id: unit.id.clone() });
        let (order, active) = (order(unit.order), unit.active);
        builder.department(&OaDepartment { id: &id, parent: &parent, name: unit.name.trim(), order, active })?;
    }
    let mut secondary: HashMap<&OaUserId, Vec<&OaUser>> = HashMap::new();
    for user in users.iter().filter(|user| user.account_type == AccountType::Secondary && user.active) {
        if let Some(main) = &user.main_account {
            secondary.entry(main).or_default().push(user);
        }
    }
    for user in users.iter().filter(|user| user.account_type == AccountType::Main) {
        let more = secondary.get(&user.id).into_iter().flatten().flat_map(|one| &one.positions);
        let posts: Vec<&Position> = user.positions.iter().chain(more).collect();
        let main = posts.iter().position(|post| post.primary).unwrap_or_default();
        let mut departments: Vec<String> = Vec::new();
        for post in posts.get(main).into_iter().chain(&posts) {
            let unit = name_of(&post.unit);
            if !departments.contains(&unit) {
                departments.push(unit);
            }
        }
        let departments: Vec<&str> = departments.iter().map(String::as_str).collect();
        builder.person(&OaPerson {
            id: user.id.as_str(),
            name: &user.display_name,
            login: &user.login_id,
            work_code: user.work_code.as_deref().unwrap_or_default(),
            mobile: user.mobile.as_deref().unwrap_or_default(),
            email: user.email.as_deref().unwrap_or_default(),
            title: posts.get(main).and_then(|post| post.title.as_deref()).unwrap_or_default(),
            departments: &departments,
            active: user.active,
            no_auto_link: denied(user),
        })?;
    }
    Ok(builder.finish())
}

/// A unit as the planner names it: its kind is a part of its id.
fn name_of(unit: &UnitRef) -> String {
    let kind = match unit.kind {
        UnitKind::Company => "company",
        UnitKind::Subcompany => "subcompany",
        UnitKind::Department => "department",
    };
    format!("{kind}:{}", unit.id.as_str())
}

/// A sort key of the OA as WeLink's order number, where it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between the bounds")]
fn order(key: Option<f64>) -> u16 {
    key.filter(|key| (1.0..=ORDER_MAX).contains(key)).map_or(0, |key| key as u16)
}
