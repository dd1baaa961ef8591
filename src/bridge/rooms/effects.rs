//! Executes an agent's text in a room: queues a message for the customer, or answers in the room.

use std::time::Duration;

use crate::bridge::core::agents::name_of;
use crate::bridge::core::consent;
use crate::bridge::core::policy::Policy;
use crate::bridge::outbound::queue;
use crate::bridge::outbound::queue::{NewFile, NewText};
use crate::domain::conversation::Conversation;
use crate::domain::matrix::RoomEvent;
use crate::domain::message::{Author, Origin};
use crate::domain::outbox::MatrixWork;
use crate::domain::special::Special;
use crate::domain::{AgentId, MatrixEventId, MatrixRoomId, MatrixUserId};
use crate::store::{NewWork, StoreError, Tx};

/// Age of an agent's message above which it is not sent without a confirmation (rule 5).
const STALE_AFTER: Duration = Duration::from_hours(1);

/// Result of handling an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A message for the customer was queued.
    Queued,
    /// An answer in the room was queued.
    Answered,
    /// It was done at the desk.
    Done,
    /// Nothing is sent for it.
    Nothing,
}

/// Queues an agent's text for the customer; answers in the room instead if it is older than [`STALE_AFTER`].
pub(crate) async fn text(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    (event, agent): (&RoomEvent, AgentId),
    body: &str,
    reply_to: Option<&MatrixEventId>,
) -> Result<Taken, StoreError> {
    if is_stale(tx, event) {
        let text = format!(
            "Not sent: this arrived long after it was written ({}). Reply to it with !send to send it now.",
            event.at
        );
        return refuse(tx, conversation, event, text).await;
    }
    queue(tx, policy, conversation, (event, agent), body, reply_to).await
}

/// Returns whether an event reached us so late that it is not acted upon without a confirmation (rule 5).
pub(crate) fn is_stale(tx: &Tx, event: &RoomEvent) -> bool {
    tx.now().since(event.at) > STALE_AFTER
}

/// Returns the answer to a command that reached us so late that it is not carried out.
pub(crate) fn late_command(event: &RoomEvent) -> String {
    format!(
        "Not done: this arrived long after it was written ({}). Write it again if it still holds.",
        event.at
    )
}

/// Queues an agent's text for the customer, however old it is; answers in the room if it cannot be sent.
pub(crate) async fn queue(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    by: (&RoomEvent, AgentId),
    body: &str,
    reply_to: Option<&MatrixEventId>,
) -> Result<Taken, StoreError> {
    if let Err(refusal) = queue::check_text(body) {
        return refuse(tx, conversation, by.0, format!("Not sent: {refusal}.")).await;
    }
    let said = Said {
        words: Some(body),
        content: body,
        special: None,
        file: None,
        reply_to,
    };
    put_out(tx, policy, conversation, by, said).await
}

/// An agent's words, file or place for the customer.
pub(super) struct Said<'a> {
    /// The agent's own words, under which a signature goes.
    pub words: Option<&'a str>,
    /// Content of the message: the words, or the line of a file without any.
    pub content: &'a str,
    /// Content that is neither text nor file.
    pub special: Option<Special>,
    /// File that goes with them.
    pub file: Option<NewFile>,
    /// Event that it replies to.
    pub reply_to: Option<&'a MatrixEventId>,
}

/// As [`put_out`], for what is no text; answers in the room instead if it is older than [`STALE_AFTER`].
pub(super) async fn current(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    (event, agent): (&RoomEvent, AgentId),
    said: Said<'_>,
) -> Result<Taken, StoreError> {
    if let Some(late) = late(tx, event) {
        return refuse(tx, conversation, event, late).await;
    }
    put_out(tx, policy, conversation, (event, agent), said).await
}

/// Returns what an event that arrives too late to be sent unasked is answered.
pub(super) fn late(tx: &Tx, event: &RoomEvent) -> Option<String> {
    let is_late = tx.now().since(event.at) > STALE_AFTER;
    is_late.then(|| {
        format!(
            "Not sent: this arrived long after it was written ({}). Send it again if it still matters.",
            event.at
        )
    })
}

/// Queues what an agent has said for the customer, or answers in the room why not.
pub(super) async fn put_out(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    (event, agent): (&RoomEvent, AgentId),
    said: Said<'_>,
) -> Result<Taken, StoreError> {
    if let Some(refusal) = consent::refusal(tx, conversation).await? {
        return refuse(tx, conversation, event, format!("Not sent: {refusal}.")).await;
    }
    let signature = match said.words {
        Some(words) => queue::signature_under(tx, agent, words, false).await?,
        None => None,
    };
    if let Some(Err(refusal)) = signature
        .as_ref()
        .map(|signature| queue::signed(signature, said.content))
    {
        return refuse(tx, conversation, event, format!("Not sent: {refusal}.")).await;
    }
    let reply_to = match said.reply_to {
        Some(replied) => tx.rooms().message_of_event(replied).await?.map(|shown| shown.message),
        None => None,
    };
    let new = NewText {
        file: said.file,
        conversation,
        content: said.content,
        special: said.special.as_ref(),
        author: Author {
            origin: Some(Origin::Matrix),
            name: name_of(&event.sender).to_owned(),
        },
        signature,
        forwarded_from: None,
        reply_to,
        client_key: Some(format!("matrix:{}", event.id)),
        event: Some(&event.id),
        send_at: None,
        addressee: None,
    };
    let message = queue::queue(tx, policy, new).await?.message();
    // Nobody answers without having seen what they write themselves.
    tx.rooms().note_read(&event.room, &event.sender, message.id).await?;
    tx.cards().ask(conversation.account_id, conversation.id).await?;
    Ok(Taken::Queued)
}

/// Drops an event that has not been taken in: it waits for its author's yes, its key, its file or its room, and is never read
/// again. Returns whether there was such, of `sender` if one is given.
pub(super) async fn withdraw(
    tx: &mut Tx,
    event: &MatrixEventId,
    sender: Option<&MatrixUserId>,
) -> Result<bool, StoreError> {
    let asked = tx.questions().about(event).await?;
    let asked = asked.filter(|asked| sender.is_none_or(|sender| asked.question.author == *sender));
    if let Some(asked) = &asked {
        tx.questions().remove(asked.id).await?;
    }
    let waited = match sender {
        Some(sender) => tx.pending_events().remove_of(event, sender).await?,
        None => tx.pending_events().remove(event).await?,
    };
    Ok(waited || asked.is_some())
}

/// Queues an answer to an event in its room.
pub(crate) async fn answer(
    tx: &mut Tx,
    conversation: &Conversation,
    event: &RoomEvent,
    text: String,
) -> Result<Taken, StoreError> {
    answer_to(tx, conversation, (&event.room, &event.id), text).await
}

/// As [`answer`], where only the event's room and id are known.
pub(super) async fn answer_to(
    tx: &mut Tx,
    conversation: &Conversation,
    (room, event): (&MatrixRoomId, &MatrixEventId),
    text: String,
) -> Result<Taken, StoreError> {
    let work = MatrixWork::Reply {
        room: room.clone(),
        event: event.clone(),
        text,
    };
    told(tx, conversation, work).await
}

/// As [`answer`], for what an agent wrote for the customer and is not sent: their client is told too.
pub(in crate::bridge::rooms) async fn refuse(
    tx: &mut Tx,
    conversation: &Conversation,
    event: &RoomEvent,
    text: String,
) -> Result<Taken, StoreError> {
    Box::pin(refuse_to(tx, conversation, (&event.room, &event.id), text)).await
}

/// As [`refuse`], where only the event's room and id are known.
pub(in crate::bridge::rooms) async fn refuse_to(
    tx: &mut Tx,
    conversation: &Conversation,
    (room, event): (&MatrixRoomId, &MatrixEventId),
    text: String,
) -> Result<Taken, StoreError> {
    let work = MatrixWork::Refuse {
        room: room.clone(),
        event: event.clone(),
        text,
    };
    told(tx, conversation, work).await
}

async fn told(tx: &mut Tx, conversation: &Conversation, work: MatrixWork) -> Result<Taken, StoreError> {
    let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
    tx.outbox().enqueue(work).await?;
    Ok(Taken::Answered)
}
