//! The outside checker: it compares what browsers, WeLink and the OAs saw with the table, and knows nothing of the
//! bridge's code (goals.md, invariants).

use std::collections::{BTreeMap, BTreeSet};

use domain::time::Timestamp;
use serde_json::{Map, Value};
use tests::simulated::facts::{Checked, Code, Exchange, Links, Listed, Opened, Refused, Typed};
use tests::simulated::{Canaries, Member, Simulated, Standing, record};

use crate::campaign::Mode;
use crate::links;

/// A ticket as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub side: usize,
    pub id: String,
    pub user: String,
    pub oa_user: String,
    pub redeemed: bool,
}

/// An audit entry as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub side: usize,
    pub at: Timestamp,
    pub action: String,
    pub actor: String,
    pub object: String,
    pub result: String,
    pub trace: String,
    pub ticket: String,
    pub webhook: String,
    /// OA user and origin of a link.
    pub link: (String, String),
}

/// All that the checker looks at.
#[derive(Debug, Default)]
pub struct Evidence {
    pub members: Vec<Member>,
    pub codes: BTreeMap<String, Code>,
    pub exchanges: Vec<Exchange>,
    pub opened: Vec<Opened>,
    pub listed: Vec<Vec<Listed>>,
    pub refused: Vec<Refused>,
    pub arrived: Vec<tests::simulated::facts::Arrived>,
    pub unlinked: Vec<(Timestamp, Timestamp)>,
    pub tickets: Vec<Ticket>,
    /// Side, WeLink account and OA account of each session at the bridge.
    pub sessions: Vec<(usize, String, String)>,
    pub audit: Vec<Entry>,
    /// Times in the audit log are those of clocks that may be wrong.
    pub skewed: bool,
    pub links: Vec<Links>,
    pub typed: Vec<Typed>,
    pub checked: Vec<Checked>,
    /// Login names by side and OA user.
    pub logins: BTreeMap<(usize, String), String>,
    /// The OA users with the mobile of each member, by side and WeLink account.
    pub matching: BTreeMap<(usize, String), Vec<String>>,
    pub auto_bind: bool,
}

/// Looks at the OAs' live sessions.
pub fn note_sessions(world: &Simulated) {
    let mut listed = Vec::new();
    for (side, at) in world.sides.iter().zip(0..) {
        let sessions = side.oa.sessions().into_iter();
        listed.extend(sessions.map(|session| Listed {
            side: at,
            jti: session.jti.unwrap_or_default(),
            login: session.login,
        }));
    }
    world.facts.see().listed.push(listed);
    links::note(world);
}

/// Everything that is wrong after a run; empty when all is well.
pub fn check(world: &Simulated, mode: Mode, skewed: bool) -> Vec<String> {
    let mut wrong = world.facts.see().violations.clone();
    wrong.extend(world.table.surprises());
    wrong.extend(world.fleet.panics().into_iter().map(|panic| format!("a request panicked: {panic}")));
    wrong.extend(judge(&collect(world, skewed)));
    wrong.extend(pace(world));
    wrong.extend(refreshes(world, mode));
    let items = world.table.items().expect("the table can be read");
    let dump: Vec<String> = items.into_iter().map(|item| Value::Object(item).to_string()).collect();
    let logged = [record::captured_log(), world.record.lines().join("\n")];
    wrong.extend(leaks(&world.canaries, &logged, &dump.join("\n")));
    if world.canaries.kinds() < 12 {
        wrong.push(format!("only {} kinds of canaries were planted", world.canaries.kinds()));
    }
    wrong
}

/// Secrets in what was logged, and passwords in the table: they belong in neither.
pub fn leaks(canaries: &Canaries, logged: &[String], table: &str) -> Vec<String> {
    let logged = logged.iter().flat_map(|text| canaries.found_in(text));
    let mut wrong: Vec<String> = logged.map(|hit| format!("a secret was logged: {hit}")).collect();
    let kept = canaries.found_in(table).into_iter().filter(|hit| hit.starts_with("password "));
    wrong.extend(kept.map(|hit| format!("a password was kept: {hit}")));
    wrong
}

pub fn text(item: &Map<String, Value>, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn collect(world: &Simulated, skewed: bool) -> Evidence {
    let seen = world.facts.see();
    let mut evidence = Evidence {
        members: world.members.clone(),
        codes: seen.codes.clone(),
        exchanges: seen.exchanges.clone(),
        opened: seen.opened.clone(),
        listed: seen.listed.clone(),
        refused: seen.refused.clone(),
        arrived: seen.arrived.clone(),
        unlinked: seen.unlinked.clone(),
        skewed,
        links: seen.links.clone(),
        typed: seen.typed.clone(),
        checked: seen.checked.clone(),
        auto_bind: world.auto_bind,
        ..Evidence::default()
    };
    drop(seen);
    name_accounts(world, &mut evidence);
    let now_s = world.clock.now().epoch_s();
    for item in world.table.items().expect("the table can be read") {
        if item.get("ttl").and_then(Value::as_i64).is_some_and(|ttl| ttl < now_s) {
            world.knobs.count("time.ttl_present");
        }
        let pk = text(&item, "pk");
        let Some(side) = world.sides.iter().position(|side| pk.starts_with(&format!("T#{}#", side.tenant))) else {
            continue;
        };
        match pk.split('#').nth(2).unwrap_or_default() {
            "K" => evidence.tickets.push(Ticket {
                side,
                id: text(&item, "id"),
                user: text(&item, "user"),
                oa_user: text(&item, "oa_user"),
                redeemed: item.get("redeemed").is_some_and(|redeemed| !redeemed.is_null()),
            }),
            "W" => evidence.sessions.push((side, text(&item, "user"), text(&item, "oa_user"))),
            "A" => {
                let entry = entry(side, &item);
                if entry.link.1 == "AutoBind" {
                    world.knobs.count("bind.by_matching");
                }
                evidence.audit.push(entry);
            }
            _ => {}
        }
    }
    evidence
}

/// What the OAs know of their people, as far as the checker needs it.
fn name_accounts(world: &Simulated, evidence: &mut Evidence) {
    for (side, at) in world.sides.iter().zip(0..) {
        for person in &side.company.people {
            evidence.logins.insert((at, person.id.clone()), person.login.clone());
            let alike = side.company.people.iter().filter(|other| other.mobile == person.mobile);
            let user = sim::welink::user_id_of(&person.login);
            evidence.matching.insert((at, user), alike.map(|other| other.id.clone()).collect());
        }
    }
}

fn entry(side: usize, item: &Map<String, Value>) -> Entry {
    let detail =
        |name: &str| item.get("detail").and_then(|detail| detail[name].as_str()).unwrap_or_default().to_owned();
    Entry {
        side,
        at: Timestamp(item.get("at").and_then(Value::as_i64).unwrap_or_default()),
        action: text(item, "action"),
        actor: text(item, "actor"),
        object: text(item, "object"),
        result: text(item, "result"),
        trace: text(item, "trace"),
        ticket: detail("ticket"),
        webhook: detail("webhook_id"),
        link: (detail("oa_user"), detail("origin")),
    }
}

/// The invariants of the sign-in.
pub fn judge(evidence: &Evidence) -> Vec<String> {
    let mut wrong = once_only(evidence);
    wrong.extend(nobody_without_identity(evidence));
    wrong.extend(audited(evidence));
    wrong.extend(unlinked(evidence));
    wrong.extend(links::judge(evidence));
    wrong
}

impl Evidence {
    pub fn member(&self, side: usize, user: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.side == side && member.user.as_str() == user)
    }

    pub fn entries(&self, action: &str) -> impl Iterator<Item = &Entry> {
        self.audit.iter().filter(move |entry| entry.action == action && entry.result == "ok")
    }

    /// How many of a member's codes WeLink has taken, or may have.
    fn codes_taken(&self, side: usize, user: &str) -> usize {
        let his = |exchange: &&Exchange| {
            self.codes.get(&exchange.code).is_some_and(|code| code.side == side && code.user.as_str() == user)
        };
        let taken = self.exchanges.iter().filter(|exchange| exchange.taken).filter(his);
        taken.map(|exchange| exchange.code.as_str()).collect::<BTreeSet<_>>().len()
    }
}

/// (1) A code works once, a ticket works once.
fn once_only(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for exchange in evidence.exchanges.iter().filter(|exchange| exchange.outcome == "0") {
        *taken.entry(&exchange.code).or_default() += 1;
    }
    wrong.extend(taken.iter().filter(|(_, n)| **n > 1).map(|(code, n)| format!("code {code} was exchanged {n} times")));
    let mut opened: BTreeMap<&str, usize> = BTreeMap::new();
    for session in &evidence.opened {
        *opened.entry(&session.jti).or_default() += 1;
    }
    wrong.extend(opened.iter().filter(|(_, n)| **n > 1).map(|(jti, n)| format!("ticket {jti} opened {n} sessions")));
    for listing in &evidence.listed {
        let distinct: BTreeSet<&str> = listing.iter().map(|session| session.jti.as_str()).collect();
        if distinct.len() < listing.len() {
            wrong.push("an OA has two sessions of one ticket".to_owned());
        }
    }
    let mut redeemers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in evidence.entries("ticket.redeem") {
        redeemers.entry(&entry.object).or_default().insert(&entry.webhook);
    }
    let twice = redeemers.iter().filter(|(_, ids)| ids.len() > 1);
    wrong.extend(twice.map(|(jti, ids)| format!("ticket {jti} was redeemed by {} requests", ids.len())));
    for member in &evidence.members {
        let (side, user) = (member.side, member.user.as_str());
        let actor = format!("welink:{user}");
        let signed_in = evidence.entries("sign-in").filter(|e| e.side == side && e.actor == actor).count();
        let tickets = evidence.tickets.iter().filter(|t| t.side == side && t.user == user).count();
        let codes = evidence.codes_taken(side, user);
        // Each answer on the binding page may lead on: the code has proved who he is.
        let typed = evidence.typed.iter().filter(|t| t.side == side && t.user.as_str() == user).count();
        if signed_in > codes + typed || tickets > signed_in {
            wrong.push(format!("{user}: {codes} codes led to {signed_in} sign-ins and {tickets} tickets"));
        }
    }
    wrong
}

/// (2) No session, ticket or OA session but for a member with a link, in his own tenant, by a code of his.
fn nobody_without_identity(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let may = |side: usize, user: &str, oa_user: &str| {
        let member = evidence.member(side, user);
        member.is_some_and(|member| links::may_be(evidence, member, oa_user) && evidence.codes_taken(side, user) > 0)
    };
    let tickets = evidence.tickets.iter().map(|ticket| (ticket.side, &ticket.user, &ticket.oa_user));
    let sessions = evidence.sessions.iter().map(|(side, user, oa_user)| (*side, user, oa_user));
    for (side, user, oa_user) in tickets.chain(sessions) {
        if !may(side, user, oa_user) {
            wrong.push(format!("{user} of side {side} has a ticket or session as {oa_user}"));
        }
    }
    let listed = evidence.listed.iter().flatten().map(|listed| (listed.side, &listed.jti, &listed.login));
    let opened = evidence.opened.iter().map(|opened| (opened.side, &opened.jti, &opened.login));
    for (side, jti, login) in opened.chain(listed) {
        let ticket = evidence.tickets.iter().find(|ticket| ticket.id == *jti && ticket.side == side);
        let named = ticket.and_then(|ticket| evidence.logins.get(&(side, ticket.oa_user.clone())));
        if named != Some(login) || ticket.is_none_or(|ticket| !ticket.redeemed) {
            wrong.push(format!("OA session {login} of side {side} has no redeemed ticket of his ({jti})"));
        }
    }
    for arrived in &evidence.arrived {
        let his = |ticket: &&Ticket| ticket.id == arrived.jti && ticket.user == arrived.user.as_str();
        if !evidence.tickets.iter().any(|ticket| his(&ticket)) {
            wrong.push(format!("{} arrived with a ticket of somebody else ({})", arrived.user, arrived.jti));
        }
    }
    wrong
}

/// (4) Every refused sign-in has an entry, every OA session has those of its sign-in and its ticket.
fn audited(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    // Without the table nothing can be written, and the page says so.
    for refused in evidence.refused.iter().filter(|refused| refused.problem != "unavailable") {
        let told = |entry: &&Entry| {
            entry.action == "sign-in.refused" && entry.trace == refused.trace && entry.result == refused.problem
        };
        let entries = evidence.audit.iter().filter(told).count();
        if entries != 1 {
            wrong.push(format!("the refusal {} ({}) has {entries} audit entries", refused.problem, refused.trace));
        }
    }
    for opened in &evidence.opened {
        let ticket = evidence.tickets.iter().find(|ticket| ticket.id == opened.jti);
        let actor = format!("welink:{}", ticket.map_or("", |ticket| &ticket.user));
        let issued = evidence.audit.iter().any(|entry| entry.ticket == opened.jti && entry.actor == actor);
        let signed_in = evidence.entries("sign-in").any(|entry| entry.side == opened.side && entry.actor == actor);
        let redeemed = evidence.entries("ticket.redeem").any(|entry| entry.object == opened.jti);
        if !(issued && signed_in && redeemed) {
            let which = format!("issued {issued}, signed in {signed_in}, redeemed {redeemed}");
            wrong.push(format!("OA session of {} lacks audit entries: {which}", opened.jti));
        }
    }
    wrong
}

/// No ticket while the administrator had taken the link away.
fn unlinked(evidence: &Evidence) -> Vec<String> {
    if evidence.skewed {
        return Vec::new();
    }
    let wavering = evidence.members.iter().find(|member| member.standing == Standing::Wavering);
    let actor = format!("welink:{}", wavering.map_or("", |member| member.user.as_str()));
    let ours = evidence.audit.iter().filter(|entry| entry.actor == actor && !entry.ticket.is_empty());
    // An entry carries the time at which it was made; its transaction may commit later, and is refused then.
    let inside = |entry: &&Entry| evidence.unlinked.iter().any(|(gone, back)| *gone < entry.at && entry.at < *back);
    ours.filter(inside)
        .map(|entry| format!("a ticket was issued at {} to somebody without a link", entry.at.0))
        .collect()
}

/// (5) WeLink never had to refuse a call for its rate, but for the knob that makes it do so.
fn pace(world: &Simulated) -> Vec<String> {
    let log = world.welink.request_log();
    let limited = log.iter().filter(|call| call.outcome.as_deref() == Some("48503") && call.faults.is_empty()).count();
    if limited > 0 { vec![format!("WeLink refused {limited} calls for their rate")] } else { Vec::new() }
}

/// One token per app for everybody, and one more for each that WeLink revoked. The first was the test of the
/// credentials.
fn refreshes(world: &Simulated, mode: Mode) -> Vec<String> {
    if !matches!(mode, Mode::Clean | Mode::Pace) {
        return Vec::new();
    }
    let seen = world.facts.see();
    let count = |map: &BTreeMap<usize, u64>, side: usize| map.get(&side).copied().unwrap_or(0);
    (0..world.sides.len())
        .filter(|side| count(&seen.fetched, *side) > 2 + count(&seen.revoked, *side))
        .map(|side| format!("side {side}: {} tokens fetched", count(&seen.fetched, side)))
        .collect()
}
