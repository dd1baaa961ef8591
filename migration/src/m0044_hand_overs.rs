//! The time of a message's hand-over: WhatsApp allows edits and deletions for a time from there on, and a message may have
//! waited for hours before.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number, optional};

/// Adds `messages.chosen_at`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0044_hand_overs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        b.add("messages", optional(number("chosen_at"))).await
    }
}
