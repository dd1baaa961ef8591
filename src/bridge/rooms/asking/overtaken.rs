//! The guard against answers that cross, in rooms: words of an agent who had not seen what others wrote meanwhile wait until
//! the agent lets them go. What an agent has seen is what their public receipt shows, their own last message, and what they
//! reply to.

use std::time::Duration;

use crate::bridge::core::accounts;
use crate::bridge::core::agents::name_of;
use crate::bridge::core::names::told_doer;
use crate::bridge::desk::missed_since;
use crate::bridge::rooms::commands::Given;
use crate::bridge::rooms::effects::{Taken, answer, is_stale};
use crate::domain::matrix::RoomEventKind;
use crate::domain::message::{Direction, Message, Seen};
use crate::domain::outbox::MatrixWork;
use crate::domain::question::{Question, QuestionKind, YES};
use crate::domain::{MatrixEventId, MessageId};
use crate::store::{NewWork, StoreError, Tx};

/// How long words wait for a receipt that is on its way.
const RECEIPT_WITHIN: Duration = Duration::from_secs(2);
/// Most people whom a question names.
const MAX_NAMED: usize = 3;

/// Whether words for the customer may go.
pub(in crate::bridge::rooms) enum Held {
    /// They do not go now; this came of them.
    Back(Taken),
    /// They may go.
    Free,
    /// They may go, because their author says so, however old they are by now.
    Confirmed,
}

/// Holds back words, a file or a place for the customer, if others have written since their author looked.
pub(in crate::bridge::rooms) async fn hold_back(
    tx: &mut Tx,
    given: &Given<'_>,
    reply_to: Option<&MatrixEventId>,
) -> Result<Held, StoreError> {
    let event = given.event;
    let is_said = matches!(
        event.what,
        RoomEventKind::Text { .. } | RoomEventKind::Place { .. } | RoomEventKind::File { .. }
    );
    if !is_said {
        return Ok(Held::Free);
    }
    let asked = tx.questions().about(&event.id).await?;
    let allowed = match &asked {
        // The answer is awaited.
        Some(asked) if asked.allowed.is_none() => return Ok(Held::Back(Taken::Nothing)),
        Some(asked) => asked.allowed,
        None => None,
    };
    // What is late is answered as such.
    if asked.is_none() && is_stale(tx, event) {
        return Ok(Held::Free);
    }
    let receipts = tx.rooms().receipts(&event.sender).await?;
    if !receipts.are_sent {
        if receipts.is_told {
            return Ok(Held::Free);
        }
        tx.rooms().mark_receipts_told(&event.sender).await?;
        let text = "I send this and what you write from now on at once, even when somebody has written meanwhile: your client \
                    has shown me no read receipt yet. If it sends them, I ask you first.";
        answer(tx, given.conversation, event, text.to_owned()).await?;
        return Ok(Held::Free);
    }
    let missed = missed(tx, given, (reply_to, allowed)).await?;
    let at = tx.now();
    let shown = missed.iter().map(|message| Seen {
        message: message.id,
        at,
    });
    let shown: Vec<Seen> = shown.collect();
    let Some(newest) = tx.messages().newest(&shown).await? else {
        return Ok(match asked {
            Some(asked) => {
                tx.questions().remove(asked.id).await?;
                Held::Confirmed
            }
            None => Held::Free,
        });
    };
    if !given.around.is_first {
        return wait(tx, given).await;
    }
    ask(tx, given, &missed, newest.message).await?;
    Ok(Held::Back(Taken::Answered))
}

/// Lets an event wait for the receipt of its sender; later events of the room wait behind it.
async fn wait(tx: &mut Tx, given: &Given<'_>) -> Result<Held, StoreError> {
    let until = tx.now().plus(RECEIPT_WITHIN);
    tx.pending_events().await_receipt(given.event, until).await?;
    Ok(Held::Back(Taken::Nothing))
}

/// Returns what others wrote since the author looked, as far as that is known, the newest first.
async fn missed(
    tx: &mut Tx,
    given: &Given<'_>,
    (reply_to, allowed): (Option<&MatrixEventId>, Option<Seen>),
) -> Result<Vec<Message>, StoreError> {
    let event = given.event;
    let Some(read) = tx.rooms().read_by(&event.room, &event.sender).await? else {
        return Ok(vec![]);
    };
    let newest = tx.messages().get(read.message).await?;
    if newest.is_none_or(|message| message.conversation_id != given.conversation.id) {
        return Ok(vec![]);
    }
    let replied = match reply_to {
        Some(replied) => tx.rooms().message_of_event(replied).await?,
        None => None,
    };
    let replied = replied.map(|shown| Seen {
        message: shown.message,
        at: tx.now(),
    });
    let seen: Vec<Seen> = [Some(read), replied, allowed].into_iter().flatten().collect();
    let mut missed = missed_since(tx, given.conversation, &seen, name_of(&event.sender)).await?;
    // The agent's own, from another face.
    missed.retain(|message| {
        let author = message.author.as_ref();
        message.direction == Direction::Inbound || author.is_none_or(|author| author.name != given.agent.name)
    });
    Ok(missed)
}

async fn ask(tx: &mut Tx, given: &Given<'_>, missed: &[Message], newest: MessageId) -> Result<(), StoreError> {
    let (event, conversation) = (given.event, given.conversation);
    let policy = accounts::policy(tx, given.core, conversation.account_id).await?;
    let mut names: Vec<String> = vec![];
    for message in missed.iter().rev() {
        let author = message
            .author
            .as_ref()
            .map_or("Somebody", |author| author.name.as_str());
        let name = told_doer(&policy, message, message.direction == Direction::Outbound, author);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > MAX_NAMED {
        names.truncate(MAX_NAMED);
        names.push("others".to_owned());
    }
    let count = match missed.len() {
        1 => "1 message".to_owned(),
        many => format!("{many} messages"),
    };
    let question = Question {
        kind: QuestionKind::Overtaken,
        room: event.room.clone(),
        about: event.id.clone(),
        author: event.sender.clone(),
        content: format!(
            "Not sent yet: {} wrote meanwhile ({count}). Send it anyway? React {YES} to this message within an hour, or write it \
             again.",
            names.join(" and ")
        ),
        late: None,
        seen: Some(newest),
    };
    let work = MatrixWork::Ask {
        question: tx.questions().ask(&question).await?,
    };
    let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
    tx.outbox().enqueue(work).await.map(|_| ())
}
