//! The only user of sea-orm: [`Store`] (reads, and `write` with one writer) and [`Tx`] (every change, with its journal
//! events and its outbox rows). Takes and returns the domain's types, never rows. Does nothing outside the database.

mod access;
mod accounts;
mod agents;
mod backup;
mod clock_check;
mod condition;
mod conversations;
mod customers;
mod database;
mod desk;
mod early_acks;
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
mod sight;
mod templates;
mod wake_up;
mod writer;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::DatabaseConnection;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::contract::Event;
use crate::domain::{Clock, Seq, Timestamp};
use crate::supervisor::Supervisor;

use condition::Condition;
use database::readers::Readers;
use database::session::Session;
use database::thread::WriterThread;
use journal::tally::Tally;
use wake_up::WakeUps;
use writer::Job;

pub use access::{AuditEntry, AuditFilter, KeyHolder, NewApiKey, StoredApiKey};
pub use accounts::heartbeat::BEATS_EVERY;
pub use accounts::removal::Added;
pub use accounts::{Fence, Holder, Lease};
pub use agents::{AgentChange, NewAgent};
pub use backup::{BackupReport, BackupWriter};
pub use condition::Unwritable;
pub use conversations::ResolvedConversation;
pub use customers::summary::CustomerSummary;
pub use customers::{Contact, CustomerChange, CustomerFilter, ResolvedCustomer};
pub use database::connect::{OpenOptions, READERS, StatementLog, Synchronous};
pub use database::error::StoreError;
pub use database::page::{Cursor, MAX_PAGE, Order, Page, PageRequest};
pub use database::savepoint::Savepoint;
pub use desk::{
    AttributeChange, ConversationFilter, ExportEnd, LabelChange, NewAttribute, NewLabel, OpenCount, ScheduledSend,
    Standing,
};
pub use history::{HistoryChat, HistoryStep};
pub use idempotency::StoredAnswer;
pub use journal::JournalRange;
pub use journal::filter::EventFilter;
pub use journal::follower::{Follower, Next};
pub use media::avatars::{AvatarOwner, AvatarTimes, DueAvatar};
pub use media::{DueMedia, Hashes, MediaChange, NewMedia, SecondUpload, StoredMedia};
pub use messages::{Decrypted, HandOver, Inserted, MessageFilter, MessageLine, NewMessage, RecentMessage};
pub use outbox::{Busy, NewWork, OutboxCount};
pub use quarantine::QuarantineItem;
pub use rooms::pending::PendingEvent;
pub use rooms::places::PlaceOf;
pub use rooms::{Fenced, Receipts, RoomOf, RoomReaction, ShownAs, Tick};
pub use settings::Restored;
pub use templates::NewTemplate;
pub use wake_up::WorkFor;

/// Longest time for which closing waits for accepted writes to be committed.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// The database. Clones share one writer and one pool of readers.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: DatabaseConnection,
    readers: Readers,
    backups: DatabaseConnection,
    notifications: DatabaseConnection,
    /// Taken by the backup that is being written.
    backup: Arc<Semaphore>,
    /// Readers that streams may take at the same time.
    streams: Semaphore,
    jobs: mpsc::Sender<Box<dyn Job>>,
    head: watch::Sender<Seq>,
    wake_ups: WakeUps,
    condition: Condition,
    tally: Tally,
    clock: Arc<dyn Clock>,
    /// Cancelled when no more closures are accepted.
    closing: CancellationToken,
    /// Cancelled when everything is to end at once.
    abandoned: CancellationToken,
    tasks: Supervisor,
    /// The thread of a SQLite database's writer, which outlives its connection.
    _thread: Option<WriterThread>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closing.cancel();
        self.tasks.stop();
    }
}

/// One transaction; every change is made through it. If the closure or any statement fails, all of it is rolled back.
pub struct Tx {
    session: Session,
    now: Timestamp,
    events: Vec<Event>,
    /// Workers to wake when the transaction commits.
    woken: Mutex<BTreeSet<WorkFor>>,
}

impl Store {
    /// Opens the database at `url`, creates the file if it is a SQLite one that does not exist, and migrates the
    /// tables.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        OpenOptions::new(url).open(clock).await
    }

    /// Runs `closure` in a transaction and returns when that is committed durably (rule 22).
    ///
    /// There is one writer. Waiting closures run one after the other and are committed together. An error undoes only its
    /// own closure: then all of them run again, each under a savepoint.
    ///
    /// After a lost connection or a collision with another process the closure runs again, too. So the writer owns `input`
    /// and lends it to each run: the closure borrows it, never consumes it, and captures nothing. It must recognize
    /// what it has done already by keys of its own.
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

    /// Waits until nothing can be written any more: the store is closed, or its writer is lost.
    pub async fn ended(&self) {
        self.inner.jobs.closed().await;
    }

    /// Returns the newest event's number, raised after each commit with events. It is only a hint to read the journal.
    pub fn head(&self) -> watch::Receiver<Seq> {
        self.inner.head.subscribe()
    }

    /// Commits what was accepted, then closes every connection. Other clones get [`StoreError::Closed`].
    pub async fn close(self) {
        self.inner.closing.cancel();
        if !self.inner.tasks.shutdown(CLOSE_LIMIT).await {
            tracing::warn!("the database does not close in time; waiting writes are dropped");
            self.inner.abandoned.cancel();
        }
        self.disconnect().await;
    }

    /// Closes everything as a crash would, for simulations of one: what is not committed is rolled back.
    pub async fn abandon(self) {
        self.inner.abandoned.cancel();
        self.inner.tasks.shutdown(CLOSE_LIMIT).await;
        self.disconnect().await;
    }

    async fn disconnect(&self) {
        // The readers close first: SQLite cleans up when its last connection closes, and that one must be able to
        // write.
        let inner = &self.inner;
        for closed in [
            inner.notifications.close_by_ref().await,
            inner.backups.close_by_ref().await,
            inner.readers.close().await,
            inner.writer.close_by_ref().await,
        ] {
            if let Err(error) = closed {
                tracing::warn!("closing the database: {}", StoreError::from(error));
            }
        }
    }

    /// Waits for one of the readers that may read much: pages of exports, their counts, and events of long ago. Without
    /// this, as many clients that begin an export would keep everybody else waiting.
    async fn stream_turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.inner.streams.acquire().await.map_err(|_| StoreError::Closed)
    }

    fn readers(&self) -> &Readers {
        &self.inner.readers
    }
}

impl Tx {
    /// Returns the clock's time when the closure began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds an event to the journal. It gets its number when the transaction commits (rule 23).
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}
