//! Notes of colleagues, and labels.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional, word};

/// Creates the tables `notes`, `labels` and `conversation_labels`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0021_notes_and_labels"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let notes = vec![
            id(),
            number("conversation_id"),
            optional(number("home_id")),
            b.text("content"),
            word("author_origin"),
            b.text("author_name"),
            number("created_at"),
        ];
        b.table_with("notes", notes, &[("conversation_id", "conversations")])
            .await?;
        b.index("notes", &["conversation_id", "id"]).await?;
        b.index_where_set("notes", &["home_id"], "home_id").await?;

        let labels = vec![
            id(),
            b.key("name"),
            b.key("folded"),
            optional(word("color")),
            optional(b.text("description")),
            number("created_at"),
            number("updated_at"),
        ];
        b.table("labels", labels).await?;
        b.unique("labels", &["folded"]).await?;

        let of_conversations = vec![
            id(),
            number("conversation_id"),
            number("label_id"),
            number("created_at"),
        ];
        let references = [("conversation_id", "conversations"), ("label_id", "labels")];
        b.table_with("conversation_labels", of_conversations, &references)
            .await?;
        b.unique("conversation_labels", &["conversation_id", "label_id"])
            .await?;
        b.index("conversation_labels", &["label_id", "conversation_id"]).await
    }
}
