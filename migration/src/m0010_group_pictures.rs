//! Avatars of groups, stored like those of customers. For both, the time of the next lookup is stored.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

/// Moves avatars of groups to media, and adds the time of the next lookup.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_group_pictures"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        // The address is WhatsApp's own and is valid only for some days.
        b.drop("chat_groups", "photo_url").await?;
        b.add("chat_groups", optional(number("photo_id"))).await?;
        b.add("chat_groups", optional(b.text("photo_tag"))).await?;
        b.add("chat_groups", optional(number("photo_due_at"))).await?;
        b.index("chat_groups", &["photo_id"]).await?;
        b.drop("customers", "photo_seen_at").await?;
        b.add("customers", optional(number("photo_due_at"))).await
    }
}
