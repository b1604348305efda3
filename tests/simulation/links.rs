//! Invariants of the links and of the passwords that make them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tests::simulated::facts::{Checked, Link, Links};
use tests::simulated::{Member, Simulated, Standing};

use crate::checker::{Entry, Evidence, text};

/// Wrong passwords of one person that an OA sees within the window at most.
const WRONG_MAX: usize = 5;
const WINDOW_MS: i64 = 900_000;
/// A request that took longer stood still in between, and belongs to another window than its typing.
const PROMPT_MS: i64 = 60_000;

/// Looks at both sides of all links.
pub fn note(world: &Simulated) {
    let mut links = Links::default();
    for item in world.table.items().expect("the table can be read") {
        let (pk, sk) = (text(&item, "pk"), text(&item, "sk"));
        let Some(side) = world.sides.iter().position(|side| pk.starts_with(&format!("T#{}#E#", side.tenant))) else {
            continue;
        };
        match pk.split('#').nth(4) {
            Some("P") => links.people.extend(link(side, &item)),
            Some("B") => {
                let oa_user = sk.trim_start_matches("B#").to_owned();
                links.backs.push((side, oa_user, text(&item, "person")));
            }
            _ => {}
        }
    }
    world.facts.see().links.push(links);
}

fn link(side: usize, person: &Map<String, Value>) -> Option<Link> {
    let link = person.get("link")?.as_object()?;
    let by = link.get("bound").and_then(|bound| bound["by"].as_str()).unwrap_or_default().to_owned();
    let (user, oa_user) = (text(person, "user_id"), text(link, "oa_user"));
    Some(Link { side, user, oa_user, origin: text(link, "origin"), by })
}

/// Links one to one, no link without proof, no more guesses than are allowed.
pub fn judge(evidence: &Evidence) -> Vec<String> {
    let mut wrong: Vec<String> = evidence.links.iter().flat_map(one_to_one).collect();
    let all: BTreeSet<&Link> = evidence.links.iter().flat_map(|links| &links.people).collect();
    let unproven = all.into_iter().filter(|link| !proven(evidence, link));
    wrong.extend(unproven.map(|link| format!("a link without proof: {link:?}")));
    wrong.extend(guesses(evidence));
    wrong
}

fn one_to_one(links: &Links) -> Vec<String> {
    let mut there: Vec<_> = links.people.iter().map(|l| (l.side, l.oa_user.clone(), l.user.clone())).collect();
    let mut back = links.backs.clone();
    there.sort();
    back.sort();
    let mut wrong = Vec::new();
    if there != back {
        wrong.push(format!("the two sides of the links disagree: {there:?} and {back:?}"));
    }
    let accounts: BTreeSet<_> = there.iter().map(|(side, oa_user, _)| (side, oa_user)).collect();
    let people: BTreeSet<_> = there.iter().map(|(side, _, user)| (side, user)).collect();
    if accounts.len() < there.len() || people.len() < there.len() {
        wrong.push(format!("the links are not one to one: {there:?}"));
    }
    wrong
}

fn proven(evidence: &Evidence, link: &Link) -> bool {
    let Some(member) = evidence.member(link.side, &link.user) else { return false };
    if link.by == "operator" {
        return set_up(member, &link.oa_user);
    }
    let own = link.by == format!("welink:{}", link.user);
    own && member.standing != Standing::OutOfRange
        && match link.origin.as_str() {
            "password" => by_password(evidence, link.side, &link.user, &link.oa_user),
            "auto-bind" => by_matching(evidence, link.side, &link.user, &link.oa_user),
            _ => false,
        }
}

fn set_up(member: &Member, oa_user: &str) -> bool {
    let linked = !matches!(member.standing, Standing::Unlinked | Standing::OutOfRange);
    linked && member.oa_user.as_str() == oa_user
}

/// Whether this person may have been this OA user at some time.
pub fn may_be(evidence: &Evidence, member: &Member, oa_user: &str) -> bool {
    let (side, user) = (member.side, member.user.as_str());
    match member.standing {
        Standing::Linked | Standing::Wavering => member.oa_user.as_str() == oa_user,
        Standing::Unlinked => by_password(evidence, side, user, oa_user) || by_matching(evidence, side, user, oa_user),
        Standing::Left | Standing::OutOfRange => false,
    }
}

/// The OA took a password for this very OA user, in a request in which this person was linked to him, and he had typed
/// that password for an account of that name.
fn by_password(evidence: &Evidence, side: usize, user: &str, oa_user: &str) -> bool {
    let Some(login) = evidence.logins.get(&(side, oa_user.to_owned())) else { return false };
    let bound = bound(evidence, side, user, oa_user, "Password");
    let typed = |check: &Checked| {
        evidence.typed.iter().any(|typed| {
            typed.side == side
                && typed.user.as_str() == user
                && typed.login == *login
                && typed.password == check.password
                && typed.at <= check.at
        })
    };
    let accepted = |check: &&Checked| check.side == side && check.accepted.as_deref() == Some(oa_user);
    evidence.checked.iter().filter(accepted).any(|check| bound.contains(check.trace.as_str()) && typed(check))
}

/// The setting was on, and of all OA accounts this one alone has the person's mobile.
fn by_matching(evidence: &Evidence, side: usize, user: &str, oa_user: &str) -> bool {
    let alone = evidence.matching.get(&(side, user.to_owned())).is_some_and(|candidates| candidates == &[oa_user]);
    alone && evidence.auto_bind && !bound(evidence, side, user, oa_user, "AutoBind").is_empty()
}

/// The requests in which this link was made.
fn bound<'a>(evidence: &'a Evidence, side: usize, user: &str, oa_user: &str, origin: &str) -> BTreeSet<&'a str> {
    let actor = format!("welink:{user}");
    let made = evidence.entries("link.bind").filter(|entry| {
        entry.side == side
            && entry.actor == actor
            && entry.object == user
            && entry.link == (oa_user.into(), origin.into())
    });
    made.map(|entry| entry.trace.as_str()).collect()
}

/// At most five wrong passwords of one person reach the OA within the window. One whose answer the bridge could not
/// read is no guess: he was told that it did not count.
fn guesses(evidence: &Evidence) -> Vec<String> {
    if evidence.skewed {
        return Vec::new();
    }
    let unread = |check: &Checked| {
        let told =
            |entry: &Entry| entry.action == "link.refused" && entry.result == "oa-down" && entry.trace == check.trace;
        evidence.audit.iter().any(told)
    };
    let mut times: BTreeMap<(usize, &str), Vec<i64>> = BTreeMap::new();
    for check in evidence.checked.iter().filter(|check| check.accepted.is_none() && !unread(check)) {
        let typed = evidence.typed.iter().find(|typed| typed.side == check.side && typed.password == check.password);
        let Some(typed) = typed else { return vec!["an OA was asked for a password that nobody typed".to_owned()] };
        if check.at.ms_since(typed.at) < PROMPT_MS {
            times.entry((typed.side, typed.user.as_str())).or_default().push(check.at.0);
        }
    }
    let mut wrong = Vec::new();
    for ((_, user), mut times) in times {
        times.sort_unstable();
        if times.windows(WRONG_MAX + 1).any(|some| some[WRONG_MAX] - some[0] < WINDOW_MS) {
            wrong.push(format!("more than {WRONG_MAX} wrong passwords of {user} reached the OA"));
        }
    }
    wrong
}
