//! The bounds of a connection.

use std::time::Duration;

/// The defaults are for real use; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// How often the client is to send a heartbeat, and how often it is pinged and its key looked at again.
    pub heartbeat: Duration,
    /// Silence after which a client counts as gone.
    pub silence: Duration,
    /// Time to identify.
    pub identify: Duration,
    /// Time to identify for those whose key came in the header: they need not, and are let in when it is over.
    pub header_grace: Duration,
    /// Frames that wait for a client.
    pub queue_frames: usize,
    /// How long a full queue may stay full.
    pub slow_after: Duration,
    /// Time for the last frames of a connection that ends.
    pub farewell: Duration,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            silence: Duration::from_secs(75),
            identify: Duration::from_secs(5),
            header_grace: Duration::from_secs(1),
            queue_frames: 256,
            slow_after: Duration::from_secs(10),
            farewell: Duration::from_secs(2),
        }
    }
}
