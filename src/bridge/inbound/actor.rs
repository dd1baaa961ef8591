//! Inbound worker of an account: commits the page's events, and only then acknowledges them (invariant 4). It also
//! follows the session, and compares with the page whenever events may have been missed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};

use crate::bridge::core::reader::ReadReceipts;
use crate::bridge::core::syncs::{MAX_ASKED, PendingSync, Scope, Syncs};
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::history::Synced;
use crate::domain::session::{Session, SessionState};
use crate::domain::whatsapp::{Batch, PageEvent, PageMark, ReadError, Unreachable, WhatsApp};
use crate::domain::{AccountId, Timestamp};
use crate::store::StoreError;

use super::batch::{Stray, quarantine, take_batch};
use super::gap::{GapDetector, Heard};
use super::own::OwnIds;
use super::unreadable::{self, Reading, UnreadableChat};
use super::{resync, session};

/// Pause after a failure, before the page or the store is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before chats that the page could not read are tried again.
const RETRY_EVERY: Duration = Duration::from_mins(10);
/// How often the message of a stray event is requested of a page that does not answer.
const MAX_REQUESTS: u32 = 3;

/// Worker that stores the events of one account's WhatsApp.
pub struct Inbound {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    reader: ReadReceipts,
    session: watch::Receiver<Session>,
    /// [`Session::logouts`] as stored last.
    logouts: u64,
    /// Mark of the last committed batch, sent to the page with the next pull.
    acked: Option<PageMark>,
    /// [`crate::domain::session::Session::resync`] of the last completed comparison; relays look nothing up before it.
    resynced: watch::Sender<u64>,
    /// Epoch and [`Session::missed`] at the last search for changes of stored messages.
    looked_through: Option<(Option<String>, u64)>,
    /// Whether the last pull succeeded: then the next needs no pause, since a pull itself waits for the doorbell.
    listening: bool,
    /// Gap detection.
    gaps: GapDetector,
    /// Whether no live event waits, so that the import of history may continue.
    quiet: watch::Sender<bool>,
    /// Queue of requested comparisons, for the callers.
    syncs: Syncs,
    /// The same queue, for this worker.
    asked: mpsc::Receiver<PendingSync>,
    /// Requested comparison that was interrupted and is to be repeated.
    in_hand: Option<PendingSync>,
    /// Time of the last comparison that could not read some chats.
    unread: Option<Timestamp>,
    /// How often messages of the batch's stray events could not be read.
    unanswered: u32,
}

impl Inbound {
    /// Builds the worker of `account`. `reader`: queue of the account's read receipts.
    pub fn new(core: Core, account: AccountId, port: Arc<dyn WhatsApp>, reader: ReadReceipts) -> Self {
        let session = port.session();
        let logouts = session.borrow().logouts;
        let (ask, asked) = mpsc::channel(MAX_ASKED);
        Self {
            core,
            account,
            port,
            reader,
            session,
            logouts,
            acked: None,
            resynced: watch::Sender::new(0),
            looked_through: None,
            listening: false,
            gaps: GapDetector::default(),
            quiet: watch::Sender::new(false),
            syncs: Syncs::new(ask),
            asked,
            in_hand: None,
            unread: None,
            unanswered: 0,
        }
    }

    /// Returns the queue of requested comparisons.
    pub fn syncs(&self) -> Syncs {
        self.syncs.clone()
    }

    /// Returns the channel that holds whether no live event waits.
    pub fn quiet(&self) -> watch::Receiver<bool> {
        self.quiet.subscribe()
    }

    /// Returns the channel that holds [`Session::resync`] of the last completed comparison.
    pub fn resynced(&self) -> watch::Receiver<u64> {
        self.resynced.subscribe()
    }
}

impl Worker for Inbound {
    fn name(&self) -> &'static str {
        "storing of WhatsApp's events"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none().and(self.port.session())
    }

    /// Returns zero after a successful pull, which has waited by itself; else `PAUSE`.
    fn poll(&self) -> Duration {
        if self.listening { Duration::ZERO } else { PAUSE }
    }

    /// Follows the session, compares with the page if that is due, or stores one batch.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        self.listening = false;
        let session = self.session.borrow_and_update().clone();
        let port = self.port.as_ref();
        let account = session::follow(&self.core, self.account, &session, port, &mut self.logouts).await?;
        // Linked but not bound: another account has this number.
        let is_strange = session.me.is_some() && account.phone.is_none();
        if !session.state.is_linked() || is_strange {
            return Ok(Progress::Idle);
        }
        if session.resync > *self.resynced.borrow() && session.state == SessionState::Ready {
            return self.catch_up(&account, &session).await;
        }
        if session.resync > *self.resynced.borrow() {
            // Live events wait for the comparison (rule 11), or a gap would look closed.
            return Ok(Progress::Idle);
        }
        if let Some(asked) = self.in_hand.take().or_else(|| self.asked.try_recv().ok()) {
            return self.answer(&account, asked).await;
        }
        // A session change interrupts the pull; events that were pulled but not acknowledged are pulled again.
        let pulled = tokio::select! {
            pulled = self.port.pull(self.acked.as_ref()) => pulled,
            Some(asked) = self.asked.recv() => return self.answer(&account, asked).await,
            _ = self.session.changed() => { self.session.mark_changed(); return Ok(Progress::Worked); }
        };
        if let Ok(batch) = &pulled {
            self.note_typing(batch);
        }
        match pulled {
            Ok(Batch { mark: None, .. }) => self.nothing_told(&account, &session).await,
            // The page was loaded again, which the session does not show yet: the comparison comes first (rule 11).
            Ok(Batch { mark: Some(mark), .. }) if session.epoch.as_ref().is_some_and(|known| *known != mark.epoch) => {
                Ok(Progress::Idle)
            }
            Ok(batch) => {
                self.listening = true;
                self.quiet.send_replace(false);
                self.commit(&account, batch).await
            }
            Err(Unreachable(_)) => Ok(Progress::Idle),
        }
    }
}

impl Inbound {
    /// Compares with the page, and publishes that the comparison is complete. After a new load of the page also looks
    /// for changes of stored messages.
    async fn catch_up(&mut self, account: &Arc<Account>, session: &Session) -> Result<Progress, StoreError> {
        self.quiet.send_replace(false);
        let page = (session.epoch.clone(), session.missed);
        let scope = if self.looked_through.as_ref() == Some(&page) {
            Scope::Changed
        } else {
            Scope::Anew
        };
        let Some(synced) = self.compare(account, scope, None).await? else {
            return Ok(Progress::Idle);
        };
        self.looked_through = Some(page);
        let found = usize::try_from(synced.recovered).unwrap_or(usize::MAX);
        self.gaps
            .compared(&self.core, account, self.port.as_ref(), session, found)
            .await?;
        // Last, because the relay and the import of history begin when they see it.
        self.resynced.send_replace(session.resync);
        Ok(Progress::Worked)
    }

    /// Notes who types. A message ends its author's typing: WhatsApp says nothing of that.
    fn note_typing(&self, batch: &Batch) {
        let now = self.core.clock.now();
        let ended = batch.events.iter().filter_map(|event| match event {
            PageEvent::Message(message) if !message.from_me => Some((&message.chat, false)),
            _ => None,
        });
        let told = batch.typing.iter().map(|(chat, is_typing)| (chat, *is_typing));
        for (chat, is_typing) in told.chain(ended) {
            let place = (self.account, chat.clone());
            self.core.typing.customers.note(place, is_typing, now);
        }
    }

    /// Handles a pull without events: checks by [`GapDetector::look`] whether the page has failed to report some, and tries
    /// chats again that could not be read.
    async fn nothing_told(&mut self, account: &Arc<Account>, session: &Session) -> Result<Progress, StoreError> {
        let is_due = session.state == SessionState::Ready
            && (self.must_retry() || self.gaps.look(&self.core, account, self.port.as_ref()).await? == Heard::NotAll);
        if is_due {
            return self.catch_up(account, session).await;
        }
        self.listening = true;
        self.quiet.send_replace(true);
        Ok(Progress::Idle)
    }

    /// Returns whether chats that could not be read are to be tried again. After the clock was set back they are at once.
    fn must_retry(&self) -> bool {
        let now = self.core.clock.now();
        self.unread
            .is_some_and(|tried| now < tried || now.since(tried) >= RETRY_EVERY)
    }

    /// Compares with the page and stores the result; `None` if the page went away meanwhile.
    async fn compare(
        &mut self,
        account: &Arc<Account>,
        scope: Scope,
        asked: Option<&PendingSync>,
    ) -> Result<Option<Synced>, StoreError> {
        let found = match resync::run(&self.core, account, self.port.as_ref(), &self.reader, scope).await? {
            resync::Outcome::Complete { found, unread } => {
                self.unread = unread.then(|| self.core.clock.now());
                found as u64
            }
            resync::Outcome::Interrupted(error) => {
                tracing::debug!(account = %account.id, "the comparison with the page was interrupted: {error}");
                return Ok(None);
            }
        };
        if found > 0 {
            tracing::info!(account = %account.id, found, "recovered messages that were missed");
        }
        let (id, tell) = (account.id, found > 0 || asked.is_some());
        let written = self.core.write((id, found, tell), |tx, &(id, found, tell)| {
            async move {
                tx.outbox().hasten(id).await?;
                let synced = tx.accounts().note_sync(id, found).await?;
                if tell {
                    tx.emit(Event::account_synced(id, &synced));
                }
                Ok::<_, StoreError>(synced)
            }
            .boxed()
        });
        written.await.map(Some)
    }

    /// Does a requested comparison and sends its result. If the page goes away meanwhile, keeps the request for a
    /// repeat.
    async fn answer(&mut self, account: &Arc<Account>, asked: PendingSync) -> Result<Progress, StoreError> {
        let Some(synced) = self.compare(account, asked.scope, Some(&asked)).await? else {
            self.in_hand = Some(asked);
            return Ok(Progress::Idle);
        };
        asked.answer(synced);
        Ok(Progress::Worked)
    }

    /// Commits a batch, fetches the messages of its stray events, then sets the mark that acknowledges it. If the page
    /// is away meanwhile, the batch stays unacknowledged and comes again.
    async fn commit(&mut self, account: &Arc<Account>, batch: Batch) -> Result<Progress, StoreError> {
        let Some(mark) = batch.mark else {
            return Ok(Progress::Idle);
        };
        let own = OwnIds::of(account, self.port.as_ref());
        let events = own.without_notes(batch.events);
        let told = take_batch(&self.core, account, events.into(), &self.reader).await?;
        for stray in told.strays {
            // rule 11: an event about an unknown id fetches its message.
            match self.port.message(&stray.of).await {
                Ok(Some(message)) if own.is_own_chat(message.chat_kind, &message.contact) => {}
                Ok(Some(message)) => {
                    let events: Vec<PageEvent> = std::iter::once(PageEvent::Message(Box::new(message)))
                        .chain(stray.event)
                        .collect();
                    let again = take_batch(&self.core, account, events.into(), &self.reader).await?;
                    self.give_up(account, again.strays).await?;
                }
                Ok(None) => self.give_up(account, vec![stray]).await?,
                // rule 13: it would come back for ever, and later events with it.
                Err(ReadError::Unreadable(_)) if self.unanswered + 1 >= MAX_REQUESTS => {
                    self.note_unread(account, &stray).await?;
                    self.give_up(account, vec![stray]).await?;
                }
                // Not acked, so it comes again.
                Err(error) => {
                    self.unanswered += u32::from(matches!(error, ReadError::Unreadable(_)));
                    self.listening = false;
                    return Ok(Progress::Idle);
                }
            }
        }
        self.unanswered = 0;
        self.acked = Some(mark);
        Ok(Progress::Worked)
    }

    /// Stores that the chat of a stray event could not be read, so that a later comparison finds the message.
    async fn note_unread(&mut self, account: &Arc<Account>, stray: &Stray) -> Result<(), StoreError> {
        let now = self.core.clock.now();
        self.unread = self.unread.or(Some(now));
        let chat = UnreadableChat {
            chat: stray.of.chat.clone(),
            identities: vec![],
            conversation: None,
            since: now,
            found_at: now,
        };
        let input = (Arc::clone(account), chat);
        let write = self.core.write_with(input, |tx, core, (account, chat)| {
            async move { unreadable::note(tx, &core.policy, account, Reading::Comparison, chat.clone()).await }.boxed()
        });
        write.await
    }

    /// Quarantines events about messages that neither the store nor the page has (rule 13). An ack is dropped: without
    /// its message it has no information worth keeping.
    async fn give_up(&self, account: &Account, strays: Vec<Stray>) -> Result<(), StoreError> {
        let events: Vec<PageEvent> = strays.into_iter().filter_map(|stray| stray.event).collect();
        let why = "it is about a message that neither the page nor the store has";
        quarantine(&self.core, account.id, events.into(), &why).await
    }
}
