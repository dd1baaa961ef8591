//! Moves a message from state to state: row, journal, tick, and the room's answer where it was given up.

use crate::contract::Event;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Failure, Message, MessageState};
use crate::domain::outbox::{MatrixWork, Target};
use crate::store::{NewWork, StoreError, Tx, WorkFor};

use super::policy::Policy;

/// Moves a message to a new state: row, journal, tick, and for a message given up the room's answer. Says nothing and
/// does nothing when the state is the one that it has.
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
    let settled = !matches!(state, MessageState::Queued | MessageState::Sending);
    if settled {
        // Whatever the outcome: its lane goes on.
        tx.outbox().remove(message.id, Target::WhatsApp).await?;
        tx.wake(WorkFor::WhatsApp(message.account_id));
    }
    if policy.matrix && settled {
        tx.outbox()
            .enqueue(NewWork::for_message(&changed, MatrixWork::Tick { message: message.id }).free())
            .await?;
        if let Some(failure) = failure {
            let text = match state {
                MessageState::Unknown => format!("This may not have been sent: {}", failure.detail),
                _ => format!("This was not sent: {}", failure.detail),
            };
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

/// Applies WhatsApp's ack number to one of our messages; tells whether it was news.
pub(crate) async fn apply_ack(tx: &mut Tx, policy: &Policy, message: &Message, ack: i32) -> Result<bool, StoreError> {
    let Some(state) = message.state.after_ack(ack) else {
        return Ok(false);
    };
    let failure = (state == MessageState::Failed).then(|| Failure {
        code: "refused_by_whatsapp".to_owned(),
        detail: format!(
            "WhatsApp refused it (ack {ack}); look at the chat on the phone and send it anew if it still holds"
        ),
    });
    set_state(tx, policy, message, state, failure.as_ref()).await?;
    Ok(true)
}

/// Who writes to a customer has seen what they wrote (rule 15).
pub(crate) async fn mark_answered(tx: &mut Tx, conversation: &Conversation) -> Result<bool, StoreError> {
    if !tx.conversations().clear_unread(conversation.id).await? {
        return Ok(false);
    }
    if let Some(conversation) = tx.conversations().get(conversation.id).await? {
        tx.emit(Event::conversation_read(&conversation));
    }
    Ok(true)
}

pub(crate) fn failure(code: &str, detail: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
