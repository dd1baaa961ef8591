//! Messages for later: stores them, and puts them into the outbox when their time has come. Until then they have no
//! lane, so nothing waits behind them.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::consent;
use crate::bridge::core::policy::Policy;
use crate::bridge::core::state::mark_answered;
use crate::bridge::inbound::later::hold;
use crate::contract::Event;
use crate::domain::Timestamp;
use crate::domain::message::{Message, MessageState};
use crate::domain::pacing::{WaitReason, Waiting};
use crate::domain::schedule::{Due, MAX_LATE, Stage, when_due};
use crate::store::{ScheduledSend, StoreError, Tx};

use super::queue;
use super::relay::WhatsAppRelay;

/// How often the relay looks for messages whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most of them that are handled at a time.
const AT_ONCE: u64 = 32;

/// Lets a stored message wait for its time.
pub(super) async fn schedule(tx: &mut Tx, message: &Message, send_at: Timestamp) -> Result<Message, StoreError> {
    tx.scheduled().add(message, send_at).await?;
    wait(tx, message, send_at).await
}

/// Gives a message for later another time; a held one waits for it again.
pub(crate) async fn reschedule(tx: &mut Tx, message: &Message, send_at: Timestamp) -> Result<Message, StoreError> {
    tx.scheduled().set(message.id, Stage::Scheduled, send_at).await?;
    tx.scheduled().decided(message.id).await?;
    wait(tx, message, send_at).await
}

async fn wait(tx: &mut Tx, message: &Message, until: Timestamp) -> Result<Message, StoreError> {
    let reason = WaitReason::Scheduled;
    let waiting = Waiting { reason, until };
    let waits = tx
        .messages()
        .set_for_later(message.id, MessageState::Scheduled, waiting)
        .await?;
    tx.emit(Event::message_scheduled(&waits));
    Ok(waits)
}

/// Puts a message for later into the outbox because a person says so, whoever has written since.
pub(crate) async fn release(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<Message, StoreError> {
    tx.scheduled().remove(message).await?;
    put_out(tx, policy, message).await
}

async fn put_out(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<Message, StoreError> {
    let conversation = tx.conversations().get(message.conversation_id).await?;
    let conversation = conversation.ok_or(StoreError::Missing { what: "conversation" })?;
    let expires = policy.send_expires.map(|span| tx.now().plus(span));
    let queued = tx.messages().take_up(message.id, expires).await?;
    queue::put_out(tx, policy, &queued, None).await?;
    tx.emit(Event::message_queued(&queued));
    mark_answered(tx, &conversation).await?;
    Ok(queued)
}

impl WhatsAppRelay {
    /// Puts messages into the outbox whose time has come. While the account cannot send, it only holds those that are too
    /// late, so that people learn of them.
    pub(super) async fn take_up_due(&mut self, may_send: bool) -> Result<(), StoreError> {
        let now = self.core.clock.now();
        let looked = now.since(self.looked_for_due);
        if self.looked_for_due <= now && looked < LOOK_EVERY {
            return Ok(());
        }
        self.looked_for_due = now;
        let until = if may_send {
            now
        } else {
            now.minus(MAX_LATE + LOOK_EVERY)
        };
        let due = self.core.store.scheduled().due(self.account, until, AT_ONCE).await?;
        if due.is_empty() || self.core.store.clock_doubted_until().await?.is_some() {
            return Ok(());
        }
        for planned in due {
            self.core
                .write_with(planned, |tx, core, planned| {
                    async move { take_up(tx, &core.policy, planned).await }.boxed()
                })
                .await?;
        }
        Ok(())
    }
}

/// Takes up a message whose time has come, if nobody has changed it meanwhile.
async fn take_up(tx: &mut Tx, policy: &Policy, planned: &ScheduledSend) -> Result<(), StoreError> {
    let Some(message) = tx.messages().lock(planned.message).await? else {
        return Ok(());
    };
    if message.state != MessageState::Scheduled || tx.scheduled().of(message.id).await? != Some(*planned) {
        return Ok(());
    }
    let Some(conversation) = tx.conversations().get(message.conversation_id).await? else {
        return Ok(());
    };
    if consent::opted_out(tx, &conversation).await?.is_some() {
        return consent::fail(tx, policy, &message).await;
    }
    let is_overtaken = tx.scheduled().is_overtaken(&message, planned).await?;
    let reason = match when_due(planned.send_at, tx.now(), is_overtaken) {
        Due::Goes => {
            tx.scheduled().set(message.id, Stage::Due, planned.send_at).await?;
            put_out(tx, policy, &message).await?;
            return Ok(());
        }
        Due::Overtaken => WaitReason::CustomerWrote,
        Due::Late => WaitReason::Late,
    };
    hold(tx, policy, &message, planned.send_at, reason).await
}

/// Returns whether a queued message may be handed over now, as far as it was one for later: not if the customer has written
/// since, nor long after its time. (The pace may delay it as any other.)
pub(super) async fn may_go(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<bool, StoreError> {
    let Some(planned) = tx.scheduled().of(message.id).await? else {
        return Ok(true);
    };
    let is_overtaken = tx.scheduled().is_overtaken(message, &planned).await?;
    let reason = match when_due(planned.send_at, tx.now(), is_overtaken) {
        Due::Late if message.waiting.is_none() => WaitReason::Late,
        Due::Overtaken => WaitReason::CustomerWrote,
        Due::Goes | Due::Late => {
            tx.scheduled().remove(message).await?;
            return Ok(true);
        }
    };
    hold(tx, policy, message, planned.send_at, reason).await?;
    Ok(false)
}
