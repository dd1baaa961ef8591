//! Backups: every table as lines of JSON, the same for all databases.

use tokio::io::{AsyncBufRead, AsyncWrite};

use super::{Store, StoreError};

/// What was written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    pub rows: u64,
    pub messages: u64,
}

impl Store {
    /// Writes everything as it is at one moment, while others go on working.
    pub async fn dump<W: AsyncWrite + Unpin + Send>(&self, writer: W) -> Result<BackupReport, StoreError> {
        todo!()
    }

    /// Reads a backup into this database, which has to be empty, and parks the outbox (`RULES` 5). All or nothing.
    pub async fn load<R: AsyncBufRead + Unpin + Send>(&self, reader: R) -> Result<BackupReport, StoreError> {
        todo!()
    }
}
