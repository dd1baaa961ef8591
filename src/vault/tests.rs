//! Tests of the vault, in a folder and in a bucket: objects are stored once, read back, and deleted when nothing
//! references them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, UploadPart,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::bucket::Bucket;
use super::{Place, Vault, VaultError};
use crate::clock::SystemClock;
use crate::domain::hex::hex;
use crate::domain::media::Sink as _;
use crate::domain::{Clock as _, Timestamp};

/// Later than every clock.
const FAR: Timestamp = Timestamp(i64::MAX);

fn vaults(folder: &TempDir) -> [Vault; 2] {
    let bucket = Arc::new(object_store::memory::InMemory::new());
    [
        Vault::in_folder(&folder.path().join("media")).unwrap(),
        Vault::new(&folder.path().join("spool"), Place::Bucket(Bucket::new(bucket))).unwrap(),
    ]
}

/// Stores an object and returns its name.
async fn put(vault: &Vault, bytes: &[u8]) -> String {
    let mut incoming = vault.incoming(1 << 30).unwrap();
    for piece in bytes.chunks(100_000) {
        incoming.write(piece).await.unwrap();
    }
    let kept = vault.keep(incoming).await.unwrap();
    assert_eq!(kept.size, bytes.len() as u64);
    kept.sha256.clone()
}

async fn read(vault: &Vault, name: &str, range: std::ops::Range<u64>) -> Result<Vec<u8>, VaultError> {
    let pieces: Vec<bytes::Bytes> = vault.read(name, range).await?.try_collect().await?;
    Ok(pieces.concat())
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

/// Bytes come back whole, in parts and as a file.
#[tokio::test]
async fn stored_object_reads_back_whole_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    for vault in vaults(&folder) {
        // More than two parts of an upload to a bucket.
        let bytes = bytes(11_000_000);
        let name = put(&vault, &bytes).await;
        assert_eq!(name, hex(&Sha256::digest(&bytes)));
        assert_eq!(put(&vault, &bytes).await, name);
        assert_eq!(read(&vault, &name, 0..bytes.len() as u64).await.unwrap(), bytes);
        assert_eq!(
            read(&vault, &name, 9_999_990..10_000_010).await.unwrap(),
            bytes[9_999_990..10_000_010]
        );
        let path = vault.file(&name).await.unwrap();
        assert!(std::fs::read(&path).unwrap() == bytes);
        let none = |_| async { Ok::<_, VaultError>(HashSet::new()) };
        assert_eq!(vault.sweep(FAR, FAR, none).await.unwrap(), 1, "it was kept once");
        assert!(matches!(read(&vault, &name, 0..1).await, Err(VaultError::Missing)));
    }
}

#[tokio::test]
async fn sweep_deletes_only_old_unreferenced_objects() {
    let folder = tempfile::tempdir().unwrap();
    for vault in vaults(&folder) {
        let [mine, nobodys] = [put(&vault, b"mine").await, put(&vault, b"nobody's").await];
        let owned = mine.clone();
        let sweep = async |before| {
            let owned = owned.clone();
            let wanted = move |asked: Vec<String>| {
                let owned = owned.clone();
                async move { Ok::<_, VaultError>(asked.into_iter().filter(|name| *name == owned).collect::<HashSet<_>>()) }
            };
            vault.sweep(FAR, before, wanted).await.unwrap()
        };
        assert_eq!(sweep(Timestamp(1)).await, 0, "what is young may get its row yet");
        assert_eq!(sweep(FAR).await, 1);
        assert_eq!(read(&vault, &mine, 0..4).await.unwrap(), b"mine");
        assert!(read(&vault, &nobodys, 0..4).await.is_err());
    }
}

/// Two servers share a bucket: one stores an object anew while the other is about to delete it.
#[tokio::test]
async fn object_stored_again_during_sweep_stays() {
    let folder = tempfile::tempdir().unwrap();
    let bucket: Arc<dyn object_store::ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    let server = |name| {
        let spool = folder.path().join(name);
        Vault::new(&spool, Place::Bucket(Bucket::new(Arc::clone(&bucket)))).unwrap()
    };
    let (sweeping, storing) = (server("a"), server("b"));
    let name = put(&sweeping, b"a picture").await;
    let now = || SystemClock.now();
    let before = now().plus(Duration::from_millis(2));
    let wanted = |_| async {
        while now() <= before {
            tokio::task::yield_now().await;
        }
        put(&storing, b"a picture").await;
        Ok::<_, VaultError>(HashSet::new())
    };
    while now() < before {
        tokio::task::yield_now().await;
    }
    assert_eq!(sweeping.sweep(now(), before, wanted).await.unwrap(), 0);
    assert_eq!(read(&storing, &name, 0..9).await.unwrap(), b"a picture");
}

/// However long its upload takes.
#[tokio::test]
async fn sweep_leaves_incoming_objects_alone() {
    let folder = tempfile::tempdir().unwrap();
    for vault in vaults(&folder) {
        let mut incoming = vault.incoming(100).unwrap();
        incoming.write(b"first half, ").await.unwrap();
        let none = |_| async { Ok::<_, VaultError>(HashSet::new()) };
        assert_eq!(vault.sweep(FAR, FAR, none).await.unwrap(), 0);
        incoming.write(b"second half").await.unwrap();
        let name = vault.keep(incoming).await.unwrap().sha256.clone();
        assert_eq!(read(&vault, &name, 0..23).await.unwrap(), b"first half, second half");
    }
}

/// A crash leaves half a medium: the next start throws it away, and never takes it for a whole one.
#[tokio::test]
async fn restart_deletes_incomplete_objects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("media");
    let vault = Vault::in_folder(&path).unwrap();
    let mut incoming = vault.incoming(100).unwrap();
    incoming.write(b"half of").await.unwrap();
    std::mem::forget(incoming);
    assert_eq!(std::fs::read_dir(path.join("incoming")).unwrap().count(), 1);
    drop(vault);
    let vault = Vault::in_folder(&path).unwrap();
    assert_eq!(std::fs::read_dir(path.join("incoming")).unwrap().count(), 0);
    let name = put(&vault, b"whole").await;
    let reopened = Vault::in_folder(&path).unwrap();
    assert_eq!(read(&reopened, &name, 0..5).await.unwrap(), b"whole");
}

/// No name leads out of the vault.
#[tokio::test]
async fn too_large_object_and_bad_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for vault in vaults(&folder) {
        let mut incoming = vault.incoming(10).unwrap();
        incoming.write(b"0123456789").await.unwrap();
        let error = incoming.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
        for name in ["", "..", "../../crm.db", &"AB".repeat(32), &"g".repeat(64)] {
            assert!(
                matches!(read(&vault, name, 0..1).await, Err(VaultError::Missing)),
                "{name}"
            );
            assert!(matches!(vault.file(name).await, Err(VaultError::Missing)), "{name}");
        }
    }
}

/// A bucket that takes no part of an upload, and notes whether the upload is aborted.
#[derive(Debug, Default)]
struct Refusing {
    rest: InMemory,
    aborted: Arc<AtomicBool>,
}

impl std::fmt::Display for Refusing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a bucket that refuses")
    }
}

#[derive(Debug)]
struct RefusedUpload(Arc<AtomicBool>);

fn refused() -> object_store::Error {
    object_store::Error::Generic {
        store: "a bucket that refuses",
        source: "no space".into(),
    }
}

#[async_trait]
impl MultipartUpload for RefusedUpload {
    fn put_part(&mut self, _data: PutPayload) -> UploadPart {
        async { Err(refused()) }.boxed()
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        Err(refused())
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for Refusing {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.rest.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(RefusedUpload(Arc::clone(&self.aborted))))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.rest.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.rest.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.rest.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.rest.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.rest.copy_opts(from, to, options).await
    }
}

/// The parts that arrived before would be paid for.
#[tokio::test]
async fn failed_part_aborts_upload() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Refusing::default();
    let aborted = Arc::clone(&bucket.aborted);
    let place = Place::Bucket(Bucket::new(Arc::new(bucket)));
    let vault = Vault::new(&folder.path().join("spool"), place).unwrap();
    let mut incoming = vault.incoming(1 << 30).unwrap();
    for piece in bytes(11_000_000).chunks(100_000) {
        incoming.write(piece).await.unwrap();
    }
    assert!(matches!(vault.keep(incoming).await, Err(VaultError::Bucket(_))));
    assert!(aborted.load(Ordering::SeqCst));
}
