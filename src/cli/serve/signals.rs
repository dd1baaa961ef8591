//! Signals that ask the program to end.

use rustix::process::Signal as Sys;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signal of a file that would become larger than the process may make one. Unhandled it ends the process; handled it
/// leaves a failed write, which is answered and told as such.
const FILE_TOO_LARGE: i32 = Sys::XFSZ.as_raw();

/// SIGINT, SIGTERM and SIGHUP.
pub struct Signals {
    _file_too_large: Signal,
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Installs the handlers. From then on the signals do not end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            _file_too_large: signal(SignalKind::from_raw(FILE_TOO_LARGE))?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
