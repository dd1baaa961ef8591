//! Words a card.

use crate::bridge::core::{Core, accounts};
use crate::bridge::rooms::commands::described;
use crate::domain::card::ON_CARD;
use crate::domain::conversation::Conversation;
use crate::store::{StoreError, Tx};

/// Returns what the card of a conversation says now.
pub(super) async fn of(tx: &mut Tx, core: &Core, conversation: &Conversation) -> Result<String, StoreError> {
    let policy = accounts::policy(tx, core, conversation.account_id).await?;
    let text = described(tx, conversation, policy.hide_numbers, &policy.time_zone).await?;
    let taps = ON_CARD.map(|(emoji, _, does)| format!("{emoji} {does}"));
    Ok(format!("{text}\n{}", taps.join(" · ")))
}
