//! Decisions of people about failed or unknown messages (rule 4), and the replay of quarantined events (rule 13).

use std::sync::Arc;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::state::failure;
use crate::bridge::core::{Core, accounts, consent, state};
use crate::bridge::inbound::batch;
use crate::contract::Event;
use crate::domain::MessageId;
use crate::domain::message::{CANCELLED, Direction, Message, MessageState};
use crate::domain::outbox::{Target, WhatsAppWork};
use crate::domain::whatsapp::PageEvent;
use crate::store::{Cursor, NewWork, PageRequest, QuarantineItem, Tx};

use super::edits::SeenMessage;
use super::handle::Desk;

/// A person's decision about a message whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was sent; the person has seen it on the phone.
    Sent,
    /// It was not sent.
    Failed,
}

/// A person's decision about a message that went wrong, or has not gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is queued again.
    Retry,
    /// It is not sent.
    Cancel,
    /// Its outcome is this.
    Resolve(Resolution),
}

/// Result of a replay of the quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Events that were stored, and so left the quarantine.
    pub taken_in: usize,
    /// Events that still cannot be stored.
    pub still_refused: usize,
}

/// Items that are read at a time. How many there are is bounded by the quarantine itself.
const REPLAY_PAGE: u64 = 100;

impl Desk {
    /// Queues a failed or unknown message again. It keeps its stanza id for ever, so a customer's phone that has it
    /// already shows it once.
    pub async fn retry(&self, message: impl Into<SeenMessage> + Send) -> Result<Message, Refusal> {
        self.decide(message.into(), Decision::Retry).await
    }

    /// Cancels a queued message. Refused once it was handed over to WhatsApp.
    pub async fn cancel(&self, message: impl Into<SeenMessage> + Send) -> Result<Message, Refusal> {
        self.decide(message.into(), Decision::Cancel).await
    }

    /// Settles a message whose outcome is unknown.
    pub async fn resolve(
        &self,
        message: impl Into<SeenMessage> + Send,
        resolution: Resolution,
    ) -> Result<Message, Refusal> {
        self.decide(message.into(), Decision::Resolve(resolution)).await
    }

    async fn decide(&self, message: SeenMessage, decision: Decision) -> Result<Message, Refusal> {
        self.core
            .write_with((message, decision), |tx, core, (message, decision)| {
                async move {
                    message.check(tx).await?;
                    decide(tx, core, message.id, *decision).await
                }
                .boxed()
            })
            .await
    }

    /// Replays all events that are in the quarantine now, for use after an update that can read them.
    pub async fn replay_quarantine(&self) -> Result<Replayed, Refusal> {
        let quarantine = self.core.store.quarantine();
        let mut replayed = Replayed::default();
        // An event that is refused again may come back under a new id; it is not tried twice.
        let Some((newest, _)) = quarantine.page(PageRequest::last(1), None).await?.ends else {
            return Ok(replayed);
        };
        let until = PageRequest::first(REPLAY_PAGE).before(Cursor::of_id(newest.id + 1));
        let mut next = Some(until);
        while let Some(request) = next {
            let page = quarantine.page(request, None).await?;
            for item in &page.data {
                if self.replay(item).await? {
                    self.core
                        .write(item.id, |tx, &id| {
                            async move { Ok::<_, Refusal>(tx.quarantine().remove(id).await?) }.boxed()
                        })
                        .await?;
                    replayed.taken_in += 1;
                } else {
                    replayed.still_refused += 1;
                }
            }
            next = page.ends.filter(|_| page.has_more).map(|(_, last)| until.after(last));
        }
        Ok(replayed)
    }

    /// Returns whether the item could be stored.
    async fn replay(&self, item: &QuarantineItem) -> Result<bool, Refusal> {
        let Some(handle) = item.account_id.and_then(|account| self.handle(account)) else {
            return Ok(false);
        };
        let event = match item.source.as_str() {
            batch::AS_THE_PAGE_TOLD => handle.port.read_again(&item.bytes),
            _ => match serde_json::from_slice(&item.bytes) {
                Ok(event) => event,
                Err(_) => return Ok(false),
            },
        };
        if matches!(event, PageEvent::Poison { .. }) {
            return Ok(false);
        }
        let Some(account) = self.core.store.accounts().get(handle.id).await? else {
            return Ok(false);
        };
        Ok(batch::take_together(&self.core, &Arc::new(account), event.into())
            .await
            .is_ok())
    }
}

/// Carries out a decision in the caller's transaction.
pub(crate) async fn decide(tx: &mut Tx, core: &Core, id: MessageId, decision: Decision) -> Result<Message, Refusal> {
    let message = tx.messages().lock(id).await?.ok_or_else(|| not_found("message", id))?;
    let policy = &accounts::policy(tx, core, message.account_id).await?;
    if message.direction != Direction::Outbound {
        return Err(Refusal::Conflict(format!(
            "message {id} was written by the customer; there is nothing to decide"
        )));
    }
    if message.deleted_at.is_some() {
        return Err(Refusal::Conflict(format!(
            "message {id} was deleted before it was sent, or for everyone; write it again"
        )));
    }
    match (decision, message.state) {
        (Decision::Retry, MessageState::Failed | MessageState::Unknown) => retry(tx, policy, &message).await,
        (Decision::Retry, state) => Err(Refusal::Conflict(format!(
            "message {id} is {state}; only failed and unknown messages can be retried"
        ))),
        (Decision::Cancel, MessageState::Queued | MessageState::Scheduled | MessageState::Held) => {
            let failure = failure(CANCELLED, "it was cancelled before it was sent");
            Ok(state::set_state(tx, policy, &message, MessageState::Failed, Some(&failure)).await?)
        }
        (Decision::Cancel, state) => Err(Refusal::Conflict(format!(
            "message {id} is {state}; only a message that has not gone out can be cancelled"
        ))),
        (Decision::Resolve(Resolution::Sent), MessageState::Unknown) => {
            Ok(state::set_state(tx, policy, &message, MessageState::Sent, None).await?)
        }
        (Decision::Resolve(Resolution::Failed), MessageState::Unknown) => {
            let failure = failure("resolved_failed", "a person marked it as not sent");
            Ok(state::set_state(tx, policy, &message, MessageState::Failed, Some(&failure)).await?)
        }
        (Decision::Resolve(_), state) => Err(Refusal::Conflict(format!(
            "message {id} is {state}; only an unknown outcome can be resolved"
        ))),
    }
}

/// Puts a message back into the outbox. One that has a stanza id becomes `Sending`, so that the relay looks it up under
/// that id before it hands it over again.
async fn retry(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<Message, Refusal> {
    if let Some(conversation) = tx.conversations().get(message.conversation_id).await? {
        consent::check(tx, &conversation).await?;
    }
    let handed_over = tx.messages().hand_over(message.id).await?;
    let state = match &handed_over {
        None => MessageState::Queued,
        Some(_) => MessageState::Sending,
    };
    if handed_over.is_some() {
        tx.messages().renew_login(message.id).await?;
    }
    let expires = policy.send_expires.map(|span| tx.now().plus(span));
    tx.messages().set_expiry(message.id, expires).await?;
    tx.outbox().remove(message.id, Target::WhatsApp).await?;
    let changed = tx.messages().set_state(message.id, state, None).await?;
    tx.outbox()
        .enqueue(NewWork::for_message(
            &changed,
            WhatsAppWork::SendMessage { message: message.id },
        ))
        .await?;
    tx.emit(Event::message_state(&changed));
    Ok(changed)
}
