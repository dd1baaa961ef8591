//! A child process and everything that it starts: one process group, ended as a whole, also when this is dropped.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::id::{self, ProcessIdentity};

/// How long the kernel may take to bury what was killed.
const DYING: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub struct Group {
    child: Child,
    leader: u32,
    ended: bool,
}

impl Group {
    /// Starts the command as the leader of a new process group.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let leader = child.id().ok_or_else(|| io::Error::other("the child has no id"))?;
        Ok(Self {
            child,
            leader,
            ended: false,
        })
    }

    /// Who the leader is, to be found again after a crash of ours.
    pub fn identity(&self) -> Option<ProcessIdentity> {
        ProcessIdentity::of(self.leader)
    }

    /// The id of the group, which is its leader's.
    pub const fn id(&self) -> u32 {
        self.leader
    }

    /// The write end of the leader's standard input, once, if it was piped.
    pub fn take_stdin(&mut self) -> Option<tokio::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Returns when the leader has ended; what it started is ended with it.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.kill();
        Ok(status)
    }

    /// Whether the leader has ended, and how.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        self.kill();
        Some(status)
    }

    /// Waits until the leader ends by itself, at most `grace`; then kills the whole group. Nobody of it is left afterwards.
    pub async fn end(&mut self, grace: Duration) {
        if timeout(grace, self.child.wait()).await.is_err() {
            self.kill();
            let _ = self.child.wait().await;
        }
        self.kill();
        let _ = timeout(DYING, async {
            while id::all().iter().any(|seen| seen.group == self.leader) {
                sleep(POLL).await;
            }
        })
        .await;
    }

    /// `kill -9` of the whole group, once.
    fn kill(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some(group) = i32::try_from(self.leader).ok().and_then(Pid::from_raw) {
            // It fails when nobody of the group is left, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(group: u32) -> usize {
        id::all().iter().filter(|seen| seen.group == group).count()
    }

    async fn until(mut holds: impl FnMut() -> bool) {
        timeout(Duration::from_secs(10), async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the condition never held");
    }

    #[tokio::test]
    async fn what_a_child_has_started_ends_with_it() {
        let mut group = Group::spawn(Command::new("sh").args(["-c", "sleep 600 & sleep 600 & wait"])).unwrap();
        let leader = group.leader;
        until(|| alive(leader) == 3).await;
        group.end(Duration::ZERO).await;
        until(|| alive(leader) == 0).await;
    }

    #[tokio::test]
    async fn a_leader_that_ends_by_itself_takes_the_rest_with_it() {
        let mut group = Group::spawn(Command::new("sh").args(["-c", "sleep 600 & exit 7"])).unwrap();
        let leader = group.leader;
        assert_eq!(group.ended().await.unwrap().code(), Some(7));
        until(|| alive(leader) == 0).await;
    }

    #[tokio::test]
    async fn a_dropped_group_leaves_nobody() {
        let group = Group::spawn(Command::new("sh").args(["-c", "sleep 600 & wait"])).unwrap();
        let leader = group.leader;
        until(|| alive(leader) == 2).await;
        drop(group);
        until(|| alive(leader) == 0).await;
    }
}
