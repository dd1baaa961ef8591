//! The import of history by chat, and the results of comparisons with the page.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional, small_number, word};

/// Creates the tables of the import and adds the results of comparisons to `accounts`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_history"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let account = number("account_id").primary_key().take();
        b.table_with(
            "history_imports",
            vec![
                account,
                word("depth"),
                word("state"),
                optional(number("since")),
                number("chats_total"),
                number("chats_done"),
                number("messages"),
                optional(number("started_at")),
                optional(number("finished_at")),
                number("updated_at"),
            ],
            &[("account_id", "accounts")],
        )
        .await?;
        b.table_with(
            "history_chats",
            vec![
                id(),
                number("account_id"),
                b.key("chat"),
                optional(b.text("mark")),
                flag("done"),
                small_number("restarts"),
            ],
            &[("account_id", "accounts")],
        )
        .await?;
        b.unique("history_chats", &["account_id", "chat"]).await?;
        b.index("history_chats", &["account_id", "done", "id"]).await?;

        b.add("accounts", optional(number("synced_at"))).await?;
        b.add("accounts", optional(number("last_recovered"))).await?;
        b.add("accounts", optional(number("recovered"))).await
    }
}
