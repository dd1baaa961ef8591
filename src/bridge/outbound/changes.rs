//! Sends changes of messages that WhatsApp has: edits, deletions, reactions. Each is idempotent, so after a crash
//! between sending it and storing the result it is simply repeated.

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{Progress, consent, state};
use crate::bridge::inbound::{changes, groups};
use crate::contract::Event;
use crate::domain::conversation::Conversation;
use crate::domain::delivery::{AfterFailure, MAX_ATTEMPTS};
use crate::domain::message::{Direction, Message, MessageState, Reaction};
use crate::domain::outbox::{MatrixWork, OutboxItem, WhatsAppWork};
use crate::domain::whatsapp::{MessageChange, OutgoingChange, SendError};
use crate::domain::{MessageId, WaUserId, delivery};
use crate::store::{HandOver, NewWork, StoreError, Tx};

use super::outgoing;
use super::relay::{Stop, WhatsAppRelay};

/// Returns the message of a piece of work and, unless the message is to be sent, the change and the name of the person
/// who wants it.
pub(crate) fn wanted(work: &WhatsAppWork) -> (MessageId, Option<(MessageChange, &str)>) {
    match work {
        WhatsAppWork::SendMessage { message } => (*message, None),
        WhatsAppWork::EditMessage { message, content, by } => {
            (*message, Some((MessageChange::Edit(content.clone()), by)))
        }
        WhatsAppWork::DeleteMessage { message, by } => (*message, Some((MessageChange::Delete, by))),
        WhatsAppWork::React { message, emoji, by } => (*message, Some((MessageChange::React(emoji.clone()), by))),
    }
}

impl WhatsAppRelay {
    /// Sends one change to WhatsApp and stores the result. Retries failures up to [`MAX_ATTEMPTS`], then gives the
    /// change up.
    pub(crate) async fn change(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        id: MessageId,
        change: MessageChange,
        by: &str,
    ) -> Result<Progress, Stop> {
        let Some(outgoing) = outgoing::read(&self.core.store, id).await? else {
            self.finish(item).await?;
            return Ok(Progress::Worked);
        };
        let Message {
            state,
            direction,
            whatsapp_id,
            ..
        } = outgoing.message;
        let key = match (outgoing.hand_over, whatsapp_id, outgoing.conversation.chat_id.clone()) {
            (Some(HandOver { id, chat, .. }), _, _) | (None, Some(id), Some(chat)) => Some((chat, id)),
            _ => None,
        };
        let Some((chat, stanza)) = key.filter(|_| state.is_with_whatsapp()) else {
            let error = "the message itself was not sent";
            self.refuse_change(item, id, change, "not_sent", error).await?;
            return Ok(Progress::Worked);
        };
        if change.reaches_the_reader() && self.is_opted_out(&outgoing.conversation).await? {
            let why = "the customer has opted out and gets no messages";
            self.refuse_change(item, id, change, consent::OPTED_OUT, why).await?;
            return Ok(Progress::Worked);
        }
        let (written, mentions) = self.written(&outgoing.conversation, &change).await?;
        let asked = OutgoingChange {
            chat,
            id: stanza,
            from_me: direction == Direction::Outbound,
            sender: self.core.store.messages().sender_of(id).await?,
            change: written,
            mentions,
        };
        match self.port.change(&asked).await {
            Ok(()) => self.changed(item, id, change, by).await?,
            // A change is idempotent, so also one with an unknown outcome is tried again.
            Err(SendError::Unknown { why } | SendError::NotSent { why }) => {
                let error = SendError::NotSent { why };
                if let AfterFailure::Retry { after } = delivery::after_failure(&error, item.attempts) {
                    let until = self.core.clock.now().plus(after);
                    self.postpone(item, until, &error.to_string(), true).await?;
                } else {
                    let error = format!("it was tried {MAX_ATTEMPTS} times: {error}");
                    self.refuse_change(item, id, change, "gave_up", &error).await?;
                }
            }
            Err(SendError::Refused { code, detail }) => {
                self.refuse_change(item, id, change, code, &detail).await?;
            }
            Err(SendError::Unreachable(error)) => return Err(error.into()),
        }
        Ok(Progress::Worked)
    }

    /// Returns a change as WhatsApp wants it, and whom it mentions.
    async fn written(
        &self,
        conversation: &Conversation,
        change: &MessageChange,
    ) -> Result<(MessageChange, Vec<WaUserId>), StoreError> {
        if let MessageChange::Edit(content) = change
            && groups::may_mention(conversation, content)
            && let Some(group) = self.core.store.groups().get(conversation.id).await?
        {
            let (text, users) = outgoing::mentioning(content, &groups::mentions_of(content, &group));
            return Ok((MessageChange::Edit(text), users));
        }
        Ok((change.clone(), vec![]))
    }

    async fn is_opted_out(&self, conversation: &Conversation) -> Result<bool, StoreError> {
        self.core
            .write(conversation.id, |tx, &id| {
                async move {
                    match tx.conversations().live(id).await? {
                        Some(live) => Ok::<_, StoreError>(consent::opted_out(tx, &live).await?.is_some()),
                        None => Ok(false),
                    }
                }
                .boxed()
            })
            .await
    }

    async fn changed(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        id: MessageId,
        change: MessageChange,
        by: &str,
    ) -> Result<(), StoreError> {
        let input = (item.id, id, change, by.to_owned());
        self.core
            .write_with(input, |tx, core, (item, id, change, by)| {
                async move {
                    if let Some(message) = tx.messages().lock(*id).await? {
                        done(tx, &core.policy, &message, change, by).await?;
                    }
                    tx.outbox().finish(*item).await.map(|_| ())
                }
                .boxed()
            })
            .await
    }

    /// Ends a change that cannot be made: finishes its row and reports the reason.
    async fn refuse_change(
        &self,
        item: &OutboxItem<WhatsAppWork>,
        id: MessageId,
        change: MessageChange,
        code: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let why = (code.to_owned(), why.to_owned());
        let input = (item.id, id, change, why);
        self.core
            .write_with(input, |tx, core, (item, id, change, why)| {
                async move {
                    tx.outbox().finish(*item).await?;
                    match tx.messages().lock(*id).await? {
                        Some(message) => refuse(tx, &core.policy, &message, change, (&why.0, &why.1)).await,
                        None => Ok(()),
                    }
                }
                .boxed()
            })
            .await
    }
}

/// Stores on the message that a change was not made, with a code and a reason for people, and reports it in the room.
/// The message's state stays.
pub(crate) async fn refuse(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    change: &MessageChange,
    (code, why): (&str, &str),
) -> Result<(), StoreError> {
    if *change == MessageChange::Delete && message.state == MessageState::Failed {
        // It failed after its author had taken it back, and is not to be offered again.
        return state::delete_failed(tx, message).await.map(|_| ());
    }
    let what = match change {
        MessageChange::Edit(_) => "edited",
        MessageChange::Delete => "deleted for everyone",
        MessageChange::React(_) => "reacted to",
    };
    let text = format!("it was not {what}: {why}");
    // A message that failed keeps the reason for that.
    if message.failure.is_none() {
        let told = tx
            .messages()
            .set_state(message.id, message.state, Some(state::failure(code, &text)))
            .await?;
        tx.emit(Event::message_state(&told));
    }
    if policy.matrix {
        let work = MatrixWork::Answer {
            about: message.id,
            text,
        };
        tx.outbox().enqueue(NewWork::for_message(message, work)).await?;
    }
    Ok(())
}

/// Stores a change that WhatsApp has accepted.
async fn done(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    change: &MessageChange,
    by: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    // Clears the failure of an earlier change that was refused.
    let message = if message.failure.is_some() {
        &tx.messages().set_state(message.id, message.state, None).await?
    } else {
        message
    };
    match change {
        MessageChange::Edit(content) => changes::edit(tx, policy, message, content, now, by).await,
        MessageChange::Delete => changes::delete(tx, policy, message, now, by).await,
        MessageChange::React(emoji) => {
            let reaction = Reaction {
                emoji: emoji.clone(),
                from_me: true,
                sender: None,
                name: by.to_owned(),
                at: now,
            };
            changes::react(tx, policy, message, reaction).await
        }
    }
}
