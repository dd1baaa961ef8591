//! Changes a message's state with all that depends on it: row, journal, outbox, tick, and a notice in the room on
//! failure.

use crate::contract::Event;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Failure, Message, MessageState};
use crate::domain::outbox::{MatrixWork, Target};
use crate::store::{NewWork, StoreError, Tx, WorkFor};

use super::policy::Policy;

/// Stores a message's new state and emits the event. A settled message also leaves the outbox and gets its tick, and
/// with a `failure` also a notice in its room, unless it is deleted. Does nothing if the message has this state and
/// failure already. Returns the message.
pub(crate) async fn set_state(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    state: MessageState,
    failure: Option<&Failure>,
) -> Result<Message, StoreError> {
    if message.state == state && message.failure.as_ref() == failure {
        return Ok(message.clone());
    }
    let changed = tx.messages().set_state(message.id, state, failure.cloned()).await?;
    tx.emit(Event::message_state(&changed));
    let settled = !(state.is_for_later() || matches!(state, MessageState::Queued | MessageState::Sending));
    if settled {
        if matches!(message.state, MessageState::Queued) || message.state.is_for_later() {
            tx.scheduled().remove(&changed).await?;
        }
        // Whatever the outcome, the next message of its lane can go out.
        tx.outbox().remove(message.id, Target::WhatsApp).await?;
        tx.wake(WorkFor::WhatsApp(message.account_id));
    }
    if policy.matrix && settled {
        tx.outbox()
            .enqueue(NewWork::for_message(&changed, MatrixWork::Tick { message: message.id }).free())
            .await?;
        // Who has deleted it knows, and nobody is to send it with one tap.
        if let Some(failure) = failure.filter(|_| changed.deleted_at.is_none()) {
            let text = failure.told(state);
            tx.outbox()
                .enqueue(NewWork::for_message(
                    &changed,
                    MatrixWork::Answer {
                        about: message.id,
                        text,
                    },
                ))
                .await?;
        }
    }
    Ok(changed)
}

/// Deletes a message of ours that WhatsApp never got, so that nobody tries it again.
pub(crate) async fn delete_failed(tx: &mut Tx, message: &Message) -> Result<Message, StoreError> {
    let deleted = tx.messages().set_deleted(message.id, tx.now()).await?;
    tx.emit(Event::message_deleted(&deleted));
    Ok(deleted)
}

/// Applies WhatsApp's ack number to one of our messages. Returns whether it changed the state.
pub(crate) async fn apply_ack(tx: &mut Tx, policy: &Policy, message: &Message, ack: i32) -> Result<bool, StoreError> {
    let Some(state) = message.state.after_ack(ack) else {
        return Ok(false);
    };
    let failure = (state == MessageState::Failed).then(|| Failure {
        code: "refused_by_whatsapp".to_owned(),
        detail: format!(
            "WhatsApp refused it (ack {ack}); check the chat on the phone, and send it again if still relevant"
        ),
    });
    set_state(tx, policy, message, state, failure.as_ref()).await?;
    Ok(true)
}

/// Sets a conversation's unread count to 0, because somebody has answered or read it (rule 15). Returns whether
/// anything was unread.
pub(crate) async fn mark_answered(tx: &mut Tx, conversation: &Conversation) -> Result<bool, StoreError> {
    if !tx.conversations().clear_unread(conversation.id).await? {
        return Ok(false);
    }
    if let Some(conversation) = tx.conversations().get(conversation.id).await? {
        tx.emit(Event::conversation_read(&conversation));
    }
    Ok(true)
}

/// Builds a failure: `code` for programs, `detail` for people.
pub(crate) fn failure(code: &str, detail: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
