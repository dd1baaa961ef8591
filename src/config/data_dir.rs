//! The data folder: private to its owner, refused if other users may enter, and locked by one server at a time (rule
//! 29).

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::TryRng as _;
use rand::rngs::SysRng;

/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// The data folder.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

/// Error: the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Its permissions are too wide.
    #[error("other users may enter the data folder {path} (its mode is {mode:03o}); close it: chmod 700 {path}", path = .path.display())]
    TooWide {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The path is a file.
    #[error("{} is not a folder; name another with --data-dir", .0.display())]
    NotAFolder(PathBuf),
    /// Another process holds it.
    #[error("{owner} already works on the data folder {}; stop it first, or name another folder with --data-dir", path.display())]
    Held {
        /// The folder.
        path: PathBuf,
        /// Command and process of the owner.
        owner: String,
    },
    /// It cannot be read or written.
    #[error("the data folder {} cannot be used: {error}; check its owner and its permissions, or name another with --data-dir", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

/// Lock on the data folder, released when this is dropped. The kernel releases it when the process ends, however that
/// happens.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

impl Drop for DataDirLock {
    /// Unlocks explicitly: closing the file is not enough, because a child that is just being started holds a copy of
    /// it until it executes its own program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl DataDir {
    /// Opens the folder; creates it (0700) if it is missing.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |error| DataDirError::Io {
            path: path.to_owned(),
            error,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| {
                if path.exists() {
                    DataDirError::NotAFolder(path.to_owned())
                } else {
                    io(error)
                }
            })?;
        let mode = std::fs::metadata(path).map_err(io)?.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(DataDirError::TooWide {
                path: path.to_owned(),
                mode,
            });
        }
        Ok(Self {
            path: path.canonicalize().map_err(io)?,
        })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the administrator's key, which the first start creates.
    pub fn admin_key(&self) -> PathBuf {
        self.path.join("admin.key")
    }

    /// Returns the folder's random id; creates it at the first call. It identifies the folder on any machine and moves
    /// with it (rule 26).
    pub fn id(&self) -> Result<String, DataDirError> {
        let path = self.path.join("folder.id");
        let io = |error| DataDirError::Io {
            path: path.clone(),
            error,
        };
        match std::fs::read_to_string(&path) {
            Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        let random = SysRng
            .try_next_u64()
            .map_err(|error| io(std::io::Error::other(error)))?;
        let id = format!("{random:016x}");
        // Atomic: after a crash, half an id would look like another folder's.
        let draft = self.path.join("folder.id.new");
        std::fs::write(&draft, &id)
            .and_then(|()| std::fs::rename(&draft, &path))
            .map_err(io)?;
        Ok(id)
    }

    /// Returns whether a process holds the folder at `path`, if it has this id. `None` for a folder of another machine,
    /// which does not exist here, or has another id.
    pub fn is_held(path: &Path, id: &str) -> Option<bool> {
        let found = std::fs::read_to_string(path.join("folder.id")).ok()?;
        if found.trim() != id {
            return None;
        }
        let lock = File::open(path.join("crm.lock")).ok()?;
        Some(matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Locks the folder for this process. `command` is named in the error of a second process.
    pub fn lock(&self, command: &str) -> Result<DataDirLock, DataDirError> {
        let io = |error| DataDirError::Io {
            path: self.path.clone(),
            error,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join("crm.lock"))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // May be empty: the owner may be about to write it.
                let _ = (&mut file).take(200).read_to_string(&mut owner);
                return Err(DataDirError::Held {
                    path: self.path.clone(),
                    owner: if owner.is_empty() {
                        "another crm".to_owned()
                    } else {
                        owner
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let note = format!("`{command}` (process {})", std::process::id());
        file.rewind()
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.write_all(note.as_bytes()))
            .map_err(io)?;
        Ok(DataDirLock { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_folder_ignores_inherited_lock() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("data")).unwrap();
        let lock = data.lock("crm serve").unwrap();
        let copy = lock.file.try_clone().unwrap();
        drop(lock);
        data.lock("crm login").unwrap();
        drop(copy);
    }
}
