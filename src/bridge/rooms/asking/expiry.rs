//! Gives up questions that nobody has answered in time.

use futures_util::FutureExt;

use crate::bridge::core::Core;
use crate::bridge::rooms::commands::internal::keep_unsent;
use crate::bridge::rooms::effects::{Taken, answer_to, refuse_to};
use crate::domain::question::{Asked, QuestionKind};
use crate::store::{StoreError, Tx};

/// Most questions that are given up at a time.
const AT_ONCE: u64 = 50;

/// Gives up the questions whose time is over, and says so in their rooms.
pub(in crate::bridge::rooms) async fn give_up(core: &Core) -> Result<(), StoreError> {
    let expired = core.store.questions().expired(core.clock.now(), AT_ONCE).await?;
    // By a clock that is doubted nothing has come to its time.
    if expired.is_empty() || core.store.clock_doubted_until().await?.is_some() {
        return Ok(());
    }
    for asked in expired {
        core.write(asked, |tx, asked| async move { end(tx, asked).await }.boxed())
            .await?;
    }
    Ok(())
}

async fn end(tx: &mut Tx, asked: &Asked) -> Result<(), StoreError> {
    // It may have been answered meanwhile.
    if !tx.questions().remove(asked.id).await? {
        return Ok(());
    }
    let question = &asked.question;
    let Some(id) = tx.rooms().conversation(&question.room).await? else {
        return Ok(());
    };
    let Some(conversation) = tx.conversations().get(id).await? else {
        return Ok(());
    };
    if question.kind == QuestionKind::Overtaken {
        // It was not sent, and never is: nor is what answers it.
        keep_unsent(tx, &question.room, &question.about).await?;
    }
    let _: Taken = match question.kind {
        QuestionKind::Late => {
            let text = "Not done: nobody has answered this in time. Set the reaction again if it still holds.";
            let to = asked.event.as_ref().unwrap_or(&question.about);
            answer_to(tx, &conversation, (&question.room, to), text.to_owned()).await?
        }
        QuestionKind::Overtaken => {
            let text = "Not sent: I asked whether it still fits, and got no answer in time. Write it again if it does.";
            let to = &question.about;
            refuse_to(tx, &conversation, (&question.room, to), text.to_owned()).await?
        }
    };
    Ok(())
}
