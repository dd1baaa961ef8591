//! Opening the database: connects, checks that the tables are ours, migrates them, and checks that it can be written
//! to.

use std::sync::Arc;

use migration::Migrator;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::domain::{Clock, Seq};
use crate::supervisor::Supervisor;

use super::condition::Condition;
use super::database::connect::{Connections, OpenOptions, connect, immediate, limit, unlimit};
use super::database::statistics;
use super::journal::tally::Tally;
use super::wake_up::WakeUps;
use super::writer::{MAX_WAITING, Writer};
use super::{Inner, Store, StoreError, listen};

impl OpenOptions {
    /// Opens the database, creates the file if it is a SQLite one that does not exist, and migrates the tables. Costs
    /// few queries if they are up to date. Fails with [`StoreError::Newer`] if a newer version of crm has migrated
    /// them.
    pub async fn open(self, clock: Arc<dyn Clock>) -> Result<Store, StoreError> {
        let connections = connect(&self).await?;
        let prepared = async {
            let head = prepare(&connections.writer).await?;
            statistics::at_open(&connections.writer).await;
            Ok(head)
        };
        let head = match prepared.await {
            Ok(head) => head,
            Err(error) => {
                let _ = connections.writer.close().await;
                return Err(error);
            }
        };
        // The other readers stay for what is short.
        let streams = usize::try_from(self.readers / 2).unwrap_or(1).max(1);
        Ok(start(connections, clock, head, streams))
    }
}

/// Starts the writer and, on PostgreSQL, the listener for notifications.
fn start(connections: Connections, clock: Arc<dyn Clock>, head: Seq, streams: usize) -> Store {
    let Connections {
        writer,
        readers,
        backups,
        notifications,
        file,
        thread,
    } = connections;
    let (jobs, waiting) = mpsc::channel(MAX_WAITING);
    let (closing, abandoned) = (CancellationToken::new(), CancellationToken::new());
    let head = watch::Sender::new(head);
    let (wake_ups, condition, tally) = (WakeUps::default(), Condition::new(), Tally::default());
    let tasks = Supervisor::new();
    let task = Writer {
        database: writer.clone(),
        jobs: waiting,
        clock: clock.clone(),
        head: head.clone(),
        wake_ups: wake_ups.clone(),
        condition: condition.clone(),
        tally: tally.clone(),
        file,
        closing: closing.clone(),
    };
    let gone = abandoned.clone();
    let work = async move {
        tokio::select! {
            biased;
            () = gone.cancelled() => {}
            () = task.run() => {}
        }
    };
    match thread.clone() {
        Some(thread) => tasks.spawn_short("store writer", async move {
            let _ = thread.run(work).await;
        }),
        None => tasks.spawn_short("store writer", work),
    }
    if writer.get_database_backend() == DbBackend::Postgres {
        tasks.spawn_short(
            "store listener",
            listen::run(notifications.clone(), readers.clone(), head.clone(), tasks.stopping()),
        );
    }
    Store {
        inner: Arc::new(Inner {
            writer,
            readers,
            backups,
            notifications,
            backup: Arc::new(Semaphore::new(1)),
            streams: Semaphore::new(streams),
            jobs,
            head,
            wake_ups,
            condition,
            tally,
            clock,
            closing,
            abandoned,
            tasks,
            _thread: thread,
        }),
    }
}

/// Migrates the tables and returns the newest event's number.
async fn prepare(database: &DatabaseConnection) -> Result<Seq, StoreError> {
    let known = Migrator::names();
    let applied = applied(database).await?;
    if let Some(found) = applied.iter().find(|name| !known.contains(name)) {
        return Err(StoreError::Newer { found: found.clone() });
    }
    if applied != known {
        migrate(database).await?;
    }
    probe(database).await
}

/// Returns the migrations that a database has, in order; none if the table of migrations does not exist yet.
async fn applied(database: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    let backend = database.get_database_backend();
    let query = Statement::from_string(backend, "SELECT version FROM seaql_migrations ORDER BY version");
    match database.query_all_raw(query).await {
        Ok(rows) => rows
            .iter()
            .map(|row| row.try_get("", "version").map_err(StoreError::from))
            .collect(),
        Err(error) => match StoreError::from(error) {
            // Treated as "no such table". If it is another error, the migration will meet it again.
            StoreError::Database(_) => Ok(Vec::new()),
            error => Err(error),
        },
    }
}

/// Runs the missing migrations. Of several processes one does, and the others wait for it.
async fn migrate(database: &DatabaseConnection) -> Result<(), StoreError> {
    let backend = database.get_database_backend();
    if backend == DbBackend::MySql {
        // MySQL commits table changes at once, so a named lock replaces the transaction.
        let lock = |sql| database.execute_raw(Statement::from_string(backend, sql));
        unlimit(database).await?;
        lock("SELECT GET_LOCK('crm_migration', 60)").await?;
        let done = Migrator::migrate(database).await;
        lock("SELECT RELEASE_LOCK('crm_migration')").await?;
        limit(database).await?;
        return Ok(done?);
    }
    let transaction = database.begin_with_options(immediate()).await?;
    unlimit(&transaction).await?;
    if backend == DbBackend::Postgres {
        let lock = "SELECT pg_advisory_xact_lock(7274496)";
        transaction.execute_raw(Statement::from_string(backend, lock)).await?;
    }
    Migrator::migrate(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Returns the newest event's number. Makes an update that changes nothing and rolls it back, so that it fails if the
/// database is read-only.
async fn probe(database: &DatabaseConnection) -> Result<Seq, StoreError> {
    let backend = database.get_database_backend();
    let transaction = database.begin_with_options(immediate()).await?;
    let touch = Statement::from_string(backend, "UPDATE journal_head SET seq = seq WHERE id = 1");
    transaction.execute_raw(touch).await?;
    let head = Statement::from_string(backend, "SELECT seq FROM journal_head WHERE id = 1");
    let head = transaction.query_one_raw(head).await?;
    transaction.rollback().await?;
    let head = head.ok_or_else(|| StoreError::corrupt("journal_head", "it is empty"))?;
    Ok(head.try_get::<i64>("", "seq").map(Seq)?)
}
