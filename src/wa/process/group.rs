//! Process groups: a child process with everything that it starts, ended as a whole.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use rustix::thread::clear_ambient_capability_set;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::environment;
use super::id::{self, ProcessId};

/// Maximum time the kernel takes to remove killed processes.
const REAP_TIMEOUT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);

/// A process group; killed when this is dropped.
#[derive(Debug)]
pub struct Group {
    child: Child,
    leader: u32,
    is_killed: bool,
}

impl Group {
    /// Starts the command as the leader of a new process group, in an environment without secrets and with no right of ours
    /// beyond those of our user.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        environment::clear(command);
        command.process_group(0).kill_on_drop(true);
        let child = without_capabilities(|| command.spawn())?;
        let leader = child.id().ok_or_else(|| io::Error::other("the child has no id"))?;
        Ok(Self {
            child,
            leader,
            is_killed: false,
        })
    }

    /// Returns the leader's identity, by which it is found again after a crash of ours.
    pub fn identity(&self) -> Option<ProcessId> {
        ProcessId::of(self.leader)
    }

    /// Returns the id of the group, which is its leader's process id.
    pub const fn id(&self) -> u32 {
        self.leader
    }

    /// Takes the write end of the leader's standard input; none if it was not piped or was taken before.
    pub fn take_stdin(&mut self) -> Option<tokio::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits until the leader ends, then kills the rest of the group.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.kill();
        Ok(status)
    }

    /// Returns the leader's exit status if it has ended, and kills the rest of the group.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        self.kill();
        Some(status)
    }

    /// Waits at most `grace` until the leader ends by itself, then kills the whole group. Returns when no process of it
    /// is left.
    pub async fn end(&mut self, grace: Duration) {
        if timeout(grace, self.child.wait()).await.is_err() {
            self.kill();
            let _ = self.child.wait().await;
        }
        self.kill();
        let _ = timeout(REAP_TIMEOUT, async {
            while id::all().iter().any(|process| process.group == self.leader) {
                sleep(POLL).await;
            }
        })
        .await;
    }

    /// Sends SIGKILL to the whole group, once: later its id may belong to another group.
    fn kill(&mut self) {
        if std::mem::replace(&mut self.is_killed, true) {
            return;
        }
        if let Some(group) = i32::try_from(self.leader).ok().and_then(Pid::from_raw) {
            // Fails if no process of the group is left, which is fine.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs this on a thread of its own without ambient capabilities, which a child inherits: a service may have some, such as
/// the right to shut ports, and the page in the browser must not.
fn without_capabilities<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let runtime = tokio::runtime::Handle::current();
    let dropped = || {
        let _context = runtime.enter();
        // Fails where the kernel knows none.
        let _ = clear_ambient_capability_set();
        run()
    };
    let ran = std::thread::scope(|scope| scope.spawn(dropped).join());
    ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::{CapabilitySet, configure_capability_in_ambient_set};

    use super::*;

    #[tokio::test]
    async fn child_has_no_secret_in_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let out = std::fs::File::create(folder.path().join("environment")).unwrap();
        let mut group = Group::spawn(Command::new("/usr/bin/env").env("CRM_API_KEY", "secret").stdout(out)).unwrap();
        assert!(group.ended().await.unwrap().success());
        let told = std::fs::read_to_string(folder.path().join("environment")).unwrap();
        assert!(told.contains("PATH="), "{told}");
        assert!(!told.contains("CRM_") && !told.contains("secret"), "{told}");
    }

    /// Gives this thread a right that its children inherit, as a service's file can; only root may.
    fn raise_capability() -> io::Result<()> {
        let mut sets = rustix::thread::capabilities(None)?;
        sets.inheritable |= CapabilitySet::NET_ADMIN;
        rustix::thread::set_capabilities(None, sets)?;
        Ok(configure_capability_in_ambient_set(CapabilitySet::NET_ADMIN, true)?)
    }

    #[tokio::test]
    async fn child_inherits_no_capability() {
        let folder = tempfile::tempdir().unwrap();
        let out = std::fs::File::create(folder.path().join("status")).unwrap();
        let ambient = |status: &str| {
            let line = status.lines().find(|line| line.starts_with("CapAmb:")).unwrap();
            u64::from_str_radix(line["CapAmb:".len()..].trim(), 16).unwrap()
        };
        if raise_capability().is_ok() {
            let own = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert_ne!(ambient(&own), 0);
        }
        let mut group = Group::spawn(Command::new("cat").arg("/proc/self/status").stdout(out)).unwrap();
        assert!(group.ended().await.unwrap().success());
        let told = std::fs::read_to_string(folder.path().join("status")).unwrap();
        assert_eq!(ambient(&told), 0, "{told}");
    }

    fn alive(group: u32) -> usize {
        id::all().iter().filter(|process| process.group == group).count()
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
    async fn ended_group_leaves_no_child() {
        let mut group = Group::spawn(Command::new("sh").args(["-c", "sleep 600 & sleep 600 & wait"])).unwrap();
        let leader = group.leader;
        until(|| alive(leader) == 3).await;
        group.end(Duration::ZERO).await;
        until(|| alive(leader) == 0).await;
    }

    #[tokio::test]
    async fn ended_leader_takes_group_with_it() {
        let mut group = Group::spawn(Command::new("sh").args(["-c", "sleep 600 & exit 7"])).unwrap();
        let leader = group.leader;
        assert_eq!(group.ended().await.unwrap().code(), Some(7));
        until(|| alive(leader) == 0).await;
    }

    #[tokio::test]
    async fn dropped_group_leaves_no_process() {
        let group = Group::spawn(Command::new("sh").args(["-c", "sleep 600 & wait"])).unwrap();
        let leader = group.leader;
        until(|| alive(leader) == 2).await;
        drop(group);
        until(|| alive(leader) == 0).await;
    }
}
