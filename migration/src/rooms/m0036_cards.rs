//! Cards: the bot's own message in each room, which says how the conversation stands.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional, word};

/// Creates the table `cards`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0036_cards"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            b.key("room_id"),
            optional(b.key("event_id")),
            word("hash"),
            number("turn"),
            flag("is_shown"),
            optional(number("shown_at")),
            optional(number("work_id")),
            number("created_at"),
        ];
        b.table("cards", columns).await?;
        b.unique("cards", &["room_id"]).await?;
        b.unique("cards", &["event_id"]).await
    }
}
