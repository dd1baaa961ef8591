//! Customers' profile pictures: which one they show, the medium that it is, and when it was looked up.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

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
