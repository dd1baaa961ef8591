//! Rooms that are gone: the bot was removed, or the room does not exist any more. Such a room never comes back, because
//! the bot accepts no invitations.

use crate::domain::MatrixRoomId;
use crate::store::{StoreError, Tx};

use super::management::wants;

/// Forgets a room, so that the next message of its conversation creates a new one. Removes the outbox rows that can be
/// done in this room only.
pub(crate) async fn forget(tx: &mut Tx, room: &MatrixRoomId) -> Result<(), StoreError> {
    if let Some(id) = tx.rooms().conversation(room).await? {
        tx.rooms().forget(id).await?;
        // Its sub-space does not show it any more.
        if let Some(conversation) = tx.conversations().get(id).await? {
            tx.places().ask(conversation.account_id, room).await?;
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
