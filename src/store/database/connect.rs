//! Connections to the three kinds of database (one for writing, a pool for reading), and how transactions begin on
//! them.

use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions};
use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{ConnectOptions, Connection, Database, Executor};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqliteTransactionMode, TransactionOptions,
    metric,
};

use crate::store::StoreError;

use super::file::{OpenFile, Reopened};
use super::readers::Readers;
use super::thread::WriterThread;

/// How long SQLite waits for another program's write to end.
const BUSY: Duration = Duration::from_secs(2);
/// Interval between two attempts to open a file that another program is creating.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Age at which a reader of a SQLite file is opened again: it reads the statistics of the tables when it is opened.
const READER_LIFETIME: Duration = Duration::from_hours(6);

/// Limits of a PostgreSQL session, so that nobody who stops in a transaction stops all others: waiting for a lock, one
/// statement, and a transaction in which nothing happens. The keepalives end a connection whose other side is gone.
const POSTGRES_LIMITS: &str = "SET lock_timeout = '2s'; SET statement_timeout = '30s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET tcp_keepalives_idle = 30; \
    SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3";
/// Takes the limits from one transaction on PostgreSQL.
const POSTGRES_UNLIMITED: &str = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = 0";
/// Limits of a session of MariaDB, as above. MySQL takes the part in the comment for one.
const MYSQL_LIMITS: &str =
    "SET SESSION innodb_lock_wait_timeout = 2 /*M! , max_statement_time = 30, idle_transaction_timeout = 60 */";
/// Takes the limits from a session of MariaDB or MySQL.
const MYSQL_UNLIMITED: &str =
    "SET SESSION innodb_lock_wait_timeout = 3600 /*M! , max_statement_time = 0, idle_transaction_timeout = 0 */";

/// Statements that a connection to MariaDB or MySQL keeps prepared. More than there are: for one that is dropped, the
/// driver sends two packets in a row, and the second waits for the server's late acknowledgement of the first (44 ms).
const MYSQL_STATEMENTS: usize = 1000;

/// Time after which a connection that nobody used is tested before its next use: the other side may be gone without a word,
/// and a statement would wait for minutes.
const REST: Duration = Duration::from_secs(1);

/// Durability of a SQLite commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit survives a power failure.
    #[default]
    Full,
    /// A commit survives only the end of the process (`kill -9`): for tests and simulations.
    Off,
}

/// Connections that read at the same time, unless the settings say otherwise.
pub const READERS: u32 = 4;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Address of the database: `sqlite:`, `postgres:`, `mysql:` or `mariadb:`.
    pub url: String,
    /// Durability of commits; SQLite only.
    pub synchronous: Synchronous,
    /// Most connections that read at the same time.
    pub readers: u32,
    /// Longest time to make a connection, or to wait for a free one.
    pub connect_within: Duration,
    /// Largest size of a SQLite file, in pages of 4 KiB; `None` means no limit.
    pub max_pages: Option<u32>,
    /// Receives every statement, for tests and diagnosis.
    pub statements: Option<StatementLog>,
}

/// A function that receives every statement that runs, with its values. They may be text of customers: keep them out of
/// logs.
#[derive(Clone)]
pub struct StatementLog(Arc<dyn Fn(String) + Send + Sync>);

impl StatementLog {
    /// Creates a log from a function, which must be quick.
    pub fn new(take: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for StatementLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatementLog")
    }
}

impl OpenOptions {
    /// Returns the default options for a database at `url`: durable commits, [`READERS`] readers, 10 seconds to connect.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            synchronous: Synchronous::Full,
            readers: READERS,
            connect_within: Duration::from_secs(10),
            max_pages: None,
            statements: None,
        }
    }
}

/// The connections of a store.
pub struct Connections {
    /// The only connection that writes.
    pub writer: DatabaseConnection,
    /// Pool of connections that read.
    pub readers: Readers,
    /// Connection for backups, which hold it as long as their reader takes. Made when it is needed.
    pub backups: DatabaseConnection,
    /// Connection for PostgreSQL's notifications, which hold it for good. Made when it is needed.
    pub notifications: DatabaseConnection,
    /// The files of a SQLite database.
    pub file: Option<OpenFile>,
    /// The thread that writes to a SQLite database.
    pub thread: Option<WriterThread>,
}

pub async fn connect(options: &OpenOptions) -> Result<Connections, StoreError> {
    let mut connections = connect_to(options).await?;
    if let Some(StatementLog(take)) = &options.statements {
        let log = || {
            let take = Arc::clone(take);
            move |info: &metric::Info<'_>| take(info.statement.to_string())
        };
        connections.writer.set_metric_callback(log());
        connections.readers.set_metric_callback(log());
    }
    Ok(connections)
}

async fn connect_to(options: &OpenOptions) -> Result<Connections, StoreError> {
    let url = options.url.as_str();
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => sqlite(options).await,
        Some("postgres" | "postgresql") => postgres(options).await,
        Some("mysql" | "mariadb") => mysql(options).await,
        _ => Err(StoreError::BadAddress(
            "it names no database that crm supports".to_owned(),
        )),
    }
}

async fn sqlite(options: &OpenOptions) -> Result<Connections, StoreError> {
    let mut connection: SqliteConnectOptions = options.url.parse().map_err(unreadable)?;
    if options.url.contains(":memory:") || options.url.contains("mode=memory") {
        // Each reader would see its own database, and a restart would lose the data.
        return Err(StoreError::BadAddress(
            "a database in memory cannot be shared; use a file".to_owned(),
        ));
    }
    let path = connection.get_filename().to_owned();
    let creates = !options.url.contains("mode=") || options.url.contains("mode=rwc");
    // Only here: a connection that is made later must not put an empty file where ours was.
    connection = connection
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match options.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Off => SqliteSynchronous::Off,
        })
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let reader = connection.clone().pragma("query_only", "ON");
    if let Some(pages) = options.max_pages {
        connection = connection.pragma("max_page_count", pages.to_string());
    }
    // Connections to a file do not break or age, so they need no test and no renewal.
    let pool = |size| {
        pool::<sea_orm::sqlx::Sqlite>(options, size)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let reopened = Reopened::default();
    let (opened, closed) = (reopened.clone(), reopened.clone());
    let writer: SqlitePoolOptions = pool(1)
        .after_connect(move |_, _| {
            opened.note();
            Box::pin(ready(Ok(())))
        })
        .after_release(move |connection, _| {
            let closed = closed.clone();
            Box::pin(async move {
                let usable = is_usable(connection).await?;
                if !usable {
                    closed.note();
                }
                Ok(usable)
            })
        });
    let readers: SqlitePoolOptions = pool(options.readers).max_lifetime(READER_LIFETIME);
    // When several programs open a new file at once, one of them sets it to WAL mode, and SQLite refuses the others at
    // once instead of letting them wait.
    let began = tokio::time::Instant::now();
    let thread = WriterThread::start().map_err(|error| StoreError::Unreachable(error.to_string()))?;
    let writer = loop {
        let connected = async {
            if creates && !path.exists() {
                connection
                    .clone()
                    .create_if_missing(true)
                    .connect()
                    .await?
                    .close()
                    .await?;
            }
            let (writer, connection) = (writer.clone(), connection.clone());
            let connected = thread.run(async move { writer.connect_with(connection).await });
            connected.await.unwrap_or(Err(sea_orm::sqlx::Error::PoolClosed))
        };
        match connected.await.map_err(refused) {
            Err(StoreError::Busy(_)) if began.elapsed() < BUSY => tokio::time::sleep(LOOK_AGAIN).await,
            connected => break connected?,
        }
    };
    Ok(Connections {
        file: Some(OpenFile::note(path, reopened)),
        thread: Some(thread),
        writer: writer.into(),
        readers: Readers::new(readers.connect_lazy_with(reader.clone()).into(), options.readers),
        backups: pool(1).connect_lazy_with(reader.clone()).into(),
        notifications: pool(1).connect_lazy_with(reader).into(),
    })
}

/// Returns whether a connection can be used again. When the disk fails, SQLite may undo the whole transaction by itself;
/// the driver then fails to undo it once more, and would take every later transaction for a part of that one.
async fn is_usable(connection: &mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    if connection.is_in_transaction() {
        // An undoing that was begun is done when this is answered.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

async fn postgres(options: &OpenOptions) -> Result<Connections, StoreError> {
    let connection: PgConnectOptions = options.url.parse().map_err(unreadable)?;
    let connection = connection.application_name("crm").disable_statement_logging();
    try_once(options, &connection).await?;
    let limited = |size| -> PgPoolOptions {
        tested_after_rest(pool(options, size)).after_connect(|connection: &mut PgConnection, _| {
            Box::pin(async move { connection.execute(POSTGRES_LIMITS).await.map(drop) })
        })
    };
    let readers = limited(options.readers).connect_lazy_with(connection.clone());
    let alone: PgPoolOptions = pool(options, 1);
    Ok(Connections {
        writer: limited(1)
            .connect_with(connection.clone())
            .await
            .map_err(refused)?
            .into(),
        readers: Readers::new(readers.into(), options.readers),
        backups: alone.clone().connect_lazy_with(connection.clone()).into(),
        notifications: alone.connect_lazy_with(connection).into(),
        file: None,
        thread: None,
    })
}

async fn mysql(options: &OpenOptions) -> Result<Connections, StoreError> {
    let url = options.url.replacen("mariadb:", "mysql:", 1);
    let connection: MySqlConnectOptions = url.parse().map_err(unreadable)?;
    let connection = connection
        .statement_cache_capacity(MYSQL_STATEMENTS)
        .disable_statement_logging();
    try_once(options, &connection).await?;
    // Independent of the server's own settings: values that are too long are refused, not cut, and a transaction sees
    // what others have committed; otherwise a collision could never be resolved by reading again.
    let pool = |size, limits: Option<&'static str>| -> MySqlPoolOptions {
        tested_after_rest(pool(options, size)).after_connect(move |connection: &mut MySqlConnection, _| {
            Box::pin(async move {
                connection
                    .execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")
                    .await?;
                connection
                    .execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    .await?;
                if let Some(limits) = limits {
                    connection.execute(limits).await?;
                }
                Ok(())
            })
        })
    };
    let limits = Some(MYSQL_LIMITS);
    let writer = pool(1, limits).connect_with(connection.clone()).await;
    let readers = pool(options.readers, limits).connect_lazy_with(connection.clone());
    Ok(Connections {
        writer: writer.map_err(refused)?.into(),
        readers: Readers::new(readers.into(), options.readers),
        backups: pool(1, None).connect_lazy_with(connection.clone()).into(),
        notifications: pool(1, None).connect_lazy_with(connection).into(),
        file: None,
        thread: None,
    })
}

/// Takes the limits from a transaction that may be long: a migration, or the loading of a backup. On MariaDB and MySQL
/// they are off until [`limit`].
pub async fn unlimit(database: &impl ConnectionTrait) -> Result<(), DbErr> {
    match database.get_database_backend() {
        DbBackend::Postgres => database.execute_unprepared(POSTGRES_UNLIMITED).await.map(drop),
        DbBackend::MySql => database.execute_unprepared(MYSQL_UNLIMITED).await.map(drop),
        _ => Ok(()),
    }
}

/// Sets the limits again after [`unlimit`].
pub async fn limit(database: &impl ConnectionTrait) -> Result<(), DbErr> {
    match database.get_database_backend() {
        DbBackend::MySql => database.execute_unprepared(MYSQL_LIMITS).await.map(drop),
        // They end with the transaction.
        _ => Ok(()),
    }
}

fn pool<DB: Database>(options: &OpenOptions, size: u32) -> PoolOptions<DB> {
    PoolOptions::new()
        .min_connections(0)
        .max_connections(size.max(1))
        .acquire_timeout(options.connect_within)
}

/// Lets a pool test a connection before its use only if that has rested. Testing each would cost every read a second journey
/// to the server; and who gets one that went just now runs again ([`Readers`], [`crate::store::writer`]).
fn tested_after_rest<DB: Database>(pool: PoolOptions<DB>) -> PoolOptions<DB> {
    pool.test_before_acquire(false).before_acquire(|connection, about| {
        Box::pin(async move {
            if about.idle_for > REST {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

/// Connects once without a pool: a pool retries until its time is over and then does not say why.
async fn try_once<C>(options: &OpenOptions, connection: &C) -> Result<(), StoreError>
where
    C: ConnectOptions<Connection: Sized>,
{
    let connected = tokio::time::timeout(options.connect_within, connection.connect()).await;
    let connection = connected.map_err(|_| StoreError::Unreachable("it does not answer".to_owned()))?;
    connection.map_err(refused)?.close().await.map_err(refused)
}

/// Returns only the reason, because the address may contain a password.
fn unreadable(error: sea_orm::sqlx::Error) -> StoreError {
    match error {
        sea_orm::sqlx::Error::Configuration(why) => StoreError::BadAddress(why.to_string()),
        _ => StoreError::BadAddress("it cannot be read".to_owned()),
    }
}

fn refused(error: sea_orm::sqlx::Error) -> StoreError {
    DbErr::Conn(RuntimeErr::SqlxError(error.into())).into()
}

/// Returns options that make SQLite take its write lock at the beginning, so that a transaction cannot fail half-way for
/// lack of it.
pub fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// Returns options for a read-only transaction that sees one snapshot.
pub fn snapshot() -> TransactionOptions {
    TransactionOptions {
        isolation_level: Some(sea_orm::IsolationLevel::RepeatableRead),
        access_mode: Some(sea_orm::AccessMode::ReadOnly),
        sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
    }
}
