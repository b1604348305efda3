use super::*;
use crate::ids::{EnterpriseId, RANDOM_CHARS, TENANT_CHARS, TenantId, WeLinkUserId};
use crate::model::{Link, LinkOrigin, PersonSource};
use crate::time::Timestamp;

const MOBILE: Pair = Pair { welink: WeLinkField::Mobile, oa: OaField::Mobile };
const EMAIL: Pair = Pair { welink: WeLinkField::Email, oa: OaField::Email };
const WORK_CODE: Pair = Pair { welink: WeLinkField::CorpUserId, oa: OaField::WorkCode };
pub(super) const ALL: [Pair; 7] = [
    MOBILE,
    EMAIL,
    WORK_CODE,
    Pair { welink: WeLinkField::Email, oa: OaField::LoginName },
    Pair { welink: WeLinkField::CorpUserId, oa: OaField::LoginName },
    Pair { welink: WeLinkField::EmployeeId, oa: OaField::WorkCode },
    Pair { welink: WeLinkField::EmployeeId, oa: OaField::LoginName },
];

pub(super) fn oa(id: &str) -> OaUserId {
    OaUserId::parse(id).unwrap()
}

fn text(key: Option<Key>) -> Option<String> {
    key.map(|key| key.as_str().to_owned())
}

pub(super) fn person(n: usize) -> Person {
    let tenant = TenantId::from_random([1; TENANT_CHARS]);
    let enterprise = EnterpriseId::from_random(&tenant, [2; RANDOM_CHARS]);
    let user = WeLinkUserId::parse(&format!("m{n}@welink")).unwrap();
    Person::new(enterprise, user, PersonSource::Sso, Timestamp(0))
}

pub(super) fn link_to(oa_user: OaUserId) -> Link {
    let bound = Stamp { at: Timestamp(0), by: "operator".to_owned() };
    Link { oa_user, login_id: String::new(), origin: LinkOrigin::Card, bound }
}

fn row(id: &str) -> Candidate {
    Candidate {
        id: oa(id),
        found: true,
        login_id: format!("login-{id}"),
        mobile: Some("13800000000".to_owned()),
        email: Some("a@corp.example".to_owned()),
        work_code: Some("W1".to_owned()),
        active: true,
        account: Account::Main,
        has_roles: false,
        linked: false,
    }
}

pub(super) fn on(pairs: &[Pair]) -> AutoBind {
    AutoBind { enabled: true, pairs: Pairs::new(pairs.to_vec()).unwrap(), ..AutoBind::default() }
}

fn by_mobile(candidates: &[Candidate], settings: &AutoBind) -> Step {
    judge(MOBILE, &key(OaField::Mobile, "+8613800000000").unwrap(), candidates, settings)
}

fn hit(id: &str) -> Hit {
    Hit { oa_user: oa(id), login_id: format!("login-{id}") }
}

/// Drives a search to its end; `find` plays the OA.
pub(super) fn search(
    settings: &AutoBind,
    person: &Person,
    member: MemberFields<'_>,
    mut find: impl FnMut(OaField, &Key) -> Vec<Candidate>,
) -> Verdict {
    let mut progress = decide(settings, person, member);
    for _ in 0..=PAIRS_MAX {
        match progress {
            Progress::Done(verdict) => return verdict,
            Progress::Ask(question) => {
                let found = find(question.field(), question.key());
                progress = question.answer(&found);
            }
        }
    }
    panic!("more questions than pairs")
}

#[test]
fn bnd_03_values_are_compared_in_one_form() {
    let mobiles = [
        "13800000000",
        "+86-138 0000 0000",
        "+8613800000000",
        "008613800000000",
        "86 138-0000-0000",
        "(+86) 138.0000.0000",
        "＋８６－１３８００００００００",
        "１３８００００００００",
        "\u{202d}+86 13800000000\u{202c}",
        "tel:+86-138-0000-0000",
    ];
    for mobile in mobiles {
        assert_eq!(text(key(OaField::Mobile, mobile)).as_deref(), Some("+8613800000000"), "{mobile}");
    }
    for (field, given, want) in [
        (OaField::Mobile, "+1 201-555-0123", "+12015550123"),
        (OaField::Mobile, "+852 9123 4567", "+85291234567"),
        (OaField::Mobile, "9123 4567", "91234567"),
        (OaField::Email, " LiHua@Corp.Example\u{3000}", "lihua@corp.example"),
        (OaField::LoginName, "李Hua ", "李hua"),
        (OaField::LoginName, "ÄRGER", "ärger"),
        (OaField::WorkCode, " W0007 ", "W0007"),
        (OaField::WorkCode, "0007", "0007"),
    ] {
        assert_eq!(text(key(field, given)).as_deref(), Some(want), "{given}");
    }
    // Another country, a code in another case or with fewer zeros, and a look-alike are somebody else.
    assert_ne!(key(OaField::Mobile, "+113800000000"), key(OaField::Mobile, "13800000000"));
    assert_ne!(key(OaField::WorkCode, "w1"), key(OaField::WorkCode, "W1"));
    assert_ne!(key(OaField::WorkCode, "7"), key(OaField::WorkCode, "0007"));
    assert_ne!(key(OaField::Email, "\u{212a}im@corp.example"), key(OaField::Email, "kim@corp.example"));
}

#[test]
fn bnd_03_empty_never_matches() {
    let long = "9".repeat(257);
    for nothing in ["", "  ", "\u{3000}", "-", "/", "—", "+", "\u{200b}", "a\u{0}b1", &long] {
        for field in [OaField::Mobile, OaField::Email, OaField::WorkCode, OaField::LoginName] {
            assert_eq!(key(field, nothing), None, "{field:?} {nothing:?}");
        }
    }
    for (field, placeholder) in [
        (OaField::Mobile, "无"),
        (OaField::Mobile, "n/a"),
        (OaField::Mobile, "00000000000"),
        (OaField::Mobile, "8001"),
        (OaField::Mobile, "138+00000000"),
        (OaField::Mobile, "+8613800000000000000"),
        (OaField::Email, "none"),
        (OaField::Email, "@corp.example"),
        (OaField::Email, "a b@corp.example"),
    ] {
        assert_eq!(key(field, placeholder), None, "{placeholder}");
    }
    let member = MemberFields { email: "none", ..MemberFields::default() };
    assert_eq!(key_of(&member, Pair { welink: WeLinkField::Email, oa: OaField::LoginName }), None);
    // Both sides empty: the OA is not even asked.
    let settings = on(&ALL);
    let empty = MemberFields { mobile: " ", email: "", corp_user_id: "-", employee_id: "" };
    let verdict = search(&settings, &person(0), empty, |_, _| panic!("asked"));
    assert_eq!(verdict, Verdict::Unlinked);
    let blank = Candidate { mobile: Some(String::new()), ..row("1") };
    assert_eq!(by_mobile(&[blank, Candidate { mobile: None, ..row("2") }], &settings), Step::None);
}

#[test]
fn one_match_wins_and_two_are_a_conflict() {
    let settings = on(&[MOBILE]);
    let other = Candidate { mobile: Some("+8613900000000".to_owned()), ..row("9") };
    let left = Candidate { active: false, ..row("8") };
    assert_eq!(by_mobile(&[], &settings), Step::None);
    assert_eq!(by_mobile(&[other.clone(), left.clone()], &settings), Step::None);
    assert_eq!(by_mobile(&[left, row("1"), other, row("1")], &settings), Step::Unique(hit("1")));
    assert_eq!(by_mobile(&[row("2"), row("1")], &settings), Step::Conflict(vec![oa("1"), oa("2")]));
}

#[test]
fn who_may_not_be_linked_still_counts() {
    let settings = AutoBind { deny: DenyList::new(vec![oa("d")]).unwrap(), ..on(&[MOBILE]) };
    let roles = Candidate { has_roles: true, ..row("r") };
    let linked = Candidate { linked: true, ..row("l") };
    for (candidate, reason) in [(row("d"), Reason::Denied), (roles, Reason::Roles), (linked, Reason::Linked)] {
        let id = candidate.id.clone();
        assert_eq!(by_mobile(std::slice::from_ref(&candidate), &settings), Step::Excluded(id.clone(), reason));
        let both = by_mobile(&[row("a"), candidate.clone()], &settings);
        assert_eq!(both, Step::Conflict(vec![oa("a"), id]));
        let left = Candidate { active: false, ..candidate };
        assert_eq!(by_mobile(&[row("a"), left], &settings), Step::Unique(hit("a")));
    }
}

#[test]
fn secondary_accounts_count_as_their_main_account() {
    let settings = on(&[MOBILE]);
    let second =
        |id: &str, main: Option<&str>| Candidate { account: Account::Secondary { main: main.map(oa) }, ..row(id) };
    let silent = Candidate { found: false, ..row("1") };
    let left = Candidate { active: false, ..row("1") };
    let without = Step::Excluded(oa("1"), Reason::NoMainAccount);
    let roles = Candidate { has_roles: true, ..second("2", Some("1")) };
    for (rows, want) in [
        (vec![second("2", Some("1")), row("1"), second("3", Some("1"))], Step::Unique(hit("1"))),
        (vec![second("2", Some("1")), silent.clone()], Step::Unique(hit("1"))),
        (vec![Candidate { active: false, ..second("2", Some("1")) }, silent], Step::None),
        (vec![second("2", Some("1"))], without.clone()),
        (vec![second("2", Some("1")), left], without.clone()),
        (vec![second("1", None)], without.clone()),
        (vec![second("1", Some("1"))], without),
        (vec![second("2", Some("1")), row("1"), row("4")], Step::Conflict(vec![oa("1"), oa("4")])),
        (vec![second("3", Some("2")), second("2", Some("1")), row("1")], Step::Conflict(vec![oa("1"), oa("2")])),
        (vec![roles, row("1")], Step::Excluded(oa("1"), Reason::Roles)),
    ] {
        assert_eq!(by_mobile(&rows, &settings), want, "{rows:?}");
    }
    let denied = AutoBind { deny: DenyList::new(vec![oa("2")]).unwrap(), ..settings };
    let rows = [second("2", Some("1")), row("1")];
    assert_eq!(by_mobile(&rows, &denied), Step::Excluded(oa("1"), Reason::Denied));
}

#[test]
fn an_answer_that_may_have_been_cut_links_nobody() {
    let mut rows = vec![Candidate { active: false, ..row("0") }; CANDIDATES_MAX - 1];
    rows[0] = row("1");
    assert_eq!(by_mobile(&rows, &on(&[MOBILE])), Step::Unique(hit("1")));
    rows.push(Candidate { active: false, ..row("2") });
    assert_eq!(by_mobile(&rows, &on(&[MOBILE])), Step::Conflict(vec![oa("1")]));
}

#[test]
fn a_later_pair_settles_a_conflict_and_an_exclusion_ends_the_search() {
    let settings = on(&[MOBILE, EMAIL, WORK_CODE]);
    let member = MemberFields { mobile: "13800000000", email: "a@corp.example", corp_user_id: "W1", employee_id: "" };
    let run = |mobile: &[Candidate], email: &[Candidate], code: &[Candidate]| {
        let mut asked = 0;
        let verdict = search(&settings, &person(0), member, |field, _| {
            asked += 1;
            match field {
                OaField::Mobile => mobile.to_vec(),
                OaField::Email => email.to_vec(),
                OaField::WorkCode | OaField::LoginName => code.to_vec(),
            }
        });
        (verdict, asked)
    };
    let two = [row("1"), row("2")];
    let roles = [Candidate { has_roles: true, ..row("3") }];
    assert_eq!(run(&[row("1")], &two, &[]), (Verdict::Link(MOBILE, hit("1")), 1));
    assert_eq!(run(&[], &two, &[row("2")]), (Verdict::Link(WORK_CODE, hit("2")), 3));
    assert_eq!(run(&two, &[], &[row("3"), row("4")]), (Verdict::Conflict(MOBILE, vec![oa("1"), oa("2")]), 3));
    assert_eq!(run(&roles, &[row("1")], &[]), (Verdict::Excluded(MOBILE, oa("3"), Reason::Roles), 1));
    assert_eq!(run(&two, &roles, &[row("1")]), (Verdict::Excluded(EMAIL, oa("3"), Reason::Roles), 2));
    assert_eq!(run(&[], &[], &[]), (Verdict::Unlinked, 3));
    let asking = AutoBind { require_password: true, ..settings.clone() };
    let verdict = search(&asking, &person(0), member, |_, _| vec![row("1")]);
    assert_eq!(verdict, Verdict::AskPassword(MOBILE, hit("1")));
}

#[test]
fn bnd_04_who_is_linked_or_marked_is_not_tried() {
    let member = MemberFields { mobile: "13800000000", ..MemberFields::default() };
    let linked = Person { link: Some(link_to(oa("7"))), ..person(0) };
    let marked = Person { no_auto_bind: true, ..person(0) };
    for (settings, person, why) in [
        (AutoBind::default(), &person(0), NotTried::Off),
        (on(&[MOBILE]), &linked, NotTried::Linked),
        (on(&[MOBILE]), &marked, NotTried::Marked),
    ] {
        let verdict = search(&settings, person, member, |_, _| panic!("asked"));
        assert_eq!(verdict, Verdict::NotTried(why));
    }
}

#[test]
fn bnd_01_the_setting_is_stored_as_it_was_and_refuses_what_is_too_much() {
    let settings = AutoBind {
        require_password: true,
        deny: DenyList::new(vec![oa("2"), oa("1"), oa("2")]).unwrap(),
        changed: Some(Stamp { at: Timestamp(5), by: "operator".to_owned() }),
        version: 3,
        ..on(&[EMAIL, WORK_CODE])
    };
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(
        json,
        r#"{"enabled":true,"pairs":[{"welink":"email","oa":"email"},{"welink":"corp-user-id","oa":"work-code"}],"#
            .to_owned()
            + r#""require_password":true,"deny":["1","2"],"changed":{"at":5,"by":"operator"},"version":3}"#
    );
    assert_eq!(serde_json::from_str::<AutoBind>(&json).unwrap(), settings);
    let absent: AutoBind = serde_json::from_str("{}").unwrap();
    assert!(!absent.enabled && absent.pairs.as_slice() == [MOBILE] && absent == AutoBind::default());

    assert_eq!(Pairs::new(Vec::new()), Err(InvalidPairs::Count));
    assert_eq!(Pairs::new(vec![MOBILE; 9]), Err(InvalidPairs::Count));
    assert_eq!(Pairs::new(vec![MOBILE, EMAIL, MOBILE]), Err(InvalidPairs::Duplicate));
    let crossed = Pair { welink: WeLinkField::Mobile, oa: OaField::WorkCode };
    assert_eq!(Pairs::new(vec![crossed]), Err(InvalidPairs::NotComparable));
    assert!(Pairs::new(ALL.to_vec()).is_ok());
    let many: Vec<OaUserId> = (0..=DENY_MAX).map(|n| oa(&n.to_string())).collect();
    assert_eq!(DenyList::new(many[1..].to_vec()).map(|list| list.iter().count()), Ok(DENY_MAX));
    assert_eq!(DenyList::new(many), Err(DenyListTooLong));
    assert!(serde_json::from_str::<AutoBind>(r#"{"pairs":[]}"#).is_err());
}

#[test]
fn nothing_prints_personal_data() {
    let (settings, member) = (on(&[MOBILE]), MemberFields { mobile: "13800000000", ..MemberFields::default() });
    let shown = format!("{:?} {:?} {:?}", decide(&settings, &person(0), member), row("1"), hit("1"));
    for private in ["138", "corp.example", "W1", "login"] {
        assert!(!shown.contains(private), "{shown}");
    }
}
