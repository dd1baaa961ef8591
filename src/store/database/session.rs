//! A transaction or savepoint that records how it failed. Every statement of a closure goes through it, so that no failure
//! can be ignored: when a statement fails, all that the closure has changed is undone, in every database alike.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sea_orm::sea_query::Value;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, ExecResult, QueryResult, QuerySelect, Select,
    Statement,
};

use super::failure::{Failure, NUL};

/// Connection of a [`Tx`]: a transaction or a savepoint in one, which records its first failure and whether anything but
/// reading was asked of it.
pub struct Session {
    transaction: DatabaseTransaction,
    failure: Mutex<Option<Failure>>,
    changed: AtomicBool,
}

impl Session {
    pub const fn new(transaction: DatabaseTransaction) -> Self {
        Self {
            transaction,
            failure: Mutex::new(None),
            changed: AtomicBool::new(false),
        }
    }

    /// Returns the transaction, and its first failure if any.
    pub fn into_parts(self) -> (DatabaseTransaction, Option<Failure>) {
        let failure = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.transaction, failure)
    }

    /// Returns whether only queries ran, so that there is nothing to undo.
    pub fn is_unchanged(&self) -> bool {
        !self.changed.load(Ordering::Relaxed)
    }

    /// Notes a statement that may change something. Some queries do: an `INSERT` can return a row.
    fn look_at(&self, sql: &str) {
        if !sql.starts_with("SELECT") {
            self.changed.store(true, Ordering::Relaxed);
        }
    }

    fn note<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert_with(|| Failure::from(error));
        }
        result
    }
}

/// Makes a query lock the rows that it finds until the commit. SQLite has one writer for the whole database and no
/// `FOR UPDATE`.
pub fn exclusive<E: EntityTrait>(session: &Session, query: Select<E>) -> Select<E> {
    if session.get_database_backend() == DbBackend::Sqlite {
        query
    } else {
        query.lock_exclusive()
    }
}

/// Refuses U+0000 in text, because PostgreSQL does; so all databases behave alike (rule 13).
fn refuse_nul(statement: &Statement) -> Result<(), DbErr> {
    let values = statement.values.iter().flat_map(|values| &values.0);
    for value in values {
        if let Value::String(Some(text)) = value
            && text.contains('\0')
        {
            return Err(DbErr::Custom(NUL.to_owned()));
        }
    }
    Ok(())
}

#[async_trait::async_trait]
impl ConnectionTrait for Session {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.look_at(&statement.sql);
        self.note(refuse_nul(&statement))?;
        self.note(self.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.look_at(sql);
        self.note(self.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.look_at(&statement.sql);
        self.note(refuse_nul(&statement))?;
        self.note(self.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.look_at(&statement.sql);
        self.note(refuse_nul(&statement))?;
        self.note(self.transaction.query_all_raw(statement).await)
    }
}
