//! Groups, and disappearing messages.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional};

/// Creates `chat_groups` and adds `messages.vanishes_at`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_kinds"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("messages", optional(number("vanishes_at"))).await?;
        b.index("messages", &["vanishes_at", "id"]).await?;
        b.index("messages", &["kind", "id"]).await?;
        b.table_with(
            "chat_groups",
            vec![
                id(),
                number("conversation_id"),
                optional(b.text("photo_url")),
                b.text("participants"),
                number("updated_at"),
            ],
            &[("conversation_id", "conversations")],
        )
        .await?;
        b.unique("chat_groups", &["conversation_id"]).await
    }
}
