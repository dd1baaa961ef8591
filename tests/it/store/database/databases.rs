//! Each store test runs on each kind of database: SQLite always, the servers unless the run is a quick one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use crm::domain::{Clock, Timestamp};
use crm::store::{OpenOptions, Store, StoreError, Synchronous};
use tempfile::TempDir;

/// When every test begins: 2026-09-21T14:13:20Z.
pub const BEGIN: Timestamp = Timestamp(1_790_000_000_000);

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

/// An empty database that is gone after the test, and the time that its stores believe in.
pub struct Database {
    pub kind: Kind,
    pub url: String,
    pub clock: TestClock,
    _folder: Option<TempDir>,
}

impl Database {
    pub async fn new(kind: Kind) -> Self {
        let (url, folder) = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                (format!("sqlite://{}/crm.db", folder.path().display()), Some(folder))
            }
            Kind::Postgres => {
                let server = testbed::servers::Postgres::shared().await.unwrap();
                (server.fresh_database().await.unwrap(), None)
            }
            Kind::MariaDb => {
                let server = testbed::servers::MariaDb::shared().await.unwrap();
                (server.fresh_database().await.unwrap(), None)
            }
        };
        Self {
            kind,
            url,
            clock: TestClock::new(),
            _folder: folder,
        }
    }

    pub fn options(&self) -> OpenOptions {
        OpenOptions {
            synchronous: Synchronous::Off,
            ..OpenOptions::new(&self.url)
        }
    }

    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<Store, StoreError> {
        self.options().open(Arc::new(self.clock.clone())).await
    }
}

/// Time that stands still until it is moved.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGIN.0)))
    }

    pub fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        self.advance(span);
    }
}

/// Makes of each `async fn(Database)` a test for each kind of database.
macro_rules! on_each_database {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        mod sqlite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                use $crate::store::database::databases::{Database, Kind};
                super::$name(Database::new(Kind::Sqlite).await).await;
            })+
        }
        mod postgres {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                use $crate::store::database::databases::{Database, Kind};
                if !testbed::quick() {
                    super::$name(Database::new(Kind::Postgres).await).await;
                }
            })+
        }
        mod mariadb {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                use $crate::store::database::databases::{Database, Kind};
                if !testbed::quick() {
                    super::$name(Database::new(Kind::MariaDb).await).await;
                }
            })+
        }
    };
}
pub(crate) use on_each_database;
