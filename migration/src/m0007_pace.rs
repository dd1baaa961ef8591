//! The pace of sending: why a message waits, when first contacts were made, which customers opted out, and when an
//! account's phone was last seen.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional, word};

/// Adds the columns of the pace.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_pace"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("messages", optional(word("wait_reason"))).await?;
        b.add("messages", optional(number("wait_until"))).await?;
        b.add("conversations", optional(number("first_contact_at"))).await?;
        b.index("conversations", &["account_id", "first_contact_at"]).await?;
        b.add("customers", optional(number("opted_out_at"))).await?;
        b.add("customers", optional(b.text("opted_out_by"))).await?;
        b.add("customers", optional(number("opted_in_at"))).await?;
        b.add("accounts", optional(number("phone_seen_at"))).await
    }
}
