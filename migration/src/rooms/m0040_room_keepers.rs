//! Which login made each room, and which keeps it.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, number, optional};

/// Adds the columns.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0040_room_keepers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("rooms", optional(b.key("creator"))).await?;
        b.add("rooms", optional(b.key("keeper"))).await?;
        b.add("rooms", optional(number("moved_at"))).await?;
        b.add("rooms", optional(b.key("fence"))).await?;
        b.add("rooms", optional(flag("keeper_read"))).await?;
        b.add("rooms", optional(flag("other_read"))).await
    }
}
