//! Removal of accounts: when it began, whether the profile is kept, and when it ended. The row of a removed account
//! stays, because its messages do.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, number, optional};

/// Adds the columns of a removal.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0008_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("accounts", optional(number("removing_at"))).await?;
        b.add("accounts", optional(flag("keep_profile"))).await?;
        b.add("accounts", optional(number("removed_at"))).await
    }
}
