//! Time, injected so that the simulation can control it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with milliseconds wherever
/// people or programs read it, and as the bare number in the database (`MySQL`'s own type would lose the milliseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The start of 1970 (UTC).
    pub const ZERO: Self = Self(0);

    /// Converts whole seconds, the precision of WhatsApp's times.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Reads a time of RFC 3339, or one without a zone, which is then UTC. Returns `None` for anything else.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(Self(moment.as_millisecond()));
        }
        let unzoned: jiff::civil::DateTime = text.parse().ok()?;
        let moment = unzoned.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(moment.timestamp().as_millisecond()))
    }

    /// Returns the time that is `after` later; stops at the largest time.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time that is `before` earlier; stops at the smallest time.
    #[must_use]
    pub fn minus(self, before: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(before.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time that has passed since `earlier`; zero when `earlier` is not earlier (clocks jump).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            // Beyond the calendar (a customer's phone may state any time): the nearest time that can be written.
            Err(_) if self.0 < 0 => write!(f, "{:.3}", jiff::Timestamp::MIN),
            Err(_) => write!(f, "{:.3}", jiff::Timestamp::MAX),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time as RFC 3339 says, such as 2026-11-28T23:24:13Z")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        let moment: Result<jiff::Timestamp, _> = text.parse();
        let moment = moment.map_err(|_| E::custom("this is no time; write it as 2026-11-28T23:24:13Z (RFC 3339)"));
        moment.map(|moment| Timestamp(moment.as_millisecond()))
    }
}

/// Source of the time, with a way to wait for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Returns the present time.
    fn now(&self) -> Timestamp;

    /// Waits until `span` has passed on this clock.
    async fn sleep(&self, span: Duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_round_trips_in_utc_milliseconds() {
        let moment = Timestamp(1_764_000_000_123);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"2025-11-24T16:00:00.123Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
        assert_eq!(Timestamp(1_764_000_000_000).to_string(), "2025-11-24T16:00:00.000Z");
    }

    #[test]
    fn timestamp_beyond_calendar_is_written() {
        assert!(Timestamp(i64::MAX).to_string().starts_with("9999-"));
        assert!(Timestamp(i64::MIN).to_string().starts_with("-009999-"));
    }

    #[test]
    fn backward_clock_gives_zero_span() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }
}
