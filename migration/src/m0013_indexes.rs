//! Indexes for the queries that run per account, per lane and per message, and the message of a journal's event.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};
use crate::journal::fill_message_ids;

/// Adds `journal.message_id`, and the indexes.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0013_indexes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        messages(&b).await?;
        b.add("journal", optional(number("message_id"))).await?;
        fill_message_ids(manager.get_connection()).await?;
        b.index_where_set("journal", &["message_id"], "message_id").await?;
        b.drop_index("journal", &["customer_id"]).await?;

        b.index("conversations", &["account_id", "active_at", "id"]).await?;
        b.index("room_events", &["conversation_id"]).await?;
        b.drop_index("media", &["state", "wanted", "account_id"]).await?;
        b.index("media", &["state", "wanted", "account_id", "id"]).await?;
        b.index("outbox", &["target", "account_id", "lane", "id"]).await?;
        b.index("outbox", &["target", "account_id", "not_before", "id"]).await?;
        b.index("outbox", &["target", "not_before", "id"]).await?;
        b.drop_index("outbox", &["target", "lane", "id"]).await?;
        b.index("quarantine", &["account_id", "id"]).await
    }
}

async fn messages(b: &Builder<'_>) -> Result<(), DbErr> {
    let table = "messages";
    b.index(table, &["account_id", "id"]).await?;
    b.index(table, &["account_id", "timestamp", "id"]).await?;
    b.index(table, &["account_id", "state", "expires_at", "id"]).await?;
    b.drop_index(table, &["state", "id"]).await?;
    b.index_where_set(table, &["account_id", "vanishes_at", "id"], "vanishes_at")
        .await?;
    b.drop_index(table, &["vanishes_at", "id"]).await?;
    b.index_where_set(table, &["account_id", "wait_reason", "state", "id"], "wait_reason")
        .await
}
