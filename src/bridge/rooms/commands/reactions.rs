//! Reactions that are commands: to a card, to a message that went wrong or the notice about it, and to a question of the
//! bot's. To everything else that stays inside they mean nothing, and nobody outside hears of them.

use crate::bridge::rooms::asking::ask_about_late;
use crate::bridge::rooms::effects::{Taken, answer_to, is_stale};
use crate::domain::MatrixEventId;
use crate::domain::card::ON_CARD;
use crate::domain::internal::InternalKind;
use crate::domain::matrix::{RoomEvent, RoomEventKind};
use crate::domain::message::{Direction, MessageState};
use crate::domain::outbox::MatrixWork;
use crate::domain::question::{Asked, Question, YES, folded};
use crate::store::{NewWork, StoreError, Tx};

use super::given::Given;
use super::run::run;
use super::{Parsed, internal, parse};

/// Reaction that tries a message again.
pub(crate) const RETRY: &str = "🔁";

/// Handles an agent's reaction that is a command, or to what stays inside. Returns `None` for one that is for the customer.
pub(crate) async fn reacted(
    tx: &mut Tx,
    given: &Given<'_>,
    (of, key): (&MatrixEventId, &str),
) -> Result<Option<Taken>, StoreError> {
    let emoji = folded(key);
    let command = match tx.internal_events().get(of).await? {
        Some(to) => match to.kind {
            InternalKind::Question if emoji == YES => return answered(tx, given, of).await.map(Some),
            InternalKind::Notice if emoji == RETRY && to.message.is_some() => "!retry",
            InternalKind::Card => match ON_CARD.iter().find(|(on_card, ..)| *on_card == emoji) {
                Some((_, command, _)) => {
                    clear(tx, given).await?;
                    command
                }
                None => return Ok(Some(Taken::Nothing)),
            },
            _ => return Ok(Some(Taken::Nothing)),
        },
        // Nobody outside could see a reaction to what they never got.
        None if emoji == RETRY && has_failed(tx, of).await? => "!retry",
        None => return Ok(None),
    };
    let Some(Parsed::Command(entry, command)) = parse(command) else {
        return Ok(Some(Taken::Nothing));
    };
    let is_allowed = entry.operation.is_none_or(|operation| given.agent.may(operation));
    if is_allowed && !entry.may_be_late && is_stale(tx, given.event) {
        ask_about_late(tx, given, (of, &emoji), entry.does).await?;
        internal::store(tx, given.event, InternalKind::Command).await?;
        return Ok(Some(Taken::Answered));
    }
    run(tx, given, Parsed::Command(entry, command)).await.map(Some)
}

/// Takes an agent's reaction off a card, where the next tap would else take it back.
async fn clear(tx: &mut Tx, given: &Given<'_>) -> Result<(), StoreError> {
    let work = MatrixWork::Remove {
        room: given.event.room.clone(),
        event: given.event.id.clone(),
    };
    let work = NewWork::for_account(given.conversation.account_id, work);
    tx.outbox().enqueue(work).await.map(|_| ())
}

/// Returns whether an event shows a message that certainly did not go out.
async fn has_failed(tx: &mut Tx, event: &MatrixEventId) -> Result<bool, StoreError> {
    let Some(shown) = tx.rooms().message_of_event(event).await? else {
        return Ok(false);
    };
    let message = tx.messages().get(shown.message).await?;
    let is_ours = |direction| direction == Direction::Outbound;
    Ok(message.is_some_and(|message| is_ours(message.direction) && message.state == MessageState::Failed))
}

/// Handles a yes to the question that an event asks: what waited for it is done, if its own author says so.
async fn answered(tx: &mut Tx, given: &Given<'_>, asks: &MatrixEventId) -> Result<Taken, StoreError> {
    let text = match tx.questions().of_event(asks).await? {
        None => "Not done: this question is answered, or was given up.",
        Some(asked) if asked.question.author != given.event.sender => {
            "Not done: only the one whom I ask can answer this. Do it yourself, if it is to be done."
        }
        Some(asked) if asked.allowed.is_some() => "Not done: you have answered this already.",
        Some(Asked {
            id,
            question:
                Question {
                    late: None,
                    about,
                    seen,
                    ..
                },
            ..
        }) => match (given.around.confirmed.get(&about), seen) {
            (Some(said), Some(seen)) if said.sender == given.event.sender => {
                tx.questions().allow(id, seen).await?;
                // It is looked at again, behind what waits in the room, and sent unless others have written since.
                tx.pending_events()
                    .add(&said.room, &said.id, &said.sender, said.at)
                    .await?;
                internal::store(tx, given.event, InternalKind::Command).await?;
                return Ok(Taken::Done);
            }
            _ => "Not sent: I cannot read what you wrote any more. Write it again.",
        },
        Some(asked) => {
            let Some((of, key)) = asked.question.late else {
                return Ok(Taken::Nothing);
            };
            tx.questions().remove(asked.id).await?;
            // As if it had been set now.
            let event = RoomEvent {
                what: RoomEventKind::Reaction {
                    of: of.clone(),
                    key: key.clone(),
                },
                ..given.event.clone()
            };
            let now = Given {
                event: &event,
                ..*given
            };
            match Box::pin(reacted(tx, &now, (&of, &key))).await? {
                Some(Taken::Nothing) | None => "Not done: what you reacted to is not as it was.",
                Some(taken) => return Ok(taken),
            }
        }
    };
    internal::store(tx, given.event, InternalKind::Command).await?;
    answer_to(tx, given.conversation, (&given.event.room, asks), text.to_owned()).await
}
