//! Lines in a room that report an event beside the messages themselves.

use crate::contract::Event;
use crate::domain::ConversationId;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Kind, Message};
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, StoreError, Tx};

use super::policy::Policy;

/// Queues a line that answers `message` in its room, so that agents notice a change of an older message. Does nothing
/// for imported history, for system messages, and without a homeserver.
pub(crate) async fn tell(tx: &mut Tx, policy: &Policy, message: &Message, text: String) -> Result<(), StoreError> {
    if !policy.matrix || message.backfilled || message.kind == Kind::System {
        return Ok(());
    }
    let work = MatrixWork::Answer {
        about: message.id,
        text,
    };
    tx.outbox().enqueue(NewWork::for_message(message, work)).await?;
    Ok(())
}

/// Emits that a conversation has changed (a group's name or members), and queues the update of its room.
pub(crate) async fn announce(tx: &mut Tx, policy: &Policy, id: ConversationId) -> Result<(), StoreError> {
    let Some(conversation) = tx.conversations().get(id).await? else {
        return Ok(());
    };
    tx.emit(Event::conversation_updated(&conversation));
    show_room(tx, policy, &conversation).await
}

/// Queues the update of a conversation's room, if there is a homeserver.
pub(crate) async fn show_room(tx: &mut Tx, policy: &Policy, conversation: &Conversation) -> Result<(), StoreError> {
    if policy.matrix {
        let work = NewWork::for_conversation(conversation.account_id, conversation.id, MatrixWork::UpdateRoom);
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
}
