//! When an app's credentials are refused, calls stop: each further wrong try brings WeLink's lock-out of the whole app
//! nearer (product.md OPS-02; welink-api.md 2.1).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Hours until the next probe, by step; the last step repeats.
pub const STEPS_H: [i64; 3] = [6, 12, 24];
/// The codes that open the breaker: wrong credentials (two spellings) and the lock-out (welink-api.md 2.1).
pub const CODES: [&str; 3] = ["10007", "411007", "41403"];

/// Whether this answer of WeLink opens the breaker.
pub fn opens(code: &str) -> bool {
    CODES.contains(&code)
}

/// An open breaker as it is stored beside the app's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// WeLink's code, one of [`CODES`].
    pub code: String,
    /// Index into [`STEPS_H`].
    pub step: u8,
    /// No call of the app before this instant; the first one after it is the probe.
    pub until: Timestamp,
    /// The credentials that were refused. New ones have a higher version and are not blocked.
    pub credentials_version: u64,
}

/// What storing a block does, given what is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The stored block is at least as strong: nothing to write.
    Keep,
    /// Write the new one. `newly` = the administrator has not been told of this step yet.
    Store { newly: bool },
}

impl Block {
    /// The block that follows a refusal at `now`: the first step, or the one after `previous` when that one was for the
    /// same credentials. A refusal while `previous` still holds (a call that was already on its way) repeats
    /// `previous`.
    #[must_use]
    pub fn after(previous: Option<&Self>, code: &str, now: Timestamp, credentials_version: u64) -> Self {
        let same = previous.filter(|old| old.credentials_version >= credentials_version);
        if let Some(holding) = same.filter(|old| now < old.until) {
            return holding.clone();
        }
        let last = STEPS_H.len() - 1;
        let step = same.map_or(0, |old| usize::from(old.step).saturating_add(1).min(last));
        let hours = STEPS_H.get(step).copied().unwrap_or(24);
        Self {
            code: code.to_owned(),
            step: u8::try_from(step).unwrap_or(2),
            until: now.plus_s(hours * 3600),
            credentials_version,
        }
    }

    /// Whether calls with these credentials are refused at `now`.
    pub fn refuses(&self, now: Timestamp, credentials_version: u64) -> bool {
        self.credentials_version >= credentials_version && now < self.until
    }

    /// What a store does with `self`, given the block that it holds.
    pub fn change(&self, stored: Option<&Self>) -> Change {
        let Some(old) = stored else { return Change::Store { newly: true } };
        let newly = (self.credentials_version, self.step) > (old.credentials_version, old.step);
        let longer = self.credentials_version == old.credentials_version && self.until > old.until;
        if newly || longer { Change::Store { newly } } else { Change::Keep }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn probes_come_after_6_12_and_24_hours() {
        let mut now = NOW;
        let mut block = Block::after(None, "10007", now, 1);
        for hours in [6, 12, 24, 24] {
            assert_eq!(block.until.ms_since(now), hours * HOUR_MS);
            assert!(block.refuses(block.until.plus_ms(-1), 1));
            assert!(!block.refuses(block.until, 1));
            now = block.until;
            block = Block::after(Some(&block), "10007", now, 1);
        }
    }

    #[test]
    fn counts_for_its_credentials_and_older_ones_only() {
        let block = Block::after(None, "41403", NOW, 2);
        assert!(block.refuses(NOW, 1) && block.refuses(NOW, 2) && !block.refuses(NOW, 3));
        assert_eq!(Block::after(Some(&block), "10007", block.until, 3).step, 0);
    }

    #[test]
    fn a_late_refusal_repeats_the_block_that_holds() {
        let block = Block::after(None, "10007", NOW, 1);
        assert_eq!(Block::after(Some(&block), "41403", NOW.plus_s(1), 1), block);
    }

    #[test]
    fn the_administrator_is_told_once_per_step() {
        let first = Block::after(None, "10007", NOW, 1);
        assert_eq!(first.change(None), Change::Store { newly: true });
        assert_eq!(first.change(Some(&first)), Change::Keep);
        let second = Block::after(Some(&first), "10007", first.until, 1);
        assert_eq!(second.change(Some(&first)), Change::Store { newly: true });
        assert_eq!(first.change(Some(&second)), Change::Keep);
        let third = Block::after(Some(&second), "10007", second.until, 1);
        let fourth = Block::after(Some(&third), "10007", third.until, 1);
        assert_eq!(fourth.change(Some(&third)), Change::Store { newly: false });
        let renewed = Block::after(Some(&third), "10007", NOW, 2);
        assert_eq!(renewed.change(Some(&third)), Change::Store { newly: true });
    }

    #[test]
    fn only_refused_credentials_open_it() {
        assert!(CODES.iter().all(|code| opens(code)));
        assert!(!opens("48503") && !opens("1000") && !opens(""));
    }
}
