//! Upkeep of a working page, which would otherwise grow for ever: it is reloaded at night, if its heap is too large, or
//! if it asks for an update; never while it is in use. Pure decisions. Events missed meanwhile are found by the resync
//! that follows every load.

use std::time::Duration;

use tokio::time::Instant;

use super::reason::{Reason, Remedy};
use crate::domain::Timestamp;
use crate::wa::options::WaOptions;

/// Minimum time between two nightly reloads.
const NIGHTLY_INTERVAL: Duration = Duration::from_hours(12);

/// Use of a working page.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Size of its JavaScript heap, in bytes.
    pub heap: Option<u64>,
    /// Whether it asks to be reloaded into its newer version.
    pub stale: bool,
    /// Time since the last event or call.
    pub unused: Duration,
}

/// Decides when to reload a working page.
#[derive(Debug)]
pub struct Upkeep {
    /// Since when the page is ready; none while it is being loaded.
    ready: Option<Instant>,
    /// Wall-clock time of the last nightly reload.
    nightly: Option<Timestamp>,
}

impl Upkeep {
    /// Begins with a page that was just attached and counts as ready from now on.
    pub const fn new(now: Instant) -> Self {
        Self {
            ready: Some(now),
            nightly: None,
        }
    }

    /// Notes that the page was reloaded.
    pub const fn on_reload(&mut self) {
        self.ready = None;
    }

    /// Decides for a page that is ready. `wall` is the same moment as `now`, in wall-clock time.
    pub fn check(&mut self, usage: &Usage, options: &WaOptions, wall: Timestamp, now: Instant) -> Option<Remedy> {
        let limits = &options.limits;
        // Measured from when it got ready and not from its load: a page that loads slowly would be reloaded in a loop.
        let age = now - *self.ready.get_or_insert(now);
        if usage.unused < limits.unused || age < limits.reload_gap {
            return None;
        }
        let is_large = usage.heap.is_some_and(|heap| heap > limits.heap);
        let why = if is_large {
            "the page uses too much memory"
        } else if usage.stale {
            "the page asks to be updated"
        } else if self.is_night(options, wall) {
            self.nightly = Some(wall);
            "nightly reload while nobody uses the page"
        } else {
            return None;
        };
        Some(Remedy::Reload(Reason::Upkeep(why.to_owned())))
    }

    fn is_night(&self, options: &WaOptions, wall: Timestamp) -> bool {
        let is_in_hours = options
            .nightly_reload
            .as_ref()
            .is_some_and(|hours| hours.end(wall).is_some());
        let is_done = self.nightly.is_some_and(|done| wall.since(done) < NIGHTLY_INTERVAL);
        is_in_hours && !is_done
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

    fn unused(minutes: u64) -> Usage {
        Usage {
            unused: Duration::from_mins(minutes),
            ..Usage::default()
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

        fn check(&mut self, usage: &Usage, minutes: u64) -> bool {
            let span = Duration::from_mins(minutes);
            let now = self.start + span;
            let remedy = self.upkeep.check(usage, &options(), MIDNIGHT.plus(span), now);
            if remedy.is_some() {
                self.upkeep.on_reload();
                // Ready at once.
                self.upkeep
                    .check(&Usage::default(), &options(), MIDNIGHT.plus(span), now);
            }
            remedy.is_some()
        }
    }

    #[test]
    fn nightly_reload_happens_once_while_unused() {
        let mut night = Night::begin();
        assert!(!night.check(&unused(60), 2 * 60), "not yet night");
        assert!(!night.check(&unused(4), 3 * 60), "somebody is up late");
        assert!(night.check(&unused(5), 3 * 60 + 1));
        assert!(!night.check(&unused(99), 4 * 60 + 59), "once");
        assert!(!night.check(&unused(99), 15 * 60));
        assert!(night.check(&unused(99), 27 * 60), "and in the next night");
    }

    #[test]
    fn large_or_stale_page_is_reloaded_not_in_loop() {
        let mut day = Night::begin();
        let large = Usage {
            heap: Some(513 << 20),
            ..unused(5)
        };
        let stale = Usage {
            stale: true,
            ..unused(5)
        };
        assert!(!day.check(&large, 59), "it was loaded within the hour");
        let used = Usage {
            unused: Duration::from_secs(299),
            ..large.clone()
        };
        assert!(!day.check(&used, 60), "somebody uses it");
        assert!(day.check(&large, 61));
        assert!(!day.check(&large, 120), "it did not help");
        assert!(day.check(&stale, 122));
        let small = Usage {
            heap: Some(512 << 20),
            ..unused(5)
        };
        assert!(!day.check(&small, 1000));
    }
}
