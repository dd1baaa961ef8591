//! Objects in a bucket, for several servers that share one database. An object is written again each time that it is
//! stored, so that its age is the time since the last store.

use std::future::ready;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use tempfile::NamedTempFile;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::domain::Timestamp;

use super::{Names, Pieces, VaultError, is_name, written};

/// Size of one part of an upload, in bytes: the minimum of S3.
const PART_BYTES: usize = 5 << 20;
/// Begin of the name of a local copy.
const COPY: &str = "copy-";

/// A bucket with objects under `ab/ab12…`.
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
}

impl Bucket {
    /// Uses any store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Opens `s3://bucket/prefix`, with credentials from the environment.
    pub fn s3(url: &str) -> Result<Self, VaultError> {
        let bad_address = |why: &str| VaultError::BadAddress(format!("{why}; write it as s3://bucket/prefix"));
        let rest = url
            .strip_prefix("s3://")
            .ok_or_else(|| bad_address("it is not an address of S3"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(bad_address("it names no bucket"));
        }
        let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
        Ok(Self::new(match prefix.trim_matches('/') {
            "" => Arc::new(store),
            prefix => Arc::new(PrefixStore::new(store, prefix)),
        }))
    }

    /// Uploads a file under its hash.
    pub async fn keep(&self, from: &FilePath, sha256: &str) -> Result<(), VaultError> {
        let mut file = File::open(from).await?;
        let upload = self.store.put_multipart(&location(sha256)?).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        if let Err(error) = send(&mut file, &mut upload).await {
            // The parts that arrived would stay there, and be paid for.
            if let Err(left) = upload.abort().await {
                tracing::warn!("parts of an upload may be left in the media bucket: {left}");
            }
            return Err(error);
        }
        upload.finish().await?;
        Ok(())
    }

    /// Streams a range of an object's bytes.
    pub async fn read(&self, sha256: &str, range: Range<u64>) -> Result<Pieces, VaultError> {
        if range.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let found = self
            .store
            .get_opts(&location(sha256)?, options)
            .await
            .map_err(missing)?;
        Ok(found.into_stream().map_err(VaultError::from).boxed())
    }

    /// Downloads an object to a file in `folder`; the file appears under its name when it is complete.
    pub async fn copy_to(&self, sha256: &str, folder: &FilePath) -> Result<PathBuf, VaultError> {
        let path = folder.join(format!("{COPY}{sha256}"));
        if fs::metadata(&path).await.is_ok() {
            return Ok(path);
        }
        let mut pieces = self.store.get(&location(sha256)?).await.map_err(missing)?.into_stream();
        let (file, part) = NamedTempFile::new_in(folder)?.into_parts();
        let mut file = File::from_std(file);
        while let Some(piece) = pieces.try_next().await? {
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        part.persist(&path).map_err(|failed| failed.error)?;
        Ok(path)
    }

    /// Returns the names of objects that were stored before `before`.
    pub fn older_than(&self, before: Timestamp) -> Names<'_> {
        let old = self.store.list(None).try_filter_map(move |object| {
            let name = object.location.filename().unwrap_or_default();
            let is_old = is_name(name) && stored(&object) < before;
            ready(Ok(is_old.then(|| name.to_owned())))
        });
        old.map_err(VaultError::from).boxed()
    }

    /// Returns when an object was stored last.
    pub async fn stored(&self, sha256: &str) -> Result<Timestamp, VaultError> {
        let object = self.store.head(&location(sha256)?).await.map_err(missing)?;
        Ok(stored(&object))
    }

    /// Deletes an object, if it exists.
    pub async fn remove(&self, sha256: &str) -> Result<(), VaultError> {
        match self.store.delete(&location(sha256)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sends a file in parts; the last one is left to the end of the upload.
async fn send(file: &mut File, upload: &mut WriteMultipart) -> Result<(), VaultError> {
    let mut piece = vec![0; super::PIECE_BYTES];
    loop {
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        // Bounds the memory: one part being sent and one being filled.
        upload.wait_for_capacity(1).await?;
        upload.write(&piece[..read]);
    }
}

/// Deletes copies of objects that were made before `before`. What else is in the folder is on its way into the bucket.
pub(super) async fn remove_copies(folder: &FilePath, before: Timestamp) -> Result<(), VaultError> {
    let mut files = fs::read_dir(folder).await?;
    while let Some(file) = files.next_entry().await? {
        let is_copy = file.file_name().to_string_lossy().starts_with(COPY);
        if is_copy && file.metadata().await.is_ok_and(|there| written(&there) < before) {
            // It may be gone already.
            let _ = fs::remove_file(file.path()).await;
        }
    }
    Ok(())
}

fn stored(object: &ObjectMeta) -> Timestamp {
    Timestamp(object.last_modified.timestamp_millis())
}

fn location(sha256: &str) -> Result<Path, VaultError> {
    if !is_name(sha256) {
        return Err(VaultError::Missing);
    }
    Ok(Path::from(format!("{}/{sha256}", &sha256[..2])))
}

fn missing(error: object_store::Error) -> VaultError {
    match error {
        object_store::Error::NotFound { .. } => VaultError::Missing,
        error => error.into(),
    }
}
