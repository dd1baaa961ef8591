//! Number to which a message was addressed, and work that goes before that of other lanes.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, optional};

/// Adds the column of the number and that of the urgency, with an index that finds the urgent lanes.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_addressees"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("messages", optional(b.text("addressee"))).await?;
        b.add("outbox", optional(flag("urgent"))).await?;
        b.index("outbox", &["target", "account_id", "urgent", "lane"]).await?;
        b.index_where_set("outbox", &["target", "account_id", "started_at"], "started_at")
            .await
    }
}
