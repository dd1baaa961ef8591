//! A backup is whole, the same for all databases, and lets nothing out before a person says so.

use std::sync::Arc;
use std::time::Duration;

use crm::contract::RawJson;
use crm::domain::agent::AgentSource;
use crm::domain::conversation::Conversation;
use crm::domain::outbox::WhatsAppWork;
use crm::domain::{MessageId, Seq};
use crm::store::{
    AgentChange, AuditFilter, Busy, CustomerFilter, Holder, Inserted, MessageFilter, NewApiKey, NewLabel, NewWork,
    OpenOptions, PageRequest, Store, StoreError,
};
use futures_util::future::join_all;
use futures_util::{FutureExt, TryStreamExt};

use super::databases::{BEGIN, Database, Kind, on_each_database};
use crate::store::desk;
use crate::store::desk::{inbound, outbound, take};

on_each_database! {
    backup_restores_on_every_database,
    backup_is_consistent_during_writes,
    restore_needs_empty_database,
    broken_backup_is_refused_and_leaves_nothing,
    stalled_backup_leaves_readers_free,
    message_of_old_backup_disappears_from_journal,
}

/// Something of everything.
async fn fill(store: &Store) -> Conversation {
    let ada = desk::ada(store).await;
    for i in 0..250 {
        take(
            store,
            inbound(&ada, &format!("A{i}"), &format!("Nr. {i} 👋\n\"\u{1}"), BEGIN),
        )
        .await
        .unwrap();
    }
    let message = desk::new(take(store, outbound(&ada, "k", "Hi", BEGIN)).await.unwrap());
    let account = ada.account_id;
    store.settings().instance().await.unwrap();
    store
        .write((account, message), |tx, (account, message)| {
            async move {
                let id = message.id;
                let media = tx.media().insert(&crate::store::media::wanted(*account)).await?;
                tx.media().attach(message.id, &media).await?;
                tx.outbox()
                    .enqueue(NewWork::for_message(message, WhatsAppWork::SendMessage { message: id }))
                    .await?;
                tx.messages().choose_stanza(id, &"chat".into(), &"S1".into(), 1).await?;
                tx.rooms().reserve(message.conversation_id, "alias", None).await?;
                tx.rooms().set(message.conversation_id, &"!room".into()).await?;
                tx.rooms()
                    .add_event(id, 0, &"$event".into(), message.conversation_id)
                    .await?;
                tx.pending_events()
                    .add(&"!room".into(), &"$secret".into(), &"@grace:x".into(), BEGIN)
                    .await?;
                tx.quarantine()
                    .add("whatsapp", Some(*account), b"\0\xff", "no JSON")
                    .await?;
                let grace = tx
                    .agents()
                    .add(&"@grace:x".into(), "Grace", AgentSource::Config)
                    .await?;
                let change = AgentChange {
                    signature: Some(Some("Grace".parse().unwrap())),
                    time_zone: Some(Some("Europe/London".to_owned())),
                    ..AgentChange::default()
                };
                tx.agents().update(grace, &change).await?;
                let label = NewLabel {
                    name: "vip".parse().unwrap(),
                    color: None,
                    description: None,
                };
                let label = tx.labels().add(&label).await?.id;
                tx.labels().put_on_customer(message.customer_id.unwrap(), label).await?;
                tx.settings().set_cursor("matrix", "s1").await?;
                tx.accounts()
                    .take_lease(
                        *account,
                        &Holder {
                            folder: "/a".into(),
                            process: "1".into(),
                        },
                    )
                    .await?;
                tx.audit()
                    .add("admin", "key.create", "shop", &serde_json::json!({}))
                    .await?;
                let new = NewApiKey {
                    name: "shop".into(),
                    prefix: "crm_".into(),
                    hash: [1; 32],
                    scopes: vec!["read".into()],
                    accounts: None,
                    expires_at: None,
                    agent: None,
                };
                let key = tx.keys().create(&new).await?.owner();
                tx.answers()
                    .put(key, "k", &[2; 32], 202, &RawJson::of(&id).unwrap(), Some(id))
                    .await
            }
            .boxed()
        })
        .await
        .unwrap();
    ada
}

async fn dump(store: &Store) -> Vec<u8> {
    let mut backup = vec![];
    store.dump(&mut backup).await.unwrap();
    backup
}

async fn backup_restores_on_every_database(database: Database) {
    let store = database.open().await;
    let ada = fill(&store).await;
    let backup = dump(&store).await;
    let instance = store.settings().instance().await.unwrap();
    let kinds = if testbed::quick() {
        vec![Kind::Sqlite]
    } else {
        vec![Kind::Sqlite, Kind::Postgres, Kind::MariaDb]
    };
    for kind in kinds {
        let target = Database::new(kind).await;
        let restored = target.open().await;
        let report = restored.load(backup.as_slice()).await.unwrap();
        assert_eq!(report.messages, 251);
        same(&store, &restored, &ada).await;
        // Nothing goes out, and what has no number yet gets one that was never given out.
        assert!(restored.settings().is_parked().await.unwrap());
        let before = restored.settings().restored().await.unwrap().unwrap();
        assert_eq!(before.instance, instance);
        assert!(before.last_work.0 > 0, "the backup has work");
        assert_ne!(
            restored.settings().instance().await.unwrap(),
            instance,
            "it is another instance"
        );
        assert_eq!(*restored.head().borrow(), Seq(251));
        let next = desk::new(take(&restored, inbound(&ada, "next", "x", BEGIN)).await.unwrap());
        assert_eq!(next.id, MessageId(252));
        let known = take(&restored, inbound(&ada, "A7", "x", BEGIN)).await.unwrap();
        assert!(matches!(known, Inserted::Existing(_)));
        let account = ada.account_id;
        let elsewhere = restored.write(account, |tx, &account| {
            async move {
                tx.accounts()
                    .take_lease(
                        account,
                        &Holder {
                            folder: "/b".into(),
                            process: "2".into(),
                        },
                    )
                    .await
            }
            .boxed()
        });
        elsewhere.await.unwrap();
        restored.close().await;
    }
    store.close().await;
}

/// Everything that callers can read is the same.
async fn same(one: &Store, two: &Store, ada: &Conversation) {
    let messages = async |store: &Store| -> Vec<_> {
        store
            .messages()
            .stream(MessageFilter::default())
            .try_collect()
            .await
            .unwrap()
    };
    assert_eq!(messages(one).await, messages(two).await);
    assert_eq!(
        one.journal().after(Seq(0), 1000).await.unwrap(),
        two.journal().after(Seq(0), 1000).await.unwrap()
    );
    assert_eq!(
        one.conversations().get(ada.id).await.unwrap(),
        two.conversations().get(ada.id).await.unwrap()
    );
    assert_eq!(
        one.accounts().present().await.unwrap(),
        two.accounts().present().await.unwrap()
    );
    assert_eq!(one.keys().list().await.unwrap(), two.keys().list().await.unwrap());
    assert_eq!(one.agents().list().await.unwrap(), two.agents().list().await.unwrap());
    let labelled = async |store: &Store| {
        let filter = CustomerFilter {
            label: store
                .labels()
                .called(&"vip".parse().unwrap())
                .await
                .unwrap()
                .map(|label| label.id),
            ..CustomerFilter::default()
        };
        let page = store.customers().page(PageRequest::first(9), &filter).await.unwrap();
        assert_eq!((page.data.len(), &page.data[0].labels), (1, &vec!["vip".to_owned()]));
        page.data
    };
    assert_eq!(labelled(one).await, labelled(two).await);
    assert_eq!(
        one.settings().cursor("matrix").await.unwrap(),
        two.settings().cursor("matrix").await.unwrap()
    );
    assert_eq!(
        one.rooms().of_conversation(ada.id).await.unwrap(),
        two.rooms().of_conversation(ada.id).await.unwrap()
    );
    assert_eq!(
        one.messages().hand_over(MessageId(251)).await.unwrap(),
        two.messages().hand_over(MessageId(251)).await.unwrap()
    );
    assert_eq!(
        one.pending_events().list(false, 0, 9).await.unwrap(),
        two.pending_events().list(false, 0, 9).await.unwrap()
    );
    let page = PageRequest::first(9);
    assert_eq!(
        one.audit().page(page, &AuditFilter::default()).await.unwrap(),
        two.audit().page(page, &AuditFilter::default()).await.unwrap()
    );
    let bytes = async |store: &Store| store.quarantine().page(page, None).await.unwrap().data.remove(0).bytes;
    assert_eq!(bytes(one).await, bytes(two).await);
    let ready = async |store: &Store| {
        store
            .outbox()
            .ready::<WhatsAppWork>(None, BEGIN, 9, &Busy::default())
            .await
            .unwrap()
    };
    assert_eq!(ready(one).await, ready(two).await);
}

async fn backup_is_consistent_during_writes(database: Database) {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    take(&store, inbound(&ada, "first", "x", BEGIN)).await.unwrap();
    let writers = join_all((0..WRITERS).map(|w| {
        let (store, ada) = (&store, &ada);
        async move {
            for i in 0..EACH {
                take(store, inbound(ada, &format!("{w}-{i}"), "x", BEGIN))
                    .await
                    .unwrap();
            }
        }
    }));
    let (_, backups) = tokio::join!(writers, async {
        [dump(&store).await, dump(&store).await, dump(&store).await]
    });
    for backup in backups {
        let target = Database::new(Kind::Sqlite).await;
        let restored = target.open().await;
        let report = restored.load(backup.as_slice()).await.unwrap();
        // Messages and events were written together, so they are there together.
        let head = restored.journal().range().await.unwrap().head;
        assert_eq!(i64::try_from(report.messages).unwrap(), head.0);
        restored.close().await;
    }
    store.close().await;
}

async fn restore_needs_empty_database(database: Database) {
    let store = database.open().await;
    desk::account(&store).await;
    let backup = dump(&store).await;
    let refused = store.load(backup.as_slice()).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty)), "{refused:?}");
    assert_eq!(store.accounts().present().await.unwrap().len(), 1);
    store.close().await;
}

async fn broken_backup_is_refused_and_leaves_nothing(database: Database) {
    let store = database.open().await;
    let source = Database::new(Kind::Sqlite).await;
    let full = source.open().await;
    fill(&full).await;
    let backup = String::from_utf8(dump(&full).await).unwrap();
    full.close().await;
    let lines: Vec<&str> = backup.lines().collect();
    let newest = migration::Migrator::names().pop().unwrap();
    let newer = |header: &str| header.replace(&newest, "m9999_next");
    let without = |n: usize| {
        let mut lines = lines.clone();
        lines.remove(n);
        lines.join("\n") + "\n"
    };
    let broken = [
        String::new(),
        "{}\n".to_owned(),
        "hello\n".to_owned(),
        backup[..backup.len() / 2].to_owned(),
        backup[..backup.len() - 1].to_owned(),
        without(lines.len() - 1),
        without(40),
        backup.replace("\"table\":\"agents\"", "\"table\":\"spies\""),
        backup.replacen("\"direction\":", "\"derection\":", 1),
    ];
    for (i, broken) in broken.iter().enumerate() {
        let refused = store.load(broken.as_bytes()).await;
        assert!(matches!(refused, Err(StoreError::BadBackup(_))), "{i}: {refused:?}");
    }
    let refused = store.load(newer(&backup).as_bytes()).await;
    assert!(matches!(refused, Err(StoreError::Newer { .. })), "{refused:?}");
    assert!(store.accounts().present().await.unwrap().is_empty());
    assert!(!store.settings().is_parked().await.unwrap());
    store.load(backup.as_bytes()).await.unwrap();
    store.close().await;
}

/// Its receiver reads nothing: it keeps its own connection, and a second one is told to wait.
#[expect(clippy::disallowed_methods, reason = "the test awaits the task itself")]
async fn stalled_backup_leaves_readers_free(database: Database) {
    let options = OpenOptions {
        readers: 1,
        ..database.options()
    };
    let store = options.open(Arc::new(database.clock.clone())).await.unwrap();
    let ada = fill(&store).await;
    let long = take(&store, inbound(&ada, "long", &"x".repeat(200_000), BEGIN)).await;
    let id = desk::new(long.unwrap()).id;
    let (reader, writer) = tokio::io::duplex(1024);
    let backup = store.backup().unwrap();
    let stalled = tokio::spawn(backup.write(writer));
    let refused = store.backup().map(drop);
    assert!(matches!(refused, Err(StoreError::BackupRunning)), "{refused:?}");
    let read = tokio::time::timeout(Duration::from_secs(5), store.messages().get(id)).await;
    assert!(read.unwrap().unwrap().is_some());
    take(&store, inbound(&ada, "meanwhile", "hello", BEGIN)).await.unwrap();
    drop(reader);
    let broken = stalled.await.unwrap();
    assert!(matches!(broken, Err(StoreError::BackupUnwritable(_))), "{broken:?}");
    dump(&store).await;
    store.close().await;
}

/// Versions before did not write the message of an event into its own column.
async fn message_of_old_backup_disappears_from_journal(database: Database) {
    let other = Database::new(Kind::Sqlite).await;
    let store = other.open().await;
    let ada = desk::ada(&store).await;
    let secret = desk::new(take(&store, inbound(&ada, "A", "secret", BEGIN)).await.unwrap());
    take(&store, inbound(&ada, "B", "not secret", BEGIN)).await.unwrap();
    let backup = String::from_utf8(dump(&store).await).unwrap();
    store.close().await;
    let of_message = format!("\"message_id\":{},\"data\"", secret.id);
    assert!(backup.contains(&of_message), "{backup}");
    let old = backup.replace(&of_message, "\"data\"");

    let store = database.open().await;
    store.load(old.as_bytes()).await.unwrap();
    let gone = store.write(secret.id, |tx, &id| {
        async move { tx.messages().empty(id).await }.boxed()
    });
    gone.await.unwrap();
    let events = store.journal().after(Seq(0), 100).await.unwrap();
    let told: Vec<String> = events.iter().map(|event| event.data.to_string()).collect();
    assert!(!told.iter().any(|data| data.contains("\"secret\"")), "{told:?}");
    assert!(told.iter().any(|data| data.contains("not secret")), "{told:?}");
    store.close().await;
}
