//! Taking in one message that WhatsApp tells of, live or found by a resync: both come through here, so that a message is
//! stored once however often and by whatever way it is told.

use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::customer::{Customer, Identity, IdentityKind};
use crate::domain::event::{Event, EventType};
use crate::domain::message::{Author, Direction, Kind, Message, MessageState, Origin};
use crate::domain::outbox::{Target, Work};
use crate::domain::whatsapp::{Resolved, WaContact, WaMessage};
use crate::domain::{ChatId, ConversationId, WaUserId};
use crate::store::{Inserted, NewMessage, NewWork, StoreError, Tx};

use super::core::Policy;
use super::{changes, outbound};

/// What became of a message that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A customer's new message: their chat is to be marked as read in a while.
    New(ConversationId),
    /// Stored, and nobody is called: history, a group's, or our own phone's.
    Quiet,
    /// We had it.
    Known,
}

/// Stores `message` unless it is stored, with everything that follows from it.
pub(super) async fn take_in(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    message: &WaMessage,
) -> Result<Taken, StoreError> {
    if message.from_me
        && let Some(ours) = ours(tx, account, message).await?
    {
        outbound::apply_ack(tx, policy, &ours, message.ack).await?;
        changes::reconcile(tx, policy, &ours, message).await?;
        return Ok(Taken::Known);
    }
    let (customer, conversation) = place(tx, account, message).await?;
    let backfilled = message.timestamp < account.history_ends();
    let (direction, state) = if message.from_me {
        (
            Direction::Outbound,
            MessageState::Sending
                .after_ack(message.ack)
                .unwrap_or(MessageState::Sent),
        )
    } else {
        (Direction::Inbound, MessageState::Received)
    };
    let reply_to = match &message.quoted {
        Some(quoted) => tx.message_in_conversation(conversation.id, quoted).await?,
        None => None,
    };
    let inserted = tx
        .insert_message(NewMessage {
            whatsapp_id: Some(message.id.clone()),
            from_me: message.from_me,
            sender: sender_key(message.chat_kind, message.from_me, &message.sender, &message.contact),
            author: Some(author(message, customer.as_ref())),
            reply_to,
            details: message.details.clone(),
            edited_at: message.edited_at,
            deleted_at: message.is_deleted.then_some(message.timestamp),
            reactions: changes::reactions_of(message),
            backfilled,
            ..NewMessage::of(
                &conversation,
                direction,
                message.kind,
                &message.content,
                message.timestamp,
                state,
            )
        })
        .await?;
    let stored = match inserted {
        Inserted::New(stored) => stored,
        Inserted::Existing(stored) => {
            changes::reconcile(tx, policy, &stored, message).await?;
            return Ok(Taken::Known);
        }
    };
    tx.touch(conversation.id, stored.id, stored.timestamp).await?;
    let kind = if message.from_me {
        EventType::MessageState
    } else {
        EventType::MessageReceived
    };
    tx.emit(Event::message(kind, &stored));
    if backfilled || stored.kind == Kind::System {
        return Ok(Taken::Quiet);
    }
    follow_up(tx, policy, &conversation, &stored).await
}

/// What a message that is not history brings about.
async fn follow_up(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    stored: &Message,
) -> Result<Taken, StoreError> {
    // Groups are stored; their rooms come with their own issue (`RULES` 14).
    let direct = conversation.kind == ChatKind::Direct;
    if policy.matrix && direct {
        let show = Work::ShowMessage { message: stored.id };
        tx.enqueue(NewWork::for_message(Target::Matrix, stored, show)).await?;
    }
    if stored.direction == Direction::Outbound {
        // Answered on the phone.
        outbound::mark_answered(tx, conversation).await?;
        return Ok(Taken::Quiet);
    }
    tx.add_unread(conversation.id, 1).await?;
    if conversation.status != ConversationStatus::Open {
        let reopened = tx
            .set_conversation_status(conversation.id, ConversationStatus::Open)
            .await?;
        tx.emit(Event::conversation(EventType::ConversationUpdated, &reopened));
    }
    Ok(if direct {
        Taken::New(conversation.id)
    } else {
        Taken::Quiet
    })
}

/// The row of a message that we sent: its stanza id was stored before it was handed over, whatever chat it shows up in.
async fn ours(tx: &mut Tx, account: &Account, message: &WaMessage) -> Result<Option<Message>, StoreError> {
    tx.our_message(account.id, &message.id, Some(&message.chat)).await
}

/// The customer and conversation that a message belongs to, made when there are none.
async fn place(
    tx: &mut Tx,
    account: &Account,
    message: &WaMessage,
) -> Result<(Option<Customer>, Conversation), StoreError> {
    if message.chat_kind == ChatKind::Group {
        let name = message.chat_name.clone().unwrap_or_else(|| "Group".to_owned());
        let conversation = open_conversation(tx, account, None, &message.chat, ChatKind::Group, &name).await?;
        return Ok((None, conversation));
    }
    let customer = meet(tx, &message.contact).await?;
    let conversation = open_conversation(
        tx,
        account,
        Some(&customer),
        &message.chat,
        ChatKind::Direct,
        &customer.name,
    )
    .await?;
    Ok((Some(customer), conversation))
}

/// The customer behind a contact: found by any of its identities, made when there is none, renamed when WhatsApp knows better.
pub(super) async fn meet(tx: &mut Tx, contact: &WaContact) -> Result<Customer, StoreError> {
    let met = tx
        .resolve_customer(&contact.identities, name_of(contact).as_deref())
        .await?;
    if met.created {
        tx.emit(Event::customer(EventType::CustomerCreated, &met.customer));
    } else if met.changed {
        tx.emit(Event::customer(EventType::CustomerUpdated, &met.customer));
    }
    Ok(met.customer)
}

/// Keeps what finding a chat has told: the chat to answer, and by what other names WhatsApp knows the customer.
pub(super) async fn learn(tx: &mut Tx, conversation: &Conversation, resolved: &Resolved) -> Result<(), StoreError> {
    if let Some(customer) = conversation.customer_id {
        tx.add_identities(customer, &resolved.contact.identities).await?;
    }
    tx.resolve_conversation(
        conversation.account_id,
        conversation.customer_id,
        Some(&resolved.chat),
        conversation.kind,
        &conversation.name,
    )
    .await?;
    Ok(())
}

async fn open_conversation(
    tx: &mut Tx,
    account: &Account,
    customer: Option<&Customer>,
    chat: &ChatId,
    kind: ChatKind,
    name: &str,
) -> Result<Conversation, StoreError> {
    let customer = customer.map(|customer| customer.id);
    Ok(tx
        .resolve_conversation(account.id, customer, Some(chat), kind, name)
        .await?
        .conversation)
}

/// A name by priority: the owner's address book, then what the person calls themself. Without either the store falls
/// back on the number.
pub(super) fn name_of(contact: &WaContact) -> Option<String> {
    [&contact.saved_name, &contact.push_name]
        .into_iter()
        .flatten()
        .map(|name| name.trim())
        .find(|name| !name.is_empty())
        .map(ToOwned::to_owned)
}

/// The name of whoever wrote, and so may change, a message.
pub(super) fn writer(from_me: bool, contact: &WaContact, stored: &Message) -> String {
    let of_contact = || name_of(contact).filter(|_| !from_me);
    let known = stored.author.as_ref().map(|author| author.name.clone());
    known.or_else(of_contact).unwrap_or_else(|| "Somebody".to_owned())
}

fn author(message: &WaMessage, customer: Option<&Customer>) -> Author {
    if message.from_me {
        return Author {
            origin: Some(Origin::Phone),
            name: "Phone".to_owned(),
        };
    }
    let name = name_of(&message.contact)
        .or_else(|| customer.map(|customer| customer.name.clone()))
        .unwrap_or_else(|| "Somebody".to_owned());
    Author { origin: None, name }
}

/// The sender's part of a message's uniqueness (`RULES` 12). A direct chat has two sides, told apart by `from_me`, and
/// its id moves from number to LID: so there the sender adds nothing but trouble. In a group it is the sender's LID where
/// WhatsApp tells it, since that one does not change.
pub(super) fn sender_key(chat: ChatKind, from_me: bool, sender: &WaUserId, contact: &WaContact) -> WaUserId {
    if chat == ChatKind::Direct || from_me {
        return WaUserId::from("");
    }
    let mut identities = contact.identities.iter();
    let lid = identities.find(|identity| identity.kind == IdentityKind::Lid);
    lid.map_or_else(
        || sender.clone(),
        |Identity { value, .. }| WaUserId(format!("lid:{value}")),
    )
}
