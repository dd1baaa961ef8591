//! The pace of a person: whether a message may go out now, and if not, why and until when. Pure decisions; the relay asks.

pub mod consent;
pub mod daily;

use std::time::Duration;

use super::Timestamp;
use super::word::words;
use consent::ConsentWords;
use daily::Daily;

/// A text that was written within this after the customer wrote is an answer, and so is one to a customer who has written
/// within it: whoever writes is awake.
pub const ANSWER_WITHIN: Duration = Duration::from_mins(30);
pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);
/// First contacts in front of one in the queue that are counted; behind so many the time told is the earliest possible one.
const MAX_AHEAD: usize = 1000;

words! {
    /// Why a message that could go out does not yet.
    WaitReason {
        /// As many people who never wrote have been written to as may be.
        FirstContacts = "first_contacts",
        /// The customer sleeps.
        QuietHours = "quiet_hours",
    }
}

impl WaitReason {
    /// For people to read.
    pub const fn explained(self) -> &'static str {
        match self {
            Self::FirstContacts => "as many first contacts have been made as may be (CRM_WHATSAPP_FIRST_CONTACTS)",
            Self::QuietHours => "these are quiet hours (CRM_WHATSAPP_QUIET_HOURS)",
        }
    }
}

/// A message that waits by our own will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub reason: WaitReason,
    pub until: Timestamp,
}

/// How many people who never wrote may be written to; none: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstContacts {
    /// In any hour.
    pub hourly: Option<u32>,
    /// In any 24 hours.
    pub daily: Option<u32>,
}

impl FirstContacts {
    pub const fn is_unlimited(&self) -> bool {
        self.hourly.is_none() && self.daily.is_none()
    }

    /// When one may be made that stands behind `ahead` others: now, or when enough of those that were made are old enough.
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
            // As long as the cap-th newest is in the window, the window is full.
            let oldest = made.len().checked_sub(cap).and_then(|at| made.get(at))?;
            Some(oldest.plus(window))
        });
        full.fold(from, Timestamp::max)
    }
}

/// How one account behaves towards people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    pub first_contacts: FirstContacts,
    /// When nobody is written to who has not just written.
    pub quiet: Option<Daily>,
    pub consent: ConsentWords,
}

/// What is known of a message that could go out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it was written.
    pub written: Timestamp,
    /// When the customer wrote last.
    pub heard: Option<Timestamp>,
    /// Where it would be a first contact.
    pub first: Option<FirstContact>,
}

/// What is known of those that were written to before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstContact {
    /// When the first contacts of the last 24 hours were made.
    pub made: Vec<Timestamp>,
    /// Others that wait in front of this one.
    pub ahead: usize,
}

impl Pace {
    /// Why the message has to wait, if it has to. `until` is a moment at which nothing of ours holds it back.
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
