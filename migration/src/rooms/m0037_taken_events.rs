//! Events of rooms that were taken in, so that one that comes again is known.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number};

/// Creates the table `taken_events`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0037_taken_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![b.key("event_id").primary_key().take(), number("taken_at")];
        b.table("taken_events", columns).await?;
        b.index("taken_events", &["taken_at"]).await
    }
}
