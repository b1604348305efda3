//! Links and OA users side by side: the links are sorted once by eight bytes of the id, the users are sorted already.

use super::rows::index;
use super::sides::{CopyRow, Directory, OaSide, copy, oa};

/// One link of the copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// The eight bytes after what all ids begin with.
    key: u64,
    /// What WeLink shows of the person.
    pub print: u64,
    pub row: u32,
    /// Bytes of the id.
    length: u32,
}

#[derive(Debug)]
pub(super) struct Links<'a> {
    side: &'a OaSide,
    directory: &'a Directory,
    /// What all ids begin with.
    common: usize,
    list: Vec<Link>,
}

fn key(id: &str, from: usize) -> u64 {
    let rest = id.as_bytes().get(from..).unwrap_or_default();
    if let Some(first) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    let mut bytes = [0; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(bytes)
}

fn common(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

impl<'a> Links<'a> {
    pub fn new(side: &'a OaSide, directory: &'a Directory, print: impl Fn(u32) -> u64) -> Self {
        let id = |row: u32| directory.link(CopyRow(row));
        let mut most: Option<(&str, usize)> = None;
        // The first and the last of a sorted list differ first.
        let ends = [0, side.people.len().saturating_sub(1)].map(|at| side.people.get(super::rows::number(at), oa::ID));
        let linked = directory.people.rows().map(id).filter(|link| !link.is_empty());
        for one in ends.into_iter().filter(|id| !id.is_empty()).chain(linked) {
            let (first, length) = *most.get_or_insert((one, one.len()));
            most = Some((first, length.min(common(first, one))));
        }
        let common = most.map_or(0, |(_, length)| length);
        let rows = directory.people.rows().filter(|row| !id(*row).is_empty());
        let link = |row: u32| Link {
            key: key(id(row), common),
            print: print(row),
            row,
            length: super::rows::number(id(row).len()),
        };
        let mut list: Vec<Link> = rows.map(link).collect();
        let fits = |link: &Link| index(link.length) <= common + 8;
        list.sort_unstable_by(|a, b| {
            let by_text = || if fits(a) && fits(b) { a.length.cmp(&b.length) } else { id(a.row).cmp(id(b.row)) };
            a.key.cmp(&b.key).then_with(by_text).then_with(|| a.row.cmp(&b.row))
        });
        Self { side, directory, common, list }
    }

    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.list.iter().map(|link| link.row)
    }

    pub fn cursor(&self) -> Cursor<'_, 'a> {
        Cursor { links: self, at: 0 }
    }

    /// Compares the id of a link with that of an OA user without reading it where its eight bytes are all of it.
    fn compare(&self, link: &Link, user: &str) -> std::cmp::Ordering {
        let other = key(user, self.common);
        link.key.cmp(&other).then_with(|| {
            let most = self.common + 8;
            if index(link.length) <= most && user.len() <= most {
                return index(link.length).cmp(&user.len());
            }
            self.directory.people.get(link.row, copy::LINK).cmp(user)
        })
    }
}

/// Walks the links in the order of the OA's ids.
pub(super) struct Cursor<'l, 'a> {
    links: &'l Links<'a>,
    at: usize,
}

impl<'l> Cursor<'l, '_> {
    /// The links to this user; those before it lead to nobody.
    pub fn take(&mut self, row: u32, mut dead: impl FnMut(u32)) -> &'l [Link] {
        let user = self.links.side.people.get(row, oa::ID);
        let list = &self.links.list;
        while let Some(link) = list.get(self.at).filter(|link| self.links.compare(link, user).is_lt()) {
            dead(link.row);
            self.at += 1;
        }
        let from = self.at;
        while list.get(self.at).is_some_and(|link| self.links.compare(link, user).is_eq()) {
            self.at += 1;
        }
        list.get(from..self.at).unwrap_or_default()
    }

    /// What is left leads to nobody either.
    pub fn rest(self, dead: impl FnMut(u32)) {
        self.links.list.iter().skip(self.at).map(|link| link.row).for_each(dead);
    }
}
