//! Auto-bind against its definition, over random directories (product.md BND-02 to BND-04).

use proptest::prelude::*;

use super::tests::{ALL, link_to, oa, on, person, search};
use super::*;

/// Of a value: what it means and how it happens to be written. Equal meaning = the same value.
#[derive(Debug, Clone, Copy)]
struct Value {
    meaning: Option<u8>,
    spelling: u8,
}

impl Value {
    fn write(self, field: OaField) -> String {
        let spelling = usize::from(self.spelling);
        let Some(n) = self.meaning else { return ["", " ", "-", "无@"][spelling % 3].to_owned() };
        match field {
            OaField::Mobile => {
                ["1380000000", "+86-138 0000 000", "0086138000 0000", "＋８６1380000000"][spelling % 4].to_owned()
                    + &n.to_string()
            }
            OaField::Email => [format!("u{n}@corp.example"), format!(" U{n}@Corp.Example ")][spelling % 2].clone(),
            OaField::WorkCode => [format!("W{n}"), format!(" W{n} ")][spelling % 2].clone(),
            OaField::LoginName => [format!("w{n}"), format!("W{n}")][spelling % 2].clone(),
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    (proptest::option::weighted(0.8, 0..4_u8), any::<u8>()).prop_map(|(meaning, spelling)| Value { meaning, spelling })
}

/// An account of the OA by meaning.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each one is drawn by itself")]
struct OaRow {
    mobile: Value,
    email: Value,
    work_code: Value,
    login: Value,
    /// The login name is an address.
    login_is_email: bool,
    active: bool,
    roles: bool,
    denied: bool,
    /// Index of the main account of a secondary one.
    main: Option<usize>,
}

fn flag(likely: f64) -> impl Strategy<Value = bool> {
    proptest::bool::weighted(likely)
}

fn oa_row() -> impl Strategy<Value = OaRow> {
    let values = (value(), value(), value(), value(), any::<bool>());
    let main = proptest::option::weighted(0.25, 0..9_usize);
    (values, flag(0.85), flag(0.1), flag(0.1), main).prop_map(|(values, active, roles, denied, main)| {
        let (mobile, email, work_code, login, login_is_email) = values;
        OaRow { mobile, email, work_code, login, login_is_email, active, roles, denied, main }
    })
}

#[derive(Debug, Clone)]
struct Member {
    mobile: Value,
    email: Value,
    corp_user_id: Value,
    employee_id: Value,
    marked: bool,
    /// Already linked to this row, if it is free.
    link: Option<usize>,
}

fn member() -> impl Strategy<Value = Member> {
    let values = (value(), value(), value(), value());
    (values, flag(0.1), proptest::option::weighted(0.2, 0..9_usize)).prop_map(|(values, marked, link)| {
        let (mobile, email, corp_user_id, employee_id) = values;
        Member { mobile, email, corp_user_id, employee_id, marked, link }
    })
}

/// Whether this row's field means what the member's field means.
fn means_the_same(pair: Pair, member: &Member, row: &OaRow) -> bool {
    let (own, is_email) = match pair.welink {
        WeLinkField::Mobile => (member.mobile, false),
        WeLinkField::Email => (member.email, true),
        WeLinkField::CorpUserId => (member.corp_user_id, false),
        WeLinkField::EmployeeId => (member.employee_id, false),
    };
    let other = match pair.oa {
        OaField::Mobile => row.mobile,
        OaField::Email => row.email,
        OaField::WorkCode => row.work_code,
        OaField::LoginName if row.login_is_email != is_email => return false,
        OaField::LoginName => row.login,
    };
    own.meaning.is_some() && own.meaning == other.meaning
}

struct Directory<'a> {
    rows: &'a [OaRow],
    /// Row index -> member index.
    links: BTreeMap<usize, usize>,
}

impl Directory<'_> {
    fn candidate(&self, index: usize) -> Candidate {
        let row = &self.rows[index];
        let login = if row.login_is_email { OaField::Email } else { OaField::LoginName };
        let main = |main| if main == index { None } else { Some(oa(&format!("{main}"))) };
        Candidate {
            id: oa(&index.to_string()),
            found: true,
            login_id: row.login.write(login),
            mobile: Some(row.mobile.write(OaField::Mobile)),
            email: row.email.meaning.map(|_| row.email.write(OaField::Email)),
            work_code: Some(row.work_code.write(OaField::WorkCode)),
            active: row.active,
            account: row.main.map_or(Account::Main, |m| Account::Secondary { main: main(m) }),
            has_roles: row.roles,
            linked: self.links.contains_key(&index),
        }
    }

    fn main_of(&self, index: usize) -> usize {
        self.rows[index].main.unwrap_or(index)
    }

    /// A search by login name gives what matches and the main accounts of that; every other search ignores its filter.
    fn answer(&self, field: OaField, key: &Key) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = (0..self.rows.len()).map(|i| self.candidate(i)).collect();
        if field != OaField::LoginName {
            return all;
        }
        for candidate in &mut all {
            candidate.found = super::key(field, &candidate.login_id).as_ref() == Some(key);
        }
        let mains: BTreeSet<OaUserId> = all.iter().filter(|c| c.found).map(|c| c.person().clone()).collect();
        all.retain(|c| c.found || mains.contains(&c.id));
        all
    }

    /// The people whom a pair means, by definition: main accounts (by index) with an active row that means the same.
    fn people(&self, pair: Pair, member: &Member) -> BTreeSet<usize> {
        let matching =
            (0..self.rows.len()).filter(|i| self.rows[*i].active && means_the_same(pair, member, &self.rows[*i]));
        matching.map(|i| self.main_of(i)).collect()
    }

    /// Whether linking this person is allowed, as far as the rows that the OA showed tell.
    fn is_free(&self, pair: Pair, member: &Member, main: usize) -> bool {
        let rows = (0..self.rows.len()).filter(|i| self.main_of(*i) == main);
        let mut shown = rows
            .filter(|i| pair.oa != OaField::LoginName || *i == main || means_the_same(pair, member, &self.rows[*i]));
        let has_main = self.rows.get(main).is_some_and(|row| row.active && row.main.is_none());
        has_main && shown.all(|i| !self.rows[i].roles && !self.rows[i].denied && !self.links.contains_key(&i))
    }

    /// The definition of auto-bind for one unlinked person: the first pair that means exactly one person decides.
    fn match_one(&self, pairs: &[Pair], member: &Member) -> Naive {
        let meant: Vec<(Pair, BTreeSet<usize>)> = pairs.iter().map(|p| (*p, self.people(*p, member))).collect();
        if let Some((pair, people)) = meant.iter().find(|(_, people)| people.len() == 1) {
            let main = *people.first().unwrap();
            return if self.is_free(*pair, member, main) {
                Naive::Link(*pair, main)
            } else {
                Naive::Excluded(*pair, main)
            };
        }
        let ambiguous = meant.into_iter().find(|(_, people)| people.len() > 1);
        ambiguous.map_or(Naive::Unlinked, |(pair, people)| Naive::Conflict(pair, people))
    }
}

#[derive(Debug, PartialEq)]
enum Naive {
    Link(Pair, usize),
    Excluded(Pair, usize),
    Conflict(Pair, BTreeSet<usize>),
    Unlinked,
}

impl Naive {
    fn of(verdict: &Verdict) -> Option<Self> {
        let index = |id: &OaUserId| id.as_str().parse::<usize>().unwrap();
        match verdict {
            Verdict::Link(pair, hit) => Some(Self::Link(*pair, index(&hit.oa_user))),
            Verdict::Excluded(pair, id, _) => Some(Self::Excluded(*pair, index(id))),
            Verdict::Conflict(pair, ids) => Some(Self::Conflict(*pair, ids.iter().map(index).collect())),
            Verdict::Unlinked => Some(Self::Unlinked),
            Verdict::NotTried(_) | Verdict::AskPassword(..) => None,
        }
    }
}

fn people(members: &[Member], rows: usize) -> (Vec<Person>, BTreeMap<usize, usize>) {
    let mut links = BTreeMap::new();
    let mut people = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let free = member.link.filter(|row| *row < rows && !links.contains_key(row));
        links.extend(free.map(|row| (row, index)));
        let link = free.map(|row| link_to(oa(&row.to_string())));
        people.push(Person { link, no_auto_bind: member.marked, ..person(index) });
    }
    (people, links)
}

/// Puts the question for one member to the directory, with its answers turned by `turn` places and, if that is odd,
/// backwards.
fn ask(directory: &Directory<'_>, settings: &AutoBind, person: &Person, member: &Member, turn: usize) -> Verdict {
    let mobile = member.mobile.write(OaField::Mobile);
    let email = member.email.write(OaField::Email);
    let corp_user_id = member.corp_user_id.write(OaField::WorkCode);
    let employee_id = member.employee_id.write(OaField::WorkCode);
    let fields =
        MemberFields { mobile: &mobile, email: &email, corp_user_id: &corp_user_id, employee_id: &employee_id };
    search(settings, person, fields, |field, key| {
        let mut found = directory.answer(field, key);
        let places = turn % found.len().max(1);
        found.rotate_left(places);
        if turn % 2 == 1 {
            found.reverse();
        }
        found
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bnd_02_over_random_directories_matching_is_what_it_is_defined_to_be(
        rows in proptest::collection::vec(oa_row(), 0..10),
        members in proptest::collection::vec(member(), 1..8),
        pairs in proptest::sample::subsequence(ALL.to_vec(), 1..=ALL.len()).prop_shuffle(),
        turn in 1..20_usize,
    ) {
        let denied = rows.iter().enumerate().filter(|(_, row)| row.denied).map(|(i, _)| oa(&i.to_string())).collect();
        let settings = AutoBind { deny: DenyList::new(denied).unwrap(), ..on(&pairs) };
        let (mut people, links) = people(&members, rows.len());
        let before = people.clone();
        let mut directory = Directory { rows: &rows, links };
        for (index, member) in members.iter().enumerate() {
            let verdict = ask(&directory, &settings, &people[index], member, 0);
            prop_assert_eq!(&ask(&directory, &settings, &people[index], member, turn), &verdict);
            let Some(told) = Naive::of(&verdict) else {
                prop_assert!(before[index].link.is_some() || member.marked);
                continue;
            };
            prop_assert_eq!(&told, &directory.match_one(&pairs, member));
            if let Naive::Link(pair, row) = told {
                // No link with two candidates, and none past a pair that was unique before.
                prop_assert_eq!(directory.people(pair, member), BTreeSet::from([row]));
                let earlier = pairs.iter().take_while(|p| **p != pair);
                prop_assert!(earlier.into_iter().all(|p| directory.people(*p, member).len() != 1));
                // One to one.
                prop_assert_eq!(directory.links.insert(row, index), None);
                people[index].link = Some(link_to(oa(&row.to_string())));
            }
        }
        // BND-04: who was linked before is linked as before.
        for (old, new) in before.iter().zip(&people).filter(|(old, _)| old.link.is_some()) {
            prop_assert_eq!(&old.link, &new.link);
        }
    }

    #[test]
    fn bnd_03_a_key_is_its_own_key(text in "\\PC{0,24}|[+0-9 ()－８６-]{0,20}|[A-Za-zK@. ]{0,12}") {
        for field in [OaField::Mobile, OaField::Email, OaField::WorkCode, OaField::LoginName] {
            if let Some(first) = key(field, &text) {
                prop_assert!(!first.as_str().trim().is_empty());
                prop_assert_eq!(key(field, first.as_str()), Some(first.clone()));
            }
        }
    }
}
