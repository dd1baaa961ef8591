//! Relay to WhatsApp: takes the heads of the account's lanes and sends each message once (invariant 3). A message keeps
//! its outbox row, and so blocks its lane, until WhatsApp's server has it or it is given up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::policy::ReadMode;
use crate::bridge::core::reader::ReadReceipts;
use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress, state};
use crate::domain::delivery::AfterFailure;
use crate::domain::message::{Failure, Message, MessageState};
use crate::domain::outbox::{OutboxItem, WhatsAppWork};
use crate::domain::session::SessionState;
use crate::domain::whatsapp::{HandedOver, OutgoingMessage, QuotedKey, Resolved, SendError, Unreachable, WhatsApp};
use crate::domain::{AccountId, ChatId, MessageId, OutboxId, Timestamp, WaMessageId, delivery};
use crate::store::{Busy, StoreError, WorkFor};

use super::outgoing::Outgoing;
use super::{changes, file, outgoing, quote};

/// Upper bound of the lanes handled in one step.
const LANES: u64 = 32;
/// Time without an ack after which the message is looked up in the page.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// Pause before an inconclusive look-up is repeated.
pub(super) const UNCLEAR_PAUSE: Duration = Duration::from_secs(2);
/// How long the worker waits for a wake-up before it looks anyway.
const POLL: Duration = Duration::from_secs(1);

/// Worker that sends the outbox of one account to WhatsApp.
pub struct WhatsAppRelay {
    /// Shared context, under the account's lease.
    pub(crate) core: Core,
    /// The account that sends.
    pub(crate) account: AccountId,
    /// The account's connection to WhatsApp.
    pub(crate) port: Arc<dyn WhatsApp>,
    reader: ReadReceipts,
    /// Last completed comparison with the page: nothing is looked up before it (rule 3).
    resynced: watch::Receiver<u64>,
    /// Earliest time of the next send, since sends are spaced.
    next_send: Timestamp,
    /// When it last looked for messages whose time has come.
    pub(super) looked_for_due: Timestamp,
}

/// Why a step stops early.
pub(crate) enum Stop {
    /// The account is in trouble, for the given reason; the row stays due.
    Pause(String),
    /// The database failed.
    Store(StoreError),
}

impl From<Unreachable> for Stop {
    fn from(Unreachable(why): Unreachable) -> Self {
        Self::Pause(why)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl WhatsAppRelay {
    /// Builds the worker of `account`. `reader`: its queue of read receipts; `resynced`: the last completed comparison.
    pub fn new(
        core: Core,
        account: AccountId,
        port: Arc<dyn WhatsApp>,
        reader: ReadReceipts,
        resynced: watch::Receiver<u64>,
    ) -> Self {
        Self {
            core,
            account,
            port,
            reader,
            resynced,
            next_send: Timestamp::ZERO,
            looked_for_due: Timestamp::ZERO,
        }
    }
}

impl Worker for WhatsAppRelay {
    /// The item in hand is sent or postponed before the program stops.
    const FINISHES_STEPS: bool = true;

    fn name(&self) -> &'static str {
        "relay to WhatsApp"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        let wakes = Wakes::none().and(self.core.store.wake_ups(WorkFor::WhatsApp(self.account)));
        wakes.and(self.port.session()).and(self.resynced.clone())
    }

    fn poll(&self) -> Duration {
        let spaced = self.next_send.since(self.core.clock.now());
        if spaced.is_zero() { POLL } else { spaced.min(POLL) }
    }

    /// Handles the due heads of the urgent lanes once, then those of the others up to the first that goes out, so that what
    /// becomes urgent meanwhile waits for one message and not for all. Fails expired messages first, also while the account
    /// cannot send.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        let now = self.core.clock.now();
        if !self.core.store.outbox().is_anything_due(self.account, now).await? {
            return Ok(Progress::Idle);
        }
        self.expire().await?;
        let may_send = self.may_send().await?;
        self.take_up_due(may_send).await?;
        if !may_send {
            return Ok(Progress::Idle);
        }
        let now = self.core.clock.now();
        let outbox = self.core.store.outbox();
        let urgent = outbox.ready_urgent::<WhatsAppWork>(self.account, now, LANES).await?;
        let busy = Busy::default();
        let others = outbox
            .ready::<WhatsAppWork>(Some(self.account), now, LANES, &busy)
            .await?;
        let known: HashSet<OutboxId> = urgent.iter().map(|item| item.id).collect();
        let others = others.into_iter().filter(|item| !known.contains(&item.id));
        let mut progress = Progress::Idle;
        for item in urgent.into_iter().chain(others) {
            match self.handle(&item).await {
                Ok(Progress::Worked) if known.contains(&item.id) => progress = Progress::Worked,
                Ok(Progress::Worked) => return Ok(Progress::Worked),
                Ok(_) => {}
                Err(Stop::Pause(why)) => {
                    tracing::debug!(account = %self.account, "sending pauses: {why}");
                    return Ok(Progress::Idle);
                }
                Err(Stop::Store(error)) => return Err(error),
            }
        }
        Ok(progress)
    }
}

impl WhatsAppRelay {
    /// Returns whether sending is possible. Trouble of the account pauses the relay without using an attempt; so does a
    /// restored outbox until a person resumes it (rules 4 and 5).
    async fn may_send(&self) -> Result<bool, StoreError> {
        let ready = {
            let session = self.port.session();
            let session = session.borrow();
            session.state == SessionState::Ready && session.resync <= *self.resynced.borrow()
        };
        Ok(ready && !self.core.store.settings().is_parked().await?)
    }

    async fn handle(&mut self, item: &OutboxItem<WhatsAppWork>) -> Result<Progress, Stop> {
        match changes::wanted(&item.work) {
            (id, None) => self.send(item, id).await,
            (id, Some((change, by))) => self.change(item, id, change, by).await,
        }
    }

    async fn send(&mut self, item: &OutboxItem<WhatsAppWork>, id: MessageId) -> Result<Progress, Stop> {
        let Some(outgoing) = outgoing::read(&self.core.store, id).await? else {
            self.finish(item).await?;
            return Ok(Progress::Worked);
        };
        match outgoing.message.state {
            MessageState::Queued if outgoing.hand_over.is_none() => self.bring(item, &Arc::new(outgoing)).await,
            MessageState::Queued | MessageState::Sending => self.look_up(item, &outgoing).await,
            // Done, cancelled or decided meanwhile.
            _ => {
                self.finish(item).await?;
                Ok(Progress::Worked)
            }
        }
    }

    /// Fails messages that have expired, whether or not the account can send (rule 4).
    async fn expire(&self) -> Result<(), StoreError> {
        let now = self.core.clock.now();
        let expired = self.core.store.messages().expired(self.account, now, LANES).await?;
        if expired.is_empty() || self.core.store.clock_doubted_until().await?.is_some() {
            return Ok(());
        }
        for message in expired {
            self.expired(&message).await?;
        }
        Ok(())
    }

    pub(super) async fn expired(&self, message: &Message) -> Result<(), StoreError> {
        let detail =
            "it expired before it could be sent (CRM_SEND_EXPIRES); send it again if still relevant".to_owned();
        self.give_up(message, MessageState::Failed, "expired", detail).await
    }

    /// Sends a queued message: resolves its chat, shows typing, chooses and stores its stanza id, hands it over.
    async fn bring(&mut self, item: &OutboxItem<WhatsAppWork>, outgoing: &Arc<Outgoing>) -> Result<Progress, Stop> {
        if self.next_send > self.core.clock.now() {
            return Ok(Progress::Idle);
        }
        // It has expired by a clock that is doubted: it neither fails nor goes out until the clock is believed or set back.
        let expires = self.core.store.messages().expires_at(outgoing.message.id).await?;
        if expires.is_some_and(|at| at <= self.core.clock.now()) {
            return Ok(Progress::Idle);
        }
        if self.hold_back(item, outgoing).await? {
            return Ok(Progress::Worked);
        }
        let Some(to) = &outgoing.to else {
            let detail = "the customer has neither a chat nor a number; add a number to the customer";
            self.fail_addressed(outgoing, ("no_address", detail)).await?;
            return Ok(Progress::Worked);
        };
        let Some(resolved) = self.port.resolve(to).await? else {
            let detail = "this number is not on WhatsApp; check it";
            self.fail_addressed(outgoing, ("not_on_whatsapp", detail)).await?;
            return Ok(Progress::Worked);
        };
        let chat = &resolved.chat;
        if self.core.policy.read != ReadMode::Never {
            self.port.mark_read(chat).await?;
            if outgoing.conversation.chat_id.as_ref().is_none_or(|own| own == chat) {
                self.reader.done(outgoing.conversation.id);
            }
        }
        self.act(chat, &outgoing.message).await?;
        let quote_lost = match &outgoing.quoted {
            Some(quoted) => !self.port.can_quote(chat, quoted).await?,
            // The message that it replies to was never sent, so WhatsApp does not have it.
            None => outgoing.message.reply_to.is_some(),
        };
        let id = self.port.choose_id(chat).await?;
        let goal = Arc::new((resolved, id, quote_lost));
        let Some(message) = self.choose(item, outgoing, &goal).await? else {
            // Cancelled, expired, or addressed to somebody else, while the chat was being resolved.
            return Ok(Progress::Worked);
        };
        let (Resolved { chat, .. }, id, _) = &*goal;
        self.hand_over(item, &message, chat, id, outgoing.quoted.as_ref()).await
    }

    pub(super) async fn hand_over(
        &mut self,
        item: &OutboxItem<WhatsAppWork>,
        message: &Message,
        chat: &ChatId,
        id: &WaMessageId,
        quoted: Option<&QuotedKey>,
    ) -> Result<Progress, Stop> {
        self.next_send = self
            .core
            .clock
            .now()
            .plus(self.core.random.span(&self.core.policy.spacing));
        let content = match file::content(&self.core.vault, message).await {
            Ok(content) => content,
            Err(error) => return self.after(item, message, &error).await,
        };
        let outgoing = OutgoingMessage {
            chat: chat.clone(),
            id: id.clone(),
            content,
            quoted: quoted.filter(|_| !quote::is_left_out(message)).cloned(),
        };
        match self.port.send(&outgoing).await {
            Ok(handed_over) => {
                self.taken(message, handed_over).await?;
                Ok(Progress::Worked)
            }
            Err(error) => self.after(item, message, &error).await,
        }
    }

    async fn after(
        &mut self,
        item: &OutboxItem<WhatsAppWork>,
        message: &Message,
        error: &SendError,
    ) -> Result<Progress, Stop> {
        let now = self.core.clock.now();
        match delivery::after_failure(error, item.attempts) {
            // Its id is stored, so it is looked up before it is handed over again.
            AfterFailure::Pause => {
                self.postpone(item, now, &error.to_string(), false).await?;
                Err(Stop::Pause(error.to_string()))
            }
            AfterFailure::Retry { after } => {
                self.postpone(item, now.plus(after), &error.to_string(), true).await?;
                Ok(Progress::Worked)
            }
            AfterFailure::Fail { code, detail } => {
                self.give_up(message, MessageState::Failed, &code, detail).await?;
                Ok(Progress::Worked)
            }
            AfterFailure::LookUp => {
                self.postpone(item, now.plus(UNCLEAR_PAUSE), &error.to_string(), false)
                    .await?;
                Ok(Progress::Worked)
            }
        }
    }

    /// Stores that the page has taken a message.
    async fn taken(&self, message: &Message, how: HandedOver) -> Result<(), StoreError> {
        self.core
            .write_with((message.id, how), |tx, core, (id, how)| {
                async move {
                    if let Some(current) = tx.messages().lock(*id).await? {
                        if how.quote_lost {
                            quote::leave_out(tx, &core.policy, &current).await?;
                        }
                        state::apply_ack(tx, &core.policy, &current, how.ack).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    pub(super) async fn give_up(
        &self,
        message: &Message,
        state: MessageState,
        code: &str,
        detail: String,
    ) -> Result<(), StoreError> {
        self.set_state(
            message,
            state,
            Some(Failure {
                code: code.to_owned(),
                detail,
            }),
        )
        .await
    }

    /// Sets a message's state, unless it was changed meanwhile (by an ack, or by a person who cancelled).
    pub(super) async fn set_state(
        &self,
        message: &Message,
        state: MessageState,
        failure: Option<Failure>,
    ) -> Result<(), StoreError> {
        let input = (message.id, message.state, state, failure);
        self.core
            .write_with(input, |tx, core, (id, from, state, failure)| {
                async move {
                    if let Some(current) = tx.messages().lock(*id).await?
                        && (current.state == *from || current.state == MessageState::Sending)
                    {
                        state::set_state(tx, &core.policy, &current, *state, failure.as_ref()).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Makes a row due again at `until`; `count`: it counts as a failed attempt.
    pub(crate) async fn postpone(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        until: Timestamp,
        why: &str,
        count: bool,
    ) -> Result<(), StoreError> {
        let input = (item.id, until, why.to_owned(), count);
        self.core
            .write(input, |tx, (id, until, why, count)| {
                async move { tx.outbox().retry(*id, *until, why, *count).await }.boxed()
            })
            .await
    }

    /// Removes a row whose work is done.
    pub(crate) async fn finish(&self, item: &OutboxItem<WhatsAppWork>) -> Result<(), StoreError> {
        self.core
            .write(item.id, |tx, &id| {
                async move { tx.outbox().finish(id).await.map(|_| ()) }.boxed()
            })
            .await
    }
}
