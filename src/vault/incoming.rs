//! Incoming objects: written to a spool file and hashed as their bytes arrive.

use std::io::{Error, ErrorKind};
use std::path::Path;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use crate::domain::hex::hex;
use crate::domain::media::Sink;

use super::VaultError;
use super::sniff::{HEAD_BYTES, sniff};

/// An incomplete object; its file is deleted when this is dropped.
pub struct Incoming {
    path: TempPath,
    file: File,
    hash: Sha256,
    head: Vec<u8>,
    size: u64,
    max: u64,
}

/// A complete object in the spool.
pub(super) struct Finished {
    /// Its file.
    pub path: TempPath,
    /// Its hash, in hexadecimal.
    pub sha256: String,
    /// Its size, in bytes.
    pub size: u64,
    /// Its type by its first bytes.
    pub sniffed: Option<&'static str>,
}

impl Incoming {
    /// Creates a file in the spool for at most `max` bytes.
    pub(super) fn new(spool: &Path, max: u64) -> Result<Self, VaultError> {
        let (file, path) = NamedTempFile::new_in(spool)?.into_parts();
        Ok(Self {
            path,
            file: File::from_std(file),
            hash: Sha256::new(),
            head: Vec::new(),
            size: 0,
            max,
        })
    }

    /// Returns the number of bytes so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the hash of the bytes so far, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Syncs the file to the disk.
    pub(super) async fn finish(mut self) -> Result<Finished, VaultError> {
        self.file.flush().await.map_err(of_system)?;
        self.file.sync_all().await.map_err(of_system)?;
        Ok(Finished {
            sha256: hex(&self.hash.finalize()),
            path: self.path,
            size: self.size,
            sniffed: sniff(&self.head),
        })
    }
}

/// Tells a limit that the system sets for the process or its user from the limit for files that is ours.
fn of_system(error: Error) -> Error {
    match error.kind() {
        ErrorKind::FileTooLarge => Error::new(ErrorKind::QuotaExceeded, error),
        _ => error,
    }
}

#[async_trait]
impl Sink for Incoming {
    async fn write(&mut self, slice: &[u8]) -> std::io::Result<()> {
        self.size += slice.len() as u64;
        if self.size > self.max {
            return Err(Error::new(
                ErrorKind::FileTooLarge,
                VaultError::TooLarge { max: self.max },
            ));
        }
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(slice.len());
        self.head.extend_from_slice(&slice[..missing]);
        self.hash.update(slice);
        self.file.write_all(slice).await.map_err(of_system)
    }
}
