//! Identities of processes. The kernel reuses process ids: only together with the start time and the boot id do they
//! identify one process (rule 26). Read from `/proc`; without it no process is known, and none is ever killed.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Identifies one process across reboots and reuse of its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process id.
    pub pid: u32,
    /// Clock ticks from boot to the start of the process.
    pub started: u64,
    /// The kernel's id of the boot.
    pub boot: String,
}

/// A living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its identity.
    pub identity: ProcessId,
    /// Its process group.
    pub group: u32,
    /// Its command line.
    pub arguments: Vec<String>,
}

impl ProcessId {
    /// Returns the identity of a living process; a zombie has none.
    pub fn of(pid: u32) -> Option<Self> {
        inspect(pid).map(|process| process.identity)
    }
}

/// Returns the living process with this id.
pub fn inspect(pid: u32) -> Option<Process> {
    let folder = Path::new("/proc").join(pid.to_string());
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The program's name, in brackets, may contain anything: the fields begin after the last bracket.
    let words: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let (state, group, started) = (words.first()?, words.get(2)?, words.get(19)?);
    if matches!(*state, "Z" | "X") {
        return None;
    }
    let arguments = fs::read(folder.join("cmdline")).ok()?;
    Some(Process {
        identity: ProcessId {
            pid,
            started: started.parse().ok()?,
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .ok()?
                .trim()
                .to_owned(),
        },
        group: group.parse().ok()?,
        arguments: arguments
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect(),
    })
}

/// Returns all living processes that we may inspect.
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| inspect(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Returns the memory of a process group in bytes; shared memory counts in proportion (PSS). Returns none if there is
/// no `/proc` or no process of the group.
pub fn memory_of_group(group: u32) -> Option<u64> {
    let members = all().into_iter().filter(|process| process.group == group);
    let sizes: Vec<u64> = members
        .filter_map(|process| proportional_memory(process.identity.pid))
        .collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum())
}

fn proportional_memory(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Returns this machine's host name.
pub fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_identity_is_stable_until_reaped() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let first = inspect(child.id()).unwrap();
        assert_eq!(ProcessId::of(child.id()), Some(first.identity.clone()));
        assert!(first.arguments.ends_with(&["600".to_owned()]) || first.arguments.is_empty());
        assert!(all().iter().any(|process| process.identity == first.identity));
        let own = inspect(std::process::id()).unwrap().group;
        assert!(memory_of_group(own).unwrap() > proportional_memory(child.id()).unwrap());
        assert_eq!(memory_of_group(0), None, "nobody");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_ne!(ProcessId::of(child.id()), Some(first.identity));
    }
}
