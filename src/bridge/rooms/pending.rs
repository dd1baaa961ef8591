//! Handles events that had to wait, in their room's order: for their room to be stored, for their key, for the message that they
//! react to, or for a file before them.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::domain::MatrixRoomId;
use crate::domain::delivery::back_off;
use crate::domain::matrix::{Matrix, MatrixError, RoomEventKind};
use crate::store::{PendingEvent, StoreError};

use super::commands::context::RoomContext;
use super::effects::{Taken, refuse_to};
use super::{changes, event};

/// Age at which an event that could not be read or decrypted is given up: a key that has not come by then does not come any more.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// Handles the first events of a room that wait, up to one that still has to.
pub(super) async fn go_on(core: &Core, port: &dyn Matrix, room: &MatrixRoomId) -> Result<(), StoreError> {
    while let Some(first) = core.store.pending_events().first_of(room).await? {
        if first.has_file || !retry(core, port, &first).await? {
            break;
        }
    }
    Ok(())
}

/// Returns whether the event was handled, or given up. One with a file waits on, until that is fetched.
pub(super) async fn retry(core: &Core, port: &dyn Matrix, pending: &PendingEvent) -> Result<bool, StoreError> {
    // It waits for its sender's receipt, for the message that it reacts to, or for the next try.
    if !pending.has_file && pending.not_before.is_some_and(|until| until > core.clock.now()) {
        return Ok(false);
    }
    let event = match port.event(&pending.room, &pending.event).await {
        Ok(event) => event,
        Err(error) => return unread(core, pending, &error).await,
    };
    if pending.told && event.what == RoomEventKind::Undecryptable {
        return Ok(false);
    }
    let around = RoomContext::of_waiting(core, port, &event).await?;
    let input = (pending.clone(), event, around);
    core.write_with(input, |tx, core, (pending, event, around)| {
        async move {
            if let Some(until) = changes::waits_until(tx, pending, event, around).await? {
                tx.pending_events().put_off(&event.id, until).await?;
                return Ok(false);
            }
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

/// Handles that the homeserver does not give us an event. It is tried again for a day, after a growing pause, unless there is no
/// such event, or none that we may see. Returns whether it was given up.
async fn unread(core: &Core, pending: &PendingEvent, error: &MatrixError) -> Result<bool, StoreError> {
    let now = core.clock.now();
    let why = match error {
        MatrixError::Unreachable { why, .. } if now.since(pending.first_seen) <= GIVE_UP_AFTER => {
            tracing::debug!(event = %pending.event, "an event that waits cannot be read now: {why}");
            let (attempts, at) = (pending.attempts + 1, now.plus(back_off(pending.attempts)));
            let later = (pending.event.clone(), attempts, at);
            core.write(later, |tx, (event, attempts, at)| {
                async move { tx.pending_events().retry(event, *attempts, *at).await }.boxed()
            })
            .await?;
            return Ok(false);
        }
        MatrixError::Unreachable { .. } => "the homeserver has not let me read this for a day",
        MatrixError::Refused(_) | MatrixError::RoomGone(_) => {
            "the homeserver does not have this any more, or not for me"
        }
    };
    end(
        core,
        pending,
        format!("Not sent: {why}. Write it again if it still matters."),
    )
    .await?;
    Ok(true)
}

/// Gives an event up that cannot be decrypted, and answers it in its room. Does nothing if it can be after all, or if the
/// homeserver does not answer.
pub(super) async fn give_up(core: &Core, port: &dyn Matrix, pending: &PendingEvent) -> Result<(), StoreError> {
    match port.event(&pending.room, &pending.event).await {
        Ok(event) if event.what != RoomEventKind::Undecryptable => return Ok(()),
        Err(MatrixError::Unreachable { .. }) => return Ok(()),
        Ok(_) | Err(MatrixError::Refused(_) | MatrixError::RoomGone(_)) => {}
    }
    let text =
        "Not sent: I could not decrypt this in a day, and do not try any more. Write it again if it still matters.";
    end(core, pending, text.to_owned()).await
}

/// Gives an event up, and says so in its room.
async fn end(core: &Core, pending: &PendingEvent, text: String) -> Result<(), StoreError> {
    core.write((pending.clone(), text), |tx, (pending, text)| {
        async move {
            if !tx.pending_events().remove(&pending.event).await? {
                return Ok(());
            }
            let Some(conversation) = tx.rooms().conversation(&pending.room).await? else {
                return Ok(());
            };
            if let Some(conversation) = tx.conversations().get(conversation).await? {
                let event = (&pending.room, &pending.event);
                let _: Taken = refuse_to(tx, &conversation, event, text.clone()).await?;
            }
            Ok::<_, StoreError>(())
        }
        .boxed()
    })
    .await
}
