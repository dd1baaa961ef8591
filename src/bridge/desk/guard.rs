//! The guard against answers that cross: the author of a message says what they had seen, and is stopped when the
//! customer or a colleague has written since.

use crate::bridge::core::refusal::Refusal;
use crate::domain::MessageId;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Author, Message, Seen};
use crate::store::{StoreError, Tx};

/// Most missed messages that are named.
const MAX_MISSED: u64 = 20;

/// Refuses a message whose author had seen the conversation up to `seen` only.
pub(super) async fn check(
    tx: &mut Tx,
    conversation: &Conversation,
    seen: MessageId,
    author: &Author,
) -> Result<(), Refusal> {
    let newest = tx.messages().get(seen).await?;
    if newest.is_none_or(|message| message.conversation_id != conversation.id) {
        return Err(Refusal::NotSeenThere { seen });
    }
    let seen = Seen {
        message: seen,
        at: tx.now(),
    };
    let missed = missed_since(tx, conversation, &[seen], &author.name).await?;
    if missed.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Overtaken { missed })
    }
}

/// Returns what others than `author` wrote in a conversation after all of `seen`, which they had seen: the newest first, at
/// most [`MAX_MISSED`].
pub(crate) async fn missed_since(
    tx: &mut Tx,
    conversation: &Conversation,
    seen: &[Seen],
    author: &str,
) -> Result<Vec<Message>, StoreError> {
    tx.messages().since(conversation.id, seen, author, MAX_MISSED).await
}
