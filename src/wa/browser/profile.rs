//! An account's folder. One process owns it at a time, by a lock that the kernel releases when the owner dies. The
//! owner first cleans up after an earlier one: it kills left-over processes (rule 26), and deletes the browser's own
//! lock of another host.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::wa::process::{self, Orphans};

/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// Says why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Another process owns it.
    #[error("the WhatsApp profile {} is in use by {owner}; stop that process first", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Process and host of the owner.
        owner: String,
    },
    /// Its permissions are too wide.
    #[error("other users may enter the WhatsApp profile {path} (its mode is {mode:03o}); close it: chmod 700 {path}", path = path.display())]
    TooWide {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It cannot be read or written.
    #[error("the WhatsApp profile {} cannot be used: {source}; check its owner, its permissions and the disk", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Content of the lock file, for the error message of a second process.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    pid: u32,
    host: String,
    since: Timestamp,
}

/// An account's folder, locked until this is dropped.
#[derive(Debug)]
pub struct Profile {
    folder: PathBuf,
    lock: File,
}

impl Drop for Profile {
    /// Unlocks explicitly: closing the file is not enough, because a child that is just being started holds a copy of
    /// it until it executes its own program.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Profile {
    /// Locks the folder, created (0700) if missing, and cleans up after an earlier owner.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self, ProfileError> {
        let io = |source| ProfileError::Io {
            path: folder.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io)?;
        let mode = fs::metadata(folder).map_err(io)?.mode() & 0o777;
        if mode & OTHERS != 0 {
            let path = folder.to_owned();
            return Err(ProfileError::TooWide { path, mode });
        }
        let folder = folder.canonicalize().map_err(io)?;
        // Before the clean-up: it kills processes that may be a living owner's.
        let lock = lock(&folder, now)?;
        let profile = Self { folder, lock };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(profile.browser_folder())
            .map_err(io)?;
        profile.orphans().reap();
        clear_foreign_locks(&profile.browser_folder());
        Ok(profile)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the browser's `--user-data-dir`.
    pub fn browser_folder(&self) -> PathBuf {
        self.folder.join("browser")
    }

    /// Returns the path of a file of ours.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the records of processes started for this profile.
    pub fn orphans(&self) -> Orphans {
        Orphans::new(self.file("processes.json"))
    }
}

fn lock(folder: &Path, now: Timestamp) -> Result<File, ProfileError> {
    let io = |source| ProfileError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join("lock"))
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            return Err(ProfileError::InUse {
                path: folder.to_owned(),
                owner: describe(&text),
            });
        }
        Err(TryLockError::Error(error)) => return Err(io(error)),
    }
    let owner = Owner {
        pid: std::process::id(),
        host: process::host(),
        since: now,
    };
    let text = serde_json::to_string(&owner).map_err(io::Error::from).map_err(io)?;
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    Ok(file)
}

fn describe(text: &str) -> String {
    serde_json::from_str::<Owner>(text).map_or_else(
        |_| "another process".to_owned(),
        |Owner { pid, host, since }| format!("process {pid} on {host}, since {since}"),
    )
}

/// Deletes the browser's lock files if they name another host. Chromium refuses such a profile (a container's name
/// changes with each start), though the owner is gone, since we hold the folder. Chromium itself clears a stale lock of
/// this host.
fn clear_foreign_locks(browser: &Path) {
    let Ok(target) = fs::read_link(browser.join("SingletonLock")) else {
        return;
    };
    let target = target.to_string_lossy().into_owned();
    if target.rsplit_once('-').is_some_and(|(host, _)| host == process::host()) {
        return;
    }
    tracing::warn!("deleting the browser's lock that another host left in the profile");
    for name in ["SingletonLock", "SingletonSocket", "SingletonCookie"] {
        let _ = fs::remove_file(browser.join(name));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("whatsapp/default");
        (parent, path)
    }

    #[test]
    fn second_owner_is_refused_naming_first() {
        let (_parent, path) = folder();
        let first = Profile::open(&path, Timestamp(1_764_000_000_000)).unwrap();
        let error = Profile::open(&path, Timestamp::ZERO).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} on {}", std::process::id(), process::host())));
        assert!(error.contains("2025-11-24T16:00:00.000Z"), "{error}");
        drop(first);
        Profile::open(&path, Timestamp::ZERO).unwrap();
    }

    /// Rule 29.
    #[test]
    fn profile_is_private_and_refused_if_wider() {
        let (_parent, path) = folder();
        drop(Profile::open(&path, Timestamp::ZERO).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let error = Profile::open(&path, Timestamp::ZERO).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }

    #[test]
    fn dropped_profile_ignores_inherited_lock() {
        let (_parent, path) = folder();
        let profile = Profile::open(&path, Timestamp::ZERO).unwrap();
        let copy = profile.lock.try_clone().unwrap();
        drop(profile);
        Profile::open(&path, Timestamp::ZERO).unwrap();
        drop(copy);
    }

    /// Chromium exits with 21 otherwise.
    #[test]
    fn browser_lock_of_other_host_is_deleted() {
        let (_parent, path) = folder();
        drop(Profile::open(&path, Timestamp::ZERO).unwrap());
        let lock = path.join("browser/SingletonLock");
        symlink(format!("{}-1", process::host()), &lock).unwrap();
        drop(Profile::open(&path, Timestamp::ZERO).unwrap());
        assert!(lock.is_symlink());
        fs::remove_file(&lock).unwrap();
        for name in ["SingletonLock", "SingletonSocket", "SingletonCookie"] {
            symlink("an-old-container-7", path.join("browser").join(name)).unwrap();
        }
        drop(Profile::open(&path, Timestamp::ZERO).unwrap());
        assert!(!lock.is_symlink() && !path.join("browser/SingletonCookie").is_symlink());
    }
}
