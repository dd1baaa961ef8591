//! A person's decisions about a message for later: release it, or change it. (It is cancelled as one that is queued.)

use futures_util::FutureExt;

use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{Core, accounts, consent};
use crate::bridge::outbound::{later, queue};
use crate::domain::message::{Author, Message};
use crate::domain::schedule::check_later;
use crate::domain::{MessageId, Timestamp};
use crate::store::Tx;

use super::edits::{Revision, SeenMessage, revise};
use super::handle::Desk;

/// Field of a request that holds the time for a message.
pub(super) const SEND_AT: &str = "/send_at";

impl Desk {
    /// Sends a message for later now, whoever has written since.
    pub async fn release(&self, message: impl Into<SeenMessage> + Send) -> Result<Message, Refusal> {
        self.core
            .write_with(message.into(), |tx, core, message| {
                async move {
                    message.check(tx).await?;
                    release(tx, core, message.id).await
                }
                .boxed()
            })
            .await
    }

    /// Gives a message for later another time, and another text if one is given. A held one waits for its time again.
    pub async fn change_later(
        &self,
        message: impl Into<SeenMessage> + Send,
        content: Option<String>,
        send_at: Timestamp,
        author: Author,
    ) -> Result<Message, Refusal> {
        if let Some(content) = &content {
            queue::check_text(content)?;
        }
        let input = (message.into(), content.map(Revision::Edit), send_at, author);
        self.core
            .write_with(input, |tx, core, (seen, edit, send_at, author)| {
                async move {
                    let id = seen.id;
                    seen.check(tx).await?;
                    later_than_now(tx, *send_at, SEND_AT)?;
                    let mut message = for_later(tx, id).await?;
                    if let Some(edit) = edit {
                        message = revise(tx, &core.policy, id, edit, author).await?;
                    }
                    Ok(later::reschedule(tx, &message, *send_at).await?)
                }
                .boxed()
            })
            .await
    }
}

/// Sends a message for later now in the caller's transaction, as [`Desk::release`] does.
pub(crate) async fn release(tx: &mut Tx, core: &Core, id: MessageId) -> Result<Message, Refusal> {
    let message = for_later(tx, id).await?;
    if let Some(conversation) = tx.conversations().get(message.conversation_id).await? {
        consent::check(tx, &conversation).await?;
    }
    let policy = accounts::policy(tx, core, message.account_id).await?;
    Ok(later::release(tx, &policy, &message).await?)
}

/// Returns a message for later, locked.
async fn for_later(tx: &mut Tx, id: MessageId) -> Result<Message, Refusal> {
    let message = tx.messages().lock(id).await?.ok_or_else(|| not_found("message", id))?;
    if message.state.is_for_later() {
        return Ok(message);
    }
    Err(Refusal::Conflict(format!(
        "message {id} is {}; only a scheduled or held message waits for its time",
        message.state
    )))
}

/// Refuses a time that is past, or too far ahead. `pointer` names the field of the request that holds it.
pub(super) fn later_than_now(tx: &Tx, at: Timestamp, pointer: &'static str) -> Result<(), Refusal> {
    check_later(at, tx.now()).map_err(|error| Refusal::WrongTime {
        pointer,
        why: error.to_string(),
    })
}
