//! Templates of messages.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional, word};

/// Creates the table `templates`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0025_templates"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            b.key("name"),
            b.text("body"),
            optional(b.text("description")),
            b.text("fields"),
            optional(number("media_id")),
            optional(word("media_kind")),
            number("revision"),
            number("created_at"),
            number("updated_at"),
            b.text("created_by"),
            b.text("updated_by"),
        ];
        b.table("templates", columns).await?;
        b.unique("templates", &["name"]).await?;
        b.index("templates", &["media_id"]).await
    }
}
