//! Many records in little memory: the texts of all rows in one buffer, 2 bytes a field beside it.

use super::fingerprint::Mixer;

/// A side that does not fit: a row above 64 KB of text, or a side above 4 GB of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record above 64 KB or a side above 4 GB")]
pub struct TooLarge;

#[derive(Debug, Clone, Copy)]
struct Row<const N: usize, M> {
    start: u32,
    /// Where each field ends, from `start` on.
    ends: [u16; N],
    meta: M,
}

/// Rows of `N` texts and one `M`, sorted by their first text once they are complete.
#[derive(Debug, Clone)]
pub(super) struct Table<const N: usize, M> {
    text: String,
    rows: Vec<Row<N, M>>,
    /// A sum over the rows, so that their order does not matter.
    digest: u128,
}

impl<const N: usize, M> Default for Table<N, M> {
    fn default() -> Self {
        Self { text: String::new(), rows: Vec::new(), digest: 0 }
    }
}

impl<const N: usize, M: Copy + Ord> Table<N, M> {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row. The last field may come in pieces, which are stored as lines.
    pub fn push(&mut self, fields: [&str; N], lines: &[&str], meta: M, salt: u64) -> Result<(), TooLarge> {
        let from = self.text.len();
        let start = u32::try_from(from).map_err(|_| TooLarge)?;
        let mut ends = [0; N];
        for (end, field) in ends.iter_mut().zip(fields) {
            self.text.push_str(field);
            *end = self.so_far(from)?;
        }
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                self.text.push('\n');
            }
            self.text.push_str(line);
        }
        if let Some(last) = ends.last_mut() {
            *last = self.so_far(from)?;
        }
        let mut mixer = Mixer::new(salt);
        for end in ends {
            mixer.number(u64::from(end));
        }
        mixer.bytes(&self.text.as_bytes()[from..]);
        self.digest = self.digest.wrapping_add(mixer.long());
        if self.rows.len() >= usize::try_from(u32::MAX).unwrap_or(usize::MAX) {
            return Err(TooLarge);
        }
        self.rows.push(Row { start, ends, meta });
        Ok(())
    }

    fn so_far(&mut self, from: usize) -> Result<u16, TooLarge> {
        u16::try_from(self.text.len() - from).map_err(|_| {
            self.text.truncate(from);
            TooLarge
        })
    }

    /// Sorts by the first text, then by all others. Free of charge when the rows came in order.
    pub fn sort(&mut self) {
        let Self { text, rows, .. } = self;
        let whole = |row: &Row<N, M>| {
            let all = &text[range(row, 0).start..range(row, N - 1).end];
            (field(text, row, 0), all, row.ends, row.meta)
        };
        if !rows.is_sorted_by(|a, b| field(text, a, 0) < field(text, b, 0)) {
            rows.sort_unstable_by(|a, b| whole(a).cmp(&whole(b)));
        }
    }

    /// A field of a row; a row that does not exist is empty.
    pub fn get(&self, row: u32, at: usize) -> &str {
        self.rows.get(index(row)).map_or("", |row| field(&self.text, row, at))
    }

    /// The pieces of the last field.
    pub fn lines(&self, row: u32) -> impl Iterator<Item = &str> {
        let text = self.get(row, N - 1);
        let mut rest = (!text.is_empty()).then_some(text);
        std::iter::from_fn(move || {
            let (line, after) = rest?.split_once('\n').map_or((rest?, None), |(line, after)| (line, Some(after)));
            rest = after;
            Some(line)
        })
    }

    pub fn meta(&self, row: u32) -> Option<M> {
        self.rows.get(index(row)).map(|row| row.meta)
    }

    pub fn rows(&self) -> impl Iterator<Item = u32> + use<N, M> {
        0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    pub fn digest(&self) -> u128 {
        self.digest
    }
}

fn range<const N: usize, M>(row: &Row<N, M>, at: usize) -> std::ops::Range<usize> {
    let start = index(row.start);
    let from = at.checked_sub(1).map_or(0, |before| usize::from(row.ends[before]));
    start + from..start + usize::from(row.ends[at])
}

fn field<'a, const N: usize, M>(text: &'a str, row: &Row<N, M>, at: usize) -> &'a str {
    &text[range(row, at)]
}

/// A row number as an index.
pub(super) fn index(row: u32) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

/// An index as a row number: tables never hold more.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Finds rows by a text, in constant time: open addressing over row numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    slots: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl Index {
    /// `text(row)` is what a row is found by. Of rows with the same text the first is found.
    pub fn new<'a>(rows: u32, text: impl Fn(u32) -> &'a str) -> Self {
        let size = (index(rows) * 2).next_power_of_two().max(2);
        let mut slots = vec![FREE; size];
        for row in 0..rows {
            let key = text(row);
            if let Err(free) = probe(&slots, key, &text) {
                slots[free] = row;
            }
        }
        Self { slots }
    }

    pub fn find<'a>(&self, key: &str, text: impl Fn(u32) -> &'a str) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        probe(&self.slots, key, &text).ok().and_then(|slot| self.slots.get(slot).copied())
    }
}

/// The slot of `key`, or the free one where it would be. At least half of the slots are free.
fn probe<'a>(slots: &[u32], key: &str, text: &impl Fn(u32) -> &'a str) -> Result<usize, usize> {
    let mask = slots.len() - 1;
    let mut slot = usize::try_from(super::fingerprint::of(key) >> 8).unwrap_or(0) & mask;
    while slots[slot] != FREE {
        if text(slots[slot]) == key {
            return Ok(slot);
        }
        slot = (slot + 1) & mask;
    }
    Err(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_sorted_and_found() {
        let mut table = Table::<3, u8>::default();
        for (n, id) in ["b", "a", "c"].into_iter().enumerate() {
            table.push([id, "名", ""], &["x", "y"][..n.min(2)], u8::try_from(n).unwrap(), 0).unwrap();
        }
        table.sort();
        let ids: Vec<&str> = table.rows().map(|row| table.get(row, 0)).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!((table.get(0, 1), table.meta(0), table.get(9, 1)), ("名", Some(1), ""));
        assert_eq!(table.lines(0).collect::<Vec<_>>(), ["x"]);
        assert_eq!(table.lines(1).count(), 0);
        assert_eq!(table.lines(2).collect::<Vec<_>>(), ["x", "y"]);
        let index = Index::new(3, |row| table.get(row, 0));
        assert_eq!(index.find("c", |row| table.get(row, 0)), Some(2));
        assert_eq!(index.find("d", |row| table.get(row, 0)), None);
    }

    #[test]
    fn the_order_of_rows_does_not_change_their_digest_and_their_number_does() {
        let digest = |ids: &[&str]| {
            let mut table = Table::<1, ()>::default();
            for id in ids {
                table.push([id], &[], (), 0).unwrap();
            }
            table.digest()
        };
        assert_eq!(digest(&["a", "b"]), digest(&["b", "a"]));
        assert_ne!(digest(&["a", "a"]), digest(&["b", "b"]));
        assert_ne!(digest(&["a", "a"]), digest(&["a"]));
    }

    #[test]
    fn a_row_above_its_limit_is_refused_and_leaves_nothing_behind() {
        let mut table = Table::<2, ()>::default();
        table.push(["a", "b"], &[], (), 0).unwrap();
        assert_eq!(table.push([&"x".repeat(40_000), &"y".repeat(40_000)], &[], (), 0), Err(TooLarge));
        table.push(["c", ""], &["d"], (), 0).unwrap();
        assert_eq!((table.len(), table.get(1, 0), table.get(1, 1)), (2, "c", "d"));
    }
}
