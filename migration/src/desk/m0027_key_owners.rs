//! The agent as whom a key acts, the keys that follow one another, and who has uploaded a file. The audit log is
//! looked through by time.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

/// Adds the columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0027_key_owners"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("api_keys", optional(number("agent_id"))).await?;
        b.add("api_keys", optional(number("owner_id"))).await?;
        b.add("api_keys", optional(number("rotated_to"))).await?;
        b.add("media", optional(number("owner_id"))).await?;
        b.index("audit", &["at", "id"]).await
    }
}
