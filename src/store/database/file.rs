//! The files of a SQLite database. SQLite goes on writing into a file that was deleted or moved away, and everything that
//! it took would be gone with the process.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::StoreError;

/// Device and inode of a file.
type Identity = (u64, u64);

/// The files that are open.
pub struct OpenFile {
    path: PathBuf,
    known: Option<Identity>,
    /// File with what is committed and not yet in the database. It exists while a connection is open.
    log_path: PathBuf,
    known_log: Mutex<Option<Identity>>,
    reopened: Reopened,
}

/// Says that the writing connection is closed or new. SQLite removes the log when the last connection is closed, and
/// the next one makes another.
#[derive(Clone, Default)]
pub struct Reopened(Arc<AtomicBool>);

impl Reopened {
    /// Notes that the connection is closed or new.
    pub fn note(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl OpenFile {
    /// Notes which file is at the path now.
    pub fn note(path: PathBuf, reopened: Reopened) -> Self {
        let mut log_path = path.clone().into_os_string();
        log_path.push("-wal");
        Self {
            known: identity(&path).ok().flatten(),
            path,
            log_path: log_path.into(),
            known_log: Mutex::default(),
            reopened,
        }
    }

    /// Fails if other files, or none, are at the paths. It makes two calls of the system, which are quick.
    pub fn check(&self) -> Result<(), StoreError> {
        is_at(&self.path, self.known)?;
        let known_log = *self.known_log.lock().unwrap_or_else(PoisonError::into_inner);
        if known_log.is_none() || self.reopened.0.load(Ordering::Acquire) {
            return Ok(());
        }
        is_at(&self.log_path, known_log)
    }

    /// Fails if what was just committed is in no file that the next start would find.
    pub fn check_committed(&self) -> Result<(), StoreError> {
        let mut known_log = self.known_log.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reopened.0.swap(false, Ordering::AcqRel) {
            *known_log = identity(&self.log_path).ok().flatten();
        }
        drop(known_log);
        self.check()
    }
}

/// Fails if another file than the known one, or none, is at the path.
fn is_at(path: &Path, known: Option<Identity>) -> Result<(), StoreError> {
    match identity(path) {
        Ok(found) if found != known => Err(StoreError::Gone(path.display().to_string())),
        // The folder may not be readable at the moment; that says nothing about the file.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns device and inode of the file at a path, or `None` if there is none.
fn identity(path: &Path) -> std::io::Result<Option<Identity>> {
    match std::fs::metadata(path) {
        Ok(there) => Ok(Some((there.dev(), there.ino()))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
