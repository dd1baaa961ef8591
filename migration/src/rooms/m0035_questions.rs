//! Questions of the bot's in rooms, which wait for their author's answer, and how far agents have read.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional, word};

/// Creates the tables `questions`, `room_reads` and `agent_receipts`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0035_questions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            word("kind"),
            b.key("room_id"),
            b.key("about"),
            b.key("author"),
            b.text("content"),
            optional(b.key("event_id")),
            optional(b.key("target")),
            optional(word("emoji")),
            optional(number("seen")),
            optional(number("allowed")),
            number("created_at"),
            number("expires_at"),
        ];
        b.table("questions", columns).await?;
        b.unique("questions", &["about"]).await?;
        b.unique("questions", &["event_id"]).await?;
        b.index("questions", &["room_id"]).await?;
        b.index("questions", &["expires_at"]).await?;
        let reads = vec![
            id(),
            b.key("room_id"),
            b.key("user_id"),
            number("seen"),
            number("updated_at"),
        ];
        b.table("room_reads", reads).await?;
        b.unique("room_reads", &["room_id", "user_id"]).await?;
        let receipts = vec![
            id(),
            b.key("user_id"),
            optional(number("first_at")),
            optional(number("told_at")),
        ];
        b.table("agent_receipts", receipts).await?;
        b.unique("agent_receipts", &["user_id"]).await
    }
}
