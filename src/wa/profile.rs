//! An account's folder: one owner at a time, by a lock that the kernel takes back when the owner dies. Under that lock,
//! what an earlier owner left behind is cleared: its processes (rule 26), and the browser's own lock if it is of
//! another host.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity;
use super::orphans::Orphans;
use crate::domain::Timestamp;

/// Permission bits that nobody but the owner may have.
const OTHERS: u32 = 0o077;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("the WhatsApp profile {} is in use by {owner}; stop that process first", path.display())]
    InUse { path: PathBuf, owner: String },
    #[error("others may enter the WhatsApp profile {path} (its mode is {mode:03o}); close it: chmod 700 {path}", path = path.display())]
    TooWide { path: PathBuf, mode: u32 },
    #[error("the WhatsApp profile {} cannot be used: {source}; mend its owner, its permissions or the disk", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Written into the lock file for whoever comes second.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    pid: u32,
    host: String,
    since: Timestamp,
}

/// The folder, held. Dropping it lets go.
#[derive(Debug)]
pub struct Profile {
    folder: PathBuf,
    lock: File,
}

impl Drop for Profile {
    /// Not left to the closing of the file: a child that is just being started has a copy of it until it runs its own program.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Profile {
    /// Makes the folder (0700) if it is not there, takes it, and clears what an earlier owner left behind.
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

    /// The browser's `--user-data-dir`.
    pub fn browser_folder(&self) -> PathBuf {
        self.folder.join("browser")
    }

    /// A file of ours beside it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The processes that belong to this profile.
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
        host: identity::host(),
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

/// Chromium refuses a profile whose lock names another host (a container's name changes with each start), though its owner
/// is long gone: we hold the folder. A stale lock of this host it clears by itself, and a live one it must keep.
fn clear_foreign_locks(browser: &Path) {
    let Ok(target) = fs::read_link(browser.join("SingletonLock")) else {
        return;
    };
    let target = target.to_string_lossy().into_owned();
    if target
        .rsplit_once('-')
        .is_some_and(|(host, _)| host == identity::host())
    {
        return;
    }
    tracing::warn!("clearing the browser lock that another host has left in the profile");
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
    fn a_second_owner_is_refused_and_told_who_the_first_is() {
        let (_parent, path) = folder();
        let first = Profile::open(&path, Timestamp(1_764_000_000_000)).unwrap();
        let error = Profile::open(&path, Timestamp::ZERO).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} on {}", std::process::id(), identity::host())));
        assert!(error.contains("2025-11-24T16:00:00.000Z"), "{error}");
        drop(first);
        Profile::open(&path, Timestamp::ZERO).unwrap();
    }

    /// rule 29.
    #[test]
    fn the_folder_is_ours_alone_and_refused_if_wider() {
        let (_parent, path) = folder();
        drop(Profile::open(&path, Timestamp::ZERO).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let error = Profile::open(&path, Timestamp::ZERO).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }

    #[test]
    fn a_profile_that_was_let_go_of_is_free_though_a_child_still_has_a_copy_of_its_lock() {
        let (_parent, path) = folder();
        let profile = Profile::open(&path, Timestamp::ZERO).unwrap();
        let copy = profile.lock.try_clone().unwrap();
        drop(profile);
        Profile::open(&path, Timestamp::ZERO).unwrap();
        drop(copy);
    }

    /// Chromium ends with exit code 21; deleting them cures it.
    #[test]
    fn a_browser_lock_of_another_host_is_cleared_and_one_of_this_host_is_left() {
        let (_parent, path) = folder();
        drop(Profile::open(&path, Timestamp::ZERO).unwrap());
        let lock = path.join("browser/SingletonLock");
        symlink(format!("{}-1", identity::host()), &lock).unwrap();
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
