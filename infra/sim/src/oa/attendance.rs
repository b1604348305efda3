//! The attendance records of the last seven days: invented, but always the same for the same person and day.

use domain::text::{Lang, Text};
use domain::time::Timestamp;

use super::view::zoned;

/// Days shown, today included.
const DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 3_600_000;

/// One day of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: String,
    pub(super) weekday: &'static str,
    /// Clock times; a dash when there is none.
    pub(super) from: String,
    pub(super) until: String,
    /// The word in `state`, for the colour: `rest`, `today`, `late` or `fine`.
    pub(super) mark: &'static str,
    pub(super) state: &'static str,
}

const WEEKDAYS: [Text; 7] = [
    Text::new("周一", "Mon"),
    Text::new("周二", "Tue"),
    Text::new("周三", "Wed"),
    Text::new("周四", "Thu"),
    Text::new("周五", "Fri"),
    Text::new("周六", "Sat"),
    Text::new("周日", "Sun"),
];

/// The last seven days, newest first. `seed` is the account's own number.
pub(super) fn week(seed: i64, now: Timestamp, lang: Lang) -> Vec<Day> {
    (0..DAYS).map(|back| day(seed, now.plus_ms(-back * DAY_MS), back == 0, lang)).collect()
}

fn day(seed: i64, at: Timestamp, today: bool, lang: Lang) -> Day {
    let date = zoned(at).date();
    let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
    let number = seed + at.0.div_euclid(DAY_MS);
    let late = number.rem_euclid(9) == 4;
    let dash = || "—".to_owned();
    let from = format!("{:02}:{:02}", if late { 9 } else { 8 }, 30 + (number * 17).rem_euclid(23));
    let until = format!("18:{:02}", (number * 11).rem_euclid(47));
    let (mark, state, from, until) = match (weekday >= 5, today) {
        (true, _) => ("rest", Text::new("休息", "Day off"), dash(), dash()),
        (false, true) => ("today", Text::new("今天", "Today"), from, dash()),
        (false, false) if late => ("late", Text::new("迟到", "Late"), from, until),
        (false, false) => ("fine", Text::new("正常", "Normal"), from, until),
    };
    let weekday = WEEKDAYS.get(weekday).map_or("", |text| text.get(lang));
    Day { date: date.to_string(), weekday, from, until, mark, state: state.get(lang) }
}
