//! Asks about a reaction that is a command and reached us long after it was set (rule 5).

use crate::bridge::rooms::commands::Given;
use crate::domain::MatrixEventId;
use crate::domain::outbox::MatrixWork;
use crate::domain::question::{Question, QuestionKind, YES};
use crate::store::{NewWork, StoreError, Tx};

/// Asks whether a late reaction `key` to the event `of` still holds; `does` says what it would do.
pub(in crate::bridge::rooms) async fn ask_about_late(
    tx: &mut Tx,
    given: &Given<'_>,
    (of, key): (&MatrixEventId, &str),
    does: &str,
) -> Result<(), StoreError> {
    let (event, conversation) = (given.event, given.conversation);
    let question = Question {
        kind: QuestionKind::Late,
        room: event.room.clone(),
        about: event.id.clone(),
        author: event.sender.clone(),
        content: format!(
            "{key} arrived long after {} set it ({}), so nothing is done yet. Does it still hold ({does})? React {YES} to this \
             message within an hour.",
            given.agent.name, event.at
        ),
        late: Some((of.clone(), key.to_owned())),
        seen: None,
    };
    let work = MatrixWork::Ask {
        question: tx.questions().ask(&question).await?,
    };
    let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
    tx.outbox().enqueue(work).await.map(|_| ())
}
