//! Columns for the desk's work on a conversation: who has it, until when it sleeps, since when the customer waits.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

/// Adds the columns and the indexes of the lists that filter by them.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0020_conversation_work"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let table = "conversations";
        b.add(table, optional(number("assignee_id"))).await?;
        b.add(table, optional(number("snoozed_until"))).await?;
        b.add(table, optional(number("waiting_since"))).await?;
        b.add(table, optional(number("scheduled_count"))).await?;
        b.add(table, optional(b.text("labels"))).await?;
        b.index(table, &["status", "active_at", "id"]).await?;
        b.index_where_set(table, &["assignee_id", "active_at", "id"], "assignee_id")
            .await?;
        b.index_where_set(table, &["snoozed_until", "id"], "snoozed_until")
            .await?;
        b.index_where_set(table, &["waiting_since", "id"], "waiting_since")
            .await
    }
}
