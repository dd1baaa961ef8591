//! Settings of pacing: first contacts, quiet hours, opt-out and opt-in words.

use jiff::tz::TimeZone;

use super::ConfigError;
use super::layers::Values;
use super::values::list;
use crate::domain::consent::ConsentWords;
use crate::domain::daily::{Daily, DayHours};
use crate::domain::pacing::{FirstContacts, Pace};

/// Settings of pacing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaceConfig {
    /// Maximum number of first contacts an hour and a day.
    pub first_contacts: FirstContacts,
    /// Hours in which only answers are sent.
    pub quiet_hours: Option<DayHours>,
    /// Time zone of all hours.
    pub time_zone: TimeZone,
    /// Texts by which a customer opts out.
    pub opt_out: Vec<String>,
    /// Texts by which a customer opts in again.
    pub opt_in: Vec<String>,
}

impl PaceConfig {
    /// Parses the settings.
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        Ok(Self {
            first_contacts: values.parse("whatsapp.first_contacts", first_contacts)?,
            quiet_hours: values.parse("whatsapp.quiet_hours", day_hours)?,
            time_zone: values.parse("whatsapp.time_zone", time_zone)?,
            opt_out: values.parse("whatsapp.opt_out", |text| Ok(list(text)))?,
            opt_in: values.parse("whatsapp.opt_in", |text| Ok(list(text)))?,
        })
    }

    /// Converts to the domain's type.
    pub fn pace(&self) -> Pace {
        Pace {
            first_contacts: self.first_contacts,
            quiet: self.quiet_hours.map(|hours| Daily::new(hours, self.time_zone.clone())),
            consent: ConsentWords::new(&self.opt_out, &self.opt_in),
        }
    }
}

/// Parses hours of the day; empty, `0` and `off` are none.
pub(super) fn day_hours(text: &str) -> Result<Option<DayHours>, String> {
    match text {
        "" | "0" | "off" => Ok(None),
        text => text.parse().map(Some),
    }
}

/// Parses limits such as `10/h,20/d`; a number alone is for 24 hours; `0` and `off` are no limit.
fn first_contacts(text: &str) -> Result<FirstContacts, String> {
    let mut limits = FirstContacts::default();
    for part in list(text) {
        if part == "off" {
            continue;
        }
        let (number, window) = part.split_once('/').unwrap_or((part.as_str(), "d"));
        let limit = number.trim().parse::<u32>().ok();
        let place = match window.trim() {
            "h" => &mut limits.hourly,
            "d" => &mut limits.daily,
            _ => return Err(EXPECTED.to_owned()),
        };
        *place = Some(limit.ok_or_else(|| EXPECTED.to_owned())?).filter(|limit| *limit > 0);
    }
    Ok(limits)
}

const EXPECTED: &str = "a number an hour and a number a day such as 10/h,20/d, or off";

/// Finds a time zone by its name in the tz database; empty is this machine's.
fn time_zone(text: &str) -> Result<TimeZone, String> {
    if text.is_empty() {
        return Ok(TimeZone::system());
    }
    TimeZone::get(text).map_err(|_| "the name of a time zone that this machine knows, such as Europe/London".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn limits(hourly: Option<u32>, daily: Option<u32>) -> FirstContacts {
        FirstContacts { hourly, daily }
    }

    #[test]
    fn first_contacts_parse_per_hour_and_day() {
        assert_eq!(first_contacts("10/h, 20/d"), Ok(limits(Some(10), Some(20))));
        assert_eq!(first_contacts("20"), Ok(limits(None, Some(20))));
        assert_eq!(first_contacts("5/h"), Ok(limits(Some(5), None)));
        for none in ["", "0", "off", "0/h,0/d"] {
            assert_eq!(first_contacts(none), Ok(limits(None, None)), "{none}");
        }
        for wrong in ["many", "10/w", "-1", "1/h/d", "/h"] {
            assert!(first_contacts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_time_zone_is_refused() {
        assert!(time_zone("Europe/London").is_ok() && time_zone("").is_ok());
        assert!(time_zone("Europe/Nowhere").is_err());
    }
}
