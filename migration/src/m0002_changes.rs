//! What a message carries besides its text, and what happens to it after it was written.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, optional};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_changes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("messages", optional(b.text("details"))).await?;
        b.add("messages", optional(b.text("reactions"))).await
    }
}
