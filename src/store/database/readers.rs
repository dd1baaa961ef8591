//! The pool of connections that read. A connection in steady use is not asked whether it is still there before each read: that
//! would be a second journey to the server. A read whose connection turns out to be gone runs again on another.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement, metric};

use super::failure::connection_is_gone;

/// Connections that read. Clones share one pool.
#[derive(Clone, Debug)]
pub struct Readers {
    pool: DatabaseConnection,
    /// Most connections that may have gone unnoticed.
    idle: u32,
}

impl Readers {
    /// Returns the readers of a pool of at most `size` connections.
    pub fn new(pool: DatabaseConnection, size: u32) -> Self {
        let idle = match pool.get_database_backend() {
            // Connections to a file do not go.
            DbBackend::Sqlite => 0,
            _ => size,
        };
        Self { pool, idle }
    }

    /// Tells each statement to a function.
    pub fn set_metric_callback(&mut self, told: impl Fn(&metric::Info<'_>) + Send + Sync + 'static) {
        self.pool.set_metric_callback(told);
    }

    /// Closes all connections.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.pool.close_by_ref().await
    }

    async fn read<T, R>(&self, statement: Statement, run: impl Fn(Statement) -> R) -> Result<T, DbErr>
    where
        R: Future<Output = Result<T, DbErr>>,
    {
        for _ in 0..self.idle {
            match run(statement.clone()).await {
                Err(error) if connection_is_gone(&error) => {
                    tracing::debug!("a connection is gone, reading again on another: {error}");
                }
                done => return done,
            }
        }
        run(statement).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.read(statement, |statement| self.pool.query_one_raw(statement))
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.read(statement, |statement| self.pool.query_all_raw(statement))
            .await
    }
}
