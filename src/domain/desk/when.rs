//! Times as people type them: `18:00`, `tomorrow 9:00`, `mon 9:00`, `in 2h`, `2026-12-01 18:00`, or RFC 3339. What has no
//! zone of its own is in the zone of the person.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{ToSpan as _, Zoned};

use crate::domain::Timestamp;

/// The hour that `morning` stands for.
const MORNING: Time = Time::constant(9, 0, 0, 0);
/// The hour that `evening` stands for.
const EVENING: Time = Time::constant(18, 0, 0, 0);

/// Error: a text is no time, or one that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATime {
    /// It cannot be read.
    #[error(
        "`{0}` is not a time; write 18:00, tomorrow 9:00, monday 9:00, 2026-12-01 18:00, in 2h, or a time with its zone such \
         as 2026-12-01T18:00:00+01:00"
    )]
    Unknown(String),
    /// The clocks are set forward over it.
    #[error("{text} does not exist on {date}: the clocks are set forward over it; give another time")]
    Skipped { text: String, date: String },
}

/// Error: there is no time zone of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a time zone that this machine knows; write one such as Europe/London")]
pub struct NotAZone(String);

/// Returns the time zone of this name in the tz database, whatever the case of its letters.
pub fn zone(name: &str) -> Result<TimeZone, NotAZone> {
    let found = TimeZone::get(name.trim()).ok().filter(|zone| !zone.is_unknown());
    found.ok_or_else(|| NotAZone(name.to_owned()))
}

/// Returns whether a time that a person types depends on their zone.
pub fn needs_zone(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let is_span = text.starts_with("in ") || text.starts_with('+');
    !is_span && text.to_uppercase().parse::<jiff::Timestamp>().is_err()
}

/// Returns a time as people of a zone read it, with the zone: `2026-12-01 18:00 Europe/London`.
pub fn told(at: Timestamp, zone: &TimeZone) -> Option<String> {
    let there = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("in the zone of this machine");
    Some(format!("{} {name}", there.strftime("%Y-%m-%d %H:%M")))
}

/// Reads a time that a person types at `now`, in their zone. A time of day alone is the next one: today's, or tomorrow's
/// if that is past. A time that comes twice, because the clocks are set back, is the first.
pub fn read(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, NotATime> {
    let unknown = || NotATime::Unknown(text.to_owned());
    let trimmed = text.trim().to_lowercase();
    if let Ok(moment) = text.trim().parse::<jiff::Timestamp>() {
        return Ok(Timestamp(moment.as_millisecond()));
    }
    if let Some(span) = trimmed.strip_prefix("in ").or_else(|| trimmed.strip_prefix('+')) {
        let span = humantime::parse_duration(span.trim()).map_err(|_| unknown())?;
        return Ok(now.plus(span));
    }
    let here = jiff::Timestamp::from_millisecond(now.0).map_err(|_| unknown())?;
    let here = here.to_zoned(zone.clone());
    if let Some(wanted) = date_and_time(&trimmed) {
        return at(wanted, zone, text);
    }
    let (day, rest) = match trimmed.split_once(' ') {
        Some((day, rest)) if day_of(day, &here).is_some() => (day_of(day, &here), rest.trim()),
        _ => match day_of(&trimmed, &here) {
            Some(day) => (Some(day), "morning"),
            None => (None, trimmed.as_str()),
        },
    };
    let time = time_of_day(rest.strip_prefix("at ").unwrap_or(rest)).ok_or_else(unknown)?;
    if let Some(day) = day {
        return at(day.to_datetime(time), zone, text);
    }
    let wanted = here.date().to_datetime(time);
    let today = at(wanted, zone, text);
    let is_ahead = match &today {
        Ok(today) => *today > now,
        // Tomorrow's would be a day late, and nobody would know.
        Err(NotATime::Skipped { .. }) => wanted > here.datetime(),
        Err(NotATime::Unknown(_)) => false,
    };
    if is_ahead {
        return today;
    }
    let tomorrow = here.date().checked_add(1.day()).map_err(|_| unknown())?;
    at(tomorrow.to_datetime(time), zone, text)
}

/// Returns the day that a word means: the next one of that name, never today.
fn day_of(word: &str, here: &Zoned) -> Option<Date> {
    let today = here.date();
    match word {
        "today" => return Some(today),
        "tomorrow" => return today.checked_add(1.day()).ok(),
        _ => {}
    }
    let weekday = match word {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => return None,
    };
    today.nth_weekday(1, weekday).ok()
}

fn time_of_day(word: &str) -> Option<Time> {
    match word {
        "morning" => return Some(MORNING),
        "noon" => return Some(Time::constant(12, 0, 0, 0)),
        "evening" => return Some(EVENING),
        "midnight" => return Some(Time::midnight()),
        _ => {}
    }
    let (text, half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(text), _) => (text.trim(), Some(0)),
        (_, Some(text)) => (text.trim(), Some(12)),
        _ => (word, None),
    };
    let (hour, minute) = match text.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (hour, minute.parse().ok()?),
        // A bare number is a time only with am or pm.
        None if half.is_some() => (text, 0),
        _ => return None,
    };
    let hour: i8 = hour.parse().ok()?;
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    Time::new(hour, minute, 0, 0).ok()
}

/// Reads `2026-12-01 18:00`, also with a `T` between, or a date alone, which means its morning.
fn date_and_time(text: &str) -> Option<DateTime> {
    let (date, time) = match text.split_once([' ', 't']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, "morning"),
    };
    let date: Date = date.parse().ok()?;
    let time = time_of_day(time).or_else(|| time.parse().ok())?;
    Some(date.to_datetime(time))
}

fn at(wanted: DateTime, zone: &TimeZone, text: &str) -> Result<Timestamp, NotATime> {
    let there = zone.to_ambiguous_timestamp(wanted);
    if matches!(there.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(NotATime::Skipped {
            text: wanted.time().strftime("%H:%M").to_string(),
            date: wanted.date().to_string(),
        });
    }
    let moment = there.earlier().map_err(|_| NotATime::Unknown(text.to_owned()))?;
    Ok(Timestamp(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Thursday, 12:00 in London.
    const NOW: &str = "2026-11-26T12:00:00Z";

    fn moment(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn read_in(text: &str, now: &str, zone: &str) -> Result<String, NotATime> {
        let zone = TimeZone::get(zone).unwrap();
        let found = read(text, moment(now), &zone)?;
        Ok(jiff::Timestamp::from_millisecond(found.0).unwrap().to_string())
    }

    #[test]
    fn times_of_people_are_read_in_their_zone() {
        for (text, london, tokyo) in [
            ("18:00", "2026-11-26T18:00:00Z", "2026-11-27T09:00:00Z"),
            ("9:00", "2026-11-27T09:00:00Z", "2026-11-27T00:00:00Z"),
            ("9:30pm", "2026-11-26T21:30:00Z", "2026-11-26T12:30:00Z"),
            ("12am", "2026-11-27T00:00:00Z", "2026-11-26T15:00:00Z"),
            ("today 23:00", "2026-11-26T23:00:00Z", "2026-11-26T14:00:00Z"),
            ("tomorrow morning", "2026-11-27T09:00:00Z", "2026-11-27T00:00:00Z"),
            ("tomorrow", "2026-11-27T09:00:00Z", "2026-11-27T00:00:00Z"),
            ("Tomorrow at 8:15", "2026-11-27T08:15:00Z", "2026-11-26T23:15:00Z"),
            ("monday 10:00", "2026-11-30T10:00:00Z", "2026-11-30T01:00:00Z"),
            ("thu", "2026-12-03T09:00:00Z", "2026-12-03T00:00:00Z"),
            ("2026-12-01 18:00", "2026-12-01T18:00:00Z", "2026-12-01T09:00:00Z"),
            ("2026-12-01T18:00", "2026-12-01T18:00:00Z", "2026-12-01T09:00:00Z"),
            ("2026-12-01", "2026-12-01T09:00:00Z", "2026-12-01T00:00:00Z"),
            ("in 2h", "2026-11-26T14:00:00Z", "2026-11-26T14:00:00Z"),
            ("+45m", "2026-11-26T12:45:00Z", "2026-11-26T12:45:00Z"),
            (
                "2026-12-01T18:00:00+01:00",
                "2026-12-01T17:00:00Z",
                "2026-12-01T17:00:00Z",
            ),
        ] {
            assert_eq!(read_in(text, NOW, "Europe/London").as_deref(), Ok(london), "{text}");
            assert_eq!(read_in(text, NOW, "Asia/Tokyo").as_deref(), Ok(tokyo), "{text}");
        }
    }

    #[test]
    fn zone_is_found_by_name_and_told() {
        let london = zone("europe/london").unwrap();
        assert_eq!(london.iana_name(), Some("Europe/London"));
        for wrong in ["", "Europe/Nowhere", "GMT+25", "../etc/passwd", "Etc/Unknown"] {
            assert!(zone(wrong).is_err(), "{wrong}");
        }
        let summer = told(moment("2026-07-01T17:00:00Z"), &london);
        assert_eq!(summer.as_deref(), Some("2026-07-01 18:00 Europe/London"));
        for (text, needs) in [
            ("18:00", true),
            ("monday", true),
            ("in 2h", false),
            ("2026-12-01T18:00:00+01:00", false),
        ] {
            assert_eq!(needs_zone(text), needs, "{text}");
        }
    }

    #[test]
    fn changes_of_the_clock_are_respected() {
        // In each zone: the day on which clocks go forward, the day on which they go back, both at noon before.
        for (zone, before, text, expected) in [
            (
                "Europe/London",
                "2026-03-28T12:00:00Z",
                "tomorrow 9:00",
                Some("2026-03-29T08:00:00Z"),
            ),
            ("Europe/London", "2026-03-28T12:00:00Z", "tomorrow 1:30", None),
            // On the day itself, before the change and after it.
            ("Europe/London", "2026-03-29T00:30:00Z", "1:30", None),
            (
                "Europe/London",
                "2026-03-29T12:00:00Z",
                "1:30",
                Some("2026-03-30T00:30:00Z"),
            ),
            (
                "Europe/London",
                "2026-10-24T12:00:00Z",
                "tomorrow 1:30",
                Some("2026-10-25T00:30:00Z"),
            ),
            (
                "Europe/London",
                "2026-10-24T12:00:00Z",
                "tomorrow 9:00",
                Some("2026-10-25T09:00:00Z"),
            ),
            ("America/New_York", "2026-03-07T17:00:00Z", "tomorrow 2:30", None),
            (
                "America/New_York",
                "2026-03-07T17:00:00Z",
                "tomorrow 9:00",
                Some("2026-03-08T13:00:00Z"),
            ),
            (
                "America/New_York",
                "2026-10-31T17:00:00Z",
                "tomorrow 1:30",
                Some("2026-11-01T05:30:00Z"),
            ),
            (
                "America/New_York",
                "2026-10-31T17:00:00Z",
                "tomorrow 9:00",
                Some("2026-11-01T14:00:00Z"),
            ),
            ("Australia/Lord_Howe", "2026-10-03T02:00:00Z", "tomorrow 2:15", None),
            (
                "Australia/Lord_Howe",
                "2026-10-03T02:00:00Z",
                "tomorrow 9:00",
                Some("2026-10-03T22:00:00Z"),
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-04T02:00:00Z",
                "tomorrow 1:45",
                Some("2026-04-04T14:45:00Z"),
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-04T02:00:00Z",
                "tomorrow 9:00",
                Some("2026-04-04T22:30:00Z"),
            ),
        ] {
            let found = read_in(text, before, zone);
            match expected {
                Some(expected) => assert_eq!(found.as_deref(), Ok(expected), "{zone} {text}"),
                None => assert!(
                    matches!(found, Err(NotATime::Skipped { .. })),
                    "{zone} {text}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn text_that_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "25:00",
            "9",
            "9:5",
            "13pm",
            "0am",
            "2026-13-01",
            "tomorrow never",
            "in",
            "monday 9",
        ] {
            assert!(matches!(read_in(text, NOW, "UTC"), Err(NotATime::Unknown(_))), "{text}");
        }
    }
}
