//! Writing a backup.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use migration::Migrator;
use sea_orm::{DatabaseTransaction, EntityName, EntityTrait, TransactionTrait};
use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;

use entity::message;

use crate::store::database::connect::snapshot;
use crate::store::database::row::to_json;
use crate::store::{Store, StoreError};

use super::{BackupReport, End, FORMAT, Header, VERSION, for_each_table};

/// Longest time in which the receiver of a backup may take nothing. As long as it is written, the database keeps what
/// changes.
const TAKES_WITHIN: Duration = Duration::from_secs(30);
/// Bytes that are collected before they are written.
const CHUNK: usize = 64 << 10;

/// The right to write a backup: there is one, because each keeps a connection and a snapshot of the database.
pub struct BackupWriter {
    store: Store,
    _only: OwnedSemaphorePermit,
}

impl Store {
    /// Prepares a backup. Fails with [`StoreError::BackupRunning`] while another one is being written.
    pub fn backup(&self) -> Result<BackupWriter, StoreError> {
        let only = Arc::clone(&self.inner.backup).try_acquire_owned();
        Ok(BackupWriter {
            store: self.clone(),
            _only: only.map_err(|_| StoreError::BackupRunning)?,
        })
    }

    /// Prepares and writes a backup.
    pub async fn dump<W: AsyncWrite + Unpin + Send>(&self, writer: W) -> Result<BackupReport, StoreError> {
        self.backup()?.write(writer).await
    }
}

impl BackupWriter {
    /// Writes a backup of one snapshot of the database, while others go on writing. Holds one row at a time in memory.
    /// Fails with [`StoreError::BackupUnwritable`] when `writer` fails, or takes nothing for too long.
    pub async fn write<W: AsyncWrite + Unpin + Send>(self, writer: W) -> Result<BackupReport, StoreError> {
        let inner = &self.store.inner;
        let transaction = inner.backups.begin_with_options(snapshot()).await?;
        let mut lines = Lines {
            writer,
            buffer: Vec::with_capacity(2 * CHUNK),
            report: BackupReport::default(),
        };
        lines
            .write(&Header {
                format: FORMAT.to_owned(),
                version: VERSION,
                schema: Migrator::names().pop().unwrap_or_default(),
                made_at: inner.clock.now(),
            })
            .await?;
        macro_rules! dump {
            ($($table:ident $($numbered:ident)?),+ $(,)?) => {$(
                lines.table::<entity::$table::Entity>(&transaction).await?;
            )+};
        }
        for_each_table!(dump);
        transaction.rollback().await?;
        let end = End { end: lines.report };
        lines.write(&end).await?;
        lines.flush().await?;
        Ok(end.end)
    }
}

#[derive(Serialize)]
struct Row<'a, M> {
    table: &'a str,
    row: M,
}

struct Lines<W> {
    writer: W,
    buffer: Vec<u8>,
    report: BackupReport,
}

impl<W: AsyncWrite + Unpin + Send> Lines<W> {
    async fn table<E>(&mut self, transaction: &DatabaseTransaction) -> Result<(), StoreError>
    where
        E: EntityTrait<Model: Serialize>,
    {
        let entity = E::default();
        let table = entity.table_name();
        let mut rows = E::find().stream(transaction).await?;
        while let Some(row) = rows.try_next().await? {
            self.write(&Row { table, row }).await?;
            self.report.rows += 1;
            self.report.messages += u64::from(table == message::Entity.table_name());
        }
        Ok(())
    }

    async fn write(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(to_json(line)?.as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= CHUNK {
            self.hand_over().await?;
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), StoreError> {
        taken(self.writer.write_all(&self.buffer)).await?;
        self.buffer.clear();
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        self.hand_over().await?;
        taken(self.writer.flush()).await
    }
}

/// Waits until the receiver has taken something.
async fn taken(writing: impl Future<Output = std::io::Result<()>>) -> Result<(), StoreError> {
    match tokio::time::timeout(TAKES_WITHIN, writing).await {
        Ok(written) => written.map_err(|error| unwritable(&error)),
        Err(_) => Err(StoreError::BackupUnwritable(
            "its receiver takes nothing; start it again".to_owned(),
        )),
    }
}

fn unwritable(error: &std::io::Error) -> StoreError {
    StoreError::BackupUnwritable(error.to_string())
}
