//! Which room shows which conversation, and which event which message; what waits for its key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm::domain::internal::{InternalEvent, InternalKind};
use crm::domain::matrix::{RoomEvent, RoomEventKind};
use crm::domain::message::{Author, Origin};
use crm::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, MessageId, NoteId, Timestamp};
use crm::store::{OpenOptions, PlaceOf, RoomOf, ShownAs, StatementLog, StoreError, Tick};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, outbound, take};

on_each_database! {
    /// rule 19.
    first_room_alias_of_conversation_wins,
    event_shows_one_part_of_one_message,
    place_of_room_is_kept_until_sub_space_is_lost,
    /// rule 20.
    tick_is_stored_before_it_is_sent,
    /// rule 1.
    undecryptable_event_is_kept_once,
    /// rule 1.
    internal_event_is_kept_until_pruned,
    /// rule 17.
    event_is_taken_once_for_two_statements_a_batch,
    rolled_back_part_leaves_what_was_before,
}

async fn first_room_alias_of_conversation_wins(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await.id;
    let reserve = |alias: &'static str| {
        store.write((ada, alias), |tx, &(ada, alias)| {
            async move { tx.rooms().reserve(ada, alias, Some(&"@us:test".into())).await }.boxed()
        })
    };
    let reserved = RoomOf {
        conversation: ada,
        alias: "one".into(),
        room: None,
        creator: Some("@us:test".into()),
        keeper: None,
        fence: None,
        next: None,
    };
    assert_eq!(reserve("one").await.unwrap(), reserved);
    assert_eq!(reserve("two").await.unwrap(), reserved);
    let room = MatrixRoomId::from("!room");
    let made = room.clone();
    store
        .write((made, ada), |tx, (made, ada)| {
            async move { tx.rooms().set(*ada, made).await }.boxed()
        })
        .await
        .unwrap();
    assert_eq!(
        store.rooms().of_conversation(ada).await.unwrap().unwrap().room,
        Some(room.clone())
    );
    assert_eq!(store.rooms().conversation(&room).await.unwrap(), Some(ada));
    store
        .write(ada, |tx, &ada| async move { tx.rooms().forget(ada).await }.boxed())
        .await
        .unwrap();
    assert_eq!(store.rooms().of_conversation(ada).await.unwrap(), None);
    assert_eq!(reserve("two").await.unwrap().alias, "two", "the next room is another");
    store.close().await;
}

async fn place_of_room_is_kept_until_sub_space_is_lost(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let room = MatrixRoomId::from("!room");
    let place = PlaceOf {
        room: room.clone(),
        space: Some("!closed".into()),
        previous: Some("!open".into()),
        is_done: false,
    };
    let input = (ada.id, ada.account_id, place.clone());
    store
        .write::<_, _, StoreError, _>(input, |tx, (ada, account, place)| {
            async move {
                tx.rooms().reserve(*ada, "one", None).await?;
                tx.rooms().set(*ada, &place.room).await?;
                tx.places().ask(*account, &place.room).await?;
                assert_eq!(tx.places().of_room(&place.room).await?, None, "it was never looked at");
                Ok(())
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!(store.places().unknown(5).await.unwrap(), std::slice::from_ref(&room));
    assert_eq!(store.places().waiting().await.unwrap(), 0);
    let input = (ada.account_id, place.clone());
    store
        .write::<_, _, StoreError, _>(input, |tx, (account, place)| {
            async move {
                for _ in 0..2 {
                    tx.places().add(&place.room).await?;
                    tx.places().ask(*account, &place.room).await?;
                    tx.places().put(place).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!(store.places().of_room(&room).await.unwrap(), Some(place));
    assert!(store.places().unknown(5).await.unwrap().is_empty());
    assert_eq!(store.places().waiting().await.unwrap(), 1);
    let works = store.outbox().counts().await.unwrap();
    assert_eq!(
        works.iter().map(|count| count.waiting).sum::<u64>(),
        1,
        "asked twice, queued once"
    );
    store
        .write::<_, _, StoreError, _>(room.clone(), |tx, room| {
            async move {
                tx.rooms().set_avatar(room, Some("/picture")).await?;
                tx.places().rest(room).await?;
                tx.places().lose(&"!closed".into()).await?;
                let back = tx.places().of_room(room).await?.expect("it is where it came from");
                assert_eq!(
                    (back.space, back.previous, back.is_done),
                    (Some("!open".into()), None, true)
                );
                tx.places().lose(&"!open".into()).await
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!(store.rooms().avatar(&room).await.unwrap().as_deref(), Some("/picture"));
    assert_eq!(store.places().unknown(5).await.unwrap(), [room]);
    store.close().await;
}

async fn event_shows_one_part_of_one_message(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let text = async |key: &str| desk::new(take(&store, outbound(&ada, key, "x", BEGIN)).await.unwrap()).id;
    let (one, two) = (text("1").await, text("2").await);
    let add = |message: MessageId, part, event: &'static str| {
        store.write((message, part, event, ada.id), |tx, &(message, part, event, ada)| {
            async move {
                tx.rooms()
                    .add_event(message, part, &MatrixEventId::from(event), ada)
                    .await
            }
            .boxed()
        })
    };
    add(one, 0, "$a").await.unwrap();
    add(one, 0, "$a").await.unwrap();
    add(one, 1, "$b").await.unwrap();
    for (message, part, event) in [(one, 0, "$c"), (two, 0, "$a")] {
        let refused = add(message, part, event).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let shown = store.rooms().message_of_event(&"$b".into()).await.unwrap();
    assert_eq!(
        shown,
        Some(ShownAs {
            message: one,
            conversation: ada.id,
            part: 1
        })
    );
    assert_eq!(store.rooms().event(one, 0).await.unwrap(), Some("$a".into()));
    assert_eq!(store.rooms().event(two, 0).await.unwrap(), None);
    store.close().await;
}

async fn tick_is_stored_before_it_is_sent(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let id = desk::new(take(&store, outbound(&ada, "1", "x", BEGIN)).await.unwrap()).id;
    let set = |tick: Option<Tick>| {
        store.write((tick, id), |tx, (tick, id)| {
            async move { tx.rooms().set_tick(*id, tick.as_ref()).await }.boxed()
        })
    };
    let begun = Tick {
        key: "✓✓ read".into(),
        event: None,
        previous: Some("$old".into()),
        turn: 3,
    };
    assert!(
        set(Some(begun.clone())).await.is_err(),
        "what is not in the room bears no tick"
    );
    store
        .write((id, ada.id), |tx, &(id, ada)| {
            async move { tx.rooms().add_event(id, 0, &"$a".into(), ada).await }.boxed()
        })
        .await
        .unwrap();
    assert_eq!(store.rooms().tick(id).await.unwrap(), None);
    set(Some(begun.clone())).await.unwrap();
    assert_eq!(store.rooms().tick(id).await.unwrap(), Some(begun.clone()));
    let said = Tick {
        event: Some("$new".into()),
        previous: None,
        ..begun
    };
    set(Some(said.clone())).await.unwrap();
    assert_eq!(store.rooms().tick(id).await.unwrap(), Some(said));
    set(None).await.unwrap();
    assert_eq!(store.rooms().tick(id).await.unwrap(), None);
    store.close().await;
}

async fn undecryptable_event_is_kept_once(database: Database) {
    let store = database.open().await;
    let (room, event, user) = (
        MatrixRoomId::from("!r"),
        MatrixEventId::from("$e"),
        MatrixUserId::from("@grace:x"),
    );
    let add = || {
        let (room, event, user) = (room.clone(), event.clone(), user.clone());
        store.write((room, event, user), |tx, (room, event, user)| {
            async move { tx.pending_events().add(room, event, user, BEGIN).await }.boxed()
        })
    };
    assert!(add().await.unwrap());
    assert!(!add().await.unwrap());
    let told = event.clone();
    store
        .write(told, |tx, told| {
            async move { tx.pending_events().mark_told(told).await }.boxed()
        })
        .await
        .unwrap();
    let kept = store.pending_events().list(true, 0, 10).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].event, kept[0].told, kept[0].at), (&event, true, BEGIN));
    let remove = || {
        let event = event.clone();
        store.write(event, |tx, event| {
            async move { tx.pending_events().remove(event).await }.boxed()
        })
    };
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
    store.close().await;
}

fn internal(event: &str, kind: InternalKind, note: Option<NoteId>) -> InternalEvent {
    InternalEvent {
        room: MatrixRoomId::from("!r"),
        event: event.into(),
        kind,
        note,
        message: None,
    }
}

/// Events of notes stay; the others are pruned when they are old.
async fn internal_event_is_kept_until_pruned(database: Database) {
    let store = database.open().await;
    let note = Some(NoteId(7));
    let events = [
        internal("$note", InternalKind::Note, note),
        internal("$command", InternalKind::Command, None),
        internal("$notice", InternalKind::Notice, None),
        internal("$aside", InternalKind::Aside, None),
        internal("$question", InternalKind::Question, None),
        internal("$card", InternalKind::Card, None),
    ];
    for is_new in [true, false] {
        for event in &events {
            let added = store.write(event.clone(), |tx, event| {
                async move { tx.internal_events().add(event).await }.boxed()
            });
            assert_eq!(added.await.unwrap(), is_new);
        }
    }
    let get = async |event: &str| store.internal_events().get(&event.into()).await.unwrap();
    assert_eq!(get("$note").await.as_ref(), Some(&events[0]));
    assert_eq!(store.internal_events().of_note(NoteId(7)).await.unwrap(), events[..1]);
    assert_eq!(store.internal_events().prune(BEGIN).await.unwrap(), 0, "none is older");
    assert_eq!(store.internal_events().prune(Timestamp(BEGIN.0 + 1)).await.unwrap(), 4);
    assert_eq!(get("$note").await.as_ref(), Some(&events[0]));
    assert_eq!(get("$command").await, None);
    store.close().await;
}

/// A batch of 200 costs as many statements as one event.
async fn event_is_taken_once_for_two_statements_a_batch(database: Database) {
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&statements);
    let options = OpenOptions {
        statements: Some(StatementLog::new(move |sql| log.lock().unwrap().push(sql))),
        ..database.options()
    };
    let store = options.open(Arc::new(database.clock.clone())).await.unwrap();
    let take = async |ids: &[String]| {
        let events: Vec<RoomEvent> = ids.iter().map(|id| notice(id)).collect();
        let added = store.write(events, |tx, events| {
            async move { tx.taken_events().add(events).await }.boxed()
        });
        let mut fresh: Vec<String> = added.await.unwrap().into_iter().map(|id| id.to_string()).collect();
        fresh.sort();
        fresh
    };
    let batch = |from: usize, to: usize| (from..to).map(|n| format!("${n:03}")).collect::<Vec<_>>();
    statements.lock().unwrap().clear();
    assert_eq!(take(&batch(0, 200)).await, batch(0, 200));
    let of_it = |sql: &&String| sql.contains("taken_events");
    assert_eq!(statements.lock().unwrap().iter().filter(of_it).count(), 2);
    database.clock.advance(Duration::from_secs(1));
    // One that comes twice in a batch of several statements.
    let again = [batch(150, 500), batch(180, 210)].concat();
    assert_eq!(take(&again).await, batch(200, 500));
    assert_eq!(take(&again).await, Vec::<String>::new());
    assert_eq!(store.taken_events().prune(BEGIN).await.unwrap(), 0, "none is older");
    assert_eq!(store.taken_events().prune(Timestamp(BEGIN.0 + 1)).await.unwrap(), 200);
    assert_eq!(take(&batch(199, 201)).await, batch(199, 200));
    store.close().await;
}

fn notice(id: &str) -> RoomEvent {
    RoomEvent {
        room: "!room".into(),
        id: id.into(),
        sender: "@ada:test".into(),
        at: BEGIN,
        thread: None,
        what: RoomEventKind::Notice,
    }
}

/// Its events in the journal are undone with it.
async fn rolled_back_part_leaves_what_was_before(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await.id;
    let journal = store.journal().range().await.unwrap().head;
    let author = Author {
        origin: Some(Origin::Api),
        name: "test".to_owned(),
    };
    store
        .write::<_, _, StoreError, _>((ada, author), |tx, (ada, author)| {
            async move {
                tx.notes().add(*ada, "before", author).await?;
                let part = tx.savepoint().await?;
                let note = tx.notes().add(*ada, "undone", author).await?;
                let conversation = tx.conversations().get(*ada).await?.expect("it is there");
                tx.emit(crm::contract::Event::note_created(&note, &conversation));
                tx.roll_back(part).await?;
                let part = tx.savepoint().await?;
                tx.notes().add(*ada, "kept", author).await?;
                tx.release(part).await
            }
            .boxed()
        })
        .await
        .unwrap();
    let notes = store
        .notes()
        .page(crm::store::PageRequest::first(9), ada)
        .await
        .unwrap();
    let notes: Vec<_> = notes.data.into_iter().map(|note| note.content).collect();
    assert_eq!(notes, ["before", "kept"]);
    assert_eq!(
        store.journal().range().await.unwrap().head,
        journal,
        "nothing is told of it"
    );
    store.close().await;
}
