//! Which sub-space each room was last put into.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional};

/// Creates the table `room_places`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0039_room_places"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            b.key("room_id"),
            optional(b.key("space_id")),
            optional(b.key("previous_id")),
            flag("is_done"),
            optional(number("work_id")),
            number("created_at"),
        ];
        b.table("room_places", columns).await?;
        b.unique("room_places", &["room_id"]).await?;
        b.index("room_places", &["space_id"]).await
    }
}
