//! What stays inside (rule 1): notes, commands, and what the bot says itself; and everything that answers one of them, as a
//! reply or in its thread.

use std::collections::HashMap;

use crate::domain::internal::{InternalEvent, InternalKind};
use crate::domain::matrix::{RoomEvent, RoomEventKind};
use crate::domain::message::MessageState;
use crate::domain::{MatrixEventId, MatrixRoomId, MessageId};
use crate::store::{StoreError, Tx};

use super::parse::is_command;

/// Place of an agent's event in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The talk with the customer. It answers the message that this event shows, if it answers any.
    Talk { reply_to: Option<MatrixEventId> },
    /// Among the notes: it answers one.
    Notes,
    /// It answers something that stays inside: the text says what.
    Inside(&'static str),
    /// It answers something that the customer never had, or that is not known, so it may be anything.
    Unknown,
}

impl Place {
    /// Returns the event of the message that is answered.
    pub(crate) const fn reply_to(&self) -> Option<&MatrixEventId> {
        match self {
            Self::Talk { reply_to } => reply_to.as_ref(),
            Self::Notes | Self::Inside(_) | Self::Unknown => None,
        }
    }

    /// Returns why nothing that stands there goes to the customer; `None` if it may.
    pub(crate) fn refusal(&self) -> Option<String> {
        match self {
            Self::Talk { .. } => None,
            Self::Notes => Some(
                "Not sent: this answers a note, and only texts can be notes. Write it outside the thread, not as a reply."
                    .to_owned(),
            ),
            Self::Inside(what) => Some(format!(
                "Not sent: this answers {what}, which stays inside. Write it as a message of its own."
            )),
            Self::Unknown => Some(
                "Not sent: what this answers was never sent, or I do not know it. Write it as a message of its own."
                    .to_owned(),
            ),
        }
    }
}

/// Returns the events that an event answers: the root of its thread, and what it replies to.
pub(crate) fn answered(event: &RoomEvent) -> impl Iterator<Item = &MatrixEventId> {
    event.thread.iter().chain(event.what.reply_to())
}

/// Returns the place of an event. `looked_up`: events that it may answer and that were not stored when the transaction
/// began.
pub(crate) async fn place(
    tx: &mut Tx,
    event: &RoomEvent,
    looked_up: &HashMap<MatrixEventId, RoomEvent>,
) -> Result<Place, StoreError> {
    let (mut is_note, mut is_quoted) = (false, true);
    for id in answered(event) {
        match meaning(tx, id, looked_up).await? {
            Meaning::Message => {}
            Meaning::Other => is_quoted = false,
            Meaning::Unknown => return Ok(Place::Unknown),
            Meaning::Inside(InternalKind::Note) => is_note = true,
            Meaning::Inside(InternalKind::Command) => return Ok(Place::Inside("a command")),
            Meaning::Inside(InternalKind::Notice) => return Ok(Place::Inside("a notice of mine")),
            Meaning::Inside(InternalKind::Card) => return Ok(Place::Inside("my card")),
            Meaning::Inside(InternalKind::Question) => return Ok(Place::Inside("a question of mine")),
            Meaning::Inside(InternalKind::Change) => return Ok(Place::Inside("a change of a message")),
            Meaning::Inside(InternalKind::Aside) => return Ok(Place::Inside("something that was not sent")),
        }
    }
    if is_note {
        return Ok(Place::Notes);
    }
    let reply_to = event.what.reply_to().or(event.thread.as_ref());
    Ok(Place::Talk {
        reply_to: reply_to.filter(|_| is_quoted).cloned(),
    })
}

/// Stores that an event stays inside, because it answers something that does: so does what answers it.
pub(crate) async fn keep(tx: &mut Tx, event: &RoomEvent) -> Result<(), StoreError> {
    store(tx, event, InternalKind::Aside).await
}

/// Stores that an event which was not sent stays inside, and what answers it.
pub(crate) async fn keep_unsent(tx: &mut Tx, room: &MatrixRoomId, event: &MatrixEventId) -> Result<(), StoreError> {
    let inside = InternalEvent {
        room: room.clone(),
        event: event.clone(),
        kind: InternalKind::Aside,
        note: None,
        message: None,
    };
    tx.internal_events().add(&inside).await.map(|_| ())
}

/// Stores that an agent's event stays inside.
pub(crate) async fn store(tx: &mut Tx, event: &RoomEvent, kind: InternalKind) -> Result<(), StoreError> {
    store_with(tx, event, kind, None).await
}

/// As [`store`], for an event that made or changed a message: who removes the event means the message.
pub(crate) async fn store_with(
    tx: &mut Tx,
    event: &RoomEvent,
    kind: InternalKind,
    message: Option<MessageId>,
) -> Result<(), StoreError> {
    let inside = InternalEvent {
        room: event.room.clone(),
        event: event.id.clone(),
        kind,
        note: None,
        message,
    };
    tx.internal_events().add(&inside).await.map(|_| ())
}

enum Meaning {
    Message,
    Inside(InternalKind),
    /// Ours: a message of which it is not stored yet that it is shown.
    Other,
    Unknown,
}

async fn meaning(
    tx: &mut Tx,
    id: &MatrixEventId,
    looked_up: &HashMap<MatrixEventId, RoomEvent>,
) -> Result<Meaning, StoreError> {
    if let Some(shown) = tx.rooms().message_of_event(id).await? {
        let message = tx.messages().get(shown.message).await?;
        let never_went_out = message.is_some_and(|message| message.state == MessageState::Failed);
        return Ok(if never_went_out {
            Meaning::Unknown
        } else {
            Meaning::Message
        });
    }
    if let Some(inside) = tx.internal_events().get(id).await? {
        return Ok(Meaning::Inside(inside.kind));
    }
    let Some(found) = looked_up.get(id) else {
        return Ok(Meaning::Unknown);
    };
    // What was stored of it may be pruned by now.
    Ok(match &found.what {
        RoomEventKind::Notice => Meaning::Inside(InternalKind::Notice),
        RoomEventKind::Text { body, .. } if is_command(body) => Meaning::Inside(InternalKind::Command),
        // Of the bot, or of the room itself: a tick, a pin, who comes and goes.
        RoomEventKind::Other
        | RoomEventKind::Reaction { .. }
        | RoomEventKind::Redaction { .. }
        | RoomEventKind::Replaced
        | RoomEventKind::Fence
        | RoomEventKind::Member { .. } => Meaning::Unknown,
        _ if found.what == RoomEventKind::Undecryptable || tx.agents().of_user(&found.sender).await?.is_some() => {
            Meaning::Unknown
        }
        _ => Meaning::Other,
    })
}
