//! Requested change of an account's link to its phone: a login (for a pairing code, with the phone's number), a logout,
//! or taking the session over; with the time of the request.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional, word};

/// Adds the columns of the request.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_wanted_links"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("accounts", optional(word("wanted"))).await?;
        b.add("accounts", optional(b.text("wanted_phone"))).await?;
        b.add("accounts", optional(number("wanted_at"))).await
    }
}
