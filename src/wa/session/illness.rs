//! What can be wrong with a page, and how hard a page that is deaf again and again is treated: pure decisions.

use std::time::Duration;

use tokio::time::Instant;

use super::health::Remedy;
use crate::domain::session::SessionEvent;
use crate::domain::vitals::Deafness;

/// After so long without deafness the gentlest remedy is tried again first.
const CALM: Duration = Duration::from_mins(10);

/// Why a page is loaded anew, or its browser started anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Illness {
    /// It does not come up, or stands still.
    Failed(String),
    /// Library and page do not fit each other.
    Mismatch(String),
    /// Connected, and hears nothing.
    Deaf(Deafness, String),
    /// Nothing: it is loaded anew to keep it small.
    Stale(String),
}

impl Illness {
    pub fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Mismatch(why) | Self::Deaf(_, why) | Self::Stale(why) => why,
        }
    }

    /// How it was deaf, if it was.
    pub const fn deafness(&self) -> Option<Deafness> {
        match self {
            Self::Deaf(how, _) => Some(*how),
            Self::Mismatch(_) => Some(Deafness::Library),
            Self::Failed(_) | Self::Stale(_) => None,
        }
    }

    /// What it makes of the session.
    pub fn event(&self) -> SessionEvent {
        match self {
            Self::Mismatch(why) => SessionEvent::Mismatch(why.clone()),
            Self::Failed(why) | Self::Deaf(_, why) => SessionEvent::Failed(why.clone()),
            Self::Stale(_) => SessionEvent::Starting,
        }
    }
}

/// The remedies against a page that did not tell what it shows, from the gentlest on: listen again, load it anew, start the
/// browser anew. Outlives page and browser.
#[derive(Debug, Default)]
pub struct Ladder {
    last: Option<Instant>,
    steps: u32,
}

impl Ladder {
    pub fn climb(&mut self, now: Instant) -> Remedy {
        if self.last.is_none_or(|last| now - last >= CALM) {
            self.steps = 0;
        }
        self.last = Some(now);
        self.steps += 1;
        let why = || {
            let why = "the page shows messages that it did not tell of".to_owned();
            Illness::Deaf(Deafness::Listener, why)
        };
        match self.steps {
            1 => Remedy::Relisten,
            2 => Remedy::Reload(why()),
            _ => Remedy::Restart(why()),
        }
    }
}

/// Takes a session over that was opened elsewhere, where the configuration says so: after a while, and never again and again,
/// because somebody may be sitting there.
#[derive(Debug, Default)]
pub struct TakeOver {
    since: Option<Instant>,
    done: Option<Instant>,
}

/// Somebody who opens it once more within this keeps it, until a person decides.
const NOT_AGAIN: Duration = Duration::from_hours(1);

impl TakeOver {
    /// Whether to take over now. `after`: how long to wait; none: never.
    pub fn is_due(&mut self, conflict: bool, after: Option<Duration>, now: Instant) -> bool {
        if !conflict {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let is_over = after.is_some_and(|after| now - since >= after);
        let may = self.done.is_none_or(|done| now - done >= NOT_AGAIN);
        if is_over && may {
            self.done = Some(now);
        }
        is_over && may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_stays_deaf_is_treated_harder_each_time_and_gently_again_after_a_calm() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        let mut ladder = Ladder::default();
        assert_eq!(ladder.climb(at(0)), Remedy::Relisten);
        assert!(matches!(ladder.climb(at(1)), Remedy::Reload(_)));
        assert!(matches!(ladder.climb(at(2)), Remedy::Restart(_)));
        assert!(matches!(ladder.climb(at(11)), Remedy::Restart(_)));
        assert_eq!(ladder.climb(at(21)), Remedy::Relisten);
    }

    #[test]
    fn a_conflict_is_ended_after_the_wait_once_and_not_in_a_loop() {
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
