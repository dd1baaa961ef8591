//! Avatars of customers: the tag, the medium, and the time of the lookup.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

/// Adds the columns of avatars to `customers`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0009_portraits"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("customers", optional(number("photo_id"))).await?;
        b.add("customers", optional(b.text("photo_tag"))).await?;
        b.add("customers", optional(number("photo_seen_at"))).await?;
        b.index("customers", &["photo_id"]).await
    }
}
