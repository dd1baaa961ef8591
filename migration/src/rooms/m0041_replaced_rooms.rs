//! Rooms that are replaced by others, and events that stand in such rooms.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, optional};

/// Adds the columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0041_replaced_rooms"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("rooms", optional(b.key("next_room"))).await?;
        b.index_where_set("rooms", &["next_room"], "next_room").await?;
        b.add("room_events", optional(flag("is_gone"))).await
    }
}
