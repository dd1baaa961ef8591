//! What the adapter is told from outside, and its own bounds.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::daily::Daily;

/// One account's WhatsApp Web: the configuration's part, and where its profile is.
#[derive(Clone, Debug)]
pub struct WaOptions {
    /// The page's address.
    pub url: String,
    /// The browser's program, or none to look for the usual ones.
    pub browser: Option<PathBuf>,
    /// The driver's program, or none to look for `chromedriver`.
    pub driver: Option<PathBuf>,
    /// Appended to the browser's arguments.
    pub args: Vec<String>,
    /// Without a window. Off needs a display.
    pub headless: bool,
    /// Another library file than the embedded one.
    pub library: Option<PathBuf>,
    /// The account's folder: its lock, and the browser's profile. Ours alone.
    pub profile: PathBuf,
    /// Whether "typing…" is shown before a text.
    pub typing: bool,
    /// After how long a session that was opened elsewhere is taken over; none: when a person asks.
    pub take_over: Option<Duration>,
    /// When a page that nobody uses is loaded anew, once a night; none: never.
    pub nightly_reload: Option<Daily>,
    pub limits: Limits,
}

/// Bounds on the outside world. The defaults are for real use; tests shorten them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Start of the browser, of the driver, and of a session between them, each.
    pub launch: Duration,
    /// Until a loaded page shows a code or is logged in.
    pub ready: Duration,
    /// Until the library has found in a loaded page all that it needs.
    pub fit: Duration,
    /// Until a logged-in page has fetched what it missed.
    pub sync: Duration,
    /// An answer of the page to an ordinary call.
    pub call: Duration,
    /// An answer of the page to a send; then nobody knows.
    pub send: Duration,
    /// Until the page has a medium that is asked for: a large one over a slow network.
    pub download: Duration,
    /// How long a pull waits for the doorbell.
    pub pull: Duration,
    /// Between two looks at the page's status when nothing rings.
    pub status: Duration,
    /// An answer of the page to such a look.
    pub look: Duration,
    /// How long the page may leave its status unanswered before the browser is restarted.
    pub silent: Duration,
    /// How long the page may have nothing to tell before the server is asked whether it is there (rule 16).
    pub idle: Duration,
    /// The server's answer to that.
    pub probe: Duration,
    /// Between two such questions, at least.
    pub probe_gap: Duration,
    /// Between two fresh QR codes asked for, at least.
    pub qr_gap: Duration,
    /// A pairing code's life; then a new one is asked for.
    pub pairing_code: Duration,
    /// The longest pause between two starts of the browser.
    pub back_off: Duration,
    /// Between two looks at what browser and page take of the memory.
    pub weigh: Duration,
    /// A page whose script heap is larger than this, in bytes, is loaded anew as soon as nobody uses it.
    pub heap: u64,
    /// How long nothing may have been told or asked for until nobody is taken to use the page.
    pub unused: Duration,
    /// Between two loads of a page that is well, at least.
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
            pull: Duration::from_millis(1500),
            status: Duration::from_secs(1),
            look: Duration::from_secs(5),
            silent: Duration::from_secs(15),
            idle: Duration::from_secs(45),
            probe: Duration::from_secs(10),
            probe_gap: Duration::from_secs(45),
            qr_gap: Duration::from_secs(20),
            pairing_code: Duration::from_mins(3),
            back_off: Duration::from_mins(1),
            weigh: Duration::from_mins(1),
            heap: 512 << 20,
            unused: Duration::from_mins(5),
            reload_gap: Duration::from_hours(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that hears nothing is found out within a minute, whichever way it is deaf.
    #[test]
    fn no_deafness_lasts_a_minute() {
        const MINUTE: Duration = Duration::from_mins(1);
        let limits = Limits::default();
        // A look that is not answered takes as long as it may, and the one before it had been answered.
        let look = limits.status + limits.look;
        assert!(limits.silent + look < MINUTE, "frozen");
        let asked = limits.idle.max(limits.probe_gap);
        assert!(asked + limits.probe + limits.status < MINUTE, "a dead socket");
        assert!(limits.ready + look < MINUTE, "a library that never loads");
        assert!(limits.fit + look < MINUTE, "a library that is half loaded");
    }
}
