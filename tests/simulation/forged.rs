//! The checker can fail: forged evidence, each with one thing wrong.

use domain::ids::{OaUserId, WeLinkUserId};
use domain::time::Timestamp;
use tests::simulated::facts::{Arrived, Code, Exchange, Listed, Opened, Refused};
use tests::simulated::{Member, Standing};

use crate::checker::{Entry, Evidence, Ticket, judge};

const JTI: &str = "k_1";

pub fn entry(action: &str, actor: &str, object: &str) -> Entry {
    Entry {
        side: 0,
        at: Timestamp(1_000),
        action: action.to_owned(),
        actor: actor.to_owned(),
        object: object.to_owned(),
        result: "ok".to_owned(),
        trace: "t1".to_owned(),
        ticket: if action == "ticket.issue" { JTI.to_owned() } else { String::new() },
        link: (String::new(), String::new()),
        webhook: if action == "ticket.redeem" { "msg_1".to_owned() } else { String::new() },
    }
}

/// One sign-in with nothing wrong.
pub fn good() -> Evidence {
    let user = WeLinkUserId::parse("a@welink").expect("an account");
    let member = Member {
        side: 0,
        user: user.clone(),
        standing: Standing::Linked,
        oa_user: OaUserId::parse("1001").expect("an account"),
        login: "a".to_owned(),
    };
    let listed = Listed { side: 0, jti: JTI.to_owned(), login: "a".to_owned() };
    Evidence {
        members: vec![member],
        codes: [("c1".to_owned(), Code { side: 0, user: user.clone() })].into(),
        exchanges: vec![Exchange { code: "c1".to_owned(), outcome: "0".to_owned(), taken: true }],
        opened: vec![Opened { side: 0, jti: JTI.to_owned(), login: "a".to_owned() }],
        listed: vec![vec![listed]],
        arrived: vec![Arrived { jti: JTI.to_owned(), side: 0, user }],
        tickets: vec![Ticket {
            side: 0,
            id: JTI.to_owned(),
            user: "a@welink".to_owned(),
            oa_user: "1001".to_owned(),
            redeemed: true,
        }],
        sessions: vec![(0, "a@welink".to_owned(), "1001".to_owned())],
        audit: vec![
            entry("sign-in", "welink:a@welink", "app"),
            entry("ticket.issue", "welink:a@welink", "app"),
            entry("ticket.redeem", "oa:o_1", JTI),
        ],
        logins: [((0, "1001".to_owned()), "a".to_owned())].into(),
        ..Evidence::default()
    }
}

/// The checker complains about the forged evidence with these words.
fn complains(forge: impl FnOnce(&mut Evidence), words: &str) {
    let mut evidence = good();
    forge(&mut evidence);
    let wrong = judge(&evidence);
    assert!(wrong.iter().any(|complaint| complaint.contains(words)), "{words}: {wrong:?}");
}

#[test]
fn the_checker_accepts_what_is_right() {
    assert_eq!(judge(&good()), Vec::<String>::new());
}

#[test]
fn the_checker_sees_what_happened_twice() {
    complains(|e| e.opened.push(e.opened[0].clone()), "opened 2 sessions");
    complains(|e| e.listed[0] = vec![e.listed[0][0].clone(); 2], "two sessions of one ticket");
    complains(|e| e.exchanges.push(e.exchanges[0].clone()), "exchanged 2 times");
    complains(|e| e.audit.push(Entry { webhook: "msg_2".to_owned(), ..e.audit[2].clone() }), "redeemed by 2 requests");
    complains(|e| e.audit.push(e.audit[0].clone()), "1 codes led to 2 sign-ins");
    complains(|e| e.tickets.push(Ticket { id: "k_2".to_owned(), ..e.tickets[0].clone() }), "and 2 tickets");
}

#[test]
fn the_checker_sees_who_should_not_be_in() {
    for standing in [Standing::Unlinked, Standing::Left, Standing::OutOfRange] {
        complains(|e| e.members[0].standing = standing, "has a ticket or session");
    }
    complains(|e| e.codes.clear(), "has a ticket or session");
    complains(|e| e.sessions[0].2 = "1002".to_owned(), "has a ticket or session as 1002");
    complains(|e| e.sessions[0].0 = 1, "of side 1 has a ticket or session");
    complains(|e| e.opened[0].login = "b".to_owned(), "OA session b");
    complains(|e| e.listed[0][0].side = 1, "no redeemed ticket");
    complains(|e| e.tickets[0].redeemed = false, "no redeemed ticket");
    complains(|e| e.arrived[0].jti = "k_2".to_owned(), "ticket of somebody else");
}

#[test]
fn the_checker_misses_audit_entries() {
    let refused = Refused { side: 0, trace: "t9".to_owned(), problem: "code-refused".to_owned() };
    complains(|e| e.refused.push(refused), "has 0 audit entries");
    for (at, word) in ["signed in false", "issued false", "redeemed false"].into_iter().enumerate() {
        complains(|e| drop(e.audit.remove(at)), word);
    }
}

#[test]
fn the_checker_sees_a_ticket_without_a_link() {
    let forge = |e: &mut Evidence| {
        e.members[0].standing = Standing::Wavering;
        e.unlinked = vec![(Timestamp(500), Timestamp(1_500))];
    };
    complains(forge, "without a link");
}
