//! What only another program would do to the database.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::databases::Database;

/// Runs a statement past the store.
pub async fn execute(database: &Database, statement: &str) {
    let connection = connect(database).await;
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}

/// Runs a statement that may fail.
pub async fn try_execute(database: &Database, statement: &str) {
    let connection = connect(database).await;
    let _ = connection.execute_unprepared(statement).await;
    connection.close().await.unwrap();
}

/// The first column of what a query finds.
pub async fn numbers(database: &Database, query: &str) -> Vec<i64> {
    let connection = connect(database).await;
    let query = Statement::from_string(connection.get_database_backend(), query);
    let rows = connection.query_all_raw(query).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// The first column of what a query finds, as text.
pub async fn texts(database: &Database, query: &str) -> Vec<String> {
    let connection = connect(database).await;
    let query = Statement::from_string(connection.get_database_backend(), query);
    let rows = connection.query_all_raw(query).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn connect(database: &Database) -> DatabaseConnection {
    sea_orm::Database::connect(&database.url).await.unwrap()
}
