//! Definitions of customers' attributes.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional, word};

/// Creates the table `attributes`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0030_attributes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            b.key("name"),
            word("kind"),
            optional(b.text("choices")),
            optional(b.text("description")),
            number("revision"),
            number("created_at"),
            number("updated_at"),
        ];
        b.table("attributes", columns).await?;
        b.unique("attributes", &["name"]).await
    }
}
