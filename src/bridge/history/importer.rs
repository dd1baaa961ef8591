//! Imports the history of an account: what was written before it was first linked, as deep as was chosen. Chat by chat,
//! the newest first, each from its newest message back; what is read is written from its oldest on, so that order and
//! quotations are what they were. How far it is commits with the messages, so a crash costs a part of one chat, read again.
//!
//! History calls nobody: no room, no read receipt, no unread count, and no event for each message (`account.history` tells
//! how far it is). What is live goes first.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::worker::Worker;
use crate::bridge::core::{Core, Progress};
use crate::bridge::inbound::batch::{AS_THE_PAGE_TOLD, Commit};
use crate::bridge::inbound::events::Events;
use crate::bridge::inbound::message::{Arrival, Taken};
use crate::bridge::inbound::{batch, message};
use crate::contract::Event;
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::history::{History, HistoryState};
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{Earlier, PageEvent, WhatsApp};
use crate::store::{HistoryStep, StoreError, Tx};

use self::super::hand::Hand;

/// Messages stored in one transaction: what is live waits for one at the most.
const CHUNK: usize = 50;
/// How long the import gives way to what is live, which may never come to an end.
const GIVE_WAY: Duration = Duration::from_secs(2);
/// How often a chat is begun anew because the page does not know any more where we were.
const MAX_RESTARTS: i32 = 3;
/// How often it is looked whether there is something to import, and whether the page is back.
const POLL: Duration = Duration::from_secs(1);

/// Works off one account's import.
pub struct Importer {
    core: Core,
    account: AccountId,
    port: Arc<dyn WhatsApp>,
    /// How far the comparison with the page has come: what was missed goes first.
    resynced: watch::Receiver<u64>,
    /// Whether nothing live waits.
    quiet: watch::Receiver<bool>,
    /// The chat that is being imported.
    hand: Option<Hand>,
}

impl Importer {
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

    fn poll(&self) -> Duration {
        POLL
    }

    /// Reads one page of a chat, or writes one chunk of what was read.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let history = self.core.store.history().get(self.account).await?;
        let Some(history) = history.filter(|history| history.state == HistoryState::Running) else {
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

    /// What is live goes first.
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

    /// Takes the next chat of the plan. When there is none the page is asked once more: some chats come late.
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
        let chats: Vec<_> = chats
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

    /// Asks the page for what is older than what is in hand.
    async fn read(&mut self, mut hand: Hand, account: Arc<Account>) -> Result<Progress, StoreError> {
        let earlier = self.port.earlier(&hand.chat.chat, hand.before.as_ref(), hand.count);
        match earlier.await {
            Err(_) => {
                self.hand = Some(hand);
                return Ok(Progress::Idle);
            }
            Ok(Earlier::Lost) if hand.chat.restarts < MAX_RESTARTS => {
                self.together(&hand, &account, vec![].into(), HistoryStep::Again)
                    .await?;
                return Ok(Progress::Worked);
            }
            Ok(Earlier::Page(page)) => hand.take(page),
            // The page has no such chat any more, or contradicts itself: what can be had of it is in hand.
            Ok(Earlier::Lost | Earlier::NoChat) => hand.end(),
        }
        self.hand = Some(hand);
        Ok(Progress::Worked)
    }

    /// Writes the oldest of what is in hand; with the last of it goes how far the chat is.
    async fn write(&mut self, mut hand: Hand, account: Arc<Account>) -> Result<Progress, StoreError> {
        let chunk = hand.next_chunk(CHUNK);
        let step = hand.step();
        let goes_on = step == HistoryStep::Stays;
        self.commit(&hand, &account, chunk.into(), step).await?;
        if goes_on {
            self.hand = Some(hand);
        }
        Ok(Progress::Worked)
    }

    /// Commits a chunk with how far the chat is; what the store refuses for good goes into quarantine (rule 13).
    async fn commit(
        &self,
        hand: &Hand,
        account: &Arc<Account>,
        events: Events,
        step: HistoryStep,
    ) -> Result<(), StoreError> {
        let whole = events.len();
        let commit = |events: Events| {
            // How far the chat is commits with all of the chunk, or after the last of it.
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
        let (policy, account) = (Arc::clone(&self.core.policy), Arc::clone(account));
        let input = (policy, account, events, hand.chat.id, step);
        self.core
            .write(input, |tx, (policy, account, events, chat, step)| {
                async move {
                    let before = tx
                        .history()
                        .get(account.id)
                        .await?
                        .map_or(0, |history| history.percent());
                    let mut new = 0;
                    for event in events.iter() {
                        new += u64::from(take(tx, policy, account, event).await?);
                    }
                    let history = tx.history().record(account.id, *chat, new, step).await?;
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

/// Takes in one message of the past; tells whether it was new.
async fn take(tx: &mut Tx, policy: &Policy, account: &Account, event: &PageEvent) -> Result<bool, StoreError> {
    match event {
        PageEvent::Message(message) => {
            let taken = message::take_in(tx, policy, account, message, Arrival::Imported).await?;
            Ok(taken != Taken::Known)
        }
        PageEvent::Poison { bytes, error } => {
            tx.quarantine()
                .add(AS_THE_PAGE_TOLD, Some(account.id), bytes, error)
                .await?;
            Ok(false)
        }
        // The past has nothing but messages.
        _ => Ok(false),
    }
}
