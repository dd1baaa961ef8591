//! Carries an agent's changes of what is on WhatsApp already: edits of their own messages, and reactions.

use crate::bridge::core::agents::name_of;
use crate::bridge::core::policy::Policy;
use crate::bridge::desk::{Revision, revise};
use crate::domain::conversation::Conversation;
use crate::domain::internal::InternalKind;
use crate::domain::matrix::RoomEvent;
use crate::domain::message::{Author, Message, Origin};
use crate::domain::{MatrixEventId, MessageId};
use crate::store::{RoomReaction, StoreError, Tx};

use super::commands;
use super::commands::internal;
use super::effects::{Taken, answer, late, withdraw};

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

/// Reacts to the message that the event `of` shows. Does nothing for events that show none.
pub(super) async fn react(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    event: &RoomEvent,
    (of, key): (&MatrixEventId, &str),
) -> Result<Taken, StoreError> {
    let message = match tx.rooms().message_of_event(of).await? {
        Some(shown) => tx.messages().get(shown.message).await?,
        None => None,
    };
    let Some(message) = message else {
        return Ok(Taken::Nothing);
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
