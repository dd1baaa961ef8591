//! Translation of a database's error: into our words, and into what must happen to the transaction. The messages of the
//! databases may contain values of rows, so only those that are known not to are passed on.

use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::sqlx::{self, sqlite::SqliteError};
use sea_orm::{DbErr, RuntimeErr};

use crate::store::StoreError;

/// Treatment of a transaction after an error in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// The closure failed and is undone; the others of its group go on.
    Undo,
    /// Another process has written the same key in the meantime: the closure runs again and finds it.
    Collision,
    /// The whole transaction is lost (connection lost, deadlock): everything in it may run again.
    Again,
    /// The whole transaction is lost, and running it again would fail too.
    Lost,
}

/// Text of a [`DbErr::Custom`] that means "contains U+0000".
pub const NUL: &str = "text with a U+0000";

/// An error of the database, translated.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Treatment of the transaction.
    pub aftermath: Aftermath,
    /// The error for the caller.
    pub error: StoreError,
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Failure::from(&error).error
    }
}

impl From<&DbErr> for Failure {
    fn from(error: &DbErr) -> Self {
        if let Some(inner) = of_driver(error) {
            return from_sqlx(inner);
        }
        match error {
            DbErr::Custom(text) if text == NUL => undo(StoreError::Unstorable(NUL.to_owned())),
            DbErr::ConnectionAcquire(why) => again(StoreError::Unreachable(why.to_string())),
            DbErr::Conn(why) => again(StoreError::Unreachable(why.to_string())),
            other => undo(StoreError::Database(other.to_string())),
        }
    }
}

/// Returns whether a statement failed because its connection is gone, so that it may succeed on another.
pub fn connection_is_gone(error: &DbErr) -> bool {
    let Some(error) = of_driver(error) else {
        return false;
    };
    let failure = from_sqlx(error);
    let got_one = !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed);
    got_one && failure.aftermath == Aftermath::Again && matches!(failure.error, StoreError::Unreachable(_))
}

/// Returns the driver's error, if that is what failed.
fn of_driver(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner))
        | DbErr::Conn(RuntimeErr::SqlxError(inner)) => Some(inner),
        _ => None,
    }
}

fn from_sqlx(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(inner) => from_database(inner.as_ref()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => again(StoreError::Unreachable(error.to_string())),
        sqlx::Error::Configuration(why) => undo(StoreError::BadAddress(why.to_string())),
        other => undo(StoreError::Database(other.to_string())),
    }
}

fn from_database(error: &(dyn DatabaseError + 'static)) -> Failure {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return from_mysql(error);
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        return from_sqlite(error, code.parse().unwrap_or(0));
    }
    from_postgres(error, &code)
}

/// Translates SQLite's codes: <https://www.sqlite.org/rescode.html>. The last byte is the primary code.
fn from_sqlite(error: &(dyn DatabaseError + 'static), code: u32) -> Failure {
    let text = || error.message().to_owned();
    match code & 0xff {
        5 | 6 => again(StoreError::Busy(text())),
        8 => lost(StoreError::ReadOnly(text())),
        11 | 26 => lost(StoreError::Corrupt(text())),
        13 => lost(StoreError::Full(text())),
        10 => lost(StoreError::Disk(format!("{} ({code})", text()))),
        14 => lost(StoreError::Unreachable(text())),
        19 if code == 275 => undo(StoreError::Unstorable(format!("too long ({})", text()))),
        19 if error.kind() == ErrorKind::UniqueViolation => collision(text()),
        _ => undo(StoreError::Database(text())),
    }
}

/// Translates PostgreSQL's codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn from_postgres(error: &(dyn DatabaseError + 'static), code: &str) -> Failure {
    // The message names tables, constraints and types; the values are in the detail, which is left out.
    let text = || format!("{} ({code})", error.message());
    match code {
        "23505" => collision(error.constraint().unwrap_or("unknown").to_owned()),
        "22001" => undo(StoreError::Unstorable(format!("too long: {}", error.message()))),
        "22021" | "22P05" => undo(StoreError::Unstorable(
            "text that the database's encoding lacks".to_owned(),
        )),
        // The last is a transaction in which nothing happened for too long.
        "40001" | "40P01" | "55P03" | "25P03" => again(StoreError::Busy(text())),
        // A statement took longer than it may: again it would take as long.
        "57014" => lost(StoreError::Busy(text())),
        "25006" => lost(StoreError::ReadOnly(text())),
        "53100" => lost(StoreError::Full(text())),
        "53300" | "3D000" | "28000" | "28P01" => lost(StoreError::Unreachable(text())),
        _ if code.starts_with("08") || code.starts_with("57P") => again(StoreError::Unreachable(text())),
        _ => undo(StoreError::Database(text())),
    }
}

/// Translates the error numbers of MySQL and MariaDB: <https://mariadb.com/kb/en/mariadb-error-code-reference/>. Their
/// messages may quote values, so most are left out.
fn from_mysql(error: &MySqlDatabaseError) -> Failure {
    let number = error.number();
    let text = || format!("error {number}");
    match number {
        1062 => collision(key_of(error.message())),
        1406 => undo(StoreError::Unstorable("too long for its column".to_owned())),
        1366 => undo(StoreError::Unstorable(
            "text that the database's encoding lacks".to_owned(),
        )),
        1205 | 1213 | 1020 => again(StoreError::Busy(text())),
        // A statement took longer than it may: again it would take as long.
        1969 => lost(StoreError::Busy(text())),
        1290 | 1792 | 1836 => lost(StoreError::ReadOnly(text())),
        1021 | 1114 => lost(StoreError::Full(text())),
        1044 | 1045 | 1049 => lost(StoreError::Unreachable(error.message().to_owned())),
        1040 | 1053 | 1077..=1080 | 1158..=1161 | 1927 => again(StoreError::Unreachable(text())),
        1064 | 1054 | 1146 | 1451 | 1452 => undo(StoreError::Database(format!("{} ({number})", error.message()))),
        _ => undo(StoreError::Database(text())),
    }
}

/// Returns only the key of `Duplicate entry '+447…' for key 'uq_customers_phone'`: the entry may be a phone number.
fn key_of(message: &str) -> String {
    let key = message.rsplit_once("for key ").map_or("unknown", |(_, key)| key);
    key.trim_matches('\'').to_owned()
}

const fn undo(error: StoreError) -> Failure {
    Failure {
        aftermath: Aftermath::Undo,
        error,
    }
}

fn collision(key: String) -> Failure {
    Failure {
        aftermath: Aftermath::Collision,
        error: StoreError::Conflict(key),
    }
}

const fn again(error: StoreError) -> Failure {
    Failure {
        aftermath: Aftermath::Again,
        error,
    }
}

const fn lost(error: StoreError) -> Failure {
    Failure {
        aftermath: Aftermath::Lost,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_error_names_key_not_value() {
        let key = key_of("Duplicate entry '+447700900123' for key 'uq_customers_phone'");
        assert_eq!(key, "uq_customers_phone");
        assert_eq!(key_of("Duplicate entry 'a for key b' for key 'k'"), "k");
        assert_eq!(key_of("+447700900123"), "unknown");
    }
}
