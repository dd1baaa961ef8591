//! Accounts, customers, conversations, messages, rooms and keys; the journal, the outbox and the other internal tables.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional, small_number, word};

/// Creates the first tables.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_foundation"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        people(&b).await?;
        messages(&b).await?;
        rooms(&b).await?;
        access(&b).await?;
        machinery(&b).await?;
        // The values have the columns' own width, because the connection caches the statement with the types that it
        // saw first.
        let head = Query::insert()
            .into_table("journal_head")
            .columns(["id", "seq", "pruned"])
            .values_panic([1_i64.into(), 0_i64.into(), 0_i64.into()])
            .take();
        manager.execute(head).await
    }
}

async fn people(b: &Builder<'_>) -> Result<(), DbErr> {
    b.table(
        "accounts",
        vec![
            id(),
            b.key("name"),
            word("state"),
            optional(b.text("detail")),
            optional(b.key("phone")),
            optional(number("watermark")),
            number("login"),
            number("fence"),
            optional(b.text("folder")),
            optional(b.text("holder")),
            number("created_at"),
            number("updated_at"),
        ],
    )
    .await?;
    b.unique("accounts", &["name"]).await?;
    b.table(
        "customers",
        vec![
            id(),
            b.text("name"),
            flag("named"),
            optional(b.key("phone")),
            b.key("status"),
            optional(b.text("photo_url")),
            number("unread_count"),
            b.text("attributes"),
            b.text("search"),
            number("created_at"),
            number("updated_at"),
        ],
    )
    .await?;
    b.unique("customers", &["phone"]).await?;
    b.table_with(
        "customer_identities",
        vec![
            id(),
            number("customer_id"),
            word("kind"),
            b.key("value"),
            number("first_seen"),
            number("last_seen"),
        ],
        &[("customer_id", "customers")],
    )
    .await?;
    b.unique("customer_identities", &["kind", "value"]).await?;
    b.index("customer_identities", &["customer_id"]).await
}

async fn messages(b: &Builder<'_>) -> Result<(), DbErr> {
    b.table_with(
        "conversations",
        vec![
            id(),
            number("account_id"),
            optional(number("customer_id")),
            word("kind"),
            b.text("name"),
            word("status"),
            optional(b.key("assignee")),
            number("unread_count"),
            optional(number("last_message_id")),
            optional(number("last_message_at")),
            number("active_at"),
            optional(b.key("chat_id")),
            number("created_at"),
            number("updated_at"),
        ],
        &[("account_id", "accounts"), ("customer_id", "customers")],
    )
    .await?;
    b.unique("conversations", &["account_id", "chat_id"]).await?;
    b.unique("conversations", &["account_id", "customer_id"]).await?;
    b.index("conversations", &["customer_id"]).await?;
    b.index("conversations", &["active_at", "id"]).await?;
    b.table_with(
        "messages",
        vec![
            id(),
            number("account_id"),
            number("conversation_id"),
            optional(number("customer_id")),
            word("direction"),
            word("kind"),
            b.text("content"),
            number("timestamp"),
            number("sort_at"),
            word("state"),
            optional(b.key("whatsapp_id")),
            flag("from_me"),
            b.key("sender"),
            optional(b.key("chat_id")),
            optional(number("login")),
            optional(word("author_origin")),
            optional(b.text("author_name")),
            optional(b.key("client_key")),
            optional(number("reply_to")),
            optional(b.text("media")),
            optional(number("edited_at")),
            optional(number("deleted_at")),
            flag("backfilled"),
            optional(word("failure_code")),
            optional(b.text("failure_detail")),
            optional(number("expires_at")),
            number("created_at"),
            number("updated_at"),
        ],
        &[
            ("account_id", "accounts"),
            ("conversation_id", "conversations"),
            ("customer_id", "customers"),
        ],
    )
    .await?;
    b.unique("messages", &["conversation_id", "whatsapp_id", "from_me", "sender"])
        .await?;
    b.unique("messages", &["client_key"]).await?;
    b.index("messages", &["conversation_id", "sort_at", "id"]).await?;
    b.index("messages", &["account_id", "whatsapp_id"]).await?;
    b.index("messages", &["customer_id"]).await?;
    b.index("messages", &["state", "id"]).await
}

async fn rooms(b: &Builder<'_>) -> Result<(), DbErr> {
    b.table_with(
        "rooms",
        vec![
            id(),
            number("conversation_id"),
            b.key("alias"),
            optional(b.key("room_id")),
            number("created_at"),
            number("updated_at"),
        ],
        &[("conversation_id", "conversations")],
    )
    .await?;
    b.unique("rooms", &["conversation_id"]).await?;
    b.unique("rooms", &["alias"]).await?;
    b.unique("rooms", &["room_id"]).await?;
    b.table_with(
        "room_events",
        vec![
            id(),
            number("message_id"),
            small_number("part"),
            b.key("event_id"),
            number("conversation_id"),
            optional(word("tick_key")),
            optional(b.key("tick_event")),
            optional(b.key("tick_previous")),
            optional(number("tick_turn")),
            number("created_at"),
        ],
        &[("message_id", "messages"), ("conversation_id", "conversations")],
    )
    .await?;
    b.unique("room_events", &["message_id", "part"]).await?;
    b.unique("room_events", &["event_id"]).await?;
    b.table(
        "pending_events",
        vec![
            id(),
            b.key("room_id"),
            b.key("event_id"),
            b.key("sender"),
            number("at"),
            number("first_seen"),
            flag("told"),
        ],
    )
    .await?;
    b.unique("pending_events", &["event_id"]).await
}

async fn access(b: &Builder<'_>) -> Result<(), DbErr> {
    b.table(
        "agents",
        vec![
            id(),
            b.text("name"),
            optional(b.key("matrix_user")),
            number("created_at"),
        ],
    )
    .await?;
    b.unique("agents", &["matrix_user"]).await?;
    b.table(
        "api_keys",
        vec![
            id(),
            b.text("name"),
            b.key("prefix"),
            b.key("hash"),
            b.text("scopes"),
            optional(b.text("accounts")),
            number("created_at"),
            optional(number("expires_at")),
            optional(number("revoked_at")),
            optional(number("last_used_at")),
        ],
    )
    .await?;
    b.unique("api_keys", &["hash"]).await?;
    b.table(
        "audit",
        vec![
            id(),
            number("at"),
            b.text("actor"),
            b.text("action"),
            b.text("subject"),
            b.text("detail"),
        ],
    )
    .await?;
    b.table(
        "idempotency_keys",
        vec![
            id(),
            number("scope"),
            b.key("key"),
            b.key("body_hash"),
            small_number("status"),
            b.text("response"),
            optional(number("message_id")),
            number("created_at"),
        ],
    )
    .await?;
    b.unique("idempotency_keys", &["scope", "key"]).await?;
    b.index("idempotency_keys", &["created_at"]).await
}

async fn machinery(b: &Builder<'_>) -> Result<(), DbErr> {
    let seq = |name| number(name).primary_key().take();
    b.table(
        "journal",
        vec![
            seq("seq"),
            number("at"),
            word("kind"),
            optional(number("account_id")),
            optional(number("customer_id")),
            optional(number("conversation_id")),
            b.text("data"),
        ],
    )
    .await?;
    b.index("journal", &["customer_id"]).await?;
    b.table("journal_head", vec![seq("id"), number("seq"), number("pruned")])
        .await?;
    b.table(
        "outbox",
        vec![
            id(),
            word("target"),
            number("account_id"),
            optional(number("lane")),
            optional(number("message_id")),
            b.text("work"),
            number("attempts"),
            number("not_before"),
            number("created_at"),
            optional(number("started_at")),
            optional(b.text("last_error")),
        ],
    )
    .await?;
    b.index("outbox", &["target", "lane", "id"]).await?;
    b.index("outbox", &["message_id"]).await?;
    for table in ["cursors", "settings"] {
        b.table(
            table,
            vec![
                b.key("name").primary_key().take(),
                b.text("value"),
                number("updated_at"),
            ],
        )
        .await?;
    }
    b.table(
        "quarantine",
        vec![
            id(),
            word("source"),
            optional(number("account_id")),
            b.bytes("bytes"),
            b.text("error"),
            b.key("fingerprint"),
            number("times"),
            number("first_seen"),
            number("last_seen"),
        ],
    )
    .await?;
    b.unique("quarantine", &["fingerprint"]).await
}
