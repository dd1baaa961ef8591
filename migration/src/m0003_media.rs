//! Media: images, voice notes, documents. The vault holds their bytes.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional, word};

/// Creates `media` and references it from messages.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_media"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.table_with(
            "media",
            vec![
                id(),
                optional(number("account_id")),
                word("state"),
                flag("wanted"),
                number("attempts"),
                number("not_before"),
                b.key("mimetype"),
                optional(b.key("sniffed")),
                optional(number("size")),
                optional(b.key("sha256")),
                optional(b.key("promised_sha256")),
                optional(b.text("filename")),
                optional(b.text("detail")),
                number("created_at"),
                number("updated_at"),
            ],
            &[("account_id", "accounts")],
        )
        .await?;
        b.index("media", &["sha256"]).await?;
        b.index("media", &["state", "wanted", "account_id"]).await?;
        b.add("messages", optional(number("media_id"))).await?;
        b.index("messages", &["media_id"]).await
    }
}
