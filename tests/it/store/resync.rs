//! What the bridge asks of the messages it holds: for comparing with the page, for pacing, for a person to decide.

use std::time::Duration;

use crm::domain::message::{Direction, Message, MessageState, Reaction};
use crm::domain::whatsapp::MessageRef;
use crm::domain::{ChatId, ConversationId, MessageId, Timestamp, WaMessageId};
use crm::store::{NewMessage, Store};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, outbound, take};

on_each_database! {
    /// rule 11.
    held_ids_since_moment_come_in_order,
    last_messages_are_found_in_their_chats,
    /// rule 11.
    only_unfinished_messages_are_read_again,
    /// rule 11.
    reacted_messages_come_with_their_chats,
    /// rule 3.
    manual_retry_counts_for_current_login,
    /// rule 8.
    only_silent_customers_are_first_contacts,
}

fn at(seconds: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(seconds))
}

async fn hand_over(store: &Store, id: MessageId, stanza: &'static str, state: MessageState) -> Message {
    let handed = store.write((id, stanza, state), |tx, &(id, stanza, state)| {
        async move {
            tx.messages()
                .choose_stanza(id, &ChatId::from("given"), &WaMessageId::from(stanza), 0)
                .await?;
            tx.messages().set_state(id, state, None).await
        }
        .boxed()
    });
    handed.await.unwrap()
}

async fn text(store: &Store, of: &crm::domain::conversation::Conversation, key: &str, when: Timestamp) -> MessageId {
    desk::new(take(store, outbound(of, key, key, when)).await.unwrap()).id
}

async fn held_ids_since_moment_come_in_order(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    for (id, seconds) in [("old", 1), ("b", 9), ("a", 5)] {
        take(&store, inbound(&ada, id, "x", at(seconds))).await.unwrap();
    }
    text(&store, &ada, "queued", at(9)).await;
    // The page knows whole seconds only.
    let since = Timestamp(at(5).0 + 700);
    let held = store.messages().recent_ids(ada.id, since).await.unwrap();
    let ids: Vec<_> = held.iter().map(|held| held.whatsapp_id.as_str()).collect();
    assert_eq!(ids, ["a", "b"], "what has no id yet is nothing to compare");
    store.close().await;
}

/// Under the same id in another chat stands another message.
async fn last_messages_are_found_in_their_chats(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let sent = text(&store, &ada, "sent", at(5)).await;
    hand_over(&store, sent, "S1", MessageState::Sent).await;
    take(&store, inbound(&ada, "S2", "x", at(9))).await.unwrap();
    let ids = ["S1", "S2", "S3"].map(WaMessageId::from);
    let (given, other) = (ChatId::from("given"), ChatId::from("other"));
    let told = [(&given, &ids[0]), (&other, &ids[1]), (&other, &ids[2])];
    let found = store.messages().last_of_chats(ada.account_id, &told).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&given]);
    assert_eq!((found[&given].id, found[&given].from_me), (sent, true));
    store.close().await;
}

async fn reacted_messages_come_with_their_chats(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let reaction = Reaction {
        emoji: "👍".into(),
        from_me: false,
        sender: None,
        name: "Ada".into(),
        at: at(12),
    };
    let bare = inbound(&ada, "bare", "x", at(9));
    take(&store, bare).await.unwrap();
    for (id, seconds) in [("old", 1), ("theirs", 9)] {
        let reactions = vec![reaction.clone()];
        let with = NewMessage {
            reactions,
            ..inbound(&ada, id, "x", at(seconds))
        };
        take(&store, with).await.unwrap();
    }
    let ours = text(&store, &ada, "ours", at(10)).await;
    hand_over(&store, ours, "ours", MessageState::Sent).await;
    let reactions = store.write(([reaction], ours), |tx, (reactions, ours)| {
        async move { tx.messages().set_reactions(*ours, reactions).await }.boxed()
    });
    reactions.await.unwrap();
    let told = store
        .messages()
        .reacted_of_account(ada.account_id, at(5), 10)
        .await
        .unwrap();
    let theirs = MessageRef {
        chat: ada.chat_id.clone().unwrap(),
        id: WaMessageId::from("theirs"),
        from_me: false,
        sender: None,
    };
    let expected = [
        MessageRef::ours(ChatId::from("given"), WaMessageId::from("ours")),
        theirs,
    ];
    assert_eq!(told, expected);
    let told = store
        .messages()
        .reacted_of_account(ada.account_id, at(5), 1)
        .await
        .unwrap();
    assert_eq!(told, expected[..1], "the newest first");
    store.close().await;
}

async fn only_unfinished_messages_are_read_again(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let states = [
        ("queued", MessageState::Queued),
        ("sending", MessageState::Sending),
        ("delivered", MessageState::Delivered),
        ("read", MessageState::Read),
        ("failed", MessageState::Failed),
        ("unknown", MessageState::Unknown),
    ];
    for (stanza, state) in states {
        let id = text(&store, &ada, stanza, at(10)).await;
        if state != MessageState::Queued {
            hand_over(&store, id, stanza, state).await;
        }
    }
    let old = text(&store, &ada, "old", at(1)).await;
    hand_over(&store, old, "old", MessageState::Sent).await;
    // Written on the phone: its conversation's chat is where it is.
    let phone = NewMessage {
        whatsapp_id: Some("phone".into()),
        state: MessageState::Sent,
        ..NewMessage::of(
            &ada,
            Direction::Outbound,
            crm::domain::message::Kind::Text,
            "x",
            at(11),
            MessageState::Sent,
        )
    };
    take(&store, phone).await.unwrap();
    let unfinished = store.messages().unfinished(ada.id, at(5)).await.unwrap();
    let contents: Vec<_> = unfinished.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(contents, ["queued", "sending", "delivered", "unknown", "x"]);
    let known = store
        .messages()
        .unfinished_of_account(ada.account_id, at(5), 10)
        .await
        .unwrap();
    let told = |chat: &ChatId, id: &str| (chat.clone(), WaMessageId::from(id));
    let (given, own) = (ChatId::from("given"), ada.chat_id.clone().unwrap());
    let expected = [
        told(&own, "phone"),
        told(&given, "unknown"),
        told(&given, "delivered"),
        told(&given, "sending"),
    ];
    assert_eq!(known, expected, "the newest first, and each in its chat");
    assert_eq!(
        store
            .messages()
            .unfinished_of_account(ada.account_id, at(5), 2)
            .await
            .unwrap(),
        expected[..2]
    );
    store.close().await;
}

async fn manual_retry_counts_for_current_login(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let id = text(&store, &ada, "k", BEGIN).await;
    hand_over(&store, id, "S1", MessageState::Unknown).await;
    store
        .write((ada.account_id, id), |tx, &(account, id)| {
            async move {
                tx.accounts().next_login(account).await?;
                tx.messages().renew_login(id).await?;
                tx.messages().set_expiry(id, Some(at(60))).await?;
                tx.messages().set_state(id, MessageState::Queued, None).await
            }
            .boxed()
        })
        .await
        .unwrap();
    let handed = store.messages().hand_over(id).await.unwrap().unwrap();
    assert_eq!((handed.id.as_str(), handed.login), ("S1", 1));
    assert_eq!(store.messages().expired(ada.account_id, at(59), 9).await.unwrap(), []);
    assert_eq!(
        store.messages().expired(ada.account_id, at(60), 9).await.unwrap()[0].id,
        id
    );
    store.close().await;
}

async fn only_silent_customers_are_first_contacts(database: Database) {
    let store = database.open().await;
    let ada = desk::ada(&store).await;
    let ben = desk::conversation(&store, ada.account_id, "+447700900456").await;
    let first = async |id: ConversationId| store.pace().is_first_contact(id).await.unwrap();
    let made = async |since: Timestamp| store.pace().first_contacts(ada.account_id, since).await.unwrap();
    let note = async |id: ConversationId| {
        store
            .write(id, |tx, &id| {
                async move { tx.pace().note_first_contact(id).await }.boxed()
            })
            .await
            .unwrap();
    };
    let waiting = text(&store, &ada, "k", at(10)).await;
    assert!(first(ada.id).await, "what waits to be sent is no contact yet");
    assert!(made(Timestamp::ZERO).await.is_empty());
    database.clock.advance(Duration::from_secs(10));
    note(ada.id).await;
    hand_over(&store, waiting, "S1", MessageState::Sent).await;
    database.clock.advance(Duration::from_secs(10));
    note(ada.id).await;
    assert!(!first(ada.id).await);
    assert_eq!(
        made(BEGIN).await,
        [at(10)],
        "when it was made, and not when it was asked for"
    );
    assert!(made(at(10)).await.is_empty(), "it was longer ago");
    take(&store, inbound(&ben, "A1", "x", at(10))).await.unwrap();
    assert!(!first(ben.id).await, "who wrote is known");
    let answer = text(&store, &ben, "b", at(11)).await;
    note(ben.id).await;
    hand_over(&store, answer, "S2", MessageState::Sent).await;
    assert_eq!(made(BEGIN).await, [at(10)]);
    store.close().await;
}
