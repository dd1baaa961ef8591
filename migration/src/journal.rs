//! The message of the journal's events.

use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Sets `journal.message_id` of the events about messages that have none: those that a version before `m0013_indexes`
/// wrote, into this database or into a backup that was loaded.
pub async fn fill_message_ids(database: &impl ConnectionTrait) -> Result<(), DbErr> {
    let id = match database.get_database_backend() {
        DbBackend::Postgres => "(data::json->>'id')::bigint",
        DbBackend::MySql => "JSON_EXTRACT(data, '$.id')",
        _ => "json_extract(data, '$.id')",
    };
    let update = format!("UPDATE journal SET message_id = {id} WHERE kind LIKE 'message.%' AND message_id IS NULL");
    database.execute_unprepared(&update).await.map(|_| ())
}
