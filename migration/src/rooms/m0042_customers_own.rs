//! What customers' own users show: the picture of a room, and their reactions.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, optional};

/// Adds `rooms.avatar` and `room_reactions.by_customer`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0042_customers_own"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("rooms", optional(b.text("avatar"))).await?;
        b.add("room_reactions", optional(flag("by_customer"))).await
    }
}
