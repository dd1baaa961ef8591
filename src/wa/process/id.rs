//! Which process a process id means. Ids are used again: only together with the start time and the boot do they name one
//! process for ever (`RULES` 26). Read from `/proc`; where there is none, no process is known, and none is ever killed.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One process, for as long as the machine exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    pub pid: u32,
    /// Clock ticks from boot to its start.
    pub started: u64,
    /// The kernel's id of the boot.
    pub boot: String,
}

/// A process as `/proc` shows it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub identity: ProcessIdentity,
    /// Its process group.
    pub group: u32,
    pub arguments: Vec<String>,
}

impl ProcessIdentity {
    /// The living process of this id. A zombie is none.
    pub fn of(pid: u32) -> Option<Self> {
        look(pid).map(|seen| seen.identity)
    }
}

/// The living process of this id.
pub fn look(pid: u32) -> Option<Seen> {
    let folder = Path::new("/proc").join(pid.to_string());
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The name, in brackets, may hold anything; what follows its last bracket are words.
    let words: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let (state, group, started) = (words.first()?, words.get(2)?, words.get(19)?);
    if matches!(*state, "Z" | "X") {
        return None;
    }
    let arguments = fs::read(folder.join("cmdline")).ok()?;
    Some(Seen {
        identity: ProcessIdentity {
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

/// Every living process that we may look at.
pub fn all() -> Vec<Seen> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| look(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Memory of a process group in bytes: what its processes share among themselves and with others counts in proportion. `None`
/// where there is no `/proc`, or nobody left.
pub fn memory_of_group(group: u32) -> Option<u64> {
    let members = all().into_iter().filter(|seen| seen.group == group);
    let sizes: Vec<u64> = members.filter_map(|seen| proportional(seen.identity.pid)).collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum())
}

fn proportional(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let told = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = told.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// This machine's name.
pub fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_the_same_at_every_look_and_gone_when_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let first = look(child.id()).unwrap();
        assert_eq!(ProcessIdentity::of(child.id()), Some(first.identity.clone()));
        assert!(first.arguments.ends_with(&["600".to_owned()]) || first.arguments.is_empty());
        assert!(all().iter().any(|seen| seen.identity == first.identity));
        let own = look(std::process::id()).unwrap().group;
        assert!(memory_of_group(own).unwrap() > proportional(child.id()).unwrap());
        assert_eq!(memory_of_group(0), None, "nobody");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_ne!(ProcessIdentity::of(child.id()), Some(first.identity));
    }
}
