//! rule 4: lanes. Work waits its turn in its own lane and keeps no other waiting.

use std::time::Duration;

use crm::domain::conversation::Conversation;
use crm::domain::message::Message;
use crm::domain::outbox::{MatrixWork, OutboxItem, Target, WhatsAppWork};
use crm::domain::{OutboxId, Timestamp};
use crm::store::{Busy, NewWork, OutboxCount, Store, StoreError};
use futures_util::FutureExt;

use super::database::databases::{BEGIN, Database, on_each_database};
use super::desk::{self, outbound, take};

on_each_database! {
    only_head_of_lane_is_ready,
    waiting_head_delays_only_its_lane,
    work_in_hand_is_not_given_again,
    ticks_of_one_message_run_one_by_one,
    work_is_counted_by_target_and_account,
    recovered_account_hastens_its_work,
    work_goes_away_with_its_message,
    deep_and_many_lanes_give_their_heads,
    backlog_outside_lanes_delays_no_message,
}

struct Desk {
    store: Store,
    ada: (Conversation, Message),
    ben: (Conversation, Message),
}

impl Desk {
    async fn new(database: &Database) -> Self {
        let store = database.open().await;
        let ada = desk::ada(&store).await;
        let ben = desk::conversation(&store, ada.account_id, "+447700900456").await;
        let text =
            async |of: &Conversation, key: &str| desk::new(take(&store, outbound(of, key, "Hi", BEGIN)).await.unwrap());
        let (to_ada, to_ben) = (text(&ada, "a").await, text(&ben, "b").await);
        Self {
            store,
            ada: (ada, to_ada),
            ben: (ben, to_ben),
        }
    }

    async fn enqueue(&self, new: NewWork) -> OutboxId {
        let enqueue = self.store.write(new, |tx, new| {
            async move { tx.outbox().enqueue(new.clone()).await }.boxed()
        });
        enqueue.await.unwrap()
    }

    async fn send(&self, message: &Message) -> OutboxId {
        self.enqueue(send(message)).await
    }

    async fn ready(&self, now: Timestamp, busy: &Busy) -> Vec<OutboxId> {
        let items = self
            .store
            .outbox()
            .ready::<WhatsAppWork>(None, now, 10, busy)
            .await
            .unwrap();
        items.into_iter().map(|item| item.id).collect()
    }
}

fn send(message: &Message) -> NewWork {
    NewWork::for_message(message, WhatsAppWork::SendMessage { message: message.id })
}

fn later(seconds: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(seconds))
}

async fn only_head_of_lane_is_ready(database: Database) {
    let desk = Desk::new(&database).await;
    let none = Busy::default();
    let first = desk.send(&desk.ada.1).await;
    let second = desk.send(&desk.ada.1).await;
    let other = desk.send(&desk.ben.1).await;
    let free = desk.enqueue(send(&desk.ada.1).free()).await;
    let free_too = desk.enqueue(send(&desk.ada.1).free()).await;
    let show = NewWork::for_message(&desk.ada.1, MatrixWork::ShowMessage { message: desk.ada.1.id });
    let matrix = desk.enqueue(show).await;
    assert_eq!(desk.ready(BEGIN, &none).await, [first, other, free, free_too]);
    let items: Vec<OutboxItem<MatrixWork>> = desk
        .store
        .outbox()
        .ready::<MatrixWork>(None, BEGIN, 10, &none)
        .await
        .unwrap();
    assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), [matrix]);
    assert_eq!(items[0].work, MatrixWork::ShowMessage { message: desk.ada.1.id });
    assert_eq!(
        desk.store
            .outbox()
            .ready::<WhatsAppWork>(None, BEGIN, 2, &none)
            .await
            .unwrap()
            .len(),
        2
    );
    let stranger = desk
        .store
        .outbox()
        .ready::<WhatsAppWork>(Some(crm::domain::AccountId(99)), BEGIN, 10, &none)
        .await;
    assert_eq!(stranger.unwrap(), []);
    let done = desk.store.write(first, |tx, &first| {
        async move { tx.outbox().finish(first).await }.boxed()
    });
    assert!(done.await.unwrap());
    assert_eq!(desk.ready(BEGIN, &none).await, [second, other, free, free_too]);
    desk.store.close().await;
}

async fn waiting_head_delays_only_its_lane(database: Database) {
    let desk = Desk::new(&database).await;
    let none = Busy::default();
    let first = desk.send(&desk.ada.1).await;
    desk.send(&desk.ada.1).await;
    let other = desk.enqueue(send(&desk.ben.1).at(later(5))).await;
    let started = desk.store.write(first, |tx, &first| {
        async move {
            let started = tx.outbox().start(first).await?;
            tx.outbox().retry(first, later(10), "busy", true).await?;
            tx.outbox().retry(first, later(10), "away", false).await?;
            Ok::<_, StoreError>(started)
        }
        .boxed()
    });
    assert!(started.await.unwrap());
    assert_eq!(desk.ready(BEGIN, &none).await, []);
    assert_eq!(desk.ready(later(5), &none).await, [other]);
    assert_eq!(desk.ready(later(10), &none).await, [first, other]);
    let items = desk
        .store
        .outbox()
        .ready::<WhatsAppWork>(None, later(10), 1, &none)
        .await
        .unwrap();
    assert_eq!(items[0].attempts, 1, "trouble of the account costs no attempt");
    assert_eq!(items[0].last_error.as_deref(), Some("away"));
    assert_eq!(items[0].started_at, Some(BEGIN));
    desk.store.close().await;
}

async fn work_in_hand_is_not_given_again(database: Database) {
    let desk = Desk::new(&database).await;
    let first = desk.send(&desk.ada.1).await;
    let other = desk.send(&desk.ben.1).await;
    let free = desk.enqueue(send(&desk.ada.1).free()).await;
    let mut busy = Busy::default();
    let items = desk.store.outbox().ready::<WhatsAppWork>(None, BEGIN, 10, &busy).await;
    let [of_ada, of_ben, outside] = <[OutboxItem<WhatsAppWork>; 3]>::try_from(items.unwrap()).unwrap();
    assert!(busy.take(&of_ada));
    assert_eq!(desk.ready(BEGIN, &busy).await, [other, free]);
    busy.put_back(&of_ada);
    assert!(busy.take(&of_ben) && busy.take(&outside));
    assert_eq!(desk.ready(BEGIN, &busy).await, [first]);
    assert!(busy.take(&of_ada));
    assert_eq!(desk.ready(BEGIN, &busy).await, []);
    desk.store.close().await;
}

/// Two ticks of one message at once would each write down what the other has just changed.
async fn ticks_of_one_message_run_one_by_one(database: Database) {
    let desk = Desk::new(&database).await;
    let tick = async |message: &Message| {
        let work = MatrixWork::Tick { message: message.id };
        desk.enqueue(NewWork::for_message(message, work).free()).await
    };
    let (delivered, read, of_ben) = (
        tick(&desk.ada.1).await,
        tick(&desk.ada.1).await,
        tick(&desk.ben.1).await,
    );
    let ready = async |busy: &Busy| {
        desk.store
            .outbox()
            .ready::<MatrixWork>(None, BEGIN, 10, busy)
            .await
            .unwrap()
    };
    let ids = |items: &[OutboxItem<MatrixWork>]| items.iter().map(|item| item.id).collect::<Vec<_>>();
    let items = ready(&Busy::default()).await;
    assert_eq!(ids(&items), [delivered, read, of_ben]);
    let mut busy = Busy::default();
    let taken: Vec<bool> = items.iter().map(|item| busy.take(item)).collect();
    assert_eq!(taken, [true, false, true]);
    assert_eq!(ids(&ready(&busy).await), []);
    busy.put_back(&items[0]);
    assert_eq!(ids(&ready(&busy).await), [delivered, read]);
    desk.store.close().await;
}

async fn work_is_counted_by_target_and_account(database: Database) {
    let desk = Desk::new(&database).await;
    assert_eq!(desk.store.outbox().counts().await.unwrap(), []);
    let first = desk.send(&desk.ada.1).await;
    database.clock.advance(Duration::from_secs(1));
    desk.send(&desk.ben.1).await;
    desk.store
        .write(first, |tx, &first| {
            async move {
                tx.outbox().start(first).await?;
                tx.outbox().retry(first, BEGIN, "no", true).await
            }
            .boxed()
        })
        .await
        .unwrap();
    let counted = OutboxCount {
        target: Target::WhatsApp,
        account_id: desk.ada.0.account_id,
        waiting: 2,
        started: 1,
        refused: 1,
        oldest: BEGIN,
    };
    assert_eq!(desk.store.outbox().counts().await.unwrap(), [counted]);
    desk.store.close().await;
}

async fn recovered_account_hastens_its_work(database: Database) {
    let desk = Desk::new(&database).await;
    let item = desk.enqueue(send(&desk.ada.1).at(later(3600))).await;
    assert_eq!(desk.ready(BEGIN, &Busy::default()).await, []);
    let account = desk.ada.0.account_id;
    desk.store
        .write(account, |tx, &account| {
            async move { tx.outbox().hasten(account).await }.boxed()
        })
        .await
        .unwrap();
    assert_eq!(desk.ready(BEGIN, &Busy::default()).await, [item]);
    desk.store.close().await;
}

async fn work_goes_away_with_its_message(database: Database) {
    let desk = Desk::new(&database).await;
    let message = desk.ada.1.id;
    desk.send(&desk.ada.1).await;
    desk.enqueue(NewWork::for_message(&desk.ada.1, MatrixWork::Tick { message }).free())
        .await;
    let removed = desk.store.write(message, |tx, &message| {
        async move { tx.outbox().remove(message, Target::WhatsApp).await }.boxed()
    });
    assert_eq!(removed.await.unwrap(), 1);
    let left = desk.store.outbox().counts().await.unwrap();
    assert_eq!(
        left.iter()
            .map(|count| (count.target, count.waiting))
            .collect::<Vec<_>>(),
        [(Target::Matrix, 1)]
    );
    desk.store.close().await;
}

/// Far more work is due than a relay looks at: the earliest of it waits behind the head of one lane, which is not due
/// or busy, and other lanes begin only after it.
async fn deep_and_many_lanes_give_their_heads(database: Database) {
    let desk = Desk::new(&database).await;
    let deep = desk.enqueue(send(&desk.ada.1).at(later(60))).await;
    let many = desk.store.write(desk.ada.1.clone(), |tx, message| {
        async move {
            for _ in 0..600 {
                tx.outbox().enqueue(send(message)).await?;
            }
            Ok::<_, StoreError>(())
        }
        .boxed()
    });
    many.await.unwrap();
    database.clock.advance(Duration::from_secs(1));
    let (other, free) = (
        desk.send(&desk.ben.1).await,
        desk.enqueue(send(&desk.ben.1).free()).await,
    );
    let none = Busy::default();
    assert_eq!(desk.ready(later(1), &none).await, [other, free]);
    assert_eq!(desk.ready(later(60), &none).await, [deep, other, free]);
    let of_account = desk
        .store
        .outbox()
        .ready::<WhatsAppWork>(Some(desk.ada.0.account_id), later(60), 10, &none)
        .await
        .unwrap();
    let mut busy = Busy::default();
    assert!(busy.take(&of_account[0]));
    assert_eq!(desk.ready(later(60), &busy).await, [other, free]);
    assert!(busy.take(&of_account[1]) && busy.take(&of_account[2]));
    assert_eq!(desk.ready(later(60), &busy).await, []);
    desk.store.close().await;
}

/// Far more work outside the lanes is due than a relay does at once, and a message is due after all of it.
async fn backlog_outside_lanes_delays_no_message(database: Database) {
    const AT_ONCE: u64 = 8;
    let desk = Desk::new(&database).await;
    let mut outside = vec![];
    for number in 0..20 {
        let pin = MatrixWork::Pin {
            room: "!room".into(),
            event: format!("$card{number}").as_str().into(),
        };
        outside.push(desk.enqueue(NewWork::for_account(desk.ada.0.account_id, pin)).await);
    }
    let show = |message: &Message| NewWork::for_message(message, MatrixWork::ShowMessage { message: message.id });
    let message = desk.enqueue(show(&desk.ada.1)).await;
    let ready = async |busy: &Busy| {
        let items = desk
            .store
            .outbox()
            .ready::<MatrixWork>(None, BEGIN, AT_ONCE, busy)
            .await;
        items.unwrap()
    };
    let ids = |items: &[OutboxItem<MatrixWork>]| items.iter().map(|item| item.id).collect::<Vec<_>>();
    let first = ready(&Busy::default()).await;
    assert_eq!(
        ids(&first),
        [&outside[..4], &[message]].concat(),
        "half of the places at most"
    );
    let mut busy = Busy::default();
    for item in &first[..3] {
        assert!(busy.take(item));
    }
    assert_eq!(ids(&ready(&busy).await), [outside[3], message]);
    assert!(busy.take(&first[3]));
    assert_eq!(ids(&ready(&busy).await), [message]);
    assert!(busy.take(&first[4]));
    assert_eq!(ids(&ready(&busy).await), [], "the others wait for a place");
    busy.put_back(&first[0]);
    assert_eq!(ids(&ready(&busy).await), [outside[0]], "its row is still there");
    desk.store.close().await;
}
