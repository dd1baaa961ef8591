//! Orphans: processes that we started for a profile and that a crash of ours left running. They are recorded in a file,
//! and the next start kills them. A process is killed only if its id, its start time, the boot and our folder among its
//! arguments all match (rule 26).

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use super::id::{self, Process, ProcessId};

/// One process group of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// `browser` or `driver`.
    role: String,
    leader: ProcessId,
    /// An argument that contains our folder, such as `--user-data-dir=…`.
    mark: String,
}

/// The file of records. Used only under the profile's lock.
#[derive(Clone, Debug)]
pub struct Orphans {
    file: PathBuf,
}

impl Orphans {
    /// Uses this file, which need not exist.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Records a group that was just started; replaces an earlier one of the same role.
    pub fn record(&self, role: &str, leader: ProcessId, mark: String) -> io::Result<()> {
        let mut records = self.read();
        records.retain(|record| record.role != role);
        records.push(Record {
            role: role.to_owned(),
            leader,
            mark,
        });
        let draft = self.file.with_extension("new");
        fs::write(&draft, serde_json::to_vec(&records)?)?;
        fs::rename(draft, &self.file)
    }

    /// Kills the processes that are left of the recorded groups, and deletes the records.
    pub fn reap(&self) {
        for record in self.read() {
            let left: Vec<Process> = id::all().into_iter().filter(|process| record.owns(process)).collect();
            if left.is_empty() {
                continue;
            }
            tracing::warn!(
                role = record.role,
                processes = left.len(),
                "killing processes that an earlier run left behind"
            );
            // The group's id is certainly ours only as long as its leader lives; else each process is killed by itself.
            if left.iter().any(|process| process.identity == record.leader) {
                signal(record.leader.pid, kill_process_group);
            }
            for process in left {
                signal(process.identity.pid, kill_process);
            }
        }
        let _ = fs::remove_file(&self.file);
    }

    /// Reads the records; a missing or invalid file has none: better to leave an orphan than to kill a stranger.
    fn read(&self) -> Vec<Record> {
        fs::read(&self.file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }
}

impl Record {
    /// Returns whether the process is the recorded leader or a member of its group.
    fn owns(&self, process: &Process) -> bool {
        let leader = &self.leader;
        let same = process.identity == *leader;
        let member = process.group == leader.pid
            && process.identity.boot == leader.boot
            && process.identity.started >= leader.started
            && process.identity.pid != leader.pid;
        (same || member) && process.arguments.contains(&self.mark)
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
        // `spawn` returns a moment before the arguments can be read.
        while id::inspect(child.id()).is_none_or(|process| process.arguments.is_empty()) {
            std::thread::yield_now();
        }
        child
    }

    fn reap(leader: ProcessId) {
        let folder = tempfile::tempdir().unwrap();
        let orphans = Orphans::new(folder.path().join("processes.json"));
        orphans.record("browser", leader, MARK.to_owned()).unwrap();
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

    /// Rule 26.
    #[test]
    fn orphan_is_killed_with_its_children() {
        let mut child = process(MARK);
        reap(id::inspect(child.id()).unwrap().identity);
        assert!(!child.wait().unwrap().success());
    }

    /// Rule 26: never by the process id alone.
    #[test]
    fn stranger_with_reused_id_lives_on() {
        let mut child = process(MARK);
        let identity = id::inspect(child.id()).unwrap().identity;
        reap(ProcessId {
            started: identity.started - 1,
            ..identity.clone()
        });
        reap(ProcessId {
            boot: "another boot".to_owned(),
            ..identity
        });
        assert!(is_running(&mut child));
        end(child);
    }

    /// Rule 26: nor without our folder.
    #[test]
    fn process_without_our_folder_lives_on() {
        let mut child = process("--user-data-dir=/somewhere/else");
        reap(id::inspect(child.id()).unwrap().identity);
        assert!(is_running(&mut child));
        end(child);
    }
}
