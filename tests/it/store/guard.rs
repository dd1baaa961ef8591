//! The order in which people come to see messages, and what was written since somebody looked.

use std::time::Duration;

use crm::domain::conversation::Conversation;
use crm::domain::message::{Author, MessageState, Origin, Seen};
use crm::domain::pacing::{WaitReason, Waiting};
use crm::domain::{Clock as _, MessageId, Timestamp};
use crm::store::{NewMessage, Store, StoreError};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, inbound, outbound, take};

on_each_database! {
    planned_message_comes_when_it_is_queued,
    message_queued_again_was_seen_before,
    phones_message_comes_when_it_is_stored,
}

/// A conversation in which Ada wants to answer. What happens in it is a minute apart.
struct Talk<'d> {
    database: &'d Database,
    store: Store,
    conversation: Conversation,
}

impl<'d> Talk<'d> {
    async fn begin(database: &'d Database) -> Self {
        let store = database.open().await;
        let conversation = desk::ada(&store).await;
        Self {
            database,
            store,
            conversation,
        }
    }

    fn next(&self) -> Timestamp {
        self.database.clock.advance(Duration::from_mins(1));
        self.database.clock.now()
    }

    async fn stored(&self, new: NewMessage) -> MessageId {
        desk::new(take(&self.store, new).await.unwrap()).id
    }

    async fn customer_writes(&self) -> MessageId {
        let at = self.next();
        let id = at.0.to_string();
        self.stored(inbound(&self.conversation, &id, "hello", at)).await
    }

    async fn bea_writes(&self, origin: Origin, written: Timestamp, state: MessageState) -> MessageId {
        let key = self.next().0.to_string();
        let author = Author {
            origin: Some(origin),
            name: "Bea".to_owned(),
        };
        let new = NewMessage {
            author: Some(author),
            state,
            ..outbound(&self.conversation, &key, "hello", written)
        };
        self.stored(new).await
    }

    async fn bea_plans(&self) -> MessageId {
        let written = self.database.clock.now().plus(Duration::from_mins(1));
        self.bea_writes(Origin::Api, written, MessageState::Scheduled).await
    }

    async fn is_queued(&self, id: MessageId) {
        self.next();
        let queued = self.store.write(id, |tx, &id| {
            async move { tx.messages().take_up(id, None).await }.boxed()
        });
        queued.await.unwrap();
    }

    async fn is_held(&self, id: MessageId) {
        self.next();
        let held = self.store.write(id, |tx, &id| {
            let waiting = Waiting {
                reason: WaitReason::CustomerWrote,
                until: BEGIN,
            };
            async move {
                let held = MessageState::Held;
                tx.messages().set_for_later(id, held, waiting).await
            }
            .boxed()
        });
        held.await.unwrap();
    }

    fn now(&self, message: MessageId) -> Seen {
        let at = self.database.clock.now();
        Seen { message, at }
    }

    /// What Ada has missed who has seen these, by id; and which of these came last.
    async fn missed(&self, seen: &[Seen]) -> (Vec<MessageId>, Option<MessageId>) {
        let input = (self.conversation.id, seen.to_vec());
        let missed = self.store.write::<_, _, StoreError, _>(input, |tx, (id, seen)| {
            async move {
                let missed = tx.messages().since(*id, seen, "Ada", 10).await?;
                let newest = tx.messages().newest(seen).await?;
                let mut missed: Vec<_> = missed.iter().map(|message| message.id).collect();
                missed.sort();
                Ok((missed, newest.map(|seen| seen.message)))
            }
            .boxed()
        });
        missed.await.unwrap()
    }
}

async fn planned_message_comes_when_it_is_queued(database: Database) {
    let talk = Talk::begin(&database).await;
    let planned = talk.bea_plans().await;
    let hello = talk.customer_writes().await;
    let also_planned = talk.bea_plans().await;
    let of_hello = talk.now(hello);
    assert_eq!(talk.missed(&[of_hello]).await, (vec![], Some(hello)));
    talk.is_queued(also_planned).await;
    talk.is_queued(planned).await;
    assert_eq!(
        talk.missed(&[of_hello]).await,
        (vec![planned, also_planned], Some(hello))
    );
    let of_also = talk.now(also_planned);
    assert_eq!(
        talk.missed(&[of_hello, of_also]).await,
        (vec![planned], Some(also_planned))
    );
    let of_planned = talk.now(planned);
    for seen in [vec![of_planned], vec![of_also, of_planned], vec![of_planned, of_hello]] {
        assert_eq!(talk.missed(&seen).await, (vec![], Some(planned)), "{seen:?}");
    }
    let answer = talk.customer_writes().await;
    assert_eq!(talk.missed(&[of_planned, of_hello]).await.0, [answer]);
    assert_eq!(
        talk.missed(&[of_planned, talk.now(answer)]).await,
        (vec![], Some(answer))
    );
    talk.store.close().await;
}

/// It was held when the customer wrote, and a person has released it: who saw it before has not seen what the customer wrote.
async fn message_queued_again_was_seen_before(database: Database) {
    let talk = Talk::begin(&database).await;
    let planned = talk.bea_plans().await;
    talk.is_queued(planned).await;
    let before = talk.now(planned);
    let hello = talk.customer_writes().await;
    talk.is_held(planned).await;
    talk.is_queued(planned).await;
    assert_eq!(talk.missed(&[before]).await.0, [hello]);
    assert_eq!(talk.missed(&[talk.now(hello)]).await.0, [planned]);
    assert_eq!(talk.missed(&[talk.now(planned)]).await.0, vec![]);
    talk.store.close().await;
}

/// The phone's clock may be ahead of ours.
async fn phones_message_comes_when_it_is_stored(database: Database) {
    let talk = Talk::begin(&database).await;
    let ahead = database.clock.now().plus(Duration::from_hours(1));
    let theirs = talk.bea_writes(Origin::Phone, ahead, MessageState::Sent).await;
    let hello = talk.customer_writes().await;
    let seen = [talk.now(hello), talk.now(theirs)];
    assert_eq!(talk.missed(&seen[..1]).await, (vec![], Some(hello)));
    assert_eq!(talk.missed(&seen[1..]).await, (vec![hello], Some(theirs)));
    assert_eq!(talk.missed(&seen).await, (vec![], Some(hello)));
    talk.store.close().await;
}
