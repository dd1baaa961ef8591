//! A room that is gone: we were put out of it, or it is no more. It never comes back, because we accept no invitations.

use crate::domain::MatrixRoomId;
use crate::store::{StoreError, Tx};

/// Forgets a room, so that the next message of its conversation makes a new one, and removes the work that can be done in
/// this room alone.
pub(crate) async fn forget(tx: &mut Tx, room: &MatrixRoomId) -> Result<(), StoreError> {
    if let Some(conversation) = tx.rooms().conversation(room).await? {
        tx.rooms().forget(conversation).await?;
    }
    let removed = tx.outbox().remove_in_room(room).await?;
    if removed > 0 {
        tracing::warn!(%room, "the room is gone; {removed} answers for it are dropped");
    }
    Ok(())
}
