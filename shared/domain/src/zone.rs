//! Time zones by their IANA names, from the table that is compiled in: the same on every machine.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The zone of WeLink's own times (welink-api.md 1), and of a tenant that chose none.
const DEFAULT: &str = "Asia/Shanghai";
/// No name of the table is longer.
const NAME_CHARS_MAX: usize = 40;

/// The zone of a tenant: in it the console shows times and timed runs are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// Why a text is no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone; write it as Asia/Shanghai or Europe/Berlin / 不是时区，请写作 Asia/Shanghai 这样的名称")]
pub struct InvalidZone;

impl Zone {
    /// A zone by its name, such as `Asia/Shanghai`; letter case does not matter.
    pub fn parse(text: &str) -> Result<Self, InvalidZone> {
        let name = text.trim();
        if name.len() > NAME_CHARS_MAX {
            return Err(InvalidZone);
        }
        let zone = TimeZone::get(name).map_err(|_| InvalidZone)?;
        if zone.iana_name().is_some() { Ok(Self(zone)) } else { Err(InvalidZone) }
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or(DEFAULT)
    }

    /// The rules of the zone, for arithmetic on its days.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// A moment as people of this zone write it: `2026-03-01 16:00:00`.
    pub fn shown(&self, at: Timestamp) -> String {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        instant.to_zoned(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::get(DEFAULT).unwrap_or(TimeZone::UTC))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;
    fn try_from(text: String) -> Result<Self, InvalidZone> {
        Self::parse(&text)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_as_its_zone_writes_it_in_summer_and_in_winter() {
        let summer = Timestamp(1_782_907_200_000);
        let winter = Timestamp(1_767_225_600_000);
        assert_eq!(Zone::default().shown(winter), "2026-01-01 08:00:00");
        let berlin = Zone::parse("europe/berlin").unwrap();
        assert_eq!(berlin.name(), "Europe/Berlin", "the table's own spelling");
        assert_eq!(
            (berlin.shown(winter), berlin.shown(summer)),
            ("2026-01-01 01:00:00".into(), "2026-07-01 14:00:00".into())
        );
    }

    #[test]
    fn what_is_no_zone_is_refused_and_what_was_stored_is_read_again() {
        for text in ["", "Mars/Olympus", "UTC+8", "../etc/passwd", &"a".repeat(10_000)] {
            assert_eq!(Zone::parse(text), Err(InvalidZone), "{text:.20}");
        }
        let stored = serde_json::to_string(&Zone::default()).unwrap();
        assert_eq!(stored, "\"Asia/Shanghai\"");
        assert_eq!(serde_json::from_str::<Zone>(&stored).unwrap(), Zone::default());
    }
}
