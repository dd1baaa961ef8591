//! What only another program would do to the database.

use sea_orm::ConnectionTrait;

use super::databases::Database;

/// Runs a statement past the store.
pub async fn execute(database: &Database, statement: &str) {
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}
