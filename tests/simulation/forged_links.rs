//! The checker can fail: forged links and guesses, each with one thing wrong.

use domain::ids::{OaUserId, WeLinkUserId};
use domain::time::Timestamp;
use tests::simulated::facts::{Checked, Link, Links, Typed};
use tests::simulated::{Canaries, Member, Standing};

use crate::checker::{Entry, Evidence, judge, leaks};
use crate::forged;

const USER: &str = "b@welink";
const OA_USER: &str = "1002";

fn user() -> WeLinkUserId {
    WeLinkUserId::parse(USER).expect("an account")
}

fn link(user: &str, oa_user: &str, origin: &str, by: &str) -> Link {
    let [user, oa_user, origin, by] = [user, oa_user, origin, by].map(str::to_owned);
    Link { side: 0, user, oa_user, origin, by }
}

fn typed(password: &str, at: i64) -> Typed {
    Typed { side: 0, user: user(), login: "b".to_owned(), password: password.to_owned(), at: Timestamp(at) }
}

fn checked(password: &str, at: i64, accepted: Option<&str>) -> Checked {
    let (trace, password) = (format!("t{at}"), password.to_owned());
    Checked { side: 0, trace, password, at: Timestamp(at), accepted: accepted.map(str::to_owned) }
}

fn bound(origin: &str) -> Entry {
    let entry = forged::entry("link.bind", "welink:b@welink", USER);
    Entry { trace: "t900".to_owned(), link: (OA_USER.to_owned(), origin.to_owned()), ..entry }
}

/// The first member was linked at set-up, the second by his password, after five wrong ones.
fn by_password() -> Evidence {
    let mut evidence = forged::good();
    evidence.members.push(Member {
        side: 0,
        user: user(),
        standing: Standing::Unlinked,
        oa_user: OaUserId::parse(OA_USER).expect("an account"),
        login: "b".to_owned(),
    });
    evidence.logins.insert((0, OA_USER.to_owned()), "b".to_owned());
    evidence.matching.insert((0, USER.to_owned()), vec![OA_USER.to_owned()]);
    for at in 1..=5 {
        evidence.typed.push(typed(&format!("wrong {at}"), at * 100));
        evidence.checked.push(checked(&format!("wrong {at}"), at * 100 + 1, None));
    }
    evidence.typed.push(typed("right", 800));
    evidence.checked.push(checked("right", 900, Some(OA_USER)));
    evidence.audit.push(bound("Password"));
    let people = vec![link("a@welink", "1001", "card", "operator"), link(USER, OA_USER, "password", "welink:b@welink")];
    let backs = people.iter().map(|link| (0, link.oa_user.clone(), link.user.clone())).collect();
    evidence.links = vec![Links::default(), Links { people, backs }];
    evidence
}

/// The second member was linked by matching.
fn by_matching() -> Evidence {
    let mut evidence = by_password();
    evidence.auto_bind = true;
    evidence.typed.clear();
    evidence.checked.clear();
    evidence.audit.pop();
    evidence.audit.push(bound("AutoBind"));
    "auto-bind".clone_into(&mut evidence.links[1].people[1].origin);
    evidence
}

fn complains(mut evidence: Evidence, forge: impl FnOnce(&mut Evidence), words: &str) {
    forge(&mut evidence);
    let wrong = judge(&evidence);
    assert!(wrong.iter().any(|complaint| complaint.contains(words)), "{words}: {wrong:?}");
}

#[test]
fn the_checker_accepts_proven_links() {
    assert_eq!(judge(&by_password()), Vec::<String>::new());
    assert_eq!(judge(&by_matching()), Vec::<String>::new());
}

#[test]
fn the_checker_sees_links_that_are_not_one_to_one() {
    complains(by_password(), |e| drop(e.links[1].backs.pop()), "two sides of the links disagree");
    complains(by_password(), |e| drop(e.links[1].people.pop()), "two sides of the links disagree");
    complains(by_password(), |e| e.links[1].backs[1].2 = "a@welink".to_owned(), "two sides of the links disagree");
    let same_account = |e: &mut Evidence| {
        e.links[1].people[1].oa_user = "1001".to_owned();
        e.links[1].backs[1].1 = "1001".to_owned();
    };
    complains(by_password(), same_account, "not one to one");
    let same_person = |e: &mut Evidence| {
        e.links[1].people[1].user = "a@welink".to_owned();
        e.links[1].backs[1].2 = "a@welink".to_owned();
    };
    complains(by_password(), same_person, "not one to one");
}

#[test]
fn the_checker_sees_a_link_without_proof() {
    const WORDS: &str = "a link without proof";
    let forge_password: [fn(&mut Evidence); 9] = [
        |e| drop(e.checked.pop()),
        |e| drop(e.typed.pop()),
        |e| drop(e.audit.pop()),
        |e| e.checked[5].accepted = Some("1001".to_owned()),
        |e| e.checked[5].trace = "t1".to_owned(),
        |e| e.checked[5].side = 1,
        |e| e.typed[5].user = WeLinkUserId::parse("a@welink").expect("an account"),
        |e| e.typed[5].login = "a".to_owned(),
        |e| e.members[1].standing = Standing::OutOfRange,
    ];
    for forge in forge_password {
        complains(by_password(), forge, WORDS);
    }
    let forge_matching: [fn(&mut Evidence); 4] = [
        |e| e.auto_bind = false,
        |e| drop(e.audit.pop()),
        |e| e.matching.values_mut().for_each(|candidates| candidates.push("1003".to_owned())),
        |e| e.matching.values_mut().for_each(|candidates| candidates[0] = "1003".to_owned()),
    ];
    for forge in forge_matching {
        complains(by_matching(), forge, WORDS);
    }
    let forge_maker: [fn(&mut Evidence); 3] = [
        |e| e.links[1].people[1].by = "operator".to_owned(),
        |e| e.links[1].people[1].by = "welink:a@welink".to_owned(),
        |e| e.links[1].people[0].oa_user = "1003".to_owned(),
    ];
    for forge in forge_maker {
        complains(by_password(), forge, WORDS);
    }
}

#[test]
fn the_checker_counts_guesses() {
    let sixth = |e: &mut Evidence| {
        e.typed.push(typed("wrong 6", 700));
        e.checked.push(checked("wrong 6", 701, None));
    };
    complains(by_password(), sixth, "more than 5 wrong passwords");
    complains(by_password(), |e| e.checked[0].password = "else".to_owned(), "a password that nobody typed");
    let mut told = by_password();
    sixth(&mut told);
    let refused = forged::entry("link.refused", "welink:b@welink", "app");
    told.audit.push(Entry { trace: "t701".to_owned(), result: "oa-down".to_owned(), ..refused });
    assert_eq!(judge(&told), Vec::<String>::new(), "he was told that it did not count");
}

#[test]
fn the_checker_sees_a_password_that_was_kept() {
    let canaries = Canaries::default();
    canaries.plant("password", "wrong-0123456789ab");
    canaries.plant("name", "Li Hua");
    let found = |logged: &str, table: &str| leaks(&canaries, &[logged.to_owned()], table).len();
    assert_eq!(found("a line", r#"{"name":"Li Hua"}"#), 0);
    assert_eq!(found("tried wrong-0123456789ab", ""), 1);
    assert_eq!(found("", r#"{"detail":"wrong-0123456789ab"}"#), 1);
}
