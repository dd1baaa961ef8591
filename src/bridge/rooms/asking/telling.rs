//! Sends the questions into their rooms.

use futures_util::FutureExt;

use crate::bridge::rooms::relay::{RoomRelay, Undone};
use crate::bridge::rooms::txn::of_item;
use crate::domain::internal::{InternalEvent, InternalKind};
use crate::domain::matrix::{RoomContent, Speaker};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::question::YES;
use crate::store::NewWork;

impl RoomRelay {
    /// Asks a question in its room, with the answer on it, so that one tap gives it.
    pub(in crate::bridge::rooms) async fn ask(
        &self,
        item: &OutboxItem<MatrixWork>,
        question: i64,
    ) -> Result<(), Undone> {
        let Some(asked) = self.core.store.questions().get(question).await? else {
            return Ok(self.finish(item).await?);
        };
        let question = asked.question;
        let (target, room) = (question.late.map(|(target, _)| target), question.room);
        let content = RoomContent::Notice {
            body: question.content,
            reply_to: Some(target.unwrap_or(question.about)),
        };
        let event = self.send(item, &room, &Speaker::Desk, &of_item(item), &content).await?;
        let sent = InternalEvent {
            room,
            event,
            kind: InternalKind::Question,
            note: None,
            message: None,
        };
        self.core
            .write((item.clone(), asked.id, sent), |tx, (item, question, sent)| {
                async move {
                    tx.internal_events().add(sent).await?;
                    tx.questions().set_event(*question, &sent.event).await?;
                    let answer = MatrixWork::Mark {
                        room: sent.room.clone(),
                        event: sent.event.clone(),
                        key: YES.to_owned(),
                    };
                    tx.outbox()
                        .enqueue(NewWork::for_account(item.account_id, answer))
                        .await?;
                    tx.outbox().finish(item.id).await
                }
                .boxed()
            })
            .await?;
        Ok(())
    }
}
