//! Data that the relay needs to send a message.

use crate::domain::conversation::Conversation;
use crate::domain::customer::{Customer, PhoneNumber};
use crate::domain::details::Mention;
use crate::domain::mentions;
use crate::domain::message::{Direction, Kind, Message};
use crate::domain::whatsapp::{OutgoingContent, QuotedKey, Recipient};
use crate::domain::{ChatId, MessageId, WaUserId};
use crate::store::{HandOver, Store, StoreError};

/// A message to send, with the data around it.
pub(crate) struct Outgoing {
    /// The message's row.
    pub message: Message,
    /// The message's conversation.
    pub conversation: Conversation,
    /// Stanza id, chat and login of its hand-over, once the id is chosen.
    pub hand_over: Option<HandOver>,
    /// The message that it replies to.
    pub quoted: Option<QuotedKey>,
    /// The recipient, as [`recipient`] says; `None` if the customer has neither a chat nor a number.
    pub to: Option<Recipient>,
}

/// Returns where a message goes: to the number that its sender named, else to the chat that the customer last wrote from,
/// else to their number.
pub(crate) fn recipient(
    named: Option<PhoneNumber>,
    chat: Option<ChatId>,
    customer: Option<&Customer>,
) -> Option<Recipient> {
    let by_number = || customer.and_then(|customer| customer.phone.clone());
    match (named, chat) {
        (Some(named), _) => Some(Recipient::Phone(named)),
        (None, Some(chat)) => Some(Recipient::Chat(chat)),
        (None, None) => by_number().map(Recipient::Phone),
    }
}

/// Reads a message and the data around it; `None` if the message or its conversation does not exist any more.
pub(crate) async fn read(store: &Store, id: MessageId) -> Result<Option<Outgoing>, StoreError> {
    let Some(message) = store.messages().get(id).await? else {
        return Ok(None);
    };
    let Some(conversation) = store.conversations().get(message.conversation_id).await? else {
        return Ok(None);
    };
    let quoted = match message.reply_to {
        Some(quoted) => quoted_key(store, quoted).await?,
        None => None,
    };
    let customer = match conversation.customer_id {
        Some(customer) => store.customers().get(customer).await?,
        None => None,
    };
    let named = store.messages().addressee(id).await?;
    let to = recipient(named, conversation.chat_id.clone(), customer.as_ref());
    let hand_over = store.messages().hand_over(id).await?;
    Ok(Some(Outgoing {
        message,
        conversation,
        hand_over,
        quoted,
        to,
    }))
}

async fn quoted_key(store: &Store, id: MessageId) -> Result<Option<QuotedKey>, StoreError> {
    let Some(quoted) = store.messages().get(id).await? else {
        return Ok(None);
    };
    let sender = store.messages().sender_of(id).await?;
    Ok(quoted.whatsapp_id.map(|id| QuotedKey {
        id,
        from_me: quoted.direction == Direction::Outbound,
        sender,
    }))
}

/// Returns the content of a message without a file, built from its row only, so that it is the same at each hand-over.
pub(crate) fn content(message: &Message) -> OutgoingContent {
    let details = message.details.clone().unwrap_or_default();
    match (message.kind, details.location, details.poll) {
        (Kind::Location, Some(location), _) => OutgoingContent::Location(location),
        (Kind::Poll, _, Some(poll)) => OutgoingContent::Poll(poll),
        (Kind::Contact, ..) if !details.contacts.is_empty() => OutgoingContent::Contacts(details.contacts),
        _ => {
            let (text, mentions) = mentioning(&message.content, &details.mentions);
            OutgoingContent::Text { text, mentions }
        }
    }
}

/// Returns a text as WhatsApp wants it, with the users whom it mentions: the digits of a user follow an `@`.
pub(crate) fn mentioning(content: &str, mentioned: &[Mention]) -> (String, Vec<WaUserId>) {
    let people = mentioned
        .iter()
        .filter_map(|mention| Some((mention.user.as_str(), mention.name.as_deref()?)));
    let text = mentions::with_users(content, &people).into_owned();
    let mut users: Vec<WaUserId> = vec![];
    for mention in mentioned {
        if !users.contains(&mention.user) {
            users.push(mention.user.clone());
        }
    }
    (text, users)
}
