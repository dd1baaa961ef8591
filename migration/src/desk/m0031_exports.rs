//! Exports that are written to a file.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional, word};

/// Creates the table `exports`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0031_exports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            number("owner_id"),
            b.text("asked_by"),
            word("what"),
            word("format"),
            optional(number("account_id")),
            optional(number("customer_id")),
            optional(number("conversation_id")),
            optional(number("from_at")),
            optional(number("until_at")),
            optional(b.text("accounts")),
            flag("hides_numbers"),
            word("state"),
            number("row_count"),
            number("byte_count"),
            optional(b.key("sha256")),
            optional(b.key("object")),
            optional(b.text("failure")),
            number("attempts"),
            optional(number("lease_until")),
            number("created_at"),
            optional(number("started_at")),
            optional(number("finished_at")),
            optional(number("expires_at")),
        ];
        b.table("exports", columns).await?;
        b.index("exports", &["owner_id", "id"]).await?;
        b.index("exports", &["state", "id"]).await?;
        b.index("exports", &["object"]).await?;
        b.index("exports", &["expires_at"]).await?;
        b.index("exports", &["finished_at"]).await
    }
}
