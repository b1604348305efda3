//! What an administrator decides about the sync of one enterprise (product.md A.6 to A.8, Q9): which app it uses, when
//! it runs by itself, and how careful it is.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::ids::{AppId, EnterpriseId};
use crate::model::Stamp;
use crate::sync::{Cap, Settings};
use crate::time::Timestamp;
use crate::zone::Zone;

/// How often a timer runs (product.md Q9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// At every even hour.
    TwoHours,
    /// At 0, 6, 12 and 18 o'clock.
    SixHours,
    Day,
    /// On Mondays.
    Week,
    /// On the first.
    Month,
}

/// When a sync runs by itself, in the tenant's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub every: Every,
    /// Minutes after midnight, below 1,440; of those that run every few hours only the minutes count.
    pub minute: u16,
}

impl Timer {
    pub const MINUTES: u16 = 1_440;

    /// The first time after `after`. A time that a zone's clock passes over comes when the clock goes on.
    pub fn next(self, after: Timestamp, zone: &Zone) -> Timestamp {
        let rules = zone.rules();
        let now = jiff::Timestamp::from_millisecond(after.0).unwrap_or_default().to_zoned(rules.clone()).datetime();
        let first = self.first(now);
        // Two steps at most: the first time of this period may lie behind, and a clock put back shows it again.
        let times = (0..4).map(|step| instant(self.plus(first, step), rules));
        times.into_iter().find(|at| *at > after).unwrap_or_else(|| after.plus_s(86_400))
    }

    fn first(self, now: DateTime) -> DateTime {
        let (date, minute) = (now.date(), i64::from(self.minute % Self::MINUTES));
        match self.every {
            Every::TwoHours | Every::SixHours => {
                let step = if self.every == Every::TwoHours { 2 } else { 6 };
                let hour = now.hour().div_euclid(step) * step;
                at(date, i64::from(hour) * 60 + minute % 60)
            }
            Every::Day => at(date, minute),
            Every::Week => {
                let back = i64::from(date.weekday().to_monday_zero_offset());
                at(date.saturating_sub(back.days()), minute)
            }
            Every::Month => at(date.first_of_month(), minute),
        }
    }

    fn plus(self, first: DateTime, step: i64) -> DateTime {
        let span: Span = match self.every {
            Every::TwoHours => (2 * step).hours(),
            Every::SixHours => (6 * step).hours(),
            Every::Day => step.days(),
            Every::Week => step.weeks(),
            Every::Month => step.months(),
        };
        first.saturating_add(span)
    }
}

fn at(date: Date, minute: i64) -> DateTime {
    date.to_datetime(Time::midnight()).saturating_add(minute.minutes())
}

fn instant(local: DateTime, rules: &TimeZone) -> Timestamp {
    let found = rules.to_ambiguous_timestamp(local).compatible();
    Timestamp(found.map_or(i64::MAX, jiff::Timestamp::as_millisecond))
}

/// From WeLink into the bridge copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FromWelink {
    pub timer: Option<Timer>,
    /// How much may be gone at once (product.md FWL-05).
    pub cap: Cap,
    /// Days that what WeLink does not show any more is kept, with its link (product.md Q25).
    pub missing_days: u32,
    /// Auto-bind looks at those alone who are new in a run (product.md M47); otherwise at all without a link.
    pub bind_new_only: bool,
}

impl Default for FromWelink {
    fn default() -> Self {
        Self { timer: None, cap: Cap::default(), missing_days: 30, bind_new_only: true }
    }
}

/// From the OA to WeLink.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FromOa {
    pub timer: Option<Timer>,
    /// What is written, and how much may be removed. Its baseline is the last run's and no setting.
    pub plan: Settings,
}

/// The sync settings of an enterprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSettings {
    pub enterprise: EnterpriseId,
    /// The app that reads and writes contacts (product.md M45); absent = no run begins.
    #[serde(default)]
    pub app: Option<AppId>,
    #[serde(default)]
    pub from_welink: FromWelink,
    #[serde(default)]
    pub from_oa: FromOa,
    #[serde(default)]
    pub changed: Option<Stamp>,
    /// Counts changes; 0 = nothing was ever saved.
    #[serde(default)]
    pub version: u64,
}

impl SyncSettings {
    /// As they are before anybody has saved any.
    pub fn new(enterprise: EnterpriseId) -> Self {
        Self {
            enterprise,
            app: None,
            from_welink: FromWelink::default(),
            from_oa: FromOa::default(),
            changed: None,
            version: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, every: Every, minute: u16, after: &str, want: &[&str]) {
        let (zone, read) = (Zone::parse(zone).unwrap(), |text: &str| text.parse::<jiff::Timestamp>().unwrap());
        let (timer, mut at) = (Timer { every, minute }, Timestamp(read(after).as_millisecond()));
        for want in want {
            at = timer.next(at, &zone);
            assert_eq!(
                jiff::Timestamp::from_millisecond(at.0).unwrap(),
                read(want),
                "{every:?} {minute} after {after}"
            );
        }
    }

    #[test]
    fn fwl_02_a_timer_is_due_at_its_local_time_whatever_the_clock_does() {
        let shanghai = "Asia/Shanghai";
        check(shanghai, Every::Day, 120, "2026-03-01T00:00:00Z", &["2026-03-01T18:00:00Z", "2026-03-02T18:00:00Z"]);
        check(shanghai, Every::Day, 120, "2026-03-01T17:59:59Z", &["2026-03-01T18:00:00Z"]);
        check(shanghai, Every::Day, 120, "2026-03-01T18:00:00Z", &["2026-03-02T18:00:00Z"]);
        check(shanghai, Every::TwoHours, 5, "2026-03-01T00:00:00Z", &["2026-03-01T00:05:00Z", "2026-03-01T02:05:00Z"]);
        check(shanghai, Every::SixHours, 0, "2026-03-01T00:00:00Z", &["2026-03-01T04:00:00Z", "2026-03-01T10:00:00Z"]);
        check(shanghai, Every::Week, 0, "2026-03-04T00:00:00Z", &["2026-03-08T16:00:00Z", "2026-03-15T16:00:00Z"]);
        check(shanghai, Every::Month, 0, "2026-03-04T00:00:00Z", &["2026-03-31T16:00:00Z", "2026-04-30T16:00:00Z"]);
        // 02:30 does not exist on the first of these days and comes an hour later; on the other it comes once.
        let berlin = "Europe/Berlin";
        check(berlin, Every::Day, 150, "2026-03-28T12:00:00Z", &["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
        check(berlin, Every::Day, 150, "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }
}
