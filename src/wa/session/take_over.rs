//! Automatic take-over of a session that was opened elsewhere: a pure decision.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two take-overs. Somebody who opens the session again within it keeps it until a person decides.
const MIN_INTERVAL: Duration = Duration::from_hours(1);

/// Decides when to take over, if the configuration says so: after a wait, and not repeatedly, because a person may be
/// using the other session.
#[derive(Debug, Default)]
pub struct TakeOver {
    since: Option<Instant>,
    done: Option<Instant>,
}

impl TakeOver {
    /// Returns whether to take over now. `after` is the configured wait; none means never.
    pub fn is_due(&mut self, conflict: bool, after: Option<Duration>, now: Instant) -> bool {
        if !conflict {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let has_waited = after.is_some_and(|after| now - since >= after);
        let may = self.done.is_none_or(|done| now - done >= MIN_INTERVAL);
        if has_waited && may {
            self.done = Some(now);
        }
        has_waited && may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_over_waits_and_does_not_repeat() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        let after = Some(Duration::from_mins(10));
        let mut take_over = TakeOver::default();
        assert!(!take_over.is_due(true, None, at(500)), "not unless it is asked for");
        let mut take_over = TakeOver {
            since: None,
            ..take_over
        };
        assert!(!take_over.is_due(true, after, at(0)));
        assert!(!take_over.is_due(false, after, at(9)));
        assert!(!take_over.is_due(true, after, at(10)), "a new conflict, a new wait");
        assert!(take_over.is_due(true, after, at(20)));
        assert!(!take_over.is_due(true, after, at(21)));
        assert!(!take_over.is_due(false, after, at(22)));
        assert!(!take_over.is_due(true, after, at(30)));
        assert!(!take_over.is_due(true, after, at(79)), "somebody keeps it");
        assert!(take_over.is_due(true, after, at(80)));
    }
}
