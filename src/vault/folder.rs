//! Objects as files `ab/ab12…`, which appear under their name when they are complete. One process works in the folder,
//! by the data folder's lock.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tempfile::TempPath;
use tokio::fs::{self, DirEntry, File, ReadDir};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};
use tokio_util::io::ReaderStream;

use crate::domain::Timestamp;

use super::{Names, PIECE_BYTES, Pieces, VaultError, is_name, written};

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

    /// Returns the names of all objects.
    pub async fn names(&self) -> Result<Names<'static>, VaultError> {
        let subfolders = entries(fs::read_dir(&self.path).await?);
        let objects = subfolders.try_filter_map(|subfolder| async move {
            if subfolder.file_name().len() != 2 {
                return Ok(None);
            }
            Ok(Some(entries(fs::read_dir(subfolder.path()).await?)))
        });
        let names = objects.try_flatten().try_filter_map(|object| async move {
            let name = object.file_name().into_string();
            Ok(name.ok().filter(|name| is_name(name)))
        });
        Ok(names.map_err(VaultError::from).boxed())
    }

    /// Returns when an object was written.
    pub async fn stored(&self, sha256: &str) -> Result<Timestamp, VaultError> {
        let metadata = fs::metadata(self.path_of(sha256)?).await.map_err(missing)?;
        Ok(written(&metadata))
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

/// Returns the entries of a folder, one by one.
fn entries(folder: ReadDir) -> impl Stream<Item = std::io::Result<DirEntry>> {
    stream::try_unfold(folder, |mut folder| async {
        Ok(folder.next_entry().await?.map(|entry| (entry, folder)))
    })
}

fn missing(error: std::io::Error) -> VaultError {
    if error.kind() == ErrorKind::NotFound {
        VaultError::Missing
    } else {
        error.into()
    }
}
