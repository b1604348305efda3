//! The rate windows of welink-api.md 12: per client_id and interface, and per address over all interfaces.

use std::collections::{BTreeMap, VecDeque};

use domain::time::Timestamp;

use super::settings::{Rates, Windows};

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60_000;
const ADDRESS_MS: i64 = 20_000;
/// Addresses remembered at once; the least recently heard of goes first.
const ADDRESSES_MAX: usize = 4096;

/// One limit: at most `max` calls in `ms`.
#[derive(Debug, Clone, Copy)]
struct Limit {
    ms: i64,
    max: u32,
}

/// The times of the calls that count, oldest first.
#[derive(Debug, Default)]
struct Calls(VecDeque<i64>);

impl Calls {
    fn full(&self, now: i64, limit: Limit, windows: Windows) -> bool {
        let begin = match windows {
            Windows::Sliding => now - limit.ms + 1,
            Windows::Aligned => now - now.rem_euclid(limit.ms),
        };
        let inside = self.0.len() - self.0.partition_point(|at| *at < begin);
        u32::try_from(inside).unwrap_or(u32::MAX) >= limit.max
    }

    /// Keeps what the widest window needs and never more calls than the highest limit can look at.
    fn note(&mut self, now: i64, widest_ms: i64, max: u32) {
        self.0.push_back(now);
        let max = usize::try_from(max).unwrap_or(usize::MAX).max(1);
        while self.0.len() > max || self.0.front().is_some_and(|at| *at <= now - widest_ms) {
            self.0.pop_front();
        }
    }
}

/// The windows of every client and address.
#[derive(Debug, Default)]
pub(super) struct Gate {
    clients: BTreeMap<(String, &'static str), Calls>,
    addresses: BTreeMap<String, Calls>,
}

impl Gate {
    /// Whether the call may pass; counts it if so. `client_id` must be a known one, which bounds the map.
    pub(super) fn admit(
        &mut self,
        rates: &Rates,
        now: Timestamp,
        client: Option<(&str, &'static str)>,
        address: &str,
    ) -> bool {
        let now = now.0;
        let second = Limit { ms: SECOND_MS, max: rates.per_second_max };
        let minute = Limit { ms: MINUTE_MS, max: rates.per_minute_max };
        let twenty = Limit { ms: ADDRESS_MS, max: rates.per_address_max };
        self.make_room(address);
        let address = self.addresses.entry(address.to_owned()).or_default();
        let mut free = !address.full(now, twenty, rates.windows);
        let calls = client.map(|(id, interface)| self.clients.entry((id.to_owned(), interface)).or_default());
        if let Some(calls) = &calls {
            free &= !calls.full(now, second, rates.windows) && !calls.full(now, minute, rates.windows);
        }
        if free || rates.count_refused {
            address.note(now, ADDRESS_MS, rates.per_address_max);
            if let Some(calls) = calls {
                calls.note(now, MINUTE_MS, rates.per_minute_max.max(rates.per_second_max));
            }
        }
        free
    }

    fn make_room(&mut self, address: &str) {
        if self.addresses.len() < ADDRESSES_MAX || self.addresses.contains_key(address) {
            return;
        }
        let oldest = self.addresses.iter().min_by_key(|(_, calls)| calls.0.back().copied()).map(|(a, _)| a.clone());
        if let Some(oldest) = oldest {
            self.addresses.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(rates: &Rates, at: impl Iterator<Item = i64>) -> usize {
        let mut gate = Gate::default();
        at.filter(|ms| gate.admit(rates, Timestamp(*ms), Some(("c", "i")), "a")).count()
    }

    #[test]
    fn forty_a_second_and_fifteen_hundred_a_minute() {
        let rates = Rates::default();
        assert_eq!(admitted(&rates, 0..1000), 40);
        assert_eq!(admitted(&rates, (0..60_000).step_by(10)), 1500, "the minute is the tighter one");
        assert_eq!(admitted(&rates, (0..120_000).step_by(10)), 3000);
    }

    #[test]
    fn a_sliding_window_has_no_edge_and_an_aligned_one_has() {
        let burst = || (960..1000).chain(1000..1040);
        assert_eq!(admitted(&Rates::default(), burst()), 40);
        let aligned = Rates { windows: Windows::Aligned, ..Rates::default() };
        assert_eq!(admitted(&aligned, burst()), 80);
    }

    #[test]
    fn refused_calls_count_only_in_that_reading() {
        let every_10_ms = || (0..3000).step_by(10);
        assert_eq!(admitted(&Rates::default(), every_10_ms()), 120);
        let counted = Rates { count_refused: true, ..Rates::default() };
        assert_eq!(admitted(&counted, every_10_ms()), 40, "a client that never pauses stays refused");
    }

    #[test]
    fn one_address_is_limited_over_all_interfaces() {
        let rates = Rates { per_address_max: 5, ..Rates::default() };
        let mut gate = Gate::default();
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let passed = names.iter().filter(|i| gate.admit(&rates, Timestamp(0), Some(("c", i)), "10.0.0.1")).count();
        assert_eq!(passed, 5);
        assert!(gate.admit(&rates, Timestamp(0), None, "10.0.0.2"));
        assert!(gate.admit(&rates, Timestamp(20_000), Some(("c", "a")), "10.0.0.1"));
    }
}
