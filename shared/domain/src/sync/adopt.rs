//! Which member of WeLink an unlinked OA user is (product.md M57, M75, Q5, TWL-25).
//!
//! A pair of fields decides when its value names one active OA user and one member. Whoever is linked, or must not be
//! linked, counts like anybody else but is never taken: then the OA user is held, for creating him would double him.
//! Values are compared as numbers; a hit is compared again as text before anything is made of it.

use super::complaint::Reason;
use super::fingerprint::of;
use super::rows::index;
use super::settings::Settings;
use super::sides::{Directory, OaSide, Seen, copy, oa};
use super::tree::NONE;
use crate::matching::{MemberFields, OaField, Pair, Pairs, WeLinkField, key, key_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Nobody,
    Member(u32),
    Held(Reason),
}

#[derive(Debug)]
pub(super) struct Found {
    /// For each of those asked for.
    pub found: Vec<Match>,
    /// By row of the copy: an OA user who was held matches this member.
    pub wanted: Vec<bool>,
}

/// Everybody with one value.
#[derive(Debug, Clone, Copy)]
struct Group {
    value: u64,
    users: u32,
    members: u32,
    /// The last member seen.
    member: u32,
    /// Somebody who has it waits for a decision.
    is_doubtful: bool,
}

/// The values of one pair, with a filter in front: most people have none of them.
struct Groups {
    groups: Vec<Group>,
    filter: Vec<bool>,
}

impl Groups {
    fn new(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        values.dedup();
        let mut filter = vec![false; (values.len() * 16).next_power_of_two()];
        let mask = filter.len() - 1;
        for value in &values {
            filter[slot(*value, mask)] = true;
        }
        let groups = values
            .into_iter()
            .map(|value| Group { value, users: 0, members: 0, member: NONE, is_doubtful: false })
            .collect();
        Self { groups, filter }
    }

    fn find(&mut self, value: u64) -> Option<&mut Group> {
        if !self.filter[slot(value, self.filter.len() - 1)] {
            return None;
        }
        let at = self.groups.binary_search_by_key(&value, |group| group.value).ok()?;
        self.groups.get_mut(at)
    }
}

fn slot(value: u64, mask: usize) -> usize {
    usize::try_from(value >> 16).unwrap_or(0) & mask
}

/// The number of a value as [`key`] compares it. What is written in the plainest way is its own key.
fn value(field: OaField, text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    if field == OaField::Mobile {
        let known = super::values::is_plain_mobile(text) || key(field, text).is_some();
        return known.then(|| super::values::mobile_number(text));
    }
    let plain = text.len() <= 64
        && text.bytes().all(|b| match field {
            OaField::WorkCode => b.is_ascii_alphanumeric(),
            _ => b.is_ascii_lowercase() || b.is_ascii_digit(),
        });
    if plain && field != OaField::Email {
        return Some(of(text));
    }
    key(field, text).map(|key| of(key.as_str()))
}

fn of_user(side: &OaSide, row: u32, field: OaField) -> &str {
    let at = match field {
        OaField::Mobile => oa::MOBILE,
        OaField::Email => oa::EMAIL,
        OaField::WorkCode => oa::WORK_CODE,
        OaField::LoginName => oa::LOGIN,
    };
    side.people.get(row, at)
}

fn member(directory: &Directory, row: u32) -> MemberFields<'_> {
    let get = |at: usize| directory.people.get(row, at);
    MemberFields {
        mobile: get(copy::MOBILE),
        email: get(copy::EMAIL),
        corp_user_id: get(copy::CORP_USER),
        employee_id: get(copy::EMPLOYEE),
    }
}

fn of_member(directory: &Directory, row: u32, pair: Pair) -> Option<u64> {
    let fields = member(directory, row);
    let text = match pair.welink {
        WeLinkField::Mobile => fields.mobile,
        WeLinkField::CorpUserId => fields.corp_user_id,
        WeLinkField::EmployeeId => fields.employee_id,
        WeLinkField::Email => return key_of(&fields, pair).map(|key| of(key.as_str())),
    };
    value(pair.oa, text)
}

/// Asks for each of `users`, rows of the OA that are in scope and not linked.
pub(super) fn find(side: &OaSide, directory: &Directory, settings: &Settings, users: &[u32]) -> Found {
    let mut found = vec![Match::Nobody; users.len()];
    let mut wanted = vec![false; directory.people.len()];
    if users.is_empty() {
        return Found { found, wanted };
    }
    let mut is_open = vec![true; users.len()];
    let mut all: Vec<(Pair, Groups)> = Vec::new();
    for pair in settings.pairs.iter().flat_map(Pairs::as_slice) {
        let mut groups = count(side, directory, *pair, users);
        for ((user, found), is_open) in users.iter().zip(&mut found).zip(&mut is_open).filter(|(_, open)| **open) {
            let value = value(pair.oa, of_user(side, *user, pair.oa));
            let Some(group) = value.and_then(|value| groups.find(value)).filter(|group| group.members > 0) else {
                continue;
            };
            if (group.users, group.members) != (1, 1) || !is_equal(side, directory, *pair, *user, group.member) {
                *found = Match::Held(Reason::Ambiguous);
                continue;
            }
            *is_open = false;
            let is_free = directory.people.get(group.member, copy::LINK).is_empty();
            let mark = directory.mark(group.member);
            let not_automatic = side.people.meta(*user).is_some_and(|mark| mark.no_auto_link);
            *found = match (is_free && !mark.no_auto_bind && mark.seen == Seen::Shown, not_automatic) {
                (true, false) => Match::Member(group.member),
                (true, true) => Match::Held(Reason::NotAutomatic),
                (false, _) => Match::Held(Reason::Taken),
            };
            if matches!(found, Match::Held(_)) {
                wanted[index(group.member)] = true;
            }
        }
        all.push((*pair, groups));
    }
    only_one_each(&mut found);
    let waiting = users.iter().zip(&found).filter(|(_, found)| **found == Match::Held(Reason::Ambiguous));
    let waiting: Vec<u32> = waiting.map(|(user, _)| *user).collect();
    for (pair, mut groups) in all {
        for user in &waiting {
            let value = value(pair.oa, of_user(side, *user, pair.oa));
            if let Some(group) = value.and_then(|value| groups.find(value)) {
                group.is_doubtful = true;
            }
        }
        mark_doubtful(directory, pair, &mut groups, &mut wanted);
    }
    Found { found, wanted }
}

/// Every member with a value of somebody who waits may be the one.
fn mark_doubtful(directory: &Directory, pair: Pair, groups: &mut Groups, wanted: &mut [bool]) {
    if groups.groups.iter().any(|group| group.is_doubtful) {
        for row in directory.people.rows() {
            let group = of_member(directory, row, pair).and_then(|value| groups.find(value));
            wanted[index(row)] |= group.is_some_and(|group| group.is_doubtful);
        }
    }
}

/// Everybody who has a value that one of `users` has.
fn count(side: &OaSide, directory: &Directory, pair: Pair, users: &[u32]) -> Groups {
    let own = users.iter().filter_map(|user| value(pair.oa, of_user(side, *user, pair.oa)));
    let mut groups = Groups::new(own.collect());
    let is_active = |row: &u32| side.people.meta(*row).is_some_and(|mark| mark.active);
    let mut last = "";
    for row in side.people.rows().filter(is_active) {
        let id = side.people.get(row, oa::ID);
        // A repeated record is nobody new.
        if id == std::mem::replace(&mut last, id) {
            continue;
        }
        if let Some(group) = value(pair.oa, of_user(side, row, pair.oa)).and_then(|value| groups.find(value)) {
            group.users += 1;
        }
    }
    let is_there = |row: &u32| !matches!(directory.mark(*row).seen, Seen::Missing(_));
    for row in directory.people.rows().filter(is_there) {
        if let Some(group) = of_member(directory, row, pair).and_then(|value| groups.find(value)) {
            group.members += 1;
            group.member = row;
        }
    }
    groups
}

fn is_equal(side: &OaSide, directory: &Directory, pair: Pair, user: u32, row: u32) -> bool {
    let own = key(pair.oa, of_user(side, user, pair.oa));
    own.is_some() && own == key_of(&member(directory, row), pair)
}

/// Two OA users may name one member by different pairs: then neither is he.
fn only_one_each(found: &mut [Match]) {
    let mut members: Vec<u32> = found
        .iter()
        .filter_map(|found| match found {
            Match::Member(row) => Some(*row),
            _ => None,
        })
        .collect();
    members.sort_unstable();
    let several: Vec<u32> = members.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    for one in found.iter_mut() {
        if let Match::Member(row) = one
            && several.binary_search(row).is_ok()
        {
            *one = Match::Held(Reason::Ambiguous);
        }
    }
}
