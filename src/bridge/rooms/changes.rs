//! Carries an agent's changes of what is on WhatsApp already: edits of their own messages, and reactions.

use std::time::Duration;

use crate::bridge::core::agents::name_of;
use crate::bridge::core::policy::Policy;
use crate::bridge::desk::{Revision, revise};
use crate::domain::conversation::Conversation;
use crate::domain::internal::InternalKind;
use crate::domain::matrix::{RoomEvent, RoomEventKind};
use crate::domain::message::{Author, Message, Origin};
use crate::domain::{MatrixEventId, MessageId, Timestamp};
use crate::store::{PendingEvent, RoomReaction, StoreError, Tx};

use super::commands;
use super::commands::context::RoomContext;
use super::commands::internal;
use super::effects::{Taken, answer, late, withdraw};

/// How long a reaction waits for the message that it is about: a kill may have come between the homeserver's answer and our
/// commit, and the relay sends that message again at the next start.
const MESSAGE_WITHIN: Duration = Duration::from_mins(1);
/// How often is looked whether the message is known.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Edits the message that the event `of` is, if its author edits it.
pub(super) async fn edit(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    event: &RoomEvent,
    (of, body): (&MatrixEventId, &str),
) -> Result<Taken, StoreError> {
    // It would go out with its first words.
    if withdraw(tx, of, Some(&event.sender)).await? {
        internal::keep_unsent(tx, &event.room, of).await?;
        let text = "Not sent: you have changed this before it went out. Write it again as a new message.";
        return answer(tx, conversation, event, text.to_owned()).await;
    }
    let own = shown_by(tx, of).await?.filter(|message| is_by(message, event));
    let Some(message) = own else {
        let text = unchanged(tx, (of, event)).await?;
        return answer(tx, conversation, event, text).await;
    };
    let refused = if commands::parse(body).is_some() {
        "a message does not become a command; write the command as a new message".to_owned()
    } else {
        match change(tx, policy, &message, Revision::Edit(body.to_owned()), event).await {
            Ok(taken) => {
                internal::store_with(tx, event, InternalKind::Change, Some(message.id)).await?;
                return Ok(taken);
            }
            Err(why) => why,
        }
    };
    let text = format!("Not changed for the customer: {refused}.");
    answer(tx, conversation, event, text).await
}

/// Returns what an agent is told who has edited something else than their own message.
async fn unchanged(tx: &mut Tx, (of, event): (&MatrixEventId, &RoomEvent)) -> Result<String, StoreError> {
    let inside = tx.internal_events().get(of).await?;
    if inside.is_none() && !tx.rooms().is_known_event(of).await? {
        // It may be a text that came too late: `!send` would send its first words.
        internal::keep_unsent(tx, &event.room, of).await?;
    }
    match inside {
        Some(inside) if inside.kind == InternalKind::Note => {
            Ok("The note stays as it was. Remove the note, and write it again.".to_owned())
        }
        Some(inside) if inside.kind == InternalKind::Command => stays(tx, inside.message).await,
        _ => Ok(
            "Not changed for the customer: you can change only what you have sent to the customer from this room."
                .to_owned(),
        ),
    }
}

/// Returns what an agent is told who has changed a command after it was carried out.
async fn stays(tx: &mut Tx, made: Option<MessageId>) -> Result<String, StoreError> {
    let message = match made {
        Some(id) => tx.messages().get(id).await?,
        None => None,
    };
    let planned = message.filter(|message| message.state.is_for_later());
    Ok(planned.map_or_else(
        || {
            "Not changed for the customer: a command stays as it was carried out; write the new one as a new message."
                .to_owned()
        },
        |message| {
            let id = message.id;
            format!("Message {id} stays as it was. !cancel {id} takes it back; then write it again.")
        },
    ))
}

/// Reacts to the message that the event `of` shows. Waits for one of which that is not stored yet, and does nothing for events
/// that show none.
pub(super) async fn react(
    tx: &mut Tx,
    policy: &Policy,
    (conversation, around): (&Conversation, &RoomContext),
    event: &RoomEvent,
    (of, key): (&MatrixEventId, &str),
) -> Result<Taken, StoreError> {
    let Some(message) = shown_by(tx, of).await? else {
        if !reacts_to_unknown(tx, event, around).await? {
            return Ok(Taken::Nothing);
        }
        if !around.is_first && tx.outbox().is_showing(conversation.id).await? {
            let until = tx.now().plus(LOOK_EVERY);
            tx.pending_events().await_receipt(event, until).await?;
            return Ok(Taken::Nothing);
        }
        let text = "Not sent: I do not know any more which message this was. Write to the customer what you mean.";
        return answer(tx, conversation, event, text.to_owned()).await;
    };
    if tx.rooms().reaction(&event.id).await?.is_some() {
        return Ok(Taken::Nothing);
    }
    if let Some(late) = late(tx, event) {
        return answer(tx, conversation, event, late).await;
    }
    match change(tx, policy, &message, Revision::React(key.to_owned()), event).await {
        Ok(taken) => {
            tx.rooms()
                .add_reaction(message.id, key, (&event.id, &event.sender))
                .await?;
            Ok(taken)
        }
        Err(why) => answer(tx, conversation, event, format!("Not sent: {why}.")).await,
    }
}

/// Returns until when a reaction that waits goes on waiting for its message; `None` if it can be handled, or has waited for long.
pub(super) async fn waits_until(
    tx: &mut Tx,
    pending: &PendingEvent,
    event: &RoomEvent,
    around: &RoomContext,
) -> Result<Option<Timestamp>, StoreError> {
    let now = tx.now();
    if now.since(pending.first_seen) > MESSAGE_WITHIN || !reacts_to_unknown(tx, event, around).await? {
        return Ok(None);
    }
    let is_coming = match tx.rooms().conversation(&event.room).await? {
        Some(conversation) => tx.outbox().is_showing(conversation).await?,
        None => false,
    };
    Ok(is_coming.then(|| now.plus(LOOK_EVERY)))
}

/// Returns whether an event reacts to something of ours that a message could be, and that no message is known to be.
async fn reacts_to_unknown(tx: &mut Tx, event: &RoomEvent, around: &RoomContext) -> Result<bool, StoreError> {
    use RoomEventKind::{File, Place, Poll, Reaction, Text};
    let Reaction { of, .. } = &event.what else {
        return Ok(false);
    };
    let Some(found) = around.looked_up.get(of) else {
        return Ok(false);
    };
    let may_be_message = matches!(found.what, Text { .. } | File { .. } | Place { .. } | Poll { .. });
    // Looked up was what agents or ourselves have written.
    Ok(may_be_message && tx.agents().of_user(&found.sender).await?.is_none() && shown_by(tx, of).await?.is_none())
}

/// Takes back a reaction that its agent has removed from the room. What another agent has set since stays; what one had set
/// before comes back, because WhatsApp knows one reaction of ours.
pub(super) async fn unreact(
    tx: &mut Tx,
    policy: &Policy,
    event: &RoomEvent,
    reaction: &RoomReaction,
) -> Result<Taken, StoreError> {
    tx.rooms().remove_reaction(reaction.id).await?;
    let Some(message) = tx.messages().get(reaction.message).await? else {
        return Ok(Taken::Nothing);
    };
    let standing = tx.rooms().reactions(message.id).await?;
    let newest = standing.iter().rfind(|other| other.sender.is_some());
    if newest.is_some_and(|newest| newest.id > reaction.id) || is_replaced(&message, reaction) {
        return Ok(Taken::Nothing);
    }
    let emoji = newest.map(|newest| newest.emoji.clone()).unwrap_or_default();
    // A message that is gone has no reaction that would have to be taken back.
    Ok(change(tx, policy, &message, Revision::React(emoji), event)
        .await
        .unwrap_or(Taken::Nothing))
}

/// Returns whether somebody has set another reaction of ours since, from elsewhere.
fn is_replaced(message: &Message, reaction: &RoomReaction) -> bool {
    let mut ours = message.reactions.iter().filter(|other| other.from_me);
    ours.any(|other| other.at > reaction.created_at && other.emoji != reaction.emoji)
}

/// Returns the message that an event shows.
async fn shown_by(tx: &mut Tx, event: &MatrixEventId) -> Result<Option<Message>, StoreError> {
    match tx.rooms().message_of_event(event).await? {
        Some(shown) => tx.messages().get(shown.message).await,
        None => Ok(None),
    }
}

/// Asks for a change of a message. Returns why it was refused.
async fn change(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    revision: Revision,
    event: &RoomEvent,
) -> Result<Taken, String> {
    let author = Author {
        origin: Some(Origin::Matrix),
        name: name_of(&event.sender).to_owned(),
    };
    revision.check().map_err(|refusal| refusal.to_string())?;
    // If the database failed, the whole transaction does, and the answer with it.
    let revised = revise(tx, policy, message.id, &revision, &author).await;
    revised.map(|_| Taken::Queued).map_err(|refusal| refusal.to_string())
}

/// Returns whether the sender of an event has written the message in a room.
fn is_by(message: &Message, event: &RoomEvent) -> bool {
    let author = message.author.as_ref();
    author.is_some_and(|author| author.origin == Some(Origin::Matrix) && author.name == name_of(&event.sender))
}
