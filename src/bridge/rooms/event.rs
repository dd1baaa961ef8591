//! What one event in a room means: a text for the customer, a command, something that is not built yet, or nothing
//! (rule 1 and 5).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{consent, people, state};
use crate::bridge::outbound::queue;
use crate::bridge::outbound::queue::NewText;
use crate::domain::conversation::Conversation;
use crate::domain::matrix::{Membership, ReadUpTo, RoomEvent, RoomEventKind};
use crate::domain::message::{Author, Origin};
use crate::domain::outbox::MatrixWork;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};
use crate::store::{NewWork, StoreError, Tx};

use super::gone;

/// What an agent wrote longer ago than this is not sent without a word (rule 5).
const STALE_AFTER: Duration = Duration::from_hours(1);

const HELP: &str = "What you write here goes to the customer. Lines that begin with ! do not: \
    reply to an old message with !send to send it after all.";

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Queued,
    Answered,
    Nothing,
}

/// Whether a text confirms the message that it replies to.
pub(crate) fn is_confirmation(body: &str) -> bool {
    body.trim() == "!send"
}

/// What is known besides the event itself.
#[derive(Clone, Default)]
pub(crate) struct Around {
    /// What agents' `!send` replies point at.
    pub confirmed: HashMap<MatrixEventId, RoomEvent>,
    /// Our own user.
    pub bot: Option<MatrixUserId>,
    /// Rooms in which an earlier event still waits: what comes after it waits too.
    pub waiting: HashSet<MatrixRoomId>,
}

/// Takes in one event.
pub(crate) async fn take_in(
    tx: &mut Tx,
    policy: &Policy,
    event: &RoomEvent,
    around: &Around,
) -> Result<Taken, StoreError> {
    let conversation = match conversation_of(tx, event).await? {
        Some(conversation) if !around.waiting.contains(&event.room) || !is_work(policy, event) => conversation,
        None if !is_work(policy, event) || !tx.is_making_a_room().await? => return Ok(Taken::Nothing),
        // An agent may write in a room between its making and our writing it down; what comes after waits its turn.
        _ => {
            tx.add_pending_event(&event.room, &event.id, &event.sender, event.at)
                .await?;
            return Ok(Taken::Nothing);
        }
    };
    if let RoomEventKind::Member { user, membership } = &event.what {
        return member(tx, around, &event.room, user, *membership).await;
    }
    if !policy.agents.contains(&event.sender) || tx.is_known_event(&event.id).await? {
        return Ok(Taken::Nothing);
    }
    if conversation.merged_into.is_some() && is_work(policy, event) {
        let text = format!("Not sent. {}", people::goes_on(tx, conversation.id).await?);
        return answer(tx, &conversation, event, text).await;
    }
    match &event.what {
        RoomEventKind::Text { body, reply_to } if is_confirmation(body) => {
            let original = reply_to.as_ref().and_then(|id| around.confirmed.get(id));
            confirm(tx, policy, &conversation, event, original).await
        }
        RoomEventKind::Text { body, .. } if body.trim_start().starts_with('!') => {
            let text = match body.trim() {
                "!help" => HELP.to_owned(),
                _ => format!("Not sent: this is no command that I know. {HELP}"),
            };
            answer(tx, &conversation, event, text).await
        }
        RoomEventKind::Text { body, reply_to } => text(tx, policy, &conversation, event, body, reply_to.as_ref()).await,
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
                .add_pending_event(&event.room, &event.id, &event.sender, event.at)
                .await?
            {
                return Ok(Taken::Nothing);
            }
            tx.pending_event_told(&event.id).await?;
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

/// Whether an event asks something of us.
fn is_work(policy: &Policy, event: &RoomEvent) -> bool {
    use RoomEventKind::{Text, Undecryptable, Unsupported};
    policy.agents.contains(&event.sender) && matches!(event.what, Text { .. } | Unsupported(_) | Undecryptable)
}

async fn text(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    event: &RoomEvent,
    body: &str,
    reply_to: Option<&MatrixEventId>,
) -> Result<Taken, StoreError> {
    if tx.now().since(event.at) > STALE_AFTER {
        let text = format!(
            "Not sent: this reached me long after it was written ({}). Reply to it with !send to send it now.",
            event.at
        );
        return answer(tx, conversation, event, text).await;
    }
    queue(tx, policy, conversation, event, body, reply_to).await
}

/// An agent says that a stale message is to go out after all.
async fn confirm(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    event: &RoomEvent,
    original: Option<&RoomEvent>,
) -> Result<Taken, StoreError> {
    let Some(original) = original else {
        return answer(
            tx,
            conversation,
            event,
            "Not sent: reply with !send to the message that is meant.".to_owned(),
        )
        .await;
    };
    match &original.what {
        RoomEventKind::Text { body, reply_to }
            if original.sender == event.sender
                && original.room == event.room
                && !body.trim_start().starts_with('!') =>
        {
            if tx.message_of_event(&original.id).await?.is_some() {
                return answer(
                    tx,
                    conversation,
                    event,
                    "That message has been sent already.".to_owned(),
                )
                .await;
            }
            queue(tx, policy, conversation, original, body, reply_to.as_ref()).await
        }
        _ => {
            answer(
                tx,
                conversation,
                event,
                "Not sent: only a text of your own can be confirmed with !send.".to_owned(),
            )
            .await
        }
    }
}

async fn queue(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    event: &RoomEvent,
    body: &str,
    reply_to: Option<&MatrixEventId>,
) -> Result<Taken, StoreError> {
    if let Err(refusal) = queue::check_text(body) {
        return answer(tx, conversation, event, format!("Not sent: {refusal}.")).await;
    }
    if let Some(refusal) = consent::refusal(tx, conversation).await? {
        return answer(tx, conversation, event, format!("Not sent: {refusal}.")).await;
    }
    let reply_to = match reply_to {
        Some(replied) => tx.message_of_event(replied).await?.map(|shown| shown.message),
        None => None,
    };
    let new = NewText {
        file: None,
        conversation: conversation.clone(),
        content: body.to_owned(),
        special: None,
        author: Author {
            origin: Some(Origin::Matrix),
            name: name_of(&event.sender),
        },
        reply_to,
        client_key: Some(format!("matrix:{}", event.id)),
        event: Some(event.id.clone()),
    };
    queue::queue(tx, policy, &new).await?;
    Ok(Taken::Queued)
}

async fn answer(
    tx: &mut Tx,
    conversation: &Conversation,
    event: &RoomEvent,
    text: String,
) -> Result<Taken, StoreError> {
    let work = MatrixWork::Reply {
        room: event.room.clone(),
        event: event.id.clone(),
        text,
    };
    tx.enqueue(NewWork::for_conversation(
        conversation.account_id,
        conversation.id,
        work,
    ))
    .await?;
    Ok(Taken::Answered)
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
    policy: &Policy,
    receipt: &ReadUpTo,
) -> Result<Option<Conversation>, StoreError> {
    if !policy.agents.contains(&receipt.user) {
        return Ok(None);
    }
    let Some(id) = tx.conversation_of_room(&receipt.room).await? else {
        return Ok(None);
    };
    let Some(conversation) = tx.conversation(id).await? else {
        return Ok(None);
    };
    let read = tx.message_of_event(&receipt.event).await?.map(|shown| shown.message);
    if read.is_some_and(|read| conversation.last_message_id.is_some_and(|last| read < last)) {
        // There is more that the agent has not seen.
        return Ok(None);
    }
    let newly = state::mark_answered(tx, &conversation).await?;
    Ok(newly.then_some(conversation))
}

async fn conversation_of(tx: &mut Tx, event: &RoomEvent) -> Result<Option<Conversation>, StoreError> {
    match tx.conversation_of_room(&event.room).await? {
        Some(id) => tx.conversation(id).await,
        None => Ok(None),
    }
}

/// `@ada:example.org` is `ada` to her colleagues.
fn name_of(user: &MatrixUserId) -> String {
    let local = user.as_str().trim_start_matches('@');
    local.split_once(':').map_or(local, |(name, _)| name).to_owned()
}
