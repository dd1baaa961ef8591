//! Folders of the testbed: temporary ones below the system's temporary folder, and permanent ones, such as a Python
//! environment, below `target/testbed`.
//!
//! The name of a temporary folder contains the id of the process that created it, so that a later process can find and
//! delete the folders of a process that was killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Context as _, Result};
use rustix::fs::{FlockOperation, flock};

const PREFIX: &str = "crm-testbed-";

/// A folder that is deleted when this is dropped, unless `CRM_TESTBED_KEEP` is set: then it stays for inspection.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Creates an empty folder that only this user can read.
    pub fn new(purpose: &str) -> Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir()));
        let prefix = format!("{PREFIX}{}-{purpose}-", std::process::id());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .disable_cleanup(std::env::var_os("CRM_TESTBED_KEEP").is_some())
            .tempdir()
            .context("no throw-away folder could be made")?;
        Ok(Self(folder))
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Deletes the folders of processes that have ended. Best effort: another user's folders stay.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns the root of the checkout.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Returns the permanent folder: `testbed` in cargo's target folder, or `CRM_TESTBED_DIR`, which several checkouts may
/// share.
pub fn kept_folder() -> Result<PathBuf> {
    let folder = match (
        std::env::var_os("CRM_TESTBED_DIR"),
        std::env::var_os("CARGO_TARGET_DIR"),
    ) {
        (Some(chosen), _) => PathBuf::from(chosen),
        (None, Some(target)) => workspace().join(target).join("testbed"),
        (None, None) => workspace().join("target/testbed"),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Locks a permanent thing, so that other processes and other tests do not create it at the same time.
pub(super) async fn lock(thing: &str) -> Result<File> {
    let path = kept_folder()?.join(thing).with_extension("lock");
    let taken = tokio::task::spawn_blocking(move || {
        let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        flock(&file, FlockOperation::LockExclusive).context("the lock cannot be taken")?;
        Ok(file)
    });
    taken.await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweep_removes_only_dead_process_folders() {
        let parent = tempfile::tempdir().unwrap();
        // Above the kernel's highest process id, so certainly of nobody alive.
        let dead = parent.path().join(format!("{PREFIX}{}-synapse-x", u32::MAX));
        let own = parent.path().join(format!("{PREFIX}{}-synapse-x", std::process::id()));
        let foreign = parent.path().join("something-else");
        for folder in [&dead, &own, &foreign] {
            std::fs::create_dir(folder).unwrap();
        }
        sweep(parent.path());
        assert!(!dead.exists());
        assert!(own.exists());
        assert!(foreign.exists());
    }
}
