//! Every query that runs per message, per request or at an interval reads few rows, however many there are. Fills a
//! database, runs the store's own functions, and asks the database how it does each statement that they ran.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm::domain::conversation::{ChatKind, ConversationStatus};
use crm::domain::customer::{Identity, IdentitySource};
use crm::domain::message::{Direction, Kind as MessageKind, MessageState, Seen};
use crm::domain::outbox::{MatrixWork, Target, WhatsAppWork};
use crm::domain::{AccountId, AgentId, ChatId, ConversationId, LabelId, MessageId, OwnerId, Timestamp, WaMessageId};
use crm::store::{
    AuditFilter, Busy, Contact, ConversationFilter, CustomerFilter, MessageFilter, NewMessage, NewWork, OpenOptions,
    PageRequest, StatementLog, Store, StoreError, Tx,
};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use serde_json::Value;
use tokio::time::Instant;

use super::databases::{BEGIN, Database, Kind, on_each_database};
use super::many_rows::{Ids, analyze, fill, ids, is_by_hand, many};
use super::{raw, sights};
use crate::store::desk;

on_each_database! {
    frequent_queries_read_few_rows,
}

/// Most rows that one statement may read of one table.
const FEW: f64 = 1_300.0;
/// Queries that a run by hand shows, and how much of each.
const SLOWEST: usize = 5;
const SHOWN: usize = 200;
/// Constraints that most rows of a table meet, on SQLite, which does not tell how many rows a statement reads.
const WIDE: [&str; 5] = [
    "(account_id=?)",
    "(target=?)",
    "(target=? AND account_id=?)",
    "(state=?)",
    "(account_id=? AND state=?)",
];
/// Tables that stay small, and the lists that a statement makes itself.
const SMALL: [&str; 12] = [
    "agents",
    "labels",
    "attributes",
    "accounts",
    "settings",
    "cursors",
    "api_keys",
    "journal_head",
    "history_imports",
    "lanes",
    "CONSTANT",
    "(subquery",
];

async fn frequent_queries_read_few_rows(database: Database) {
    let statements = Arc::new(Mutex::new(Vec::new()));
    let log = {
        let statements = Arc::clone(&statements);
        StatementLog::new(move |sql| statements.lock().unwrap().push(sql))
    };
    let options = OpenOptions {
        statements: Some(log),
        ..database.options()
    };
    let store = options.open(Arc::new(database.clock.clone())).await.unwrap();
    let account = desk::account(&store).await;
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    let began = Instant::now();
    fill(&connection, account, database.kind).await;
    if is_by_hand() {
        eprintln!(
            "{:?}: {} messages made in {:.1?}",
            database.kind,
            many(),
            began.elapsed()
        );
        analyze(&connection, database.kind).await;
    }
    statements.lock().unwrap().clear();
    run(&store, account, &ids(&connection).await).await;
    let mut seen = BTreeMap::new();
    for sql in statements.lock().unwrap().drain(..) {
        seen.entry(shape(&sql)).or_insert(sql);
    }
    store.close().await;
    let mut wrong = Vec::new();
    // SQLite has no statistics in the first hours of a database.
    for has_statistics in [false, true] {
        if has_statistics {
            analyze(&connection, database.kind).await;
        } else if database.kind != Kind::Sqlite {
            continue;
        }
        for (shape, sql) in &seen {
            let is_read = ["SELECT", "UPDATE", "DELETE", "WITH"]
                .iter()
                .any(|verb| sql.starts_with(verb));
            // A rare fallback. With as few rows as here, the two servers rather read the lanes' part of the table.
            let is_walk = sql.starts_with("SELECT head.id FROM (") || sql.starts_with("WITH RECURSIVE lanes");
            let is_walk = is_walk && database.kind != Kind::Sqlite;
            if is_read && !is_walk && !sql.contains("pg_notify") && !is_list(shape) {
                wrong.extend(examine(&connection, database.kind, sql).await);
            }
        }
    }
    if is_by_hand() {
        report_slowest(&connection, database.kind, seen.values()).await;
    }
    connection.close().await.unwrap();
    assert!(seen.len() > 60, "only {} statements were recorded", seen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs each query again and prints those that took longest.
async fn report_slowest(connection: &DatabaseConnection, kind: Kind, queries: impl Iterator<Item = &String>) {
    let mut taken = vec![];
    for sql in queries.filter(|sql| sql.starts_with("SELECT") || sql.starts_with("WITH")) {
        let began = Instant::now();
        let query = Statement::from_string(connection.get_database_backend(), sql.clone());
        connection.query_all_raw(query).await.unwrap();
        taken.push((began.elapsed(), sql));
    }
    taken.sort_unstable();
    eprintln!("{kind:?}: {} queries; the slowest:", taken.len());
    for (took, sql) in taken.iter().rev().take(SLOWEST) {
        eprintln!("    {took:.1?}: {}", sql.chars().take(SHOWN).collect::<String>());
    }
}

/// SQLite makes statistics only when it is asked.
#[tokio::test]
async fn sqlite_makes_statistics_at_open() {
    let database = Database::new(Kind::Sqlite).await;
    let store = database.open().await;
    let account = desk::account(&store).await;
    store.close().await;
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    fill(&connection, account, database.kind).await;
    connection.close().await.unwrap();
    let store = database.open().await;
    store.refresh_statistics().await.unwrap();
    store.close().await;
    let indexes = raw::numbers(&database, "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'messages'").await;
    assert!(indexes[0] > 5, "{indexes:?}");
}

/// Pages of whole lists, in the order of an index: each reads no more than it returns, though no constraint says so.
fn is_list(shape: &str) -> bool {
    let whole = [
        "\"conversations\".\"merged_into\" IS NULL ORDER BY",
        "FROM \"customers\" WHERE \"customers\".\"merged_into\" IS NULL ORDER BY",
        "FROM \"audit\" ORDER BY",
    ];
    let shape = shape.replace('`', "\"");
    shape.contains(" LIMIT ") && whole.iter().any(|list| shape.contains(list))
}

/// Replaces the values of a statement, so that one that ran often is examined once.
fn shape(sql: &str) -> String {
    let mut shape = String::new();
    let mut in_text = false;
    for c in sql.chars() {
        if c == '\'' {
            in_text = !in_text;
        } else if !in_text && !c.is_ascii_digit() {
            shape.push(c);
        }
    }
    shape
}

/// Returns what is wrong with the plan of a statement.
async fn examine(connection: &DatabaseConnection, kind: Kind, sql: &str) -> Option<String> {
    let explain = match kind {
        Kind::Sqlite => format!("EXPLAIN QUERY PLAN {sql}"),
        Kind::Postgres => format!("EXPLAIN (ANALYZE, FORMAT JSON) {sql}"),
        Kind::MariaDb => format!("ANALYZE FORMAT=JSON {sql}"),
    };
    let transaction = connection.begin().await.unwrap();
    let query = Statement::from_string(connection.get_database_backend(), explain);
    let rows = transaction
        .query_all_raw(query)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    transaction.rollback().await.unwrap();
    if kind == Kind::Sqlite {
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        let is_sorted = plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
        // The walk over the lanes reads the smallest value of an index, which is its first.
        let is_bounded = sql.contains(" LIMIT ") && !is_sorted || sql.starts_with("WITH RECURSIVE lanes");
        let is_bad = |step: &String| {
            // A query within a query is a step of its own.
            let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            scanned.is_some_and(|table| !table.starts_with('(') && !SMALL.contains(&table))
                || !is_bounded && WIDE.iter().any(|wide| step.ends_with(wide))
        };
        return plan
            .iter()
            .any(is_bad)
            .then(|| format!("{sql}\n    {}", plan.join("\n    ")));
    }
    let plan: Value = match kind {
        Kind::Postgres => rows[0].try_get_by_index(0).unwrap(),
        _ => serde_json::from_str(&rows[0].try_get_by_index::<String>(0).unwrap()).unwrap(),
    };
    let read = most_read(&plan);
    (read > FEW).then(|| format!("{sql}\n    reads {read} rows: {plan}"))
}

/// Returns the most rows that a step of a plan read of a table.
fn most_read(plan: &Value) -> f64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or(0.0);
    let here = if plan["Relation Name"].is_string() {
        let read = number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        read * number("Actual Loops")
    } else if plan["table_name"].is_string() {
        number("r_rows") * number("r_loops")
    } else {
        0.0
    };
    let below = match plan {
        Value::Array(parts) => parts.iter().map(most_read).fold(0.0, f64::max),
        Value::Object(parts) => parts.values().map(most_read).fold(0.0, f64::max),
        _ => 0.0,
    };
    here.max(below)
}

/// Runs what the program does per message, per request and at an interval.
async fn run(store: &Store, account: AccountId, ids: &Ids) {
    messages(store, account, ids).await;
    work(store, account).await;
    lists(store, account, ids).await;
    let (customer, conversation, message, media) = (ids.customer, ids.conversation, ids.message, ids.media);
    let input = (account, conversation, customer, message, media);
    let written = store.write(input, |tx, &(account, conversation, customer, message, media)| {
        async move {
            arrives(tx, account, conversation).await?;
            goes_out(tx, account, conversation, message).await?;
            let told = Contact::new(
                &[Identity::phone(&"+447700910005".parse().unwrap())],
                None,
                Some("Ben"),
                IdentitySource::WhatsApp,
            );
            tx.customers().meet(&told).await?;
            tx.media().change(media, &crm::store::MediaChange::Wanted).await?;
            tx.media().retry(media, BEGIN, true).await?;
            tx.rooms().add_event(message, 1, &"$new".into(), conversation).await?;
            tx.rooms().is_making_one().await?;
            tx.messages().set_disappearing(message, BEGIN).await?;
            tx.messages().empty(message).await?;
            tx.conversations().live_of_customer(customer).await?;
            tx.messages().senders_under(conversation, &"ID7".into()).await?;
            tx.messages().set_content(message, "changed", Some(BEGIN)).await?;
            tx.agents().is_answering(&"@anna:example.org".into()).await?;
            tx.rooms().set_tick(message, None).await?;
            tx.rooms().is_known_event(&"$event7".into()).await?;
            tx.groups().get(conversation).await?;
            tx.accounts().messages_under_way(account, 100).await?;
            let _ = tx.accounts().waiting_work(account, 100).await;
            Ok::<_, StoreError>(())
        }
        .boxed()
    });
    written.await.unwrap();
    merges(store, ids).await;
    store.journal().prune(BEGIN).await.unwrap();
    store.answers().prune(BEGIN).await.unwrap();
}

/// Two customers become one, and one of their rooms shows the messages of both.
async fn merges(store: &Store, ids: &Ids) {
    let (stays, mut goes) = (ids.customer, ids.customer);
    goes.0 += 1;
    let merged = store.write((stays, goes, ids.conversation), |tx, &(stays, goes, conversation)| {
        async move {
            tx.rooms().forget(conversation).await?;
            tx.merges().merge(stays, goes, None).await?;
            tx.rooms().of_conversation(conversation).await
        }
        .boxed()
    });
    assert!(merged.await.unwrap().is_some(), "the room was handed over");
}

/// A customer writes.
async fn arrives(tx: &mut Tx, account: AccountId, id: ConversationId) -> Result<(), StoreError> {
    let conversation = tx.conversations().get(id).await?.unwrap();
    let chat = conversation.chat_id.clone().unwrap();
    tx.conversations()
        .resolve(account, conversation.customer_id, Some(&chat), ChatKind::Direct, "Ada")
        .await?;
    tx.conversations().of_chat(account, &chat).await?;
    let message = desk::inbound(&conversation, "NEW", "hello", BEGIN);
    desk::take_in(tx, &message).await?;
    let message = desk::new(desk::take_in(tx, &desk::inbound(&conversation, "NEXT", "hello", BEGIN)).await?);
    tx.conversations().touch(id, message.id, BEGIN).await?;
    tx.conversations().add_unread(id, 1).await?;
    tx.conversations().clear_unread(id).await?;
    tx.messages().in_conversation(id, &WaMessageId::from("NEW")).await?;
    let work = MatrixWork::ShowMessage { message: message.id };
    tx.outbox().enqueue(NewWork::for_message(&message, work)).await?;
    tx.outbox().remove(message.id, Target::Matrix).await?;
    Ok(())
}

/// A text goes out and is acknowledged.
async fn goes_out(tx: &mut Tx, account: AccountId, id: ConversationId, queued: MessageId) -> Result<(), StoreError> {
    let conversation = tx.conversations().get(id).await?.unwrap();
    let text = NewMessage {
        client_key: Some("new".to_owned()),
        ..NewMessage::of(
            &conversation,
            Direction::Outbound,
            MessageKind::Text,
            "hello",
            BEGIN,
            MessageState::Queued,
        )
    };
    let message = desk::new(tx.messages().insert(text).await?);
    let work = WhatsAppWork::SendMessage { message: message.id };
    let item = tx.outbox().enqueue(NewWork::for_message(&message, work)).await?;
    tx.pace().note_first_contact(id).await?;
    tx.messages()
        .choose_stanza(message.id, &"chat".into(), &"S1".into(), 1)
        .await?;
    tx.messages().set_state(message.id, MessageState::Sending, None).await?;
    tx.messages().ours(account, &"S1".into(), None).await?;
    tx.outbox().start(item).await?;
    tx.outbox().retry(item, BEGIN, "handed over", false).await?;
    tx.outbox().finish(item).await?;
    tx.outbox().hasten(account).await?;
    tx.outbox().hasten_lane(account, id).await?;
    if let Some(customer) = conversation.customer_id {
        tx.pace().queued_for(customer).await?;
    }
    tx.messages().hand_over(queued).await?;
    let seen = [message.id, queued].map(|message| Seen { message, at: BEGIN });
    tx.messages().since(id, &seen, "somebody", 20).await?;
    tx.scheduled().of_conversation(id).await?;
    tx.scheduled().add(&message, BEGIN).await?;
    let planned = tx.scheduled().of(message.id).await?.unwrap();
    tx.scheduled().is_overtaken(&message, &planned).await?;
    tx.scheduled().decided(message.id).await?;
    tx.scheduled().remove(&message).await?;
    Ok(())
}

async fn messages(store: &Store, account: AccountId, ids: &Ids) {
    let messages = store.messages();
    let late = BEGIN.plus(Duration::from_hours(1));
    // Long ago for the messages of one minute apart, so that a scan of the account would show.
    let lately = BEGIN.minus(Duration::from_hours(1));
    let never = Timestamp(BEGIN.0 - 1);
    messages.get(ids.message).await.unwrap();
    messages.by_client_key("key7").await.unwrap();
    messages.sender_of(ids.message).await.unwrap();
    messages.page(ids.conversation, PageRequest::last(50)).await.unwrap();
    messages.recent_ids(ids.conversation, lately).await.unwrap();
    store.outbox().is_anything_due(account, lately).await.unwrap();
    let (chat, stanza) = (ChatId::from("given"), WaMessageId::from("S1"));
    messages.last_of_chats(account, &[(&chat, &stanza)]).await.unwrap();
    messages.unfinished(ids.conversation, lately).await.unwrap();
    messages.unfinished_of_account(account, lately, 100).await.unwrap();
    messages.reacted_of_account(account, lately, 100).await.unwrap();
    messages
        .unknown_of(account, &["ID7".into(), "none".into()])
        .await
        .unwrap();
    messages.expired(account, never, 32).await.unwrap();
    messages.expired(account, late, 32).await.unwrap();
    messages.due_to_disappear(account, never, 100).await.unwrap();
    messages.due_to_disappear(account, late, 100).await.unwrap();
    messages.count_unknown().await.unwrap();
    let filter = MessageFilter {
        account: Some(account),
        ..MessageFilter::default()
    };
    let mut stream = std::pin::pin!(messages.stream(filter));
    stream.next().await.unwrap().unwrap();
    let filter = MessageFilter {
        customer: Some(ids.customer),
        ..MessageFilter::default()
    };
    messages.stream(filter).try_collect::<Vec<_>>().await.unwrap();
    store.pace().last_heard(ids.conversation).await.unwrap();
    store.pace().is_first_contact(ids.conversation).await.unwrap();
    store.pace().first_contacts(account, lately).await.unwrap();
    store.pace().first_contacts_before(account, ids.message).await.unwrap();
}

async fn work(store: &Store, account: AccountId) {
    let outbox = store.outbox();
    let (now, before) = (BEGIN, Timestamp(BEGIN.0 - 10_000));
    for limit in [4, 32] {
        // The work is not one that can be read, so the answer is an error; the statements are what counts.
        let _ = outbox
            .ready::<WhatsAppWork>(Some(account), now, limit, &Busy::default())
            .await;
        let _ = outbox.ready::<MatrixWork>(None, now, limit, &Busy::default()).await;
        outbox
            .ready::<WhatsAppWork>(Some(account), before, limit, &Busy::default())
            .await
            .unwrap();
    }
    let _ = outbox.ready_urgent::<WhatsAppWork>(account, now, 32).await;
    store.settings().is_parked().await.unwrap();
    store.clock_doubted_until().await.unwrap();
    store.journal().after(crm::domain::Seq(many() - 10), 500).await.unwrap();
    store.journal().range().await.unwrap();
    store.history().next_chat(account).await.unwrap();
    store.accounts().present().await.unwrap();
    store.pending_events().list(false, 0, 50).await.unwrap();
}

async fn lists(store: &Store, account: AccountId, ids: &Ids) {
    for filter in [
        ConversationFilter::default(),
        ConversationFilter {
            account: Some(account),
            ..ConversationFilter::default()
        },
        ConversationFilter {
            customer: Some(ids.customer),
            ..ConversationFilter::default()
        },
        ConversationFilter {
            status: Some(ConversationStatus::Snoozed),
            ..ConversationFilter::default()
        },
        ConversationFilter {
            assignee: Some(Some(AgentId(1))),
            ..ConversationFilter::default()
        },
        ConversationFilter {
            label: Some(LabelId(1)),
            ..ConversationFilter::default()
        },
        ConversationFilter {
            waiting_since: Some(BEGIN),
            ..ConversationFilter::default()
        },
    ] {
        store.conversations().page(PageRequest::last(50), filter).await.unwrap();
    }
    store.conversations().due_to_open(BEGIN, 100).await.unwrap();
    store.conversations().of_former_agents(100).await.unwrap();
    store.scheduled().due(account, BEGIN, 32).await.unwrap();
    store.scheduled().of(ids.message).await.unwrap();
    store
        .notes()
        .page(PageRequest::last(50), ids.conversation)
        .await
        .unwrap();
    store.labels().list().await.unwrap();
    store.attributes().list().await.unwrap();
    sights::ask(store, account, ids).await;
    store.conversations().live(ids.conversation).await.unwrap();
    store.customers().current(ids.customer).await.unwrap();
    store.messages().addressee(ids.message).await.unwrap();
    store.agents().answering().await.unwrap();
    store.accounts().synced(account).await.unwrap();
    store.conversations().of_customer(account, ids.customer).await.unwrap();
    store
        .customers()
        .page(PageRequest::first(50), &CustomerFilter::default())
        .await
        .unwrap();
    store.customers().get(ids.customer).await.unwrap();
    let phone = Identity::phone(&"+447700910007".parse().unwrap());
    store.customers().by_identity(&phone).await.unwrap();
    store.identities().dated(ids.customer).await.unwrap();
    store.media().get(ids.media).await.unwrap();
    store.media().due(account, BEGIN, 10, &[]).await.unwrap();
    store.media().known_objects(&["hash7".to_owned()]).await.unwrap();
    store.rooms().of_conversation(ids.conversation).await.unwrap();
    store.rooms().conversation(&"!room7".into()).await.unwrap();
    store.rooms().shown_in(ids.message).await.unwrap();
    store.rooms().message_of_event(&"$event7".into()).await.unwrap();
    store.rooms().tick(ids.message).await.unwrap();
    store.keys().find(&[0; 32]).await.unwrap();
    let _ = store.answers().get(OwnerId(1), "key7").await;
    store
        .quarantine()
        .page(PageRequest::first(100), Some(account))
        .await
        .unwrap();
    store
        .audit()
        .page(PageRequest::last(50), &AuditFilter::default())
        .await
        .unwrap();
}
