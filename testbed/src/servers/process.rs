//! One running process: polled until it is ready, ended in order or by force, and reaped when dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Result, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process_group};

/// Interval at which a condition is checked.
const POLL: Duration = Duration::from_millis(20);
/// Maximum time for a process to end in order.
const GRACE: Duration = Duration::from_secs(20);
/// Number of lines of the log in the error of a failed server.
const QUOTED_LINES: usize = 40;

/// A running server process.
#[derive(Debug)]
pub struct Process {
    pub(super) name: &'static str,
    pub(super) end: Signal,
    pub(super) log: PathBuf,
    pub(super) child: Child,
    pub(super) ended: Option<ExitStatus>,
}

impl Process {
    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the path of the log, which has its standard output and error.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the exit status if the process has ended, for whatever reason.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Kills the whole process group with SIGKILL, and reaps the process.
    pub fn kill_9(&mut self) {
        self.signal(Signal::KILL);
        self.reap();
    }

    /// Sends the signal to the whole group, unless the process has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends the process in order, or by force if that takes longer than [`GRACE`]. Returns whether it ended in order.
    pub fn end(&mut self) -> bool {
        self.signal(self.end);
        for _ in 0..GRACE.as_millis() / POLL.as_millis() {
            if self.ended().is_some() {
                return true;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "dropping cannot await, and a corpse must not stay"
            )]
            std::thread::sleep(POLL);
        }
        self.kill_9();
        false
    }

    fn reap(&mut self) {
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }

    /// Waits until the condition holds.
    ///
    /// # Errors
    /// The server ended first, or the deadline passed; the message quotes its log.
    pub async fn until(&mut self, deadline: Duration, mut holds: impl AsyncFnMut() -> bool) -> Result<()> {
        let end = tokio::time::Instant::now() + deadline;
        loop {
            if let Some(status) = self.ended() {
                bail!(
                    "{} ended with {status} before it was ready:\n{}",
                    self.name,
                    self.last_words()
                );
            }
            if holds().await {
                return Ok(());
            }
            if tokio::time::Instant::now() >= end {
                bail!(
                    "{} was not ready within {deadline:?}:\n{}",
                    self.name,
                    self.last_words()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Returns the end of the log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns whether the process exists and is not a zombie.
pub fn is_running(pid: u32) -> bool {
    // proc(5): the state follows the program's name, which is in brackets and may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::Launch;

    /// Variable that is set when this test binary is started as the owner of a server. It names the file for the
    /// server's id.
    const OWNER: &str = "CRM_TESTBED_TEST_OWNER";

    #[test]
    fn owner_of_a_server() {
        let Some(told) = std::env::var_os(OWNER).map(PathBuf::from) else {
            return;
        };
        let launch = Launch::new("sleep", "sleep", told.parent().unwrap()).arguments(["600"]);
        let server = launch.start().unwrap();
        std::fs::write(told.with_extension("part"), server.pid().to_string()).unwrap();
        std::fs::rename(told.with_extension("part"), &told).unwrap();
        loop {
            std::thread::park();
        }
    }

    #[tokio::test]
    async fn server_dies_with_killed_owner() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("pid");
        let myself = std::env::current_exe().unwrap();
        let owner = Launch::new("owner", "env", folder.path())
            .arguments([format!("{OWNER}={}", told.display()), myself.display().to_string()])
            .arguments(["--exact", "servers::process::tests::owner_of_a_server"]);
        let mut owner = owner.start().unwrap();
        let second = Duration::from_secs(10);
        owner.until(second, async || told.exists()).await.unwrap();
        let server: u32 = std::fs::read_to_string(&told).unwrap().parse().unwrap();
        assert!(is_running(server));
        owner.kill_9();
        let gone = async {
            while is_running(server) {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(second, gone)
            .await
            .expect("the server outlived its killed owner");
    }
}
