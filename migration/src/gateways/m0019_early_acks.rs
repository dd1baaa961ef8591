//! Acks of outside gateways that came before their messages.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number};

/// Creates the table `early_acks`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0019_early_acks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            number("account_id"),
            b.key("whatsapp_id"),
            number("ack"),
            number("created_at"),
        ];
        b.table_with("early_acks", columns, &[("account_id", "accounts")])
            .await?;
        b.unique("early_acks", &["account_id", "whatsapp_id"]).await?;
        b.index("early_acks", &["created_at"]).await
    }
}
