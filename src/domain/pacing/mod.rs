//! The pace of sending: whether a message may be sent now, and if not, why and until when. Pure decisions; the relay
//! asks.

pub mod consent;
pub mod daily;

use std::time::Duration;

use super::Timestamp;
use super::word::words;
use consent::ConsentWords;
use daily::Daily;

/// A text counts as an answer if it was written, or is sent, within this time after the customer's last message: the
/// customer is awake then, so quiet hours do not hold it back.
pub const ANSWER_WITHIN: Duration = Duration::from_mins(30);
/// One hour, the shorter window of the first-contact limits.
pub const HOUR: Duration = Duration::from_hours(1);
/// 24 hours, the longer window of the first-contact limits.
pub const DAY: Duration = Duration::from_hours(24);
/// Most waiting first contacts that are counted. Behind more of them, the reported time is the earliest possible one.
const MAX_AHEAD: usize = 1000;

words! {
    /// Reason why crm holds back a message that could be sent.
    WaitReason {
        /// The limit of first contacts is reached.
        FirstContacts = "first_contacts",
        /// These are quiet hours for the customer.
        QuietHours = "quiet_hours",
        /// It was accepted for a later time.
        Scheduled = "scheduled",
        /// The customer wrote before its time; a person decides.
        CustomerWrote = "customer_wrote",
        /// Its time passed while it could not be sent; a person decides.
        Late = "late",
        /// It was written to two customers who were one and have been separated since; a person decides for which it is.
        Separated = "separated",
    }
}

impl WaitReason {
    /// Returns the reason for people to read.
    pub const fn explained(self) -> &'static str {
        match self {
            Self::FirstContacts => "the limit of first contacts is reached (CRM_WHATSAPP_FIRST_CONTACTS)",
            Self::QuietHours => "these are quiet hours (CRM_WHATSAPP_QUIET_HOURS)",
            Self::Scheduled => "it was accepted for a later time",
            Self::CustomerWrote => "the customer wrote before its time",
            Self::Late => "its time passed while it could not be sent",
            Self::Separated => "the merge of two customers was undone, and it may be for either of them",
        }
    }
}

/// Reason for which a message waits, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Reason for waiting.
    pub reason: WaitReason,
    /// Time at which it may be sent.
    pub until: Timestamp,
}

/// Limits of first contacts: people who never wrote and may be written to. `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstContacts {
    /// Most in any hour.
    pub hourly: Option<u32>,
    /// Most in any 24 hours.
    pub daily: Option<u32>,
}

impl FirstContacts {
    /// Returns whether there is no limit.
    pub const fn is_unlimited(&self) -> bool {
        self.hourly.is_none() && self.daily.is_none()
    }

    /// Returns when a first contact is possible that has `ahead` others before it: `now`, or when enough of those
    /// `made` are old enough.
    pub fn due(&self, made: &[Timestamp], ahead: usize, now: Timestamp) -> Timestamp {
        let mut made = made.to_vec();
        made.sort_unstable();
        let mut at = now;
        for _ in 0..=ahead.min(MAX_AHEAD) {
            at = self.after(&made, at);
            made.insert(made.partition_point(|earlier| *earlier <= at), at);
        }
        at
    }

    fn after(&self, made: &[Timestamp], from: Timestamp) -> Timestamp {
        let caps = [(self.hourly, HOUR), (self.daily, DAY)];
        let full = caps.into_iter().filter_map(|(cap, window)| {
            let cap = usize::try_from(cap?).ok()?;
            // The window is full as long as the cap-th newest is within it.
            let oldest = made.len().checked_sub(cap).and_then(|at| made.get(at))?;
            Some(oldest.plus(window))
        });
        full.fold(from, Timestamp::max)
    }
}

/// Sending behaviour of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Limits of first contacts.
    pub first_contacts: FirstContacts,
    /// Hours in which only answers are sent.
    pub quiet: Option<Daily>,
    /// Words for opting out and in.
    pub consent: ConsentWords,
}

/// Facts about a message that could be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Time of writing.
    pub written: Timestamp,
    /// Time of the customer's last message.
    pub heard: Option<Timestamp>,
    /// Facts about earlier first contacts, if the message would be a first contact.
    pub first: Option<FirstContact>,
}

/// Facts about an account's first contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstContact {
    /// Times of the first contacts of the last 24 hours.
    pub made: Vec<Timestamp>,
    /// Number of first contacts that wait before this one.
    pub ahead: usize,
}

impl Pace {
    /// Returns why the message must wait, if it must. At `until` none of the limits holds it back.
    pub fn waits(&self, facts: &Facts, now: Timestamp) -> Option<Waiting> {
        let due = match &facts.first {
            Some(first) => self.first_contacts.due(&first.made, first.ahead, now),
            None => now,
        };
        let is_answer = facts.heard.is_some_and(|heard| {
            let soon = |then: Timestamp| then >= heard && then.since(heard) <= ANSWER_WITHIN;
            soon(facts.written) || soon(now)
        });
        let quiet = self.quiet.as_ref().filter(|_| !is_answer);
        if let Some(until) = quiet.and_then(|quiet| quiet.end(due)) {
            let reason = WaitReason::QuietHours;
            return Some(Waiting { reason, until });
        }
        (due > now).then_some(Waiting {
            reason: WaitReason::FirstContacts,
            until: due,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds of a few hours")]
    fn at(hours: f64) -> Timestamp {
        Timestamp((hours * 3_600_000.0) as i64)
    }

    fn caps(hourly: u32, daily: u32) -> FirstContacts {
        FirstContacts {
            hourly: (hourly > 0).then_some(hourly),
            daily: (daily > 0).then_some(daily),
        }
    }

    #[test]
    fn first_contact_waits_until_window_has_room() {
        let made = [at(10.0), at(10.5), at(10.75)];
        assert_eq!(caps(0, 0).due(&made, 0, at(11.0)), at(11.0), "no cap");
        assert_eq!(caps(4, 0).due(&made, 0, at(10.8)), at(10.8), "room for one");
        assert_eq!(caps(3, 0).due(&made, 0, at(10.8)), at(11.0));
        assert_eq!(caps(3, 0).due(&made, 0, at(11.0)), at(11.0), "the moment itself");
        assert_eq!(caps(1, 0).due(&made, 0, at(10.8)), at(11.75));
        assert_eq!(caps(2, 3).due(&made, 0, at(10.8)), at(34.0), "the stricter of both");
    }

    #[test]
    fn each_waiting_contact_gets_its_own_time() {
        let made = [at(10.0), at(10.5)];
        let due = |ahead| caps(2, 0).due(&made, ahead, at(10.6));
        assert_eq!(
            [due(0), due(1), due(2), due(3)],
            [at(11.0), at(11.5), at(12.0), at(12.5)]
        );
        assert_eq!(
            caps(1, 0).due(&[], 100_000, at(0.0)),
            at(1000.0),
            "and the counting ends"
        );
    }

    fn pace() -> Pace {
        let zone = jiff::tz::TimeZone::UTC;
        Pace {
            first_contacts: caps(1, 0),
            quiet: Some(Daily::new("22:00-07:00".parse().unwrap(), zone)),
            ..Pace::default()
        }
    }

    fn facts(written: f64, heard: Option<f64>) -> Facts {
        Facts {
            written: at(written),
            heard: heard.map(at),
            first: None,
        }
    }

    #[test]
    fn quiet_hours_let_only_answers_out() {
        let until = Some(Waiting {
            reason: WaitReason::QuietHours,
            until: at(31.0),
        });
        assert_eq!(pace().waits(&facts(12.0, None), at(12.0)), None);
        assert_eq!(pace().waits(&facts(23.0, None), at(23.0)), until);
        assert_eq!(pace().waits(&facts(23.0, Some(22.4)), at(23.0)), until);
        assert_eq!(pace().waits(&facts(23.0, Some(22.5)), at(23.0)), None, "an answer");
        assert_eq!(
            pace().waits(&facts(23.0, Some(22.5)), at(25.0)),
            None,
            "held up by something else"
        );
        assert_eq!(
            pace().waits(&facts(21.0, Some(23.5)), at(23.6)),
            None,
            "the customer is awake"
        );
    }

    #[test]
    fn wait_into_quiet_hours_ends_with_them() {
        let first = |made| Facts {
            first: Some(FirstContact {
                made: vec![at(made)],
                ahead: 0,
            }),
            ..facts(20.0, None)
        };
        let waits = |made, now| {
            pace()
                .waits(&first(made), at(now))
                .map(|wait| (wait.reason, wait.until))
        };
        assert_eq!(waits(20.0, 20.5), Some((WaitReason::FirstContacts, at(21.0))));
        assert_eq!(waits(21.5, 21.6), Some((WaitReason::QuietHours, at(31.0))));
        assert_eq!(waits(10.0, 20.5), None);
    }
}
