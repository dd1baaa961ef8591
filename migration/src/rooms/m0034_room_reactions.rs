//! Reactions in rooms, those of agents and those that the bot shows.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional, word};

/// Creates the table `room_reactions`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0034_room_reactions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            number("message_id"),
            word("emoji"),
            optional(b.key("event_id")),
            optional(b.key("sender")),
            number("created_at"),
        ];
        b.table_with("room_reactions", columns, &[("message_id", "messages")])
            .await?;
        b.index("room_reactions", &["message_id", "id"]).await?;
        b.unique("room_reactions", &["event_id"]).await
    }
}
