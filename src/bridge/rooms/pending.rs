//! Handles events that had to wait, in their room's order: for their room to be stored, for their key, or for a file
//! before them.

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::domain::MatrixRoomId;
use crate::domain::matrix::{Matrix, MatrixError, RoomEventKind};
use crate::store::{PendingEvent, StoreError};

use super::commands::context::RoomContext;
use super::effects::{Taken, refuse_to};
use super::event;

/// Handles the first events of a room that wait, up to one that still has to.
pub(super) async fn go_on(core: &Core, port: &dyn Matrix, room: &MatrixRoomId) -> Result<(), StoreError> {
    while let Some(first) = core.store.pending_events().first_of(room).await? {
        if first.has_file || !retry(core, port, &first).await? {
            break;
        }
    }
    Ok(())
}

/// Returns whether the event could be read and was handled. One with a file waits on, until that is fetched.
pub(super) async fn retry(core: &Core, port: &dyn Matrix, pending: &PendingEvent) -> Result<bool, StoreError> {
    // It waits for its sender's receipt.
    if !pending.has_file && pending.not_before.is_some_and(|until| until > core.clock.now()) {
        return Ok(false);
    }
    let Ok(event) = port.event(&pending.room, &pending.event).await else {
        return Ok(false);
    };
    if pending.told && event.what == RoomEventKind::Undecryptable {
        return Ok(false);
    }
    let around = RoomContext::of_waiting(core, port, &event).await?;
    core.write((core.clone(), event, around), |tx, (core, event, around)| {
        async move {
            if matches!(event.what, RoomEventKind::File { .. }) {
                tx.pending_events().await_file(&event.id).await?;
                return Ok(false);
            }
            // Another worker may have handled it, or its sender has redacted it.
            if tx.pending_events().remove(&event.id).await? {
                let _: Taken = event::take_in(tx, core, event, around).await?;
            }
            Ok::<_, StoreError>(true)
        }
        .boxed()
    })
    .await
}

/// Gives an event up that cannot be decrypted, and answers it in its room. Does nothing if it can be after all, or if the
/// homeserver does not answer.
pub(super) async fn give_up(core: &Core, port: &dyn Matrix, pending: &PendingEvent) -> Result<(), StoreError> {
    match port.event(&pending.room, &pending.event).await {
        Ok(event) if event.what != RoomEventKind::Undecryptable => return Ok(()),
        Err(MatrixError::Unreachable { .. }) => return Ok(()),
        Ok(_) | Err(MatrixError::Refused(_) | MatrixError::RoomGone(_)) => {}
    }
    core.write(pending.clone(), |tx, pending| {
        async move {
            if !tx.pending_events().remove(&pending.event).await? {
                return Ok(());
            }
            let Some(conversation) = tx.rooms().conversation(&pending.room).await? else {
                return Ok(());
            };
            if let Some(conversation) = tx.conversations().get(conversation).await? {
                let text = "Not sent: I could not decrypt this in a day, and do not try any more. Write it again if it still \
                            matters.";
                let event = (&pending.room, &pending.event);
                let _: Taken = refuse_to(tx, &conversation, event, text.to_owned()).await?;
            }
            Ok::<_, StoreError>(())
        }
        .boxed()
    })
    .await
}
