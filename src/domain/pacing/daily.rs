//! Hours that repeat every day in a time zone, such as quiet hours.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::domain::Timestamp;

/// Hours of the day by local time. If the end is before the begin, it is on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayHours {
    from: Time,
    to: Time,
}

impl FromStr for DayHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        text.split_once('-')
            .and_then(|(from, to)| Some((read(from)?, read(to)?)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| Self { from, to })
            .ok_or_else(|| "two different times of the day such as 22:00-07:00, or off".to_owned())
    }
}

impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

/// These hours in one time zone. Begin and end of each day are points in time, so a change of the clocks makes the
/// hours shorter or longer but never repeats them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    hours: DayHours,
    zone: TimeZone,
}

impl Daily {
    /// Creates the hours in a time zone.
    pub const fn new(hours: DayHours, zone: TimeZone) -> Self {
        Self { hours, zone }
    }

    /// Returns the end of these hours if `now` is within them.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let moment = jiff::Timestamp::from_millisecond(now.0).ok()?;
        let today = moment.to_zoned(self.zone.clone()).date();
        [today.yesterday().ok()?, today]
            .into_iter()
            .filter_map(|day| self.of(day))
            .find_map(|(from, to)| (from <= now && now < to).then_some(to))
    }

    /// Returns begin and end of the hours that begin on this day.
    fn of(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let DayHours { from, to } = self.hours;
        let last = if from < to { day } else { day.tomorrow().ok()? };
        Some((self.at(day, from)?, self.at(last, to)?))
    }

    /// Returns the time on this day. A time that the clock skips is moved later; of one that comes twice, the first
    /// counts.
    fn at(&self, day: Date, time: Time) -> Option<Timestamp> {
        let moment = day.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp(moment.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str, zone: &str) -> Daily {
        Daily::new(text.parse().unwrap(), TimeZone::get(zone).unwrap())
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn hours_over_midnight_end_next_morning() {
        let night = hours("22:00-07:00", "UTC");
        assert_eq!(night.end(at("2026-03-01T21:59:59.999Z")), None);
        let morning = Some(at("2026-03-02T07:00:00Z"));
        assert_eq!(night.end(at("2026-03-01T22:00:00Z")), morning);
        assert_eq!(night.end(at("2026-03-02T06:59:59.999Z")), morning);
        assert_eq!(night.end(at("2026-03-02T07:00:00Z")), None);
        assert_eq!(
            hours("12:00-13:00", "UTC").end(at("2026-03-02T12:30:00Z")),
            Some(at("2026-03-02T13:00:00Z"))
        );
    }

    #[test]
    fn daily_hours_follow_configured_time_zone() {
        let night = hours("22:00-07:00", "America/New_York");
        assert_eq!(night.end(at("2026-07-01T01:00:00Z")), None);
        assert_eq!(
            night.end(at("2026-07-01T02:00:00Z")),
            Some(at("2026-07-01T11:00:00Z")),
            "22:00 to 07:00 in summer"
        );
        assert_eq!(
            night.end(at("2026-01-15T03:00:00Z")),
            Some(at("2026-01-15T12:00:00Z")),
            "and in winter"
        );
    }

    /// A clock that is put forward or back makes no second night.
    #[test]
    fn clock_change_moves_end_of_quiet_hours() {
        let night = hours("22:00-07:00", "Europe/London");
        // Forward at 01:00 on 29 March 2026: an hour shorter.
        assert_eq!(night.end(at("2026-03-28T22:00:00Z")), Some(at("2026-03-29T06:00:00Z")));
        // Back at 02:00 on 25 October 2026: an hour longer.
        assert_eq!(night.end(at("2026-10-24T21:00:00Z")), Some(at("2026-10-25T07:00:00Z")));
        // An end that the clock shows twice is over the first time, and one that it skips comes as much later.
        let short = hours("23:00-01:30", "Europe/London");
        assert_eq!(short.end(at("2026-10-25T00:29:00Z")), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(short.end(at("2026-10-25T01:10:00Z")), None, "01:10 for the second time");
        assert_eq!(short.end(at("2026-03-29T00:59:00Z")), Some(at("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn malformed_day_hours_are_refused() {
        for text in [
            "",
            "22:00",
            "22-07",
            "22:00-22:00",
            "24:00-07:00",
            "22:00-07:60",
            "night",
        ] {
            assert!(text.parse::<DayHours>().is_err(), "{text}");
        }
        assert_eq!("9:05-17:00".parse::<DayHours>().unwrap().to_string(), "09:05-17:00");
    }
}
