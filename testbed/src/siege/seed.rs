//! A database of some size, made by SQLite itself in the tables of a server that has just been started once.

/// Bytes of each message's text.
const TEXT_BYTES: usize = 200;

/// Returns statements that fill an empty database: customers with a conversation each, and messages with their events,
/// all of the first account. Ids begin at 1. `now` is in milliseconds since 1970.
pub fn sql(customers: u64, messages: u64, now: i64) -> String {
    let numbers =
        |count: u64| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) ");
    let (people, texts) = (numbers(customers), numbers(messages));
    let text = "x".repeat(TEXT_BYTES);
    let account = "(SELECT MIN(id) FROM accounts)";
    format!(
        "BEGIN;
        {people}INSERT INTO customers (id, name, named, phone, status, unread_count, attributes, search, created_at, updated_at)
            SELECT i, 'Customer ' || i, 0, '+4477' || printf('%08d', i), 'active', 0, '{{}}', 'customer ' || i, {now}, {now}
            FROM n;
        INSERT INTO customer_identities (customer_id, kind, value, first_seen, last_seen, closed)
            SELECT id, 'phone', phone, {now}, {now}, 0 FROM customers;
        INSERT INTO conversations (id, account_id, customer_id, kind, name, status, unread_count, active_at, chat_id,
                created_at, updated_at)
            SELECT id, {account}, id, 'direct', name, 'open', 0, {now} - id, substr(phone, 2) || '@c.us', {now}, {now}
            FROM customers;
        {texts}INSERT INTO messages (id, account_id, conversation_id, customer_id, direction, kind, content, timestamp,
                sort_at, state, whatsapp_id, from_me, sender, backfilled, created_at, updated_at)
            SELECT i, {account}, 1 + i % {customers}, 1 + i % {customers},
                CASE WHEN i % 2 = 0 THEN 'outbound' ELSE 'inbound' END, 'text', '{text}', {now} - 1000 * i,
                {now} - 1000 * i, CASE WHEN i % 2 = 0 THEN 'read' ELSE 'received' END, 'ID' || i, i % 2 = 0, '', 0,
                {now}, {now}
            FROM n;
        {texts}INSERT INTO journal (seq, at, kind, account_id, conversation_id, message_id, data)
            SELECT i + (SELECT seq FROM journal_head), {now}, 'message.received', {account}, 1 + i % {customers}, i,
                '{{\"id\":' || i || ',\"content\":\"{text}\"}}'
            FROM n;
        UPDATE journal_head SET seq = seq + {messages};
        COMMIT;"
    )
}
