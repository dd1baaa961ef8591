//! Room events that stay inside.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional, word};

/// Creates the table `internal_events`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0032_internal_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            b.key("room_id"),
            b.key("event_id"),
            word("kind"),
            optional(number("note_id")),
            optional(number("message_id")),
            number("created_at"),
        ];
        b.table("internal_events", columns).await?;
        b.unique("internal_events", &["event_id"]).await?;
        b.index("internal_events", &["kind", "created_at"]).await?;
        b.index_where_set("internal_events", &["note_id"], "note_id").await
    }
}
