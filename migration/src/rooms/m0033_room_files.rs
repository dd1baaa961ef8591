//! Columns for files in rooms: which event shows one, and which events wait until theirs is fetched.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, number, optional, small_number};

/// Adds the columns, and the index by room.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0033_room_files"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("room_events", optional(flag("has_file"))).await?;
        b.add("pending_events", optional(flag("has_file"))).await?;
        b.add("pending_events", optional(small_number("attempts"))).await?;
        b.add("pending_events", optional(number("not_before"))).await?;
        b.index("pending_events", &["room_id", "told", "id"]).await
    }
}
