//! Memory of processes, from proc(5).

use std::fs;

use anyhow::{Context as _, Result};

/// Returns the resident memory of one process, in bytes.
pub fn resident(pid: u32) -> Result<u64> {
    field(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Returns the proportional memory of a process and all its descendants, in bytes. Shared memory counts once.
pub fn of_family(ancestor: u32) -> Result<u64> {
    let own = field(&format!("/proc/{ancestor}/smaps_rollup"), "Pss:")?;
    Ok(own + of_descendants(ancestor)?)
}

/// Returns the proportional memory of all descendants of a process, in bytes. Memory that they share counts once.
pub fn of_descendants(ancestor: u32) -> Result<u64> {
    let processes: Vec<u32> = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    let mut family = vec![ancestor];
    let mut checked = 0;
    while let Some(&parent) = family.get(checked) {
        let children = processes.iter().filter(|pid| parent_of(**pid) == Some(parent));
        family.extend(children);
        checked += 1;
    }
    // A process may end while it is looked at.
    Ok(family[1..]
        .iter()
        .filter_map(|pid| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:").ok())
        .sum())
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

/// Returns a field in bytes that the file gives in kB.
fn field(file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?;
    let value = text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<u64>()
            .ok()
    });
    value
        .map(|kilobytes| kilobytes * 1024)
        .with_context(|| format!("{file} has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_children_is_found() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = of_descendants(std::process::id());
        let own = resident(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(own.unwrap() > 0);
        assert!(found.unwrap() > 0);
    }
}
