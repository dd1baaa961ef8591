//! Holds messages for later when the customer writes first: what was planned may not fit any more, so a person decides.

use crate::bridge::core::notice;
use crate::bridge::core::policy::Policy;
use crate::contract::Event;
use crate::domain::Timestamp;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Message, MessageState};
use crate::domain::outbox::Target;
use crate::domain::pacing::{WaitReason, Waiting};
use crate::domain::schedule::Stage;
use crate::domain::when;
use crate::store::{StoreError, Tx};

/// Holds the messages for later of a conversation in which the customer has just written, also those whose time has come
/// and that are not handed over yet.
pub(super) async fn overtaken(tx: &mut Tx, policy: &Policy, conversation: &Conversation) -> Result<(), StoreError> {
    if conversation.scheduled_count == 0 {
        return Ok(());
    }
    for planned in tx.scheduled().of_conversation(conversation.id).await? {
        if let Some(message) = tx.messages().lock(planned.message).await? {
            hold(tx, policy, &message, planned.send_at, WaitReason::CustomerWrote).await?;
        }
    }
    Ok(())
}

/// Holds a message for a person because two customers were separated and it may be for either; also one that was to go at
/// once, and one that is held for another reason.
pub(crate) async fn hold_for_either(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<(), StoreError> {
    let planned = tx.scheduled().of(message.id).await?;
    if planned.is_none() && message.state == MessageState::Queued {
        tx.scheduled().add(message, message.timestamp).await?;
    }
    let send_at = planned.map_or(message.timestamp, |planned| planned.send_at);
    hold(tx, policy, message, send_at, WaitReason::Separated).await
}

/// Holds a message for a person, if it is not handed over yet.
pub(crate) async fn hold(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    send_at: Timestamp,
    reason: WaitReason,
) -> Result<(), StoreError> {
    match message.state {
        MessageState::Scheduled => {}
        MessageState::Held if reason == WaitReason::Separated => {}
        MessageState::Queued => {
            tx.outbox().remove(message.id, Target::WhatsApp).await?;
        }
        _ => return Ok(()),
    }
    tx.scheduled().set(message.id, Stage::Held, send_at).await?;
    let waiting = Waiting { reason, until: send_at };
    let held = tx
        .messages()
        .set_for_later(message.id, MessageState::Held, waiting)
        .await?;
    tx.emit(Event::message_held(&held));
    let (id, why) = (held.id, reason.explained());
    let at = match when::told(send_at, &policy.time_zone) {
        // It was to go at once.
        _ if send_at == message.timestamp => String::new(),
        Some(at) => format!(" for {at}"),
        None => format!(" for {send_at}"),
    };
    let text = if reason == WaitReason::Separated {
        // Its room may show it no longer, or another room instead.
        let conversation = tx.conversations().get(held.conversation_id).await?;
        let name = conversation.map_or_else(String::new, |conversation| {
            policy.shown_name(&conversation.name, conversation.customer_id)
        });
        format!(
            "Not sent: message {id}{at} is held, because {why}. In the room of {name} !release {id} sends it to them, \
             and !cancel {id} drops it."
        )
    } else {
        format!("Not sent: message {id}{at} is held, because {why}. !release {id} sends it, !cancel {id} drops it.")
    };
    notice::tell(tx, policy, &held, text).await
}
