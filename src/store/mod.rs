//! The only user of sea-orm: [`Store`] (reads, and `write` on one writer) and [`Tx`] (every change, with its journal events
//! and its work for the outside). Gives and takes the domain's types, never rows. Does nothing outside the database.

mod access;
mod accounts;
mod agents;
mod backup;
mod conversations;
mod customers;
mod database;
mod facet;
mod groups;
mod history;
mod idempotency;
mod journal;
mod listen;
mod media;
mod merges;
mod messages;
mod open;
mod outbox;
mod quarantine;
mod rooms;
mod settings;
mod wake_up;
mod writer;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::DatabaseConnection;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::contract::Event;
use crate::domain::{Clock, Seq, Timestamp};
use crate::supervisor::Supervisor;

use database::session::Session;
use wake_up::WakeUps;
use writer::Job;

pub use access::{AuditEntry, NewApiKey, StoredApiKey};
pub use accounts::removal::Added;
pub use accounts::{Fence, Holder, Lease};
pub use backup::BackupReport;
pub use conversations::{ConversationFilter, ResolvedConversation};
pub use customers::{CustomerChange, CustomerFilter, ResolvedCustomer, Told};
pub use database::connect::{OpenOptions, Synchronous};
pub use database::error::StoreError;
pub use database::page::{MAX_PAGE, NotAPageKey, Order, Page, PageKey, PageRequest};
pub use history::{HistoryChat, HistoryStep};
pub use idempotency::StoredAnswer;
pub use journal::JournalRange;
pub use journal::filter::EventFilter;
pub use journal::follower::{Follower, Next};
pub use media::avatars::{DuePortrait, Face, Looked};
pub use media::{DueMedia, Hashes, MediaChange, NewMedia, StoredMedia};
pub use messages::{HandOver, Inserted, MessageFilter, NewMessage, RecentMessage};
pub use outbox::{Busy, NewWork, OutboxCount};
pub use quarantine::QuarantineItem;
pub use rooms::pending::PendingEvent;
pub use rooms::{RoomOf, ShownAs, Tick};
pub use settings::Restored;
pub use wake_up::WorkFor;

/// How long closing waits for what was accepted to be committed.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// The database. Clones share one writer and one pool of readers.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    jobs: mpsc::Sender<Box<dyn Job>>,
    head: watch::Sender<Seq>,
    wake_ups: WakeUps,
    clock: Arc<dyn Clock>,
    /// No more closures are accepted.
    closing: CancellationToken,
    /// Everything ends where it stands.
    abandoned: CancellationToken,
    tasks: Supervisor,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closing.cancel();
        self.tasks.stop();
    }
}

/// One transaction: every change is made through it. When the closure fails, or any statement did, all of it is undone.
pub struct Tx {
    session: Session,
    now: Timestamp,
    events: Vec<Event>,
    /// Those who are woken when it commits.
    woken: Mutex<BTreeSet<WorkFor>>,
}

impl Store {
    /// Opens the database at `url`, makes the file of a SQLite one if there is none, and brings its tables up to date.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        OpenOptions::new(url).open(clock).await
    }

    /// Runs `closure` in a transaction and answers when it is on the disk (rule 22).
    ///
    /// There is one writer. Closures that wait are run one after the other and committed together, a savepoint each: an
    /// error undoes its own closure alone.
    ///
    /// After a lost connection or a collision with another process the closure runs again. So the writer owns `input` and
    /// lends it to each run: the closure borrows it, never consumes it, and captures nothing. It has to find what it has
    /// done by keys of its own.
    ///
    /// ```ignore
    /// store.write((id, tag), |tx, (id, tag)| async move { tx.rooms().reserve(*id, tag).await }.boxed()).await
    /// ```
    pub async fn write<I, T, E, F>(&self, input: I, closure: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        writer::submit(&self.inner.jobs, input, closure).await
    }

    /// Returns when nothing can be written any more: the store is closed, or its writer is lost.
    pub async fn ended(&self) {
        self.inner.jobs.closed().await;
    }

    /// The newest event's number, raised after each commit that wrote events: a hint to look, never the truth.
    pub fn head(&self) -> watch::Receiver<Seq> {
        self.inner.head.subscribe()
    }

    /// Commits what was accepted, then closes every connection. Other clones get [`StoreError::Closed`].
    pub async fn close(self) {
        self.inner.closing.cancel();
        if !self.inner.tasks.shutdown(CLOSE_LIMIT).await {
            tracing::warn!("the database does not end; what waits for it is given up");
            self.inner.abandoned.cancel();
        }
        self.disconnect().await;
    }

    /// Lets everything go as a crash would: what is not committed is undone. For simulations of one.
    pub async fn abandon(self) {
        self.inner.abandoned.cancel();
        self.inner.tasks.shutdown(CLOSE_LIMIT).await;
        self.disconnect().await;
    }

    async fn disconnect(&self) {
        // The reader goes first: SQLite tidies up when its last connection ends, which has to be one that may write.
        for database in [&self.inner.readers, &self.inner.writer] {
            if let Err(error) = database.close_by_ref().await {
                tracing::warn!("closing the database: {}", StoreError::from(error));
            }
        }
    }

    fn readers(&self) -> &DatabaseConnection {
        &self.inner.readers
    }
}

impl Tx {
    /// The clock's time when the closure began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds an event to the journal, numbered when the transaction commits (rule 23).
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}
