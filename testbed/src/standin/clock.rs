//! Clock of the service. It stamps events with the host's time, as WhatsApp's servers do.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time in milliseconds since 1970, UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in is an outside world to the program, with a time of its own"
)]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
