//! The vault: the bytes of media, stored once under their SHA-256, in a folder or in a bucket. Bytes are streamed in
//! and out: no medium is ever in memory as a whole. Names, types and purposes of media are in the database, never here.

mod bucket;
mod error;
mod folder;
mod incoming;
mod sniff;
#[cfg(test)]
mod tests;
mod thumbnail;

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::{BoxStream, TryChunksError};
use tokio::sync::{Mutex, MutexGuard, OwnedRwLockReadGuard, RwLock};

use crate::domain::Timestamp;

use bucket::Bucket;
use folder::Folder;

pub use error::VaultError;
pub use incoming::Incoming;
pub use thumbnail::NoThumbnail;

/// Number of objects checked together in a sweep.
const SWEEP_BATCH: usize = 500;
/// Size of one piece of a stream, in bytes.
const PIECE_BYTES: usize = 64 << 10;
/// Time that a local copy of a bucket's object is kept for the program that reads it.
const COPY_LIFETIME: Duration = Duration::from_hours(1);

/// Maximum size of an image that a thumbnail is made of, in bytes.
const MAX_PICTURE_BYTES: u64 = 25 << 20;

/// A stream of the names of objects.
type Names<'a> = BoxStream<'a, Result<String, VaultError>>;
/// A stream of an object's bytes.
pub type Pieces = BoxStream<'static, Result<Bytes, VaultError>>;

/// The store of media bytes. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
    free: FreeBytes,
}

/// Returns how many bytes are free on the volume of a folder.
type FreeBytes = Arc<dyn Fn(&Path) -> std::io::Result<u64> + Send + Sync>;

struct Inner {
    /// Folder of incoming files, until their hash is known.
    spool: PathBuf,
    place: Place,
    /// Read from the storing of an object until its row is committed, written while a sweep deletes objects without
    /// rows: a sweep in between would delete an object whose row is about to be written.
    sweep_lock: Arc<RwLock<()>>,
    /// Held while an image is read and decoded, which takes memory.
    decode_lock: Mutex<()>,
}

enum Place {
    Folder(Folder),
    Bucket(Bucket),
}

/// A stored object. Hold this until its row is committed: until then no sweep deletes the object.
pub struct Kept {
    /// Its hash, in hexadecimal.
    pub sha256: String,
    /// Its size, in bytes.
    pub size: u64,
    /// Its type by its first bytes.
    pub sniffed: Option<&'static str>,
    _no_sweep: OwnedRwLockReadGuard<()>,
}

impl Vault {
    /// Opens a vault in a folder, created if missing. Incomplete files of an earlier process are deleted.
    pub fn in_folder(path: &Path) -> Result<Self, VaultError> {
        let folder = Folder::open(path)?;
        Self::new(&path.join("incoming"), Place::Folder(folder))
    }

    /// Opens a vault in a bucket (`s3://bucket/prefix`), with credentials from the environment. `spool` is a local
    /// folder for incoming files.
    pub fn in_bucket(url: &str, spool: &Path) -> Result<Self, VaultError> {
        Self::new(spool, Place::Bucket(Bucket::s3(url)?))
    }

    fn new(spool: &Path, place: Place) -> Result<Self, VaultError> {
        folder::make_empty(spool)?;
        let inner = Inner {
            spool: spool.to_owned(),
            place,
            sweep_lock: Arc::default(),
            decode_lock: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            free: Arc::new(free_bytes),
        })
    }

    /// Returns this vault with another source of the free space.
    #[must_use]
    pub fn with_free_bytes(self, free: impl Fn(&Path) -> std::io::Result<u64> + Send + Sync + 'static) -> Self {
        let free = Arc::new(free);
        Self { free, ..self }
    }

    /// Returns how many bytes are free on the volume to which incoming objects are written.
    pub fn free_bytes(&self) -> std::io::Result<u64> {
        (self.free)(&self.inner.spool)
    }

    /// Returns a sink for a new object of at most `max` bytes.
    pub fn incoming(&self, max: u64) -> Result<Incoming, VaultError> {
        Incoming::new(&self.inner.spool, max)
    }

    /// Stores an incoming object. Returns when it is on the disk or in the bucket.
    pub async fn keep(&self, incoming: Incoming) -> Result<Kept, VaultError> {
        // Before the object gets its name: from then on a sweep could see it.
        let no_sweep = self.inner.sweep_lock.clone().read_owned().await;
        let finished = incoming.finish().await?;
        match &self.inner.place {
            Place::Folder(folder) => folder.keep(finished.path, &finished.sha256, finished.size).await?,
            Place::Bucket(bucket) => bucket.keep(&finished.path, &finished.sha256).await?,
        }
        Ok(Kept {
            sha256: finished.sha256,
            size: finished.size,
            sniffed: finished.sniffed,
            _no_sweep: no_sweep,
        })
    }

    /// Streams a range of an object's bytes.
    pub async fn read(&self, sha256: &str, range: Range<u64>) -> Result<Pieces, VaultError> {
        match &self.inner.place {
            Place::Folder(folder) => folder.read(sha256, range).await,
            Place::Bucket(bucket) => bucket.read(sha256, range).await,
        }
    }

    /// Returns a JPEG thumbnail of an image.
    pub async fn thumbnail(&self, sha256: &str, size: u64) -> Result<Result<Vec<u8>, NoThumbnail>, VaultError> {
        if size > MAX_PICTURE_BYTES {
            return Ok(Err(NoThumbnail::TooLarge));
        }
        let decoding = self.inner.decode_lock.lock().await;
        let pieces: Vec<Bytes> = self.read(sha256, 0..size).await?.try_collect().await?;
        decode(decoding, pieces.concat()).await
    }

    /// Returns a JPEG thumbnail of an image in memory, encoded by us: the image itself may be made to harm its reader.
    pub async fn thumbnail_of(&self, image: Vec<u8>) -> Result<Result<Vec<u8>, NoThumbnail>, VaultError> {
        decode(self.inner.decode_lock.lock().await, image).await
    }

    /// Returns width and height of a JPEG of ours.
    pub fn pixels(jpeg: &[u8]) -> Option<(u32, u32)> {
        thumbnail::pixels(jpeg)
    }

    /// Returns an object as a local file for another program, which may read it for an hour.
    pub async fn file(&self, sha256: &str) -> Result<PathBuf, VaultError> {
        match &self.inner.place {
            Place::Folder(folder) => folder.file(sha256).await,
            Place::Bucket(bucket) => bucket.copy_to(sha256, &self.inner.spool).await,
        }
    }

    /// Deletes objects that were stored before `before` and that `wanted` does not return. Returns how many. Holds the names
    /// of [`SWEEP_BATCH`] objects, however many there are.
    pub async fn sweep<E, F>(
        &self,
        now: Timestamp,
        before: Timestamp,
        wanted: impl Fn(Vec<String>) -> F,
    ) -> Result<u64, E>
    where
        E: From<VaultError>,
        F: Future<Output = Result<HashSet<String>, E>>,
    {
        let place = &self.inner.place;
        if let Place::Bucket(_) = place {
            bucket::remove_copies(&self.inner.spool, now.minus(COPY_LIFETIME)).await?;
        }
        let names = match place {
            Place::Folder(folder) => folder.names().await?,
            Place::Bucket(bucket) => bucket.older_than(before),
        };
        let mut batches = pin!(names.try_chunks(SWEEP_BATCH));
        let mut deleted = 0;
        while let Some(batch) = batches.try_next().await.map_err(|TryChunksError(_, error)| error)? {
            // Waits until the rows of objects just stored are committed: `wanted` must see them.
            let _no_store = self.inner.sweep_lock.write().await;
            let wanted = wanted(batch.clone()).await?;
            for sha256 in batch.iter().filter(|sha256| !wanted.contains(*sha256)) {
                // Asked last: another server may have stored it again since it was listed.
                if place.is_older(sha256, before).await? {
                    place.remove(sha256).await?;
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }
}

impl Place {
    /// Returns whether an object was stored before `before`; `false` if it is gone.
    async fn is_older(&self, sha256: &str, before: Timestamp) -> Result<bool, VaultError> {
        let stored = match self {
            Self::Folder(folder) => folder.stored(sha256).await,
            Self::Bucket(bucket) => bucket.stored(sha256).await,
        };
        match stored {
            Ok(stored) => Ok(stored < before),
            Err(VaultError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, sha256: &str) -> Result<(), VaultError> {
        match self {
            Self::Folder(folder) => folder.remove(sha256).await,
            Self::Bucket(bucket) => bucket.remove(sha256).await,
        }
    }
}

impl Vault {
    /// Deletes an object unless `is_wanted`, where only this process stores objects. In a bucket another process may be
    /// about to refer to it: there a sweep deletes it when it is old enough.
    pub async fn discard<E, F>(&self, sha256: &str, is_wanted: impl FnOnce() -> F) -> Result<(), E>
    where
        E: From<VaultError>,
        F: Future<Output = Result<bool, E>>,
    {
        let Place::Folder(folder) = &self.inner.place else {
            return Ok(());
        };
        // Waits until the rows of objects just stored are committed: `is_wanted` must see them.
        let _no_store = self.inner.sweep_lock.write().await;
        if !is_wanted().await? {
            folder.remove(sha256).await?;
        }
        Ok(())
    }
}

/// Makes a thumbnail while nobody else does, because that takes memory.
async fn decode(_alone: MutexGuard<'_, ()>, image: Vec<u8>) -> Result<Result<Vec<u8>, NoThumbnail>, VaultError> {
    let small = tokio::task::spawn_blocking(move || thumbnail::thumbnail(&image));
    Ok(small.await.map_err(std::io::Error::from)?)
}

/// Returns how many bytes this user may still write on the volume of a folder.
fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let volume = rustix::fs::statvfs(folder)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

/// Returns when a file was last written; an unknown time counts as new, so that the file is kept.
fn written(metadata: &std::fs::Metadata) -> Timestamp {
    let since = metadata
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .map_or(Timestamp(i64::MAX), Timestamp)
}

/// Returns whether this is a valid name of an object; a path out of the vault is none.
fn is_name(sha256: &str) -> bool {
    sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
