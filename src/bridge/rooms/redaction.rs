//! Takes back what an agent wrote and then removed from the room (rule 1): cancelled while it waits, deleted for everyone
//! once WhatsApp has it; so with what a command has written. A note whose event is removed is deleted.

use crate::bridge::core::agents::name_of;
use crate::bridge::core::policy::Policy;
use crate::bridge::core::state;
use crate::bridge::desk::{Revision, delete_note, revise};
use crate::domain::agent::Agent;
use crate::domain::conversation::Conversation;
use crate::domain::internal::InternalKind;
use crate::domain::matrix::RoomEvent;
use crate::domain::message::{Author, Direction, Message, MessageState, Origin};
use crate::domain::{MatrixEventId, MessageId, NoteId, Operation};
use crate::store::{StoreError, Tx};

use super::changes;
use super::commands::{audit, not_allowed};
use super::effects::{Taken, answer, withdraw};
use super::event::conversation_of;

/// Handles an agent's redaction of the event `of`. Does nothing unless that event is an agent's own message, command or
/// note: what the bot shows may be removed from the room, and stays on WhatsApp. Who is an agent of other accounts alone is a
/// stranger here.
pub(crate) async fn take_back(
    tx: &mut Tx,
    policy: &Policy,
    event: &RoomEvent,
    of: &MatrixEventId,
) -> Result<Taken, StoreError> {
    let conversation = conversation_of(tx, event).await?;
    let works_here = |agent: &Agent| {
        let mut account = conversation.iter().map(|conversation| conversation.account_id);
        account.all(|account| agent.works_for(account))
    };
    let Some(agent) = tx.agents().of_user(&event.sender).await?.filter(works_here) else {
        return Ok(Taken::Nothing);
    };
    if withdraw(tx, of, None).await? {
        return Ok(Taken::Nothing);
    }
    if let Some(reaction) = tx.rooms().reaction(of).await? {
        return changes::unreact(tx, policy, event, &reaction).await;
    }
    if let Some(shown) = tx.rooms().message_of_event(of).await? {
        // Its room may be forgotten by now.
        return message(tx, policy, (conversation.as_ref(), event, &agent), shown.message).await;
    }
    let Some(conversation) = conversation else {
        return Ok(Taken::Nothing);
    };
    let Some(inside) = tx.internal_events().get(of).await? else {
        return Ok(Taken::Nothing);
    };
    match (inside.kind, inside.note, inside.message) {
        (InternalKind::Note, Some(note), _) => delete(tx, (&conversation, event), &agent, (note, of)).await,
        // What was written by a command, such as !send-at.
        (InternalKind::Command, _, Some(made)) => message(tx, policy, (Some(&conversation), event, &agent), made).await,
        (InternalKind::Change, _, Some(changed)) => {
            let there = tx.messages().get(changed).await?;
            if there.is_none_or(|message| message.deleted_at.is_some() || message.state == MessageState::Failed) {
                return Ok(Taken::Nothing);
            }
            let text =
                "Not taken back: the customer has the text as it was changed. Change the message again, or remove it.";
            answer(tx, &conversation, event, text.to_owned()).await
        }
        _ => Ok(Taken::Nothing),
    }
}

/// Takes back an agent's message: cancels it, or deletes it for everyone.
async fn message(
    tx: &mut Tx,
    policy: &Policy,
    (conversation, event, agent): (Option<&Conversation>, &RoomEvent, &Agent),
    id: MessageId,
) -> Result<Taken, StoreError> {
    let message = tx.messages().get(id).await?.filter(is_from_room);
    let Some(message) = message.filter(|message| agent.works_for(message.account_id)) else {
        return Ok(Taken::Nothing);
    };
    let why = match message.state {
        // The customer never had it, and is not to get it by a retry.
        MessageState::Failed => {
            state::delete_failed(tx, &message).await?;
            return Ok(Taken::Done);
        }
        MessageState::Unknown => "it may have been sent. Check the chat on the phone, and delete it there.".to_owned(),
        _ => {
            let author = Author {
                origin: Some(Origin::Matrix),
                name: name_of(&event.sender).to_owned(),
            };
            match revise(tx, policy, message.id, &Revision::Delete, &author).await {
                Ok(_) => return Ok(Taken::Queued),
                // If the database failed, the whole transaction does, and this answer with it.
                Err(refusal) => format!("{refusal}."),
            }
        }
    };
    let Some(conversation) = conversation else {
        return Ok(Taken::Nothing);
    };
    let text = format!("Not taken back: the customer still has this message, for {why}");
    answer(tx, conversation, event, text).await
}

/// Deletes the note that the removed event wrote or showed.
async fn delete(
    tx: &mut Tx,
    (conversation, event): (&Conversation, &RoomEvent),
    agent: &Agent,
    (note, of): (NoteId, &MatrixEventId),
) -> Result<Taken, StoreError> {
    if tx.notes().get(note).await?.is_none() {
        return Ok(Taken::Nothing);
    }
    let operation = Operation::WriteNote;
    if !agent.may(operation) {
        return answer(tx, conversation, event, not_allowed(agent)).await;
    }
    audit(tx, (event, agent), conversation.id, operation, "redaction").await?;
    match delete_note(tx, note, Some(of)).await {
        Ok(()) => Ok(Taken::Done),
        // If the database failed, the whole transaction does, and this answer with it.
        Err(refusal) => answer(tx, conversation, event, format!("The note stays: {refusal}.")).await,
    }
}

/// Returns whether an agent wrote the message in a room, and nobody has deleted it yet.
fn is_from_room(message: &Message) -> bool {
    let origin = message.author.as_ref().and_then(|author| author.origin);
    message.direction == Direction::Outbound && origin == Some(Origin::Matrix) && message.deleted_at.is_none()
}
