//! Bounds of a connection.

use std::time::Duration;

/// Bounds of a connection. The defaults are for production; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// Interval at which the client should send a heartbeat, and at which the server pings it and checks its key.
    pub heartbeat: Duration,
    /// Time without any frame after which the client counts as gone.
    pub silence: Duration,
    /// Maximum time to identify.
    pub identify: Duration,
    /// Time to identify for a client whose key is in the header. It does not have to: after this time it is accepted
    /// without a filter and without a cursor.
    pub header_grace: Duration,
    /// Number of frames that may wait for a client.
    pub queue_frames: usize,
    /// Number of bytes that may wait for a client.
    pub queue_bytes: usize,
    /// Maximum time that a full queue may stay full before the client is disconnected as too slow.
    pub slow_after: Duration,
    /// Maximum time for the last frames and the close frame.
    pub farewell: Duration,
    /// Maximum time in which a client that was too slow may read on, up to the frame that says so.
    pub slow_farewell: Duration,
    /// Greatest number of connections of identified clients.
    pub sockets: usize,
    /// Greatest number of connections of clients that have not identified themselves yet.
    pub unidentified: usize,
    /// Greatest number of those from one address.
    pub unidentified_of_address: usize,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            silence: Duration::from_secs(75),
            identify: Duration::from_secs(5),
            header_grace: Duration::from_secs(1),
            queue_frames: 256,
            queue_bytes: 2 << 20,
            slow_after: Duration::from_secs(10),
            farewell: Duration::from_secs(2),
            slow_farewell: Duration::from_secs(30),
            sockets: 1000,
            unidentified: 1024,
            unidentified_of_address: 256,
        }
    }
}
