//! A database with many rows, made by the database itself, past the store.

use crm::domain::{AccountId, ConversationId, CustomerId, MediaId, MessageId};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::databases::{BEGIN, Kind};

/// Rows of the large tables, unless the variable says otherwise.
const MANY: i64 = 200_000;
/// Variable with the number of rows of the large tables, for a run by hand.
const MANY_VARIABLE: &str = "CRM_PLANS_MESSAGES";
/// Messages of each conversation.
const EACH: i64 = 50;
/// Rows that one statement makes.
const AT_ONCE: i64 = 100_000;
/// Lanes in which work waits.
const LANES: i64 = 100;

/// Returns the number of rows of the large tables.
pub fn many() -> i64 {
    std::env::var(MANY_VARIABLE).map_or(MANY, |rows| rows.parse().unwrap())
}

/// Whether the number of rows is given, so that figures are wanted.
pub fn is_by_hand() -> bool {
    std::env::var_os(MANY_VARIABLE).is_some()
}

/// The first ids of the rows that [`fill`] has made.
pub struct Ids {
    pub customer: CustomerId,
    pub conversation: ConversationId,
    pub message: MessageId,
    pub media: MediaId,
}

pub async fn ids(connection: &DatabaseConnection) -> Ids {
    let first = async |table: &str| {
        let query = format!("SELECT MIN(id) FROM {table}");
        let query = Statement::from_string(connection.get_database_backend(), query);
        let row = connection.query_one_raw(query).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    Ids {
        customer: CustomerId(first("customers").await),
        conversation: ConversationId(first("conversations").await),
        message: MessageId(first("messages").await),
        media: MediaId(first("media").await),
    }
}

/// Fills the tables of one account.
#[expect(clippy::too_many_lines, reason = "one statement a table")]
pub async fn fill(connection: &DatabaseConnection, account: AccountId, kind: Kind) {
    let now = BEGIN.0;
    let account = account.0;
    let first = |table: &str| format!("(SELECT MIN(id) FROM {table})");
    let (many, conversations) = (many(), many() / EACH);
    number(connection, many).await;
    // InnoDB leaves out ids between two statements, and the rows below refer to ids without gaps.
    let at_once = if kind == Kind::MariaDb { many } else { AT_ONCE };
    let insert = async |table: &str, columns: &str, count: i64, values: String| {
        for begin in (0..count).step_by(at_once.unsigned_abs().try_into().unwrap()) {
            let end = count.min(begin + at_once);
            let sql = format!(
                "INSERT INTO {table} ({columns}) SELECT {values} FROM numbers WHERE i >= {begin} AND i < {end} ORDER BY i"
            );
            connection
                .execute_unprepared(&sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    };
    insert(
        "customers",
        "name, named, status, unread_count, attributes, search, created_at, updated_at",
        conversations,
        format!("CONCAT('Ada ', i), FALSE, 'active', 0, '{{}}', CONCAT('ada ', i), {now}, {now}"),
    )
    .await;
    insert(
        "customer_identities",
        "customer_id, kind, value, first_seen, last_seen, closed",
        conversations,
        format!(
            "{} + i, 'phone', CONCAT('+4477009', 10000 + i), {now}, {now}, 0",
            first("customers")
        ),
    )
    .await;
    insert(
        "conversations",
        "account_id, customer_id, kind, name, status, unread_count, active_at, chat_id, created_at, updated_at",
        conversations,
        format!(
            "{account}, {} + i, 'direct', 'Ada', 'open', 0, {now} - i, CONCAT('4477009', 10000 + i, '@c.us'), {now}, {now}",
            first("customers")
        ),
    )
    .await;
    insert(
        "media",
        "account_id, state, wanted, attempts, not_before, mimetype, sha256, created_at, updated_at",
        5_000,
        format!(
            "{account}, CASE WHEN i % 100 = 0 THEN 'pending' ELSE 'stored' END, i % 100 = 0, 0, 0, 'image/png', \
            CONCAT('hash', i), {now}, {now}"
        ),
    )
    .await;
    // One in a hundred is queued, and as many wait, vanish and have reactions, each a few minutes apart.
    insert(
        "messages",
        "account_id, conversation_id, customer_id, direction, kind, content, timestamp, sort_at, state, whatsapp_id, \
         from_me, sender, chat_id, backfilled, client_key, expires_at, wait_reason, wait_until, vanishes_at, reactions, media_id, \
         created_at, updated_at",
        many,
        format!(
            "{account}, {} + i % {conversations}, {} + i % {conversations}, \
             CASE WHEN i % 2 = 0 THEN 'outbound' ELSE 'inbound' END, 'text', 'hello', {now} - 60000 * i, {now} - 60000 * i, \
             CASE WHEN i % 100 = 0 THEN 'queued' WHEN i % 2 = 0 THEN 'read' ELSE 'received' END, \
             CASE WHEN i % 100 = 0 THEN NULL ELSE CONCAT('ID', i) END, i % 2 = 0, '', NULL, FALSE, CONCAT('key', i), \
             CASE WHEN i % 100 = 0 THEN {now} + i ELSE NULL END, \
             CASE WHEN i % 100 = 0 THEN 'first_contacts' ELSE NULL END, CASE WHEN i % 100 = 0 THEN {now} ELSE NULL END, \
             CASE WHEN i % 100 = 1 THEN {now} + i ELSE NULL END, \
             CASE WHEN i % 100 = 3 THEN '[]' ELSE NULL END, CASE WHEN i < 5000 THEN {} + i ELSE NULL END, {now}, {now}",
            first("conversations"),
            first("customers"),
            first("media"),
        ),
    )
    .await;
    insert(
        "journal",
        "seq, at, kind, account_id, conversation_id, message_id, data",
        many,
        format!(
            "i + 1, {now}, 'message.received', {account}, {} + i % {conversations}, {} + i, \
             CONCAT('{{\"id\":', {} + i, '}}')",
            first("conversations"),
            first("messages"),
            first("messages")
        ),
    )
    .await;
    let head = format!("UPDATE journal_head SET seq = {many}");
    connection.execute_unprepared(&head).await.unwrap();
    // Half of the work waits in ten lanes, the rest in all of them.
    for target in ["whatsapp", "matrix"] {
        insert(
            "outbox",
            "target, account_id, lane, message_id, work, attempts, not_before, created_at",
            5_000,
            format!(
                "'{target}', {account}, {} + CASE WHEN i < 2500 THEN i % 10 ELSE i % {LANES} END, {} + i, \
                 '{{}}', 0, {now} + CASE WHEN i > 4900 THEN 100000 ELSE i - 6000 END, {now}",
                first("conversations"),
                first("messages")
            ),
        )
        .await;
    }
    insert(
        "rooms",
        "conversation_id, alias, room_id, created_at, updated_at",
        conversations,
        format!(
            "{} + i, CONCAT('alias', i), CONCAT('!room', i), {now}, {now}",
            first("conversations")
        ),
    )
    .await;
    insert(
        "room_events",
        "message_id, part, event_id, conversation_id, created_at",
        many,
        format!(
            "{} + i, 0, CONCAT('$event', i), {} + i % {conversations}, {now}",
            first("messages"),
            first("conversations")
        ),
    )
    .await;
    let no_bytes = if kind == Kind::Postgres {
        "CAST('' AS bytea)"
    } else {
        "X''"
    };
    insert(
        "quarantine",
        "source, account_id, bytes, error, fingerprint, times, first_seen, last_seen",
        5_000,
        format!("'whatsapp', {account}, {no_bytes}, 'no', CONCAT('print', i), 1, {now}, {now}"),
    )
    .await;
    insert(
        "idempotency_keys",
        if kind == Kind::MariaDb {
            "scope, `key`, body_hash, status, response, created_at"
        } else {
            "scope, key, body_hash, status, response, created_at"
        },
        5_000,
        format!("1, CONCAT('key', i), '', 202, '{{}}', {now}"),
    )
    .await;
    insert(
        "audit",
        "at, actor, action, subject, detail",
        5_000,
        format!("{now} + i, 'key', 'use', '', '{{}}'"),
    )
    .await;
}

/// Makes the table `numbers`, from which others are filled: the numbers `i` below `count`.
pub async fn number(connection: &DatabaseConnection, count: i64) {
    let make = "CREATE TABLE numbers (i BIGINT NOT NULL PRIMARY KEY)";
    connection.execute_unprepared(make).await.unwrap();
    connection
        .execute_unprepared("INSERT INTO numbers (i) VALUES (0)")
        .await
        .unwrap();
    let mut there = 1;
    while there < count {
        let double = format!(
            "INSERT INTO numbers (i) SELECT i + {there} FROM numbers WHERE i < {}",
            count - there
        );
        connection.execute_unprepared(&double).await.unwrap();
        there *= 2;
    }
}

/// Makes the database's statistics.
pub async fn analyze(connection: &DatabaseConnection, kind: Kind) {
    match kind {
        Kind::Sqlite => connection.execute_unprepared("ANALYZE").await.map(drop).unwrap(),
        Kind::Postgres => connection.execute_unprepared("VACUUM ANALYZE").await.map(drop).unwrap(),
        Kind::MariaDb => {
            for table in [
                "messages",
                "journal",
                "outbox",
                "media",
                "room_events",
                "customers",
                "conversations",
            ] {
                let analyze =
                    Statement::from_string(connection.get_database_backend(), format!("ANALYZE TABLE {table}"));
                connection.query_all_raw(analyze).await.unwrap();
            }
        }
    }
}
