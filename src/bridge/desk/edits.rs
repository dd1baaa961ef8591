//! Accepts edits, deletions and reactions of existing messages into the outbox; the relay carries them out.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::{accounts, consent, notice, state};
use crate::bridge::inbound::changes;
use crate::bridge::outbound::queue;
use crate::domain::MessageId;
use crate::domain::message::{
    Author, CANCELLED, DELETE_WITHIN, Direction, EDIT_WITHIN, Kind, MAX_EMOJI_BYTES, Message, MessageState, Origin,
};
use crate::domain::outbox::WhatsAppWork;
use crate::store::{NewWork, StoreError, Tx};

use super::handle::Desk;

/// Requested change of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// Replaces the text, or the caption of a file.
    Edit(String),
    /// Deletes the message for everyone.
    Delete,
    /// Sets our reaction; an empty emoji removes it.
    React(String),
}

impl Revision {
    /// Refuses a text or an emoji that WhatsApp would not accept.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Edit(text) => queue::check_text(text),
            Self::React(emoji) => check_emoji(emoji),
            Self::Delete => Ok(()),
        }
    }
}

impl Desk {
    /// Accepts a change of a message. A queued message is changed at once. Otherwise returns the message unchanged, and
    /// an event reports later that WhatsApp has accepted the change, or that it failed.
    pub async fn revise(
        &self,
        message: impl Into<SeenMessage> + Send,
        revision: Revision,
        author: Author,
    ) -> Result<Message, Refusal> {
        revision.check()?;
        let input = (message.into(), revision, author);
        self.core
            .write_with(input, |tx, core, (message, revision, author)| {
                async move {
                    message.check(tx).await?;
                    revise(tx, &core.policy, message.id, revision, author).await
                }
                .boxed()
            })
            .await
    }
}

/// A message that somebody changes, and what they have seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenMessage {
    /// The message.
    pub id: MessageId,
    /// Its revision when they looked; the change is refused if it differs. `None`: not checked.
    pub revision: Option<String>,
}

impl From<MessageId> for SeenMessage {
    fn from(id: MessageId) -> Self {
        Self { id, revision: None }
    }
}

impl SeenMessage {
    /// Locks the message, and refuses the change if the message is not as it was seen.
    pub(super) async fn check(&self, tx: &mut Tx) -> Result<(), Refusal> {
        let Some(known) = &self.revision else { return Ok(()) };
        let id = self.id;
        let message = tx.messages().lock(id).await?.ok_or_else(|| not_found("message", id))?;
        let changed = message.differences(known);
        if changed.is_empty() {
            return Ok(());
        }
        Err(Refusal::Changed(format!(
            "message {id} has changed since you looked at it: {}; load it again, then repeat your change",
            changed.join(", ")
        )))
    }
}

/// Accepts a change of a message in the caller's transaction, as [`Desk::revise`] does.
pub(crate) async fn revise(
    tx: &mut Tx,
    policy: &Policy,
    id: MessageId,
    revision: &Revision,
    author: &Author,
) -> Result<Message, Refusal> {
    let message = tx.messages().lock(id).await?.ok_or_else(|| not_found("message", id))?;
    if message.deleted_at.is_some() {
        return Err(Refusal::Conflict(format!("message {id} has been deleted")));
    }
    if let Some(refusal) = accounts::refusal(tx, message.account_id).await? {
        return Err(refusal);
    }
    let by = author.name.clone();
    let work = match revision {
        Revision::React(emoji) => {
            if message.whatsapp_id.is_none() || !is_there(&message) {
                return Err(not_there(&message));
            }
            // A reaction is shown on the other phone like a message; removing one only takes back.
            if !emoji.is_empty() {
                check_consent(tx, &message).await?;
            }
            WhatsAppWork::React {
                message: id,
                emoji: emoji.clone(),
                by,
            }
        }
        Revision::Edit(content) => {
            check_ours(&message)?;
            if message.kind != Kind::Text && !takes_caption(&message) {
                return Err(Refusal::Conflict(format!(
                    "message {id} has neither a text nor a caption, so it cannot be edited; delete it and send another"
                )));
            }
            let content = signed(&message, content)?;
            if is_with_us(&message) {
                let now = tx.now();
                changes::edit(tx, policy, &message, &content, now, &by).await?;
                return tx.messages().get(id).await?.ok_or_else(|| not_found("message", id));
            }
            check_consent(tx, &message).await?;
            check_age(tx, &message, EDIT_WITHIN, "allows edits for 15 minutes; send another").await?;
            WhatsAppWork::EditMessage {
                message: id,
                content,
                by,
            }
        }
        Revision::Delete => {
            check_ours(&message)?;
            if is_with_us(&message) {
                return Ok(withdraw(tx, policy, &message, author).await?);
            }
            check_age(
                tx,
                &message,
                DELETE_WITHIN,
                "allows \"Delete for everyone\" for 60 hours",
            )
            .await?;
            WhatsAppWork::DeleteMessage { message: id, by }
        }
    };
    // The row belongs to the conversation, not to the message: a message that settles removes its own outbox rows.
    tx.outbox()
        .enqueue(NewWork::for_conversation(message.account_id, message.conversation_id, work).urgent(true))
        .await?;
    Ok(message)
}

/// Deletes a message that WhatsApp does not have, so that nobody sends it any more. The room loses what shows it, unless its
/// author has removed that there.
async fn withdraw(tx: &mut Tx, policy: &Policy, message: &Message, by: &Author) -> Result<Message, StoreError> {
    let settled = if message.state == MessageState::Failed {
        state::delete_failed(tx, message).await?
    } else {
        let deleted = tx.messages().set_deleted(message.id, tx.now()).await?;
        let failure = state::failure(CANCELLED, "it was deleted before it was sent");
        state::set_state(tx, policy, &deleted, MessageState::Failed, Some(&failure)).await?
    };
    if by.origin != Some(Origin::Matrix) {
        let line = format!("{} deleted this before it was sent", by.name);
        notice::show_deletion(tx, policy, &settled, line).await?;
    }
    Ok(settled)
}

/// Returns the new text of a message, with the signature under it that the message has.
fn signed(message: &Message, text: &str) -> Result<String, Refusal> {
    match message.details.as_ref().and_then(|details| details.signature.as_ref()) {
        Some(signature) => queue::signed(signature, text),
        None => Ok(text.to_owned()),
    }
}

/// Returns whether WhatsApp certainly does not have the message.
fn is_with_us(message: &Message) -> bool {
    matches!(message.state, MessageState::Queued | MessageState::Failed) || message.state.is_for_later()
}

/// Returns whether the message is a file under which WhatsApp shows a caption.
fn takes_caption(message: &Message) -> bool {
    message.media.is_some() && message.kind.takes_caption()
}

async fn check_consent(tx: &mut Tx, message: &Message) -> Result<(), Refusal> {
    match tx.conversations().get(message.conversation_id).await? {
        Some(conversation) => consent::check(tx, &conversation).await,
        None => Ok(()),
    }
}

fn check_ours(message: &Message) -> Result<(), Refusal> {
    let id = message.id;
    if message.direction != Direction::Outbound {
        return Err(Refusal::Conflict(format!(
            "message {id} was written by the customer; only what we wrote can be changed"
        )));
    }
    match message.state {
        MessageState::Unknown => Err(Refusal::Conflict(format!(
            "nobody knows whether WhatsApp has message {id}; say so first, with `crm message resolve {id}`"
        ))),
        _ => Ok(()),
    }
}

/// Returns whether WhatsApp has the message, or gets it before the change, which waits behind it in the same lane.
fn is_there(message: &Message) -> bool {
    message.state == MessageState::Sending || message.state.is_with_whatsapp()
}

fn not_there(message: &Message) -> Refusal {
    Refusal::Conflict(format!(
        "message {} is {}: WhatsApp does not have it",
        message.id, message.state
    ))
}

/// Refuses a change of a message that WhatsApp has had for longer than `limit`. It may have waited here before.
async fn check_age(tx: &mut Tx, message: &Message, limit: Duration, rule: &str) -> Result<(), Refusal> {
    let now = tx.now();
    if now.since(message.timestamp) <= limit {
        return Ok(());
    }
    let handed_over = tx.messages().chosen_at(message.id).await?;
    if handed_over.is_none_or(|at| now.since(at) > limit) {
        return Err(Refusal::Conflict(format!(
            "message {} is too old: WhatsApp {rule}",
            message.id
        )));
    }
    Ok(())
}

fn check_emoji(emoji: &str) -> Result<(), Refusal> {
    let is_plain = emoji
        .chars()
        .any(|c| c.is_alphanumeric() && c.is_ascii() || c.is_whitespace() || c.is_control());
    // A keycap such as 1️⃣ begins with a digit.
    let is_keycap = emoji.ends_with('\u{20e3}');
    if emoji.len() > MAX_EMOJI_BYTES || (is_plain && !is_keycap) {
        return Err(Refusal::BadEmoji);
    }
    Ok(())
}
