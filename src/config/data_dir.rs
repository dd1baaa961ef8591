//! The data folder: made for its owner alone, refused if others may enter, and held by one server at a time (rule 29).

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::TryRng as _;
use rand::rngs::SysRng;

/// Permission bits that nobody but the owner may have.
const OTHERS: u32 = 0o077;

/// Where everything is kept.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("others may enter the data folder {path} (its mode is {mode:03o}); close it: chmod 700 {path}", path = .path.display())]
    TooWide { path: PathBuf, mode: u32 },
    #[error("{} is not a folder; name another with --data-dir", .0.display())]
    NotAFolder(PathBuf),
    #[error("{owner} already works on the data folder {}; stop it first, or name another folder with --data-dir", path.display())]
    Held { path: PathBuf, owner: String },
    #[error("the data folder {} cannot be used: {error}; mend its owner or its permissions, or name another with --data-dir", path.display())]
    Io { path: PathBuf, error: std::io::Error },
}

/// Held as long as this lives. The kernel lets go of it when the process ends, however that happens.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

impl Drop for DataDirLock {
    /// Not left to the closing of the file: a child that is just being started has a copy of it until it runs its own program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl DataDir {
    /// Opens the folder, made (0700) if it is not there.
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

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key of the administrator, made at the first start.
    pub fn admin_key(&self) -> PathBuf {
        self.path.join("admin.key")
    }

    /// What tells this folder from every other, on this machine and elsewhere; made the first time that it is asked for,
    /// and moved along with the folder (rule 26).
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
        // Written whole or not at all: half an id would be another folder's after the next start.
        let draft = self.path.join("folder.id.new");
        std::fs::write(&draft, &id)
            .and_then(|()| std::fs::rename(&draft, &path))
            .map_err(io)?;
        Ok(id)
    }

    /// Tells whether a process works on the folder at `path`, if that is the one with this id: a folder of another machine
    /// is not there, or is another.
    pub fn is_held(path: &Path, id: &str) -> bool {
        let is_it = std::fs::read_to_string(path.join("folder.id")).is_ok_and(|found| found.trim() == id);
        let lock = || File::open(path.join("crm.lock"));
        is_it && lock().is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the folder for this process. `what` is told to whoever comes second.
    pub fn lock(&self, what: &str) -> Result<DataDirLock, DataDirError> {
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
                // The owner may be about to write its name; the refusal stands without it.
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
        let note = format!("`{what}` (process {})", std::process::id());
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
    fn a_folder_that_was_let_go_of_is_free_though_a_child_still_has_a_copy_of_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("data")).unwrap();
        let lock = data.lock("crm serve").unwrap();
        let copy = lock.file.try_clone().unwrap();
        drop(lock);
        data.lock("crm login").unwrap();
        drop(copy);
    }
}
