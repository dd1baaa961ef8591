//! Objects as files `ab/ab12…`, which appear under their name when they are complete. One process works in the folder,
//! by the data folder's lock.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _};
use tempfile::TempPath;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};
use tokio_util::io::ReaderStream;

use crate::domain::Timestamp;

use super::{PIECE_BYTES, Pieces, VaultError, is_name, written};

/// A folder with objects.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder; creates it if missing.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        std::fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Moves a file to its name. An existing object stays untouched: a browser may be uploading it, and aborts if its
    /// time changes.
    pub async fn keep(&self, from: TempPath, sha256: &str, size: u64) -> Result<(), VaultError> {
        let to = self.path_of(sha256)?;
        if fs::metadata(&to).await.is_ok_and(|there| there.len() == size) {
            return Ok(());
        }
        let parent = to.parent().unwrap_or(&self.path).to_owned();
        tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&parent)?;
            from.persist(&to).map_err(|failed| failed.error)?;
            // Syncs the folder too, so that the name survives a power cut.
            std::fs::File::open(&parent)?.sync_all()
        })
        .await
        .map_err(std::io::Error::from)??;
        Ok(())
    }

    /// Streams a range of an object's bytes.
    pub async fn read(&self, sha256: &str, range: Range<u64>) -> Result<Pieces, VaultError> {
        let mut file = File::open(self.path_of(sha256)?).await.map_err(missing)?;
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).await?;
        }
        let length = range.end.saturating_sub(range.start);
        let pieces = ReaderStream::with_capacity(file.take(length), PIECE_BYTES);
        Ok(pieces.map_err(VaultError::from).boxed())
    }

    /// Returns the path of an object.
    pub async fn file(&self, sha256: &str) -> Result<PathBuf, VaultError> {
        let path = self.path_of(sha256)?;
        fs::metadata(&path).await.map_err(missing)?;
        Ok(path)
    }

    /// Returns the names of objects that were written before `before`.
    pub async fn older_than(&self, before: Timestamp) -> Result<Vec<String>, VaultError> {
        let mut old = vec![];
        let mut subfolders = fs::read_dir(&self.path).await?;
        while let Some(subfolder) = subfolders.next_entry().await? {
            if subfolder.file_name().len() != 2 {
                continue;
            }
            let mut objects = fs::read_dir(subfolder.path()).await?;
            while let Some(object) = objects.next_entry().await? {
                let Ok(name) = object.file_name().into_string() else {
                    continue;
                };
                if is_name(&name) && written(&object.metadata().await?) < before {
                    old.push(name);
                }
            }
        }
        Ok(old)
    }

    /// Deletes an object, if it exists.
    pub async fn remove(&self, sha256: &str) -> Result<(), VaultError> {
        match fs::remove_file(self.path_of(sha256)?).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn path_of(&self, sha256: &str) -> Result<PathBuf, VaultError> {
        if !is_name(sha256) {
            return Err(VaultError::Missing);
        }
        Ok(self.path.join(&sha256[..2]).join(sha256))
    }
}

/// Creates the folder, or deletes its content.
pub(super) fn make_empty(path: &Path) -> Result<(), VaultError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(std::fs::create_dir_all(path)?)
}

/// Deletes files that were written before `before`.
pub(super) async fn remove_older(path: &Path, before: Timestamp) -> Result<(), VaultError> {
    let mut files = fs::read_dir(path).await?;
    while let Some(file) = files.next_entry().await? {
        if file.metadata().await.is_ok_and(|there| written(&there) < before) {
            // It may be gone already.
            let _ = fs::remove_file(file.path()).await;
        }
    }
    Ok(())
}

fn missing(error: std::io::Error) -> VaultError {
    if error.kind() == ErrorKind::NotFound {
        VaultError::Missing
    } else {
        error.into()
    }
}
