//! Imports the history of an account: messages from before the first login, down to the chosen depth. It goes chat by
//! chat, the newest first. Each chat is read from its newest message back and written from its oldest on, so that order
//! and quotations are preserved. Progress commits with the messages, so a crash only repeats the reading of part of one
//! chat.
//!
//! Imported messages cause no room, no read receipt, no unread count, and no event each (`account.history` reports the
//! progress). Live events go first.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::bridge::inbound::batch::{AS_THE_PAGE_TOLD, Commit};
use crate::bridge::inbound::events::Events;
use crate::bridge::inbound::message::{Arrival, IntakeOutcome};
use crate::bridge::inbound::own::OwnIds;
use crate::bridge::inbound::unreadable::{self, Reading, UnreadableChat};
use crate::bridge::inbound::{batch, message};
use crate::contract::Event;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::history::{History, HistoryState};
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{Earlier, PageEvent, ReadError, WhatsApp};
use crate::store::{HistoryChat, HistoryStep, StoreError, Tx, WorkFor};

use self::super::hand::Hand;

/// Upper bound of the messages stored in one transaction; live events wait for at most one of these.
const CHUNK: usize = 50;
/// Upper bound of the time for which the import waits for live events, which might never stop.
const GIVE_WAY: Duration = Duration::from_secs(2);
/// Upper bound of the restarts of a chat when the page no longer knows our position in it.
const MAX_RESTARTS: i32 = 3;
/// Upper bound of the tries of a page of a chat that WhatsApp Web cannot read.
const MAX_FAILURES: u32 = 3;
/// How often the worker checks for a page that was away, while there is an import.
const POLL: Duration = Duration::from_secs(1);
/// How often it checks for a new import; one that this process begins wakes it.
const REST: Duration = Duration::from_secs(10);

/// Worker that imports the history of one account.
pub struct Importer {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    /// Last completed comparison with the page: missed messages go first.
    resynced: watch::Receiver<u64>,
    /// Whether no live event waits.
    quiet: watch::Receiver<bool>,
    /// The chat that is being imported.
    hand: Option<Hand>,
    /// Whether there is something to import.
    is_running: bool,
}

impl Importer {
    /// Builds the worker of `account`. `resynced`: the last completed comparison; `quiet`: whether no live event waits.
    pub fn new(
        core: Core,
        account: AccountId,
        port: Arc<dyn WhatsApp>,
        resynced: watch::Receiver<u64>,
        quiet: watch::Receiver<bool>,
    ) -> Self {
        Self {
            core,
            account,
            port,
            resynced,
            quiet,
            hand: None,
            is_running: false,
        }
    }
}

impl Worker for Importer {
    fn name(&self) -> &'static str {
        "import of history"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none()
            .and(self.core.store.wake_ups(WorkFor::History(self.account)))
            .and(self.port.session())
    }

    fn poll(&self) -> Duration {
        if self.is_running { POLL } else { REST }
    }

    /// Reads one page of a chat, or writes one chunk of what was read.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let history = self.core.store.history().get(self.account).await?;
        let history = history.filter(|history| history.state == HistoryState::Running);
        self.is_running = history.is_some();
        let Some(history) = history else {
            self.hand = None;
            return Ok(Progress::Idle);
        };
        if !self.may_read() {
            return Ok(Progress::Idle);
        }
        let account = self.core.store.accounts().get(self.account).await?;
        let account = account.ok_or(StoreError::Missing { what: "account" })?;
        match self.hand.take() {
            None => self.pick(&account, &history).await,
            Some(hand) if hand.is_read() => self.write(hand, Arc::new(account)).await,
            Some(hand) => self.read(hand, Arc::new(account)).await,
        }
    }

    /// Lets live events go first, for at most `GIVE_WAY`.
    async fn between(&mut self, last: Progress) {
        if last == Progress::Worked {
            tokio::select! {
                _ = self.quiet.wait_for(|quiet| *quiet) => {}
                () = self.core.clock.sleep(GIVE_WAY) => {}
            }
        }
    }
}

impl Importer {
    fn may_read(&self) -> bool {
        let session = self.port.session();
        let session = session.borrow();
        session.state == SessionState::Ready && session.resync <= *self.resynced.borrow()
    }

    /// Takes the next chat of the plan. If none is left, asks the page for its chats again, since some appear late;
    /// ends the import if there is no new one.
    async fn pick(&mut self, account: &Account, history: &History) -> Result<Progress, StoreError> {
        let floor = account.history_ends();
        let since = history.since.unwrap_or(floor);
        if let Some(chat) = self.core.store.history().next_chat(self.account).await? {
            self.hand = Some(Hand::new(chat, since, floor));
            return Ok(Progress::Worked);
        }
        let Ok(chats) = self.port.chats().await else {
            return Ok(Progress::Idle);
        };
        let reaches_in = |at| at >= since;
        let chats: Vec<_> = OwnIds::of(account, self.port.as_ref())
            .without_own_chat(chats)
            .into_iter()
            .filter(|chat| chat.last_at.is_none_or(reaches_in))
            .map(|chat| chat.chat)
            .collect();
        let account = self.account;
        let history = self
            .core
            .write((chats, account), |tx, (chats, account)| {
                async move {
                    let history = match tx.history().plan(*account, chats).await? {
                        0 => tx.history().finish(*account).await?,
                        _ => tx.history().get(*account).await?.ok_or(StoreError::Missing {
                            what: "import of history",
                        })?,
                    };
                    tx.emit(Event::account_history(*account, &history));
                    Ok::<_, StoreError>(history)
                }
                .boxed()
            })
            .await?;
        if history.state == HistoryState::Done {
            tracing::info!(%account, messages = history.messages, chats = history.chats_done, "history is imported");
        }
        Ok(Progress::Worked)
    }

    /// Reads the next older page of the chat.
    async fn read(&mut self, mut hand: Hand, account: Arc<Account>) -> Result<Progress, StoreError> {
        let earlier = self.port.earlier(&hand.chat.chat, hand.before.as_ref(), hand.count);
        match earlier.await {
            Err(ReadError::Unreadable(why)) if hand.failures + 1 >= MAX_FAILURES => {
                // The other chats do not wait for this one; what was read of it is written.
                tracing::warn!(account = %account.id, "the page cannot read the history of a chat: {why}");
                hand.cut();
            }
            Err(error) => {
                hand.failures += u32::from(matches!(error, ReadError::Unreadable(_)));
                self.hand = Some(hand);
                return Ok(Progress::Idle);
            }
            Ok(Earlier::Lost) if hand.chat.restarts < MAX_RESTARTS => {
                self.together(&hand, &account, vec![].into(), HistoryStep::Again)
                    .await?;
                return Ok(Progress::Worked);
            }
            Ok(Earlier::Page(mut page)) => {
                // A plan may name the chat with oneself; it ends at its first page.
                let own = OwnIds::of(&account, self.port.as_ref());
                page.retain(|past| !own.is_note(&past.event));
                hand.failures = 0;
                hand.take(page);
            }
            // The page no longer has the chat, or keeps losing our position: the buffer has all that can be read.
            Ok(Earlier::Lost | Earlier::NoChat) => hand.end(),
        }
        self.hand = Some(hand);
        Ok(Progress::Worked)
    }

    /// Writes the oldest chunk of the buffer; the chat's progress commits with the last chunk.
    async fn write(&mut self, mut hand: Hand, account: Arc<Account>) -> Result<Progress, StoreError> {
        let chunk = hand.next_chunk(CHUNK);
        let step = hand.step();
        let goes_on = step == HistoryStep::Stays;
        // On an error the buffer is dropped, and the chat is read again from its stored progress.
        self.commit(&hand, &account, chunk.into(), step).await?;
        if goes_on {
            self.hand = Some(hand);
        }
        Ok(Progress::Worked)
    }

    /// Commits a chunk and the chat's progress. Events that the store refuses permanently go into quarantine (rule 13).
    async fn commit(
        &self,
        hand: &Hand,
        account: &Arc<Account>,
        events: Events,
        step: HistoryStep,
    ) -> Result<(), StoreError> {
        let whole = events.len();
        let commit = |events: Events| {
            // The progress commits with the whole chunk, or after the last of the single events.
            let step = if events.len() == whole {
                step.clone()
            } else {
                HistoryStep::Stays
            };
            self.together(hand, account, events, step)
        };
        match batch::each_or_quarantine(&self.core, account, &events, commit).await? {
            Commit::Together(()) => Ok(()),
            Commit::Singly(_) => self.together(hand, account, vec![].into(), step).await,
        }
    }

    async fn together(
        &self,
        hand: &Hand,
        account: &Arc<Account>,
        events: Events,
        step: HistoryStep,
    ) -> Result<(), StoreError> {
        let input = (Arc::clone(account), events, hand.chat.clone(), step, hand.is_cut);
        self.core
            .write_with(input, |tx, core, (account, events, chat, step, is_cut)| {
                async move {
                    let before = tx
                        .history()
                        .get(account.id)
                        .await?
                        .map_or(0, |history| history.percent());
                    let mut new = 0;
                    for event in events.iter() {
                        new += u64::from(take(tx, &core.policy, account, event).await?);
                    }
                    let history = tx.history().record(account.id, chat.id, new, step).await?;
                    if matches!(step, HistoryStep::Done(_)) {
                        note_end(tx, &core.policy, account, chat, *is_cut).await?;
                    }
                    if history.percent() != before {
                        tx.emit(Event::account_history(account.id, &history));
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

/// Stores whether the rest of a chat that is done could not be read, so that the owner is told.
async fn note_end(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    chat: &HistoryChat,
    is_cut: bool,
) -> Result<(), StoreError> {
    if !is_cut {
        return unreadable::forget(tx, policy, account, Reading::Import, &chat.chat).await;
    }
    let conversation = tx.conversations().of_chat(account.id, &chat.chat).await?;
    let now = tx.now();
    let unread = UnreadableChat {
        chat: chat.chat.clone(),
        identities: vec![],
        conversation: conversation.map(|conversation| conversation.id),
        since: now,
        found_at: now,
    };
    unreadable::note(tx, policy, account, Reading::Import, unread).await
}

/// Stores one message of the history. Returns whether it was new.
async fn take(tx: &mut Tx, policy: &Policy, account: &Account, event: &PageEvent) -> Result<bool, StoreError> {
    match event {
        PageEvent::Message(message) => {
            let taken = Box::pin(message::take_in(tx, policy, account, message, Arrival::Imported)).await?;
            Ok(taken != IntakeOutcome::Known)
        }
        PageEvent::Poison { bytes, error } => {
            tx.quarantine()
                .add(AS_THE_PAGE_TOLD, Some(account.id), bytes, error)
                .await?;
            Ok(false)
        }
        // History consists of messages only.
        _ => Ok(false),
    }
}
