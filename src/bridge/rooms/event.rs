//! What one event in a room means: a text for the customer, a command, something that is not built yet, or nothing
//! (rule 1 and 5).

use std::collections::{HashMap, HashSet};

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{people, state};
use crate::domain::conversation::Conversation;
use crate::domain::matrix::{Membership, ReadUpTo, RoomEvent, RoomEventKind};
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId, MessageId};
use crate::store::{StoreError, Tx};

use super::effects::{Taken, answer};
use super::{commands, effects, gone};

/// What is known besides the event itself.
#[derive(Clone, Default)]
pub(crate) struct Around {
    /// What agents' `!send` replies point at.
    pub confirmed: HashMap<MatrixEventId, RoomEvent>,
    /// Our own user.
    pub bot: Option<MatrixUserId>,
    /// Rooms in which an earlier event still waits: what comes after it waits too.
    pub waiting: HashSet<MatrixRoomId>,
    /// Of events that agents have read and that show no message: those before them, the newest first.
    pub before: HashMap<MatrixEventId, Vec<MatrixEventId>>,
}

/// Takes in one event.
pub(crate) async fn take_in(
    tx: &mut Tx,
    policy: &Policy,
    event: &RoomEvent,
    around: &Around,
) -> Result<Taken, StoreError> {
    let is_work = asks(event) && tx.agents().is_answering(&event.sender).await?;
    let conversation = match conversation_of(tx, event).await? {
        Some(conversation) if !around.waiting.contains(&event.room) || !is_work => conversation,
        None if !is_work || !tx.rooms().is_making_one().await? => return Ok(Taken::Nothing),
        // An agent may write in a room between its making and our writing it down; what comes after waits its turn.
        _ => {
            tx.pending_events()
                .add(&event.room, &event.id, &event.sender, event.at)
                .await?;
            return Ok(Taken::Nothing);
        }
    };
    if let RoomEventKind::Member { user, membership } = &event.what {
        return member(tx, around, &event.room, user, *membership).await;
    }
    if !is_work || tx.rooms().is_known_event(&event.id).await? {
        return Ok(Taken::Nothing);
    }
    if conversation.merged_into.is_some() {
        let text = format!("Not sent. {}", people::goes_on(tx, conversation.id).await?);
        return answer(tx, &conversation, event, text).await;
    }
    match &event.what {
        RoomEventKind::Text { body, reply_to } => {
            let reply_to = reply_to.as_ref();
            match commands::parse(body) {
                Some(command) => {
                    let original = reply_to.and_then(|id| around.confirmed.get(id));
                    effects::run(tx, policy, &conversation, event, command, original).await
                }
                None => effects::text(tx, policy, &conversation, event, body, reply_to).await,
            }
        }
        RoomEventKind::Unsupported(what) => {
            answer(
                tx,
                &conversation,
                event,
                format!("Not sent: {what} is not supported yet. Write it as a new message."),
            )
            .await
        }
        RoomEventKind::Undecryptable => {
            if !tx
                .pending_events()
                .add(&event.room, &event.id, &event.sender, event.at)
                .await?
            {
                return Ok(Taken::Nothing);
            }
            tx.pending_events().mark_told(&event.id).await?;
            let text = "Not sent: I cannot decrypt this yet. It goes out when its key arrives; or write it again.";
            answer(tx, &conversation, event, text.to_owned()).await
        }
        RoomEventKind::Notice | RoomEventKind::Other | RoomEventKind::Member { .. } => Ok(Taken::Nothing),
    }
}

/// Says in the room that what was written before this event could not be read back.
pub(crate) async fn tell_cut(tx: &mut Tx, first: &RoomEvent) -> Result<(), StoreError> {
    if let Some(conversation) = conversation_of(tx, first).await? {
        let text = "Not sent: what was written before this message, while I was away; it was too much to be read back. \
                    Write again what still holds.";
        answer(tx, &conversation, first, text.to_owned()).await?;
    }
    Ok(())
}

/// Whether an event asks something of us, if an agent wrote it.
const fn asks(event: &RoomEvent) -> bool {
    use RoomEventKind::{Text, Undecryptable, Unsupported};
    matches!(event.what, Text { .. } | Unsupported(_) | Undecryptable)
}

/// Forgets a room that the bot was put out of: the next message makes a new one. Other memberships change nothing here.
async fn member(
    tx: &mut Tx,
    around: &Around,
    room: &MatrixRoomId,
    user: &MatrixUserId,
    membership: Membership,
) -> Result<Taken, StoreError> {
    let is_out = matches!(membership, Membership::Leave | Membership::Ban);
    if is_out && around.bot.as_ref() == Some(user) {
        gone::forget(tx, room).await?;
    }
    Ok(Taken::Nothing)
}

/// An agent's receipt: what the customer wrote is read (rule 15).
pub(crate) async fn read_up_to(
    tx: &mut Tx,
    receipt: &ReadUpTo,
    around: &Around,
) -> Result<Option<Conversation>, StoreError> {
    if !tx.agents().is_answering(&receipt.user).await? {
        return Ok(None);
    }
    let Some(id) = tx.rooms().conversation(&receipt.room).await? else {
        return Ok(None);
    };
    let Some(conversation) = tx.conversations().get(id).await? else {
        return Ok(None);
    };
    let Some(read) = read_message(tx, receipt, around).await? else {
        return Ok(None);
    };
    if conversation.last_message_id.is_some_and(|last| read < last) {
        // There is more that the agent has not seen.
        return Ok(None);
    }
    let newly = state::mark_answered(tx, &conversation).await?;
    Ok(newly.then_some(conversation))
}

/// Returns the newest message that is shown at or before the event that was read. A receipt may stand on a tick or a notice.
async fn read_message(tx: &mut Tx, receipt: &ReadUpTo, around: &Around) -> Result<Option<MessageId>, StoreError> {
    let before = around.before.get(&receipt.event).into_iter().flatten();
    for event in std::iter::once(&receipt.event).chain(before) {
        if let Some(shown) = tx.rooms().message_of_event(event).await? {
            return Ok(Some(shown.message));
        }
    }
    Ok(None)
}

async fn conversation_of(tx: &mut Tx, event: &RoomEvent) -> Result<Option<Conversation>, StoreError> {
    match tx.rooms().conversation(&event.room).await? {
        Some(id) => tx.conversations().get(id).await,
        None => Ok(None),
    }
}
