//! The settings of the pace: first contacts, quiet hours, and the words of those who do not want to be written to.

use jiff::tz::TimeZone;

use super::ConfigError;
use super::layers::Values;
use super::values::list;
use crate::domain::consent::ConsentWords;
use crate::domain::daily::{Daily, DayHours};
use crate::domain::pace::{FirstContacts, Pace};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaceConfig {
    pub first_contacts: FirstContacts,
    pub quiet_hours: Option<DayHours>,
    pub time_zone: TimeZone,
    /// What customers write who do not want to be written to any more.
    pub opt_out: Vec<String>,
    /// What they write when they do again.
    pub opt_in: Vec<String>,
}

impl PaceConfig {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        Ok(Self {
            first_contacts: values.parse("whatsapp.first_contacts", first_contacts)?,
            quiet_hours: values.parse("whatsapp.quiet_hours", day_hours)?,
            time_zone: values.parse("whatsapp.time_zone", time_zone)?,
            opt_out: values.parse("whatsapp.opt_out", |text| Ok(list(text)))?,
            opt_in: values.parse("whatsapp.opt_in", |text| Ok(list(text)))?,
        })
    }

    /// As the bridge goes by it.
    pub fn pace(&self) -> Pace {
        Pace {
            first_contacts: self.first_contacts,
            quiet: self.quiet_hours.map(|hours| Daily::new(hours, self.time_zone.clone())),
            consent: ConsentWords::new(&self.opt_out, &self.opt_in),
        }
    }
}

/// Hours of the day; empty and `off` are none.
pub(super) fn day_hours(text: &str) -> Result<Option<DayHours>, String> {
    match text {
        "" | "0" | "off" => Ok(None),
        text => text.parse().map(Some),
    }
}

/// `10/h,20/d`; a number alone is for 24 hours, `0` and `off` are no cap.
fn first_contacts(text: &str) -> Result<FirstContacts, String> {
    let mut caps = FirstContacts::default();
    for part in list(text) {
        if part == "off" {
            continue;
        }
        let (number, window) = part.split_once('/').unwrap_or((part.as_str(), "d"));
        let cap = number.trim().parse::<u32>().ok();
        let place = match window.trim() {
            "h" => &mut caps.hourly,
            "d" => &mut caps.daily,
            _ => return Err(EXPECTED.to_owned()),
        };
        *place = Some(cap.ok_or_else(|| EXPECTED.to_owned())?).filter(|cap| *cap > 0);
    }
    Ok(caps)
}

const EXPECTED: &str = "a number an hour and a number a day such as 10/h,20/d, or off";

/// By its name in the time zone database.
fn time_zone(text: &str) -> Result<TimeZone, String> {
    if text.is_empty() {
        return Ok(TimeZone::system());
    }
    TimeZone::get(text).map_err(|_| "the name of a time zone that this machine knows, such as Europe/London".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn caps(hourly: Option<u32>, daily: Option<u32>) -> FirstContacts {
        FirstContacts { hourly, daily }
    }

    #[test]
    fn first_contacts_are_capped_by_the_hour_by_the_day_or_not_at_all() {
        assert_eq!(first_contacts("10/h, 20/d"), Ok(caps(Some(10), Some(20))));
        assert_eq!(first_contacts("20"), Ok(caps(None, Some(20))));
        assert_eq!(first_contacts("5/h"), Ok(caps(Some(5), None)));
        for none in ["", "0", "off", "0/h,0/d"] {
            assert_eq!(first_contacts(none), Ok(caps(None, None)), "{none}");
        }
        for wrong in ["many", "10/w", "-1", "1/h/d", "/h"] {
            assert!(first_contacts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_zone_that_nobody_knows_is_refused() {
        assert!(time_zone("Europe/London").is_ok() && time_zone("").is_ok());
        assert!(time_zone("Europe/Nowhere").is_err());
    }
}
