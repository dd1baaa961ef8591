//! The vault: the bytes of media, each once, under their SHA-256, in a folder or in a bucket. Bytes come in and go out in pieces:
//! no medium ever stands in memory as a whole. Knows nothing of what they are for; what they are called and what they are
//! served as stands in the database, never here.

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
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::{Mutex, OwnedRwLockReadGuard, RwLock};

use crate::domain::Timestamp;

use bucket::Bucket;
use folder::Folder;

pub use error::VaultError;
pub use incoming::Incoming;
pub use thumbnail::NoThumbnail;

/// Objects looked at in one go when what nobody needs is thrown away.
const SWEEP_BATCH: usize = 500;
/// Bytes in one piece of what is read.
const PIECE_BYTES: usize = 64 << 10;
/// A copy of an object of the bucket is kept for a program that reads it for this long.
const COPY_KEPT: Duration = Duration::from_hours(1);

/// The largest picture of which a small one is made, in bytes.
const MAX_PICTURE_BYTES: u64 = 25 << 20;

/// Bytes on their way out.
pub type Pieces = BoxStream<'static, Result<Bytes, VaultError>>;

/// Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    /// What comes in lies here until its hash is known.
    spool: PathBuf,
    place: Place,
    /// Held for reading from the keeping of an object until its row is committed, and for writing while objects without
    /// rows are thrown away: so that none is thrown away in between.
    keeping: Arc<RwLock<()>>,
    /// Held while a picture is decoded.
    looking: Mutex<()>,
}

enum Place {
    Folder(Folder),
    Bucket(Bucket),
}

/// An object that is in the vault, for good once this is dropped: until then its row is to be written.
pub struct Kept {
    /// In hexadecimal.
    pub sha256: String,
    pub size: u64,
    /// What its bytes say it is.
    pub sniffed: Option<&'static str>,
    _keeping: OwnedRwLockReadGuard<()>,
}

impl Vault {
    /// Objects in a folder of our own. What was coming in when the last process died is thrown away.
    pub fn in_folder(path: &Path) -> Result<Self, VaultError> {
        let folder = Folder::open(path)?;
        Self::new(&path.join("incoming"), Place::Folder(folder))
    }

    /// Objects in a bucket (`s3://bucket/prefix`); credentials come from the environment. `spool` is a local folder of our own.
    pub fn in_bucket(url: &str, spool: &Path) -> Result<Self, VaultError> {
        Self::new(spool, Place::Bucket(Bucket::s3(url)?))
    }

    fn new(spool: &Path, place: Place) -> Result<Self, VaultError> {
        folder::make_empty(spool)?;
        let inner = Inner {
            spool: spool.to_owned(),
            place,
            keeping: Arc::default(),
            looking: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A place for bytes that come in, at most `max` of them.
    pub fn incoming(&self, max: u64) -> Result<Incoming, VaultError> {
        Incoming::new(&self.inner.spool, max)
    }

    /// Keeps what came in. It is on the disk, or in the bucket, when this returns.
    pub async fn keep(&self, incoming: Incoming) -> Result<Kept, VaultError> {
        let keeping = self.inner.keeping.clone().read_owned().await;
        let finished = incoming.finish().await?;
        match &self.inner.place {
            Place::Folder(folder) => folder.keep(finished.path, &finished.sha256, finished.size).await?,
            Place::Bucket(bucket) => bucket.keep(&finished.path, &finished.sha256).await?,
        }
        Ok(Kept {
            sha256: finished.sha256,
            size: finished.size,
            sniffed: finished.sniffed,
            _keeping: keeping,
        })
    }

    /// These bytes of an object.
    pub async fn read(&self, sha256: &str, range: Range<u64>) -> Result<Pieces, VaultError> {
        match &self.inner.place {
            Place::Folder(folder) => folder.read(sha256, range).await,
            Place::Bucket(bucket) => bucket.read(sha256, range).await,
        }
    }

    /// A small JPEG of an object that is a picture. One is made at a time: each takes memory.
    pub async fn thumbnail(&self, sha256: &str, size: u64) -> Result<Result<Vec<u8>, NoThumbnail>, VaultError> {
        if size > MAX_PICTURE_BYTES {
            return Ok(Err(NoThumbnail::TooLarge));
        }
        let _alone = self.inner.looking.lock().await;
        let pieces: Vec<Bytes> = self.read(sha256, 0..size).await?.try_collect().await?;
        let small = tokio::task::spawn_blocking(move || thumbnail::thumbnail(&pieces.concat()));
        Ok(small.await.map_err(std::io::Error::from)?)
    }

    /// An object as a file for another program of this machine, which may read it for an hour.
    pub async fn file(&self, sha256: &str) -> Result<PathBuf, VaultError> {
        match &self.inner.place {
            Place::Folder(folder) => folder.file(sha256).await,
            Place::Bucket(bucket) => bucket.copy_to(sha256, &self.inner.spool).await,
        }
    }

    /// Throws away the objects that came before `before` and that `wanted` does not give back; gives how many those were.
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
        let old = match &self.inner.place {
            Place::Folder(folder) => folder.older_than(before).await?,
            Place::Bucket(bucket) => {
                folder::remove_older(&self.inner.spool, now.minus(COPY_KEPT)).await?;
                bucket.older_than(before).await?
            }
        };
        let mut thrown = 0;
        for batch in old.chunks(SWEEP_BATCH) {
            let _alone = self.inner.keeping.write().await;
            let wanted = wanted(batch.to_vec()).await?;
            for sha256 in batch.iter().filter(|sha256| !wanted.contains(*sha256)) {
                match &self.inner.place {
                    Place::Folder(folder) => folder.remove(sha256).await?,
                    Place::Bucket(bucket) => bucket.remove(sha256).await?,
                }
                thrown += 1;
            }
        }
        Ok(thrown)
    }
}

/// When a file was written last; what cannot be told is new.
fn written(metadata: &std::fs::Metadata) -> Timestamp {
    let since = metadata
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .map_or(Timestamp(i64::MAX), Timestamp)
}

/// Whether this is the name of an object, and not a way out of the vault.
fn is_name(sha256: &str) -> bool {
    sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
