//! Columns for the role and the accounts of an agent; and their name, as no other active agent may have it.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, optional, word};

/// Adds the columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0026_agent_roles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("agents", optional(word("role"))).await?;
        b.add("agents", optional(b.text("accounts"))).await?;
        // Null in the rows of before, whose names may be the same.
        b.add("agents", optional(b.key("active_name"))).await?;
        b.unique("agents", &["active_name"]).await
    }
}
