//! Messages for later: pure decisions about when one may go, and why one is held for a person.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::word::words;

/// Furthest that a message or the end of a snooze may be ahead.
pub const MAX_AHEAD: Duration = Duration::from_hours(366 * 24);
/// How late a message may go by itself, because the account was offline or the server was stopped. A later one is held:
/// its moment has passed, so a person decides.
pub const MAX_LATE: Duration = Duration::from_hours(1);

words! {
    /// How far a message for later is.
    Stage {
        /// It waits for its time.
        Scheduled = "scheduled",
        /// It waits for a person, who releases, changes or cancels it.
        Held = "held",
        /// Its time has come: it is in the outbox, and is held again if the customer writes before it goes out.
        Due = "due",
    }
}

/// Fate of a message whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It goes into the outbox.
    Goes,
    /// It is held, because the customer has written since.
    Overtaken,
    /// It is held, because its time is long past.
    Late,
}

/// Decides about a message whose time `send_at` has come at `now`.
pub fn when_due(send_at: Timestamp, now: Timestamp, is_overtaken: bool) -> Due {
    if is_overtaken {
        Due::Overtaken
    } else if now.since(send_at) > MAX_LATE {
        Due::Late
    } else {
        Due::Goes
    }
}

/// Error: a time cannot be one for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLater {
    /// It is past.
    #[error("this time is past; give a later one, or leave it out")]
    Past,
    /// It is too far ahead.
    #[error("this time is more than {} days ahead; give an earlier one", MAX_AHEAD.as_secs() / 86_400)]
    TooFar,
}

/// Fails if `at` is not after `now`, or too far after it.
pub fn check_later(at: Timestamp, now: Timestamp) -> Result<(), NotLater> {
    if at <= now {
        return Err(NotLater::Past);
    }
    if at.since(now) > MAX_AHEAD {
        return Err(NotLater::TooFar);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn due_message_goes_unless_overtaken_or_late() {
        let hour = |minutes: u64| NOW.minus(Duration::from_mins(minutes));
        assert_eq!(when_due(NOW, NOW, false), Due::Goes);
        assert_eq!(when_due(hour(60), NOW, false), Due::Goes);
        assert_eq!(when_due(hour(61), NOW, false), Due::Late);
        assert_eq!(when_due(NOW, NOW, true), Due::Overtaken);
        assert_eq!(when_due(hour(600), NOW, true), Due::Overtaken);
    }

    #[test]
    fn time_for_later_is_ahead_within_a_year() {
        assert_eq!(check_later(NOW, NOW), Err(NotLater::Past));
        assert_eq!(check_later(NOW.plus(Duration::from_millis(1)), NOW), Ok(()));
        assert_eq!(check_later(NOW.plus(MAX_AHEAD), NOW), Ok(()));
        assert_eq!(check_later(Timestamp(i64::MAX), NOW), Err(NotLater::TooFar));
        assert_eq!(check_later(Timestamp(i64::MIN), NOW), Err(NotLater::Past));
    }
}
