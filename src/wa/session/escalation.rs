//! Escalation of remedies against a page that misses events: a pure decision.

use std::time::Duration;

use tokio::time::Instant;

use super::reason::{Reason, Remedy};
use crate::domain::vitals::Deafness;

/// After this time without deafness the gentlest remedy comes first again.
const CALM: Duration = Duration::from_mins(10);

/// Chooses the next remedy for a page that shows messages without reporting them: attach the listeners again, then
/// reload, then restart the browser. Survives page and browser.
#[derive(Debug, Default)]
pub struct Escalation {
    last: Option<Instant>,
    steps: u32,
}

impl Escalation {
    /// Returns the next remedy; begins again with the gentlest after ten quiet minutes.
    pub fn next(&mut self, now: Instant) -> Remedy {
        if self.last.is_none_or(|last| now - last >= CALM) {
            self.steps = 0;
        }
        self.last = Some(now);
        self.steps += 1;
        let why = || {
            let why = "the page shows messages that it did not report".to_owned();
            Reason::Deaf(Deafness::Listener, why)
        };
        match self.steps {
            1 => Remedy::Relisten,
            2 => Remedy::Reload(why()),
            _ => Remedy::Restart(why()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_deafness_escalates_until_calm() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        let mut escalation = Escalation::default();
        assert_eq!(escalation.next(at(0)), Remedy::Relisten);
        assert!(matches!(escalation.next(at(1)), Remedy::Reload(_)));
        assert!(matches!(escalation.next(at(2)), Remedy::Restart(_)));
        assert!(matches!(escalation.next(at(11)), Remedy::Restart(_)));
        assert_eq!(escalation.next(at(21)), Remedy::Relisten);
    }
}
