//! Puts a message that was decrypted late in the place of the line that stood for it.

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{consent, notice};
use crate::contract::Event;
use crate::domain::message::{Direction, Kind, Message};
use crate::domain::whatsapp::WaMessage;
use crate::domain::wording::UNDECRYPTED;
use crate::store::{Decrypted, StoreError, Tx};

use super::polls;

/// Replaces a stored line of an undecrypted message by the message; does nothing to any other message. Returns the message
/// as stored afterwards.
pub(super) async fn replace(
    tx: &mut Tx,
    policy: &Policy,
    stored: Message,
    told: &WaMessage,
) -> Result<Message, StoreError> {
    let is_awaited = stored.kind == Kind::Unknown && stored.content == UNDECRYPTED && stored.deleted_at.is_none();
    if !is_awaited || told.is_deleted || told.content == UNDECRYPTED {
        return Ok(stored);
    }
    let reply_to = match &told.quoted {
        Some(quoted) => tx.messages().in_conversation(stored.conversation_id, quoted).await?,
        None => None,
    };
    let mut details = told.details.clone().unwrap_or_default();
    if reply_to.is_some() {
        details.quote = None;
    }
    if let Some(poll) = &mut details.poll {
        poll.votes = polls::votes_of(told);
    }
    if let Some(at) = details.disappears_at(stored.timestamp) {
        tx.messages().set_disappearing(stored.id, at).await?;
    }
    let details = details.into_option();
    let decrypted = Decrypted {
        kind: told.kind,
        content: &told.content,
        details: details.as_ref(),
        reply_to,
    };
    let message = tx.messages().set_decrypted(stored.id, decrypted).await?;
    tx.emit(Event::message_edited(&message));
    let line = format!("This could be decrypted: {}", message.content);
    notice::show_edit(tx, policy, &message, line).await?;
    // Only now their words are known.
    if message.direction == Direction::Inbound
        && !message.backfilled
        && let Some(conversation) = tx.conversations().get(message.conversation_id).await?
    {
        consent::heard(tx, policy, &conversation, &message).await?;
    }
    Ok(message)
}
