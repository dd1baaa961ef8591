//! The statistics by which a database chooses its indexes. SQLite has to be asked for them. PostgreSQL (autovacuum) and
//! MariaDB (InnoDB's persistent statistics) keep their own, so nothing is done there.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};

use crate::store::{Store, StoreError};

/// Looks at all tables, also at those that this connection has not used; analyses at most some hundred rows of each
/// index (<https://www.sqlite.org/pragma.html#pragma_optimize>).
const OPTIMIZE_ALL: &str = "PRAGMA optimize = 0x10002";

/// Brings the statistics up to date when the database is opened. A failure is not one of the opening: without new
/// statistics the database only may choose worse.
pub async fn at_open(writer: &DatabaseConnection) {
    if let Err(error) = optimize(writer).await {
        tracing::debug!("the statistics of the database are not brought up to date: {error}");
    }
}

impl Store {
    /// Brings the statistics up to date; call it daily. Readers take them in within hours.
    pub async fn refresh_statistics(&self) -> Result<(), StoreError> {
        optimize(&self.inner.writer).await
    }
}

async fn optimize(writer: &DatabaseConnection) -> Result<(), StoreError> {
    if writer.get_database_backend() == DbBackend::Sqlite {
        writer.execute_unprepared(OPTIMIZE_ALL).await?;
    }
    Ok(())
}
