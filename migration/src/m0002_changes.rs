//! Details of messages, and reactions to them.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, optional};

/// Adds `messages.details` and `messages.reactions`.
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
