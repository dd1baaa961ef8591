//! What the adapter is told from outside, and its own bounds.

use std::path::PathBuf;
use std::time::Duration;

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
    pub limits: Limits,
}

/// Bounds on the outside world. The defaults are for real use; tests shorten them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Start of the browser, of the driver, and of a session between them, each.
    pub launch: Duration,
    /// Until a loaded page shows a code or is logged in.
    pub ready: Duration,
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
    /// How long the page may leave its status unanswered before the browser is restarted.
    pub silent: Duration,
    /// How long the page may have nothing to tell before the server is asked whether it is there (`RULES` 16).
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            launch: Duration::from_secs(30),
            ready: Duration::from_secs(45),
            sync: Duration::from_mins(5),
            call: Duration::from_secs(15),
            send: Duration::from_secs(30),
            download: Duration::from_mins(5),
            pull: Duration::from_millis(1500),
            status: Duration::from_secs(1),
            silent: Duration::from_secs(15),
            idle: Duration::from_secs(45),
            probe: Duration::from_secs(10),
            probe_gap: Duration::from_mins(1),
            qr_gap: Duration::from_secs(20),
            pairing_code: Duration::from_mins(3),
            back_off: Duration::from_mins(1),
        }
    }
}
