//! Why the vault does not do what was asked.

use std::io::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the media folder cannot be used: {0}")]
    Io(#[from] std::io::Error),
    #[error("the media store does not answer as it should: {0}")]
    Bucket(#[from] object_store::Error),
    #[error("the medium's bytes are not where they should be: restore the media folder from its backup")]
    Missing,
    #[error("it is larger than {max} bytes")]
    TooLarge { max: u64 },
    #[error("the media store's address is wrong: {0}")]
    BadAddress(String),
}

impl VaultError {
    /// No room is left on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }
}
