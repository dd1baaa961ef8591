//! Heartbeats of the processes that drive accounts. A process on another machine cannot be seen, so each stores every minute
//! that it runs. Times are those of the database, since the clocks of two machines differ.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sha2::{Digest as _, Sha256};

use crate::domain::Timestamp;
use crate::domain::hex::hex;
use crate::store::facet::Accounts;
use crate::store::{Store, StoreError, Tx};

/// How often a process stores that it runs.
pub const BEATS_EVERY: Duration = Duration::from_mins(1);
/// Time without a heartbeat after which a process is taken for gone: two may be late.
const GONE_AFTER: Duration = Duration::from_mins(3);

impl Accounts<'_, Store> {
    /// Returns whether the process with this folder has stored a heartbeat of late.
    pub async fn is_beating(&self, folder: &str) -> Result<bool, StoreError> {
        let beat = self.0.settings().get(&setting(folder)).await?;
        let Some(beat) = beat.and_then(|beat| beat.parse().ok()) else {
            return Ok(false);
        };
        let now = now(self.0.readers()).await?;
        Ok(now.since(Timestamp(beat)) < GONE_AFTER)
    }
}

impl Accounts<'_, Tx> {
    /// Stores a heartbeat of the process with this folder.
    pub async fn beat(&self, folder: &str) -> Result<(), StoreError> {
        let now = now(&self.0.session).await?;
        let settings = self.0.settings();
        settings.set(&setting(folder), Some(&now.0.to_string())).await
    }

    /// Deletes the heartbeat of a process that ends in order.
    pub async fn end_heartbeat(&self, folder: &str) -> Result<(), StoreError> {
        self.0.settings().set(&setting(folder), None).await
    }
}

/// Returns the setting that holds a process's last heartbeat, in milliseconds. A path may be longer than a setting's name.
fn setting(folder: &str) -> String {
    format!("heartbeat.{}", hex(&Sha256::digest(folder)))
}

/// Returns the database's time.
async fn now(database: &impl ConnectionTrait) -> Result<Timestamp, StoreError> {
    let backend = database.get_database_backend();
    let query = match backend {
        DbBackend::Postgres => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS ms",
        DbBackend::MySql => "SELECT CAST(UNIX_TIMESTAMP() * 1000 AS SIGNED) AS ms",
        _ => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS ms",
    };
    let row = database.query_one_raw(Statement::from_string(backend, query)).await?;
    let row = row.ok_or_else(|| StoreError::corrupt("the clock", "the database does not say its time"))?;
    Ok(row.try_get::<i64>("", "ms").map(Timestamp)?)
}
