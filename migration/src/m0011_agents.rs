//! Source of agents, and when and on whose decision they were deactivated.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional, word};

/// Adds the columns of source and deactivation.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0011_agents"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("agents", optional(word("source"))).await?;
        b.add("agents", optional(number("deactivated_at"))).await?;
        b.add("agents", optional(word("deactivated_by"))).await
    }
}
