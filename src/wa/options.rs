//! The adapter's settings and time limits.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::daily::Daily;

/// Settings of one account's WhatsApp Web.
#[derive(Clone, Debug)]
pub struct WaOptions {
    /// The page's address.
    pub url: String,
    /// The browser; none to search for the usual ones.
    pub browser: Option<PathBuf>,
    /// The driver; none to search for `chromedriver`.
    pub driver: Option<PathBuf>,
    /// Additional arguments for the browser.
    pub args: Vec<String>,
    /// Whether to run without a window; with a window it needs a display.
    pub headless: bool,
    /// File to use in place of the embedded library.
    pub library: Option<PathBuf>,
    /// The account's folder, for its lock and the browser's profile.
    pub profile: PathBuf,
    /// Whether "typing…" is shown before a text, and while an agent types in the room.
    pub typing: bool,
    /// Time after which a session that was opened elsewhere is taken over; none: only on request.
    pub take_over: Option<Duration>,
    /// Hours in which an unused page is reloaded, once a night; none: never.
    pub nightly_reload: Option<Daily>,
    /// Time limits.
    pub limits: Limits,
}

/// Time limits. The defaults are for real use; tests shorten them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Deadline for the start of the browser, of the driver, and of the session between them, each.
    pub launch: Duration,
    /// Deadline for a loaded page to show a QR code or to be logged in.
    pub ready: Duration,
    /// Deadline for the library to find all modules that it needs in a loaded page.
    pub fit: Duration,
    /// Deadline for a logged-in page to fetch the messages that it missed.
    pub sync: Duration,
    /// Deadline of an ordinary call.
    pub call: Duration,
    /// Deadline of a send; after it the outcome is unknown.
    pub send: Duration,
    /// Deadline for the page to download a medium: a large one over a slow network.
    pub download: Duration,
    /// Time that a pull waits for the doorbell.
    pub pull: Duration,
    /// Interval of status checks, until the page is ready.
    pub status: Duration,
    /// Interval of status checks of a ready page, which also tells its changes by itself.
    pub ready_status: Duration,
    /// Deadline of a status check.
    pub look: Duration,
    /// Time without an answer to status checks after which the browser is restarted.
    pub silent: Duration,
    /// Time without events after which WhatsApp's server is asked for a sign of life (rule 16).
    pub idle: Duration,
    /// Deadline of that sign of life.
    pub probe: Duration,
    /// Minimum time between two such requests.
    pub probe_gap: Duration,
    /// Minimum time between two requests for a fresh QR code.
    pub qr_gap: Duration,
    /// Life of a pairing code, after which a new one is requested.
    pub pairing_code: Duration,
    /// Maximum pause between two starts of the browser.
    pub back_off: Duration,
    /// Interval of memory measurements.
    pub weigh: Duration,
    /// Size of the JavaScript heap above which an unused page is reloaded, in bytes.
    pub heap: u64,
    /// Time without events and calls after which the page counts as unused.
    pub unused: Duration,
    /// Minimum time between two reloads of a working page.
    pub reload_gap: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            launch: Duration::from_secs(30),
            ready: Duration::from_secs(45),
            fit: Duration::from_secs(10),
            sync: Duration::from_mins(5),
            call: Duration::from_secs(15),
            send: Duration::from_secs(30),
            download: Duration::from_mins(5),
            pull: Duration::from_secs(3),
            status: Duration::from_secs(1),
            ready_status: Duration::from_secs(2),
            look: Duration::from_secs(5),
            silent: Duration::from_secs(15),
            idle: Duration::from_secs(45),
            probe: Duration::from_secs(10),
            probe_gap: Duration::from_secs(45),
            qr_gap: Duration::from_secs(20),
            pairing_code: Duration::from_mins(3),
            back_off: Duration::from_mins(1),
            weigh: Duration::from_mins(2),
            heap: 512 << 20,
            unused: Duration::from_mins(5),
            reload_gap: Duration::from_hours(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of deafness is found within a minute.
    #[test]
    fn every_deafness_is_found_within_a_minute() {
        const MINUTE: Duration = Duration::from_mins(1);
        let limits = Limits::default();
        // Worst case: the last check before the page froze was answered, and the next runs into its deadline.
        let look = limits.ready_status + limits.look;
        assert!(limits.silent + look < MINUTE, "frozen");
        let asked = limits.idle.max(limits.probe_gap);
        assert!(asked + limits.probe + limits.ready_status < MINUTE, "a dead socket");
        assert!(limits.ready + look < MINUTE, "a library that never loads");
        assert!(limits.fit + look < MINUTE, "a library that is half loaded");
    }
}
