//! Media that WhatsApp sends a second time, in a better quality.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

/// Adds the stanza id of the message that carries a medium's bytes, where that is another, and the medium that it replaces.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0015_second_uploads"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("media", optional(b.text("source_id"))).await?;
        b.add("media", optional(number("upgrades"))).await?;
        b.index_where_set("media", &["upgrades"], "upgrades").await
    }
}
