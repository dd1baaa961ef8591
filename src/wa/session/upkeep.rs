//! Keeps a page that is well from growing for ever: loads it anew at night, or when its heap is too large, or when it asks for
//! it; and never while somebody uses it. Pure decisions. What the page missed meanwhile is found by the comparison that follows
//! every load.

use std::time::Duration;

use tokio::time::Instant;

use super::health::Remedy;
use super::illness::Illness;
use crate::domain::Timestamp;
use crate::wa::options::WaOptions;

/// A page that was loaded within this has had its night.
const A_NIGHT: Duration = Duration::from_hours(12);

/// What is known of a page that is well.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Size of its script heap, in bytes.
    pub heap: Option<u64>,
    /// It asks to be loaded anew.
    pub stale: bool,
    /// For how long nothing was told or asked for.
    pub unused: Duration,
}

#[derive(Debug)]
pub struct Upkeep {
    /// Since when the page can be used; none: it is being loaded.
    ready: Option<Instant>,
    /// When the wall clock showed the hours of the reload and it was done.
    nightly: Option<Timestamp>,
}

impl Upkeep {
    /// A page that was attached to just now counts as ready since now.
    pub const fn new(now: Instant) -> Self {
        Self {
            ready: Some(now),
            nightly: None,
        }
    }

    pub const fn reloaded(&mut self) {
        self.ready = None;
    }

    /// Called while the page is ready. `wall` is the same moment as `now` on the clock that people look at.
    pub fn look(&mut self, seen: &Seen, options: &WaOptions, wall: Timestamp, now: Instant) -> Option<Remedy> {
        let limits = &options.limits;
        // From when it was of use again: one that loads slowly would never be left in peace.
        let age = now - *self.ready.get_or_insert(now);
        if seen.unused < limits.unused || age < limits.reload_gap {
            return None;
        }
        let is_large = seen.heap.is_some_and(|heap| heap > limits.heap);
        let why = if is_large {
            "the page's heap is larger than it may be"
        } else if seen.stale {
            "the page asks for its newer version"
        } else if self.is_night(options, wall) {
            self.nightly = Some(wall);
            "it is night and nobody uses the page"
        } else {
            return None;
        };
        Some(Remedy::Reload(Illness::Stale(why.to_owned())))
    }

    fn is_night(&self, options: &WaOptions, wall: Timestamp) -> bool {
        let is_in_hours = options
            .nightly_reload
            .as_ref()
            .is_some_and(|hours| hours.end(wall).is_some());
        let had_it = self.nightly.is_some_and(|done| wall.since(done) < A_NIGHT);
        is_in_hours && !had_it
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::daily::Daily;
    use crate::wa::options::Limits;

    /// 2026-09-21T00:00:00Z.
    const MIDNIGHT: Timestamp = Timestamp(1_789_948_800_000);

    fn options() -> WaOptions {
        let hours = "03:00-05:00".parse().unwrap();
        WaOptions {
            url: String::new(),
            browser: None,
            driver: None,
            args: vec![],
            headless: true,
            library: None,
            profile: std::path::PathBuf::new(),
            typing: false,
            take_over: None,
            nightly_reload: Some(Daily::new(hours, jiff::tz::TimeZone::UTC)),
            limits: Limits::default(),
        }
    }

    fn unused(minutes: u64) -> Seen {
        Seen {
            unused: Duration::from_mins(minutes),
            ..Seen::default()
        }
    }

    /// A page that is loaded at midnight.
    struct Night {
        upkeep: Upkeep,
        start: Instant,
    }

    impl Night {
        fn begin() -> Self {
            let start = Instant::now();
            Self {
                upkeep: Upkeep::new(start),
                start,
            }
        }

        fn look(&mut self, seen: &Seen, minutes: u64) -> bool {
            let span = Duration::from_mins(minutes);
            let now = self.start + span;
            let remedy = self.upkeep.look(seen, &options(), MIDNIGHT.plus(span), now);
            if remedy.is_some() {
                self.upkeep.reloaded();
                // Ready at once.
                self.upkeep.look(&Seen::default(), &options(), MIDNIGHT.plus(span), now);
            }
            remedy.is_some()
        }
    }

    #[test]
    fn a_page_is_loaded_anew_once_a_night_and_never_while_somebody_uses_it() {
        let mut night = Night::begin();
        assert!(!night.look(&unused(60), 2 * 60), "not yet night");
        assert!(!night.look(&unused(4), 3 * 60), "somebody is up late");
        assert!(night.look(&unused(5), 3 * 60 + 1));
        assert!(!night.look(&unused(99), 4 * 60 + 59), "once");
        assert!(!night.look(&unused(99), 15 * 60));
        assert!(night.look(&unused(99), 27 * 60), "and in the next night");
    }

    #[test]
    fn a_large_or_stale_page_is_loaded_anew_at_any_time_and_not_over_and_over() {
        let mut day = Night::begin();
        let large = Seen {
            heap: Some(513 << 20),
            ..unused(5)
        };
        let stale = Seen {
            stale: true,
            ..unused(5)
        };
        assert!(!day.look(&large, 59), "it was loaded within the hour");
        let used = Seen {
            unused: Duration::from_secs(299),
            ..large.clone()
        };
        assert!(!day.look(&used, 60), "somebody uses it");
        assert!(day.look(&large, 61));
        assert!(!day.look(&large, 120), "it did not help");
        assert!(day.look(&stale, 122));
        let small = Seen {
            heap: Some(512 << 20),
            ..unused(5)
        };
        assert!(!day.look(&small, 1000));
    }
}
