//! Messages that wait for their time, or for a person.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, word};

/// Creates the table `scheduled_sends`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0022_scheduled_sends"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            number("message_id"),
            number("account_id"),
            number("conversation_id"),
            word("stage"),
            number("send_at"),
            number("seen_up_to"),
            number("created_at"),
        ];
        let references = [
            ("message_id", "messages"),
            ("account_id", "accounts"),
            ("conversation_id", "conversations"),
        ];
        b.table_with("scheduled_sends", columns, &references).await?;
        b.unique("scheduled_sends", &["message_id"]).await?;
        b.index("scheduled_sends", &["account_id", "stage", "send_at", "id"])
            .await?;
        b.index("scheduled_sends", &["conversation_id"]).await
    }
}
