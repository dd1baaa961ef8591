//! Errors of the vault.

use std::io::ErrorKind;

/// An error of the vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The folder or the spool cannot be read or written.
    #[error("the media folder cannot be used: {0}; check the disk and the folder's permissions")]
    Io(#[from] std::io::Error),
    /// The bucket failed.
    #[error("the media bucket failed: {0}; check CRM_MEDIA_STORE, its credentials and the network")]
    Bucket(#[from] object_store::Error),
    /// There is no such object.
    #[error("the medium's bytes are missing in the media store; restore it from its backup")]
    Missing,
    /// An incoming object is too large.
    #[error("it is larger than {max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        max: u64,
    },
    /// The configured address is not valid.
    #[error("CRM_MEDIA_STORE is not valid: {0}")]
    BadAddress(String),
}

impl VaultError {
    /// Returns whether the disk is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }
}
