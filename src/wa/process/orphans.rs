//! The processes that we have started for a profile, kept in a file so that the next start finds what a crash of ours has
//! left running. A process is killed only if its id, its start time, the boot and our folder among its arguments all
//! agree (`RULES` 26).

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use super::id::{self, ProcessIdentity, Seen};

/// One process group of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    role: String,
    leader: ProcessIdentity,
    /// An argument that names our folder, such as `--user-data-dir=…`.
    mark: String,
}

/// The file with the records. Only used under the profile's lock.
#[derive(Clone, Debug)]
pub struct Orphans {
    file: PathBuf,
}

impl Orphans {
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Remembers a group that has just been started, in place of an earlier one of the same role.
    pub fn remember(&self, role: &str, leader: ProcessIdentity, mark: String) -> io::Result<()> {
        let mut records = self.read();
        records.retain(|record| record.role != role);
        records.push(Record {
            role: role.to_owned(),
            leader,
            mark,
        });
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(&records)?)?;
        fs::rename(fresh, &self.file)
    }

    /// Kills what is left of the remembered groups, and forgets them.
    pub fn reap(&self) {
        for record in self.read() {
            let left: Vec<Seen> = id::all().into_iter().filter(|seen| record.owns(seen)).collect();
            if left.is_empty() {
                continue;
            }
            tracing::warn!(
                role = record.role,
                processes = left.len(),
                "ending what an earlier run has left behind"
            );
            // As long as the leader lives its group is its own; else each process is asked for by itself.
            if left.iter().any(|seen| seen.identity == record.leader) {
                signal(record.leader.pid, kill_process_group);
            }
            for seen in left {
                signal(seen.identity.pid, kill_process);
            }
        }
        let _ = fs::remove_file(&self.file);
    }

    /// A file that is not there or does not parse remembers nobody: better an orphan than a stranger killed.
    fn read(&self) -> Vec<Record> {
        fs::read(&self.file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }
}

impl Record {
    fn owns(&self, seen: &Seen) -> bool {
        let leader = &self.leader;
        let same = seen.identity == *leader;
        let member = seen.group == leader.pid
            && seen.identity.boot == leader.boot
            && seen.identity.started >= leader.started
            && seen.identity.pid != leader.pid;
        (same || member) && seen.arguments.contains(&self.mark)
    }
}

fn signal(pid: u32, send: fn(Pid, Signal) -> rustix::io::Result<()>) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = send(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command};

    use super::*;

    const MARK: &str = "--user-data-dir=/somewhere/of/ours";

    /// A process that lives until it is killed, with the mark among its arguments.
    fn process(mark: &str) -> Child {
        let child = Command::new("sh")
            .args(["-c", "while :; do sleep 600; done", mark])
            .process_group(0)
            .spawn()
            .unwrap();
        // The kernel returns from the start a moment before the arguments can be seen.
        while id::look(child.id()).is_none_or(|seen| seen.arguments.is_empty()) {
            std::thread::yield_now();
        }
        child
    }

    fn reap(leader: ProcessIdentity) {
        let folder = tempfile::tempdir().unwrap();
        let orphans = Orphans::new(folder.path().join("processes.json"));
        orphans.remember("browser", leader, MARK.to_owned()).unwrap();
        orphans.reap();
        assert!(!folder.path().join("processes.json").exists());
    }

    fn is_running(child: &mut Child) -> bool {
        child.try_wait().unwrap().is_none()
    }

    fn end(mut child: Child) {
        signal(child.id(), kill_process_group);
        child.wait().unwrap();
    }

    /// `RULES` 26.
    #[test]
    fn an_orphan_is_reaped_with_what_it_started() {
        let mut child = process(MARK);
        reap(id::look(child.id()).unwrap().identity);
        assert!(!child.wait().unwrap().success());
    }

    /// `RULES` 26: never by the process id alone.
    #[test]
    fn a_stranger_that_got_the_same_process_id_lives_on() {
        let mut child = process(MARK);
        let identity = id::look(child.id()).unwrap().identity;
        reap(ProcessIdentity {
            started: identity.started - 1,
            ..identity.clone()
        });
        reap(ProcessIdentity {
            boot: "another boot".to_owned(),
            ..identity
        });
        assert!(is_running(&mut child));
        end(child);
    }

    /// `RULES` 26: nor without our folder.
    #[test]
    fn a_process_that_does_not_use_our_folder_lives_on() {
        let mut child = process("--user-data-dir=/somewhere/else");
        reap(id::look(child.id()).unwrap().identity);
        assert!(is_running(&mut child));
        end(child);
    }
}
