//! Kind of an account, and the picture that a person or program has set for a customer.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional, word};

/// Adds the two columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0018_account_kinds"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("accounts", optional(word("kind"))).await?;
        b.add("customers", optional(number("given_photo_id"))).await?;
        b.index("customers", &["given_photo_id"]).await
    }
}
