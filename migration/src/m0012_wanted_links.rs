//! What is to be done about an account's link to its phone: a login (with a pairing code, for the phone of this number), a logout,
//! or taking the session over; and when that was asked for.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional, word};

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
