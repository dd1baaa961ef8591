//! The only user of sea-orm: [`Store`] (reads, and `write` on one writer) and [`Tx`] (every change, with its journal events
//! and its work for the outside). Gives and takes the domain's types, never rows. Does nothing outside the database.
#![allow(
    unused_variables,
    clippy::todo,
    clippy::unused_async,
    reason = "the bodies come next"
)]

mod access;
mod accounts;
mod agents;
mod backup;
mod conversations;
mod customers;
mod error;
mod idempotency;
mod journal;
mod messages;
mod open;
mod outbox;
mod page;
mod pending;
mod quarantine;
mod rooms;
mod settings;
mod writer;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::domain::event::Event;
use crate::domain::{Clock, Seq, Timestamp};

pub use access::{NewApiKey, StoredApiKey};
pub use accounts::{Fence, Holder};
pub use agents::Agent;
pub use backup::BackupReport;
pub use conversations::{ConversationFilter, ResolvedConversation};
pub use customers::{CustomerChange, ResolvedCustomer};
pub use error::StoreError;
pub use idempotency::StoredAnswer;
pub use journal::JournalRange;
pub use messages::{HandOver, Inserted, MessageFilter, NewMessage, RecentMessage};
pub use open::{OpenOptions, Synchronous};
pub use outbox::{Busy, NewWork, OutboxCount};
pub use page::{MAX_PAGE, NotAPageKey, Order, Page, PageKey, PageRequest};
pub use pending::PendingEvent;
pub use quarantine::QuarantineItem;
pub use rooms::{RoomOf, ShownAs, Tick};

/// The database. Clones share one writer and one pool of readers.
#[derive(Clone)]
pub struct Store {
    inner: Arc<()>,
}

/// One transaction: every change is made through it. An error of the closure, or of the database, undoes all of it.
pub struct Tx {
    now: Timestamp,
    events: Vec<Event>,
}

impl Store {
    /// Opens the database at `url`, makes the file of a SQLite one if there is none, and brings its tables up to date.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        todo!()
    }

    /// Runs `closure` in a transaction and answers when it is on the disk (`RULES` 22).
    ///
    /// There is one writer. Closures that wait are run one after the other and committed together, a savepoint each: an
    /// error undoes its own closure alone. After a lost connection or a collision with another process the closure runs
    /// again, so it has to find what it has done by keys of its own.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        todo!()
    }

    /// The newest event's number, raised after each commit that wrote events: a hint to look, never the truth.
    pub fn head(&self) -> watch::Receiver<Seq> {
        todo!()
    }

    /// Commits what was accepted, then closes every connection. Other clones get [`StoreError::Closed`].
    pub async fn close(self) {
        todo!()
    }

    /// Lets everything go as a crash would: what is not committed is undone. For simulations of one.
    pub async fn abandon(self) {
        todo!()
    }
}

impl Tx {
    /// The clock's time when the closure began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds an event to the journal, numbered when the transaction commits (`RULES` 23).
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}
