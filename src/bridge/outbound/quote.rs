//! Replies whose quoted message WhatsApp no longer has. They are sent all the same, and it is said.

use crate::bridge::core::notice;
use crate::bridge::core::policy::Policy;
use crate::domain::message::Message;
use crate::store::{StoreError, Tx};

/// Marks a reply as sent without the message that it replies to, and says so in its room, once.
pub(super) async fn leave_out(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<(), StoreError> {
    if is_left_out(message) {
        return Ok(());
    }
    let mut details = message.details.clone().unwrap_or_default();
    details.quote_lost = true;
    let marked = tx.messages().set_details(message.id, &details).await?;
    let line = "This goes out without the message that it replies to: WhatsApp no longer has that one, so the customer \
                sees no quote.";
    notice::tell(tx, policy, &marked, line.to_owned()).await
}

/// Returns whether a reply goes out without its quote.
pub(super) fn is_left_out(message: &Message) -> bool {
    message.details.as_ref().is_some_and(|details| details.quote_lost)
}
