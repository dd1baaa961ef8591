//! Rooms that are gone: the bot was removed, or the room does not exist any more. Such a room never comes back, because
//! the bot accepts no invitations.

use crate::bridge::core::agents;
use crate::domain::MatrixRoomId;
use crate::domain::conversation::Conversation;
use crate::domain::outbox::MatrixWork;
use crate::store::{NewWork, StoreError, Tx};

use super::management::wants;

/// Forgets a room, so that the next message of its conversation creates a new one. Removes the outbox rows that can be
/// done in this room only. What agents wrote for the customer and is not sent now is told in the next room.
pub(crate) async fn forget(tx: &mut Tx, room: &MatrixRoomId) -> Result<(), StoreError> {
    if let Some(id) = tx.rooms().conversation(room).await? {
        tx.rooms().forget(id).await?;
        agents::forget_left(tx, id).await?;
        if let Some(conversation) = tx.conversations().get(id).await? {
            // Its sub-space does not show it any more.
            tx.places().ask(conversation.account_id, room).await?;
            tell_unsent(tx, &conversation, room).await?;
        }
    }
    wants::forget(tx, room).await?;
    tx.questions().remove_in_room(room).await?;
    tx.cards().remove_in_room(room).await?;
    tx.rooms().forget_reads(room).await?;
    let removed = tx.outbox().remove_in_room(room).await?;
    if removed > 0 {
        tracing::warn!(%room, "the room is gone; {removed} answers for it are dropped");
    }
    Ok(())
}

/// Removes what waits in a room, and queues for the next one that it is not sent.
async fn tell_unsent(tx: &mut Tx, conversation: &Conversation, room: &MatrixRoomId) -> Result<(), StoreError> {
    let asked = tx.questions().of_room(room).await?;
    let asked = asked.iter().filter(|asked| asked.holds_back()).count();
    let waiting = tx.pending_events().of_room(room).await?;
    for pending in &waiting {
        tx.pending_events().remove(&pending.event).await?;
    }
    let Some(about) = conversation.last_message_id else {
        return Ok(());
    };
    let asked = match asked {
        0 => None,
        1 => Some(
            "I asked in the room before this one whether a message still fits. Write it again if it does.".to_owned(),
        ),
        many => Some(format!(
            "I asked in the room before this one whether {many} messages still fit. Write them again if they do."
        )),
    };
    let waiting = match waiting.len() {
        0 => None,
        1 => Some(
            "a message in the room before this one still waited when that was gone. Write it again if it still matters."
                .to_owned(),
        ),
        many => Some(format!(
            "{many} messages in the room before this one still waited when that was gone. Write them again if they still \
             matter."
        )),
    };
    for why in asked.into_iter().chain(waiting) {
        let text = format!("Not sent: {why}");
        let work = MatrixWork::Answer { about, text };
        let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
}
