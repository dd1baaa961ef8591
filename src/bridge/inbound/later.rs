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
    let at = when::told(send_at, &policy.time_zone).unwrap_or_else(|| send_at.to_string());
    let text = format!(
        "Not sent: message {id} for {at} is held, because {why}. !release {id} sends it, !cancel {id} drops it."
    );
    notice::tell(tx, policy, &held, text).await
}
