//! Columns for the signature and the time zone of an agent.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, optional};

/// Adds the columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0028_agent_signatures"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("agents", optional(b.text("signature"))).await?;
        b.add("agents", optional(b.key("time_zone"))).await
    }
}
