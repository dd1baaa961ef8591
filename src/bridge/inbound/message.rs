//! Taking in one message that WhatsApp tells of, live or found by a resync: both come through here, so that a message is
//! stored once however often and by whatever way it is told.

use std::time::Duration;

use crate::bridge::core::names::{author, sender_key};
use crate::bridge::core::policy::Policy;
use crate::bridge::core::{consent, notice, people, state};
use crate::bridge::media::attach;
use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::customer::{Customer, Identity, IdentityKind, IdentitySource};
use crate::domain::message::{Direction, Kind, Message, MessageState};
use crate::domain::outbox::MatrixWork;
use crate::domain::whatsapp::{Resolved, WaContact, WaMessage};
use crate::domain::{ChatId, ConversationId, Timestamp};
use crate::store::{Inserted, NewMessage, NewWork, ResolvedCustomer, StoreError, Tx};

use super::{changes, polls};

/// WhatsApp began in 2009.
const FIRST_CREDIBLE: Timestamp = Timestamp(1_230_768_000_000);
/// How far ahead of our clock a message's time may be: clocks and their zones are set wrong.
const MAX_AHEAD: Duration = Duration::from_hours(24);
/// How far WhatsApp's clocks and ours may differ before a message counts as older than another.
const SKEW: Duration = Duration::from_secs(30);

/// What became of a message that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A customer's new message: their chat is to be marked as read in a while.
    New(ConversationId),
    /// Stored, and nobody is called: history, a group's, or our own phone's.
    Quiet,
    /// We had it.
    Known,
}

/// How a message came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// By itself, or found in a comparison with the page.
    Live,
    /// In the import of history: no event tells of it.
    Imported,
}

/// Stores `message` unless it is stored, with everything that follows from it.
pub(crate) async fn take_in(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    message: &WaMessage,
    arrival: Arrival,
) -> Result<Taken, StoreError> {
    if message.from_me
        && let Some(ours) = ours(tx, account, message).await?
    {
        state::apply_ack(tx, policy, &ours, message.ack).await?;
        changes::reconcile(tx, policy, &ours, message).await?;
        attach::attach_late(tx, &policy.media, account, ours, message).await?;
        return Ok(Taken::Known);
    }
    let (met, conversation) = place(tx, policy, account, message).await?;
    let customer = met.as_ref().map(|met| &met.customer);
    let written = credible(message.timestamp, tx.now());
    let backfilled = written < account.history_ends();
    let is_notice = message.details.as_ref().is_some_and(|details| details.notice.is_some());
    // What WhatsApp itself tells is of nobody, also where it is about what our own phone did.
    let (direction, state) = if message.from_me && !is_notice {
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
        Some(quoted) => tx.messages().in_conversation(conversation.id, quoted).await?,
        None => None,
    };
    let mut details = message.details.clone().unwrap_or_default();
    if reply_to.is_some() {
        details.quote = None;
    }
    if let Some(poll) = &mut details.poll {
        poll.votes = polls::votes_of(message);
    }
    let inserted = tx
        .messages()
        .insert(NewMessage {
            whatsapp_id: Some(message.id.clone()),
            from_me: message.from_me,
            sender: sender_key(message.chat_kind, message.from_me, &message.sender, &message.contact),
            author: Some(author(message, customer)),
            chat: Some(message.chat.clone()),
            home: met.as_ref().and_then(|met| met.home),
            reply_to,
            vanishes_at: details.disappears_at(written),
            details: details.into_option(),
            edited_at: message.edited_at,
            deleted_at: message.is_deleted.then_some(message.timestamp),
            reactions: changes::reactions_of(message),
            backfilled,
            ..NewMessage::of(&conversation, direction, message.kind, &message.content, written, state)
        })
        .await?;
    let stored = match inserted {
        Inserted::New(stored) => attach::attach(tx, &policy.media, account, stored, message).await?,
        Inserted::Existing(stored) => {
            changes::reconcile(tx, policy, &stored, message).await?;
            attach::attach_late(tx, &policy.media, account, stored, message).await?;
            return Ok(Taken::Known);
        }
    };
    tx.conversations()
        .touch(conversation.id, stored.id, stored.timestamp)
        .await?;
    if arrival == Arrival::Live {
        tx.emit(match direction {
            Direction::Outbound => Event::message_state(&stored),
            Direction::Inbound => Event::message_received(&stored),
        });
    }
    if let Some(number) = message.new_number.as_ref().filter(|_| !backfilled) {
        people::renumber(tx, account, message, number).await?;
    }
    let is_quiet = stored.kind == Kind::System && !is_told(&stored);
    if backfilled || is_quiet || stored.deleted_at.is_some() {
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
    if policy.matrix {
        let show = MatrixWork::ShowMessage { message: stored.id };
        tx.outbox().enqueue(NewWork::for_message(stored, show)).await?;
    }
    if stored.direction == Direction::Outbound {
        // Answered on the phone.
        tx.accounts().see_phone(stored.account_id, stored.timestamp).await?;
        state::mark_answered(tx, conversation).await?;
        return Ok(Taken::Quiet);
    }
    if stored.kind == Kind::System && !is_missed_call(stored) {
        return Ok(Taken::Quiet);
    }
    consent::heard(tx, policy, conversation, stored).await?;
    tx.conversations().add_unread(conversation.id, 1).await?;
    if conversation.status != ConversationStatus::Open {
        let reopened = tx
            .conversations()
            .set_status(conversation.id, ConversationStatus::Open)
            .await?;
        tx.emit(Event::conversation_updated(&reopened));
    }
    Ok(Taken::New(conversation.id))
}

/// Notices that are news to those who talk with the customer; others are only kept.
fn is_told(stored: &Message) -> bool {
    const TOLD: &[&str] = &[
        "call_missed",
        "group_created",
        "group_renamed",
        "member_added",
        "member_joined",
        "member_left",
        "member_removed",
        "number_changed",
        "timer_changed",
    ];
    notice(stored).is_some_and(|notice| TOLD.contains(&notice))
}

/// Somebody wanted something, as with a message.
fn is_missed_call(stored: &Message) -> bool {
    notice(stored) == Some("call_missed")
}

fn notice(stored: &Message) -> Option<&str> {
    stored.details.as_ref().and_then(|details| details.notice.as_deref())
}

/// A time that cannot be right (before there was WhatsApp, or a day ahead of us) would put a message at one end of its
/// conversation for good, and make what we have heard of a chat look complete: such a message counts as written now.
fn credible(told: Timestamp, now: Timestamp) -> Timestamp {
    if (FIRST_CREDIBLE..=now.plus(MAX_AHEAD)).contains(&told) {
        told
    } else {
        Timestamp(now.0.div_euclid(1000) * 1000)
    }
}

/// The row of a message that we sent: its stanza id was stored before it was handed over, whatever chat it shows up in.
async fn ours(tx: &mut Tx, account: &Account, message: &WaMessage) -> Result<Option<Message>, StoreError> {
    tx.messages().ours(account.id, &message.id, Some(&message.chat)).await
}

/// The customer and conversation that a message belongs to, made when there are none.
async fn place(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    message: &WaMessage,
) -> Result<(Option<ResolvedCustomer>, Conversation), StoreError> {
    if message.chat_kind == ChatKind::Group {
        let known = tx.conversations().of_chat(account.id, &message.chat).await?;
        let before = known.map(|conversation| conversation.name);
        let name = message.chat_name.as_deref().or(before.as_deref()).unwrap_or("Group");
        let conversation = open_conversation(tx, account, None, &message.chat, ChatKind::Group, name).await?;
        if before.is_some_and(|before| before != conversation.name) {
            notice::announce(tx, policy, conversation.id).await?;
        }
        return Ok((None, conversation));
    }
    let met = people::meet(tx, &message.contact, IdentitySource::WhatsApp).await?;
    let customer = &met.customer;
    // A customer who has written in several chats is answered in the one where they wrote last.
    if let Some(known) = tx.conversations().of_customer(account.id, customer.id).await?
        && (message.new_number.is_some() || is_answered_elsewhere(&known, message))
    {
        return Ok((Some(met), known));
    }
    let kind = ChatKind::Direct;
    let conversation = open_conversation(tx, account, Some(customer), &message.chat, kind, &customer.name).await?;
    Ok((Some(met), conversation))
}

fn is_answered_elsewhere(known: &Conversation, message: &WaMessage) -> bool {
    let is_older = |last: Timestamp| last.since(message.timestamp) > SKEW;
    known.chat_id.is_some() && known.last_message_at.is_some_and(is_older)
}

/// Keeps what finding a chat has told: the chat to answer, and by what other names WhatsApp knows the customer.
pub(crate) async fn learn(tx: &mut Tx, conversation: &Conversation, resolved: &Resolved) -> Result<(), StoreError> {
    let mut contact = resolved.contact.clone();
    if let Some(asked) = asked_for(tx, conversation, &contact).await? {
        contact.identities.push(asked);
    }
    if !contact.identities.is_empty() {
        people::meet(tx, &contact, IdentitySource::WhatsApp).await?;
    }
    // It may have turned out to be another's just now.
    let live = tx.conversations().live(conversation.id).await?;
    let conversation = live.as_ref().unwrap_or(conversation);
    tx.conversations()
        .resolve(
            conversation.account_id,
            conversation.customer_id,
            Some(&resolved.chat),
            conversation.kind,
            &conversation.name,
        )
        .await?;
    Ok(())
}

/// The number that the chat was looked up by: the answer may name the chat alone.
async fn asked_for(
    tx: &mut Tx,
    conversation: &Conversation,
    contact: &WaContact,
) -> Result<Option<Identity>, StoreError> {
    let tells_number = contact.identities.iter().any(|known| known.kind == IdentityKind::Phone);
    let Some(customer) = conversation
        .customer_id
        .filter(|_| conversation.chat_id.is_none() && !tells_number)
    else {
        return Ok(None);
    };
    let phone = tx.customers().get(customer).await?.and_then(|customer| customer.phone);
    Ok(phone.as_ref().map(Identity::phone))
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
        .conversations()
        .resolve(account.id, customer, Some(chat), kind, name)
        .await?
        .conversation)
}
