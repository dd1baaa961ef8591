//! Stores one message of WhatsApp. Live, resynced and imported messages all come through here, so that a message is
//! stored once, however often and in whatever way it is reported.

use std::time::Duration;

use crate::bridge::core::names::{author, sender_key};
use crate::bridge::core::policy::Policy;
use crate::bridge::core::{consent, notice, people, state};
use crate::bridge::media::attach;
use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation, ConversationStatus};
use crate::domain::customer::{Customer, Identity, IdentitySource, PhoneNumber};
use crate::domain::message::{Direction, FIRST_CREDIBLE, Kind, Message, MessageState};
use crate::domain::outbox::MatrixWork;
use crate::domain::whatsapp::{Resolved, WaMessage};
use crate::domain::{ChatId, CustomerId, Timestamp};
use crate::store::{Inserted, NewMessage, NewWork, ResolvedCustomer, Standing, StoreError, Tx};

use super::{changes, decrypted, later, members, polls};

/// How far ahead of our clock a message's time may be; clocks and time zones are sometimes set wrong.
const MAX_AHEAD: Duration = Duration::from_hours(24);
/// How far WhatsApp's clocks and ours may differ before a message counts as older than another.
const SKEW: Duration = Duration::from_secs(30);

/// Result of storing a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum IntakeOutcome {
    /// New message of a customer or a group, or a missed call, as stored; the chat gets a read receipt later.
    New(Box<Message>),
    /// Stored without a read receipt: history, a notice other than a missed call, a deleted message, or one of our own
    /// phone.
    Quiet,
    /// The message was stored before.
    Known,
}

/// Way in which a message came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Reported by the page, or found in a comparison with it.
    Live,
    /// Read by the import of history; no event is emitted for it.
    Imported,
}

/// Stores `message` with its customer, conversation, medium and room work. If it is stored already, updates it to the
/// page's version.
pub(crate) async fn take_in(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    message: &WaMessage,
    arrival: Arrival,
) -> Result<IntakeOutcome, StoreError> {
    if message.from_me
        && let Some(ours) = ours(tx, account, message).await?
    {
        state::apply_ack(tx, policy, &ours, message.ack).await?;
        return update(tx, policy, account, ours, message).await;
    }
    let (met, conversation) = place(tx, (policy, account), message).await?;
    let home = met.as_ref().and_then(|met| home_in(&conversation, met));
    let customer = met.as_ref().map(|met| &met.customer);
    let written = credible(message.timestamp, tx.now());
    let backfilled = written < account.history_ends();
    let is_notice = message.details.as_ref().is_some_and(|details| details.notice.is_some());
    // A notice of WhatsApp is inbound and has no author, also where it reports an action of our own phone.
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
    let is_group = message.chat_kind == ChatKind::Group;
    let by = if is_group {
        members::with_other_id(tx, conversation.id, &message.contact).await?
    } else {
        message.contact.clone()
    };
    let sender = sender_key(message.chat_kind, message.from_me, &message.sender, &by);
    if is_group
        && !message.from_me
        && let Some(stored) = members::message_of(tx, conversation.id, &message.id, &sender, &by).await?
    {
        return update(tx, policy, account, stored, message).await;
    }
    let inserted = tx
        .messages()
        .insert(NewMessage {
            whatsapp_id: Some(message.id.clone()),
            from_me: message.from_me,
            sender,
            author: Some(author(message, customer)),
            chat: Some(message.chat.clone()),
            home,
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
        Inserted::New(stored) => stored,
        Inserted::Existing(stored) => return update(tx, policy, account, stored, message).await,
    };
    // Before anything is told of it, so that all is told of the place where it stays.
    let settled = settled(tx, (policy, account), message, (conversation, home), stored).await?;
    match settled {
        Some(settled) => tell(tx, (policy, account), message, arrival, settled).await,
        None => Ok(IntakeOutcome::Known),
    }
}

/// Does what follows from every new message: stores its medium, emits it, and takes note of a new number.
async fn tell(
    tx: &mut Tx,
    (policy, account): (&Policy, &Account),
    message: &WaMessage,
    arrival: Arrival,
    (mut conversation, stored): (Conversation, Message),
) -> Result<IntakeOutcome, StoreError> {
    let mut stored = attach::attach(tx, &policy.media, account, stored, message).await?;
    tx.conversations()
        .touch(conversation.id, stored.id, stored.timestamp)
        .await?;
    if arrival == Arrival::Live {
        tx.emit(match stored.direction {
            Direction::Outbound => Event::message_state(&stored),
            Direction::Inbound => Event::message_received(&stored),
        });
    }
    if let Some(number) = message.new_number.as_ref().filter(|_| !stored.backfilled) {
        people::renumber(tx, policy, account, message, number).await?;
        // It may have merged the customer with the one who had the number.
        let live = tx.conversations().live(conversation.id).await?;
        conversation = live.ok_or(StoreError::Missing { what: "conversation" })?;
        stored = again(tx, &stored).await?;
    }
    let is_quiet = stored.kind == Kind::System && !is_told(&stored);
    if stored.backfilled || is_quiet || stored.deleted_at.is_some() {
        return Ok(IntakeOutcome::Quiet);
    }
    follow_up(tx, policy, &conversation, &stored).await
}

/// Updates a stored message to the page's version, with its medium.
async fn update(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    stored: Message,
    told: &WaMessage,
) -> Result<IntakeOutcome, StoreError> {
    let stored = decrypted::replace(tx, policy, stored, told).await?;
    changes::reconcile(tx, policy, &stored, told).await?;
    attach::attach_late(tx, &policy.media, account, stored, told).await?;
    Ok(IntakeOutcome::Known)
}

/// Does what follows from a message that is not history: shows it in the room, counts it as unread, reopens the
/// conversation, reads opt-outs. The conversation is locked.
async fn follow_up(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    stored: &Message,
) -> Result<IntakeOutcome, StoreError> {
    if policy.matrix {
        let show = MatrixWork::ShowMessage { message: stored.id };
        tx.outbox().enqueue(NewWork::for_message(stored, show)).await?;
        // It may have been found late.
        changes::show_first(tx, policy, stored).await?;
    }
    if stored.direction == Direction::Outbound {
        // Sent on the phone: so the phone is in use, and what was there before is answered. It may be found late.
        tx.accounts().see_phone(stored.account_id, stored.timestamp).await?;
        let heard = tx.pace().last_heard(conversation.id).await?;
        if heard.is_none_or(|heard| heard <= stored.timestamp) {
            state::mark_answered(tx, conversation).await?;
        }
        return Ok(IntakeOutcome::Quiet);
    }
    if stored.kind == Kind::System && !is_missed_call(stored) {
        return Ok(IntakeOutcome::Quiet);
    }
    consent::heard(tx, policy, conversation, stored).await?;
    tx.conversations().add_unread(conversation.id, 1).await?;
    later::overtaken(tx, policy, conversation).await?;
    if conversation.status != ConversationStatus::Open {
        let open = Standing {
            status: ConversationStatus::Open,
            until: None,
        };
        let reopened = tx.conversations().set_standing(conversation.id, open).await?;
        tx.emit(Event::conversation_updated(&reopened));
        Box::pin(notice::show_room(tx, policy, &reopened)).await?;
    }
    Ok(IntakeOutcome::New(Box::new(stored.clone())))
}

/// Returns the conversation of a message that was just stored, locked, and the message, which goes on with it: another process
/// may have merged or parted customers since the conversation was found. `None` if that process has stored the message there
/// as well.
async fn settled(
    tx: &mut Tx,
    on: (&Policy, &Account),
    message: &WaMessage,
    (known, home): (Conversation, Option<CustomerId>),
    stored: Message,
) -> Result<Option<(Conversation, Message)>, StoreError> {
    let now = tx.conversations().relock(&known).await?;
    let now = now.ok_or(StoreError::Missing { what: "conversation" })?;
    let conversation = if now.merged_into.is_some() {
        tx.merges().follow(now.id).await?
    } else if now.customer_id != stored.customer_id {
        tx.merges().put_right(stored.id, &now).await?;
        now
    } else if is_parted(tx, &now, home).await? {
        let theirs = Box::pin(place(tx, on, message)).await?.1.id;
        let theirs = tx.conversations().lock(theirs).await?;
        let theirs = theirs.ok_or(StoreError::Missing { what: "conversation" })?;
        tx.merges().put_right(stored.id, &theirs).await?;
        theirs
    } else {
        return Ok(Some((now, stored)));
    };
    let stored = again(tx, &stored).await?;
    let is_there = stored.conversation_id == conversation.id;
    Ok(is_there.then_some((conversation, stored)))
}

/// Returns whether the merge was undone by which a conversation's customer has what belongs to `home`.
async fn is_parted(tx: &mut Tx, conversation: &Conversation, home: Option<CustomerId>) -> Result<bool, StoreError> {
    match home {
        Some(home) => Ok(Some(tx.customers().surviving(home).await?) != conversation.customer_id),
        None => Ok(false),
    }
}

/// Returns a message that was just stored, as it is by now.
async fn again(tx: &mut Tx, stored: &Message) -> Result<Message, StoreError> {
    let stored = tx.messages().get(stored.id).await?;
    stored.ok_or(StoreError::Missing { what: "message" })
}

/// Returns the customer to whom a message would belong without any merge; `None` if that is the conversation's customer.
fn home_in(conversation: &Conversation, met: &ResolvedCustomer) -> Option<CustomerId> {
    let met_elsewhere = Some(met.customer.id).filter(|met| conversation.customer_id != Some(*met));
    met.home.or(met_elsewhere)
}

/// Returns whether a notice is shown in the room; other notices are only stored.
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

/// Returns whether a notice is a missed call, which counts as unread like a message.
fn is_missed_call(stored: &Message) -> bool {
    notice(stored) == Some("call_missed")
}

fn notice(stored: &Message) -> Option<&str> {
    stored.details.as_ref().and_then(|details| details.notice.as_deref())
}

/// Returns the message's time, or now, in whole seconds, if the time cannot be right (before WhatsApp existed, or more
/// than a day ahead). A wrong time would put the message at one end of its conversation for ever, and would make the
/// resync take the chat as complete.
fn credible(told: Timestamp, now: Timestamp) -> Timestamp {
    if (FIRST_CREDIBLE..=now.plus(MAX_AHEAD)).contains(&told) {
        told
    } else {
        Timestamp(now.0.div_euclid(1000) * 1000)
    }
}

/// Returns the row of a message that we sent. It is found by its stanza id, which was stored before the hand-over, in
/// whatever chat the message appears.
async fn ours(tx: &mut Tx, account: &Account, message: &WaMessage) -> Result<Option<Message>, StoreError> {
    tx.messages().ours(account.id, &message.id, Some(&message.chat)).await
}

/// Returns the customer and conversation of a message, created if there are none. A group has no customer.
async fn place(
    tx: &mut Tx,
    (policy, account): (&Policy, &Account),
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
    let met = people::meet(tx, policy, &message.contact, IdentitySource::WhatsApp).await?;
    let customer = &met.customer;
    let conversation = match tx.conversations().of_customer(account.id, customer.id).await? {
        Some(known) if keeps_its_chat(tx, &known, customer, message).await? => known,
        Some(known) => tx.conversations().answer_in(known, &message.chat).await?,
        None => {
            let kind = ChatKind::Direct;
            open_conversation(tx, account, Some(customer), &message.chat, kind, &customer.name).await?
        }
    };
    Ok((Some(met), conversation))
}

/// Returns whether a conversation goes on being answered in its own chat when this message comes: a customer with several
/// chats is answered in the one where they wrote last.
async fn keeps_its_chat(
    tx: &mut Tx,
    known: &Conversation,
    customer: &Customer,
    message: &WaMessage,
) -> Result<bool, StoreError> {
    Ok(message.new_number.is_some()
        || is_answered_elsewhere(tx, known, customer, message).await?
        || is_told_again(tx, known, message).await?)
}

/// Returns whether an older message came in this chat. A conversation that has lost its chat is answered at the customer's
/// number; one that has never had a chat takes the first, however late its message is heard of.
async fn is_answered_elsewhere(
    tx: &mut Tx,
    known: &Conversation,
    customer: &Customer,
    message: &WaMessage,
) -> Result<bool, StoreError> {
    let is_older = |last: Timestamp| last.since(message.timestamp) > SKEW;
    if !known.last_message_at.is_some_and(is_older) {
        return Ok(false);
    }
    Ok(known.chat_id.is_some() || customer.phone.is_some() && tx.conversations().had_chat(known.id).await?)
}

/// Returns whether the conversation lost its chat after this message came in: a person has corrected the number since.
async fn is_told_again(tx: &mut Tx, known: &Conversation, message: &WaMessage) -> Result<bool, StoreError> {
    if known.chat_id.is_some() {
        return Ok(false);
    }
    let sender = sender_key(message.chat_kind, message.from_me, &message.sender, &message.contact);
    let stored = tx
        .messages()
        .under(known.id, &message.id, message.from_me, &sender)
        .await?;
    Ok(stored.is_some())
}

/// Result of resolving a recipient.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Learned {
    /// The customer of this conversation.
    Meant(Conversation),
    /// The number belongs to this other customer now.
    Passed(Customer),
}

/// Stores the result of resolving a recipient: the customer's other identities, and the chat to answer in, unless the
/// chat was resolved by a number while the conversation answers in another one. `asked` is the number by which the chat
/// was resolved. The server may know its owner by another form of the number, and answers with that one; the number that
/// was asked for stays an identity of the same person. (A number that has passed to another person does not join the
/// two: [`crate::domain::ledger`] moves it.)
pub(crate) async fn learn(
    tx: &mut Tx,
    policy: &Policy,
    conversation: &Conversation,
    resolved: &Resolved,
    asked: Option<&PhoneNumber>,
) -> Result<Learned, StoreError> {
    let mut contact = resolved.contact.clone();
    let number = asked.map(Identity::phone);
    contact
        .identities
        .extend(number.filter(|number| !resolved.contact.identities.contains(number)));
    if !contact.identities.is_empty() {
        people::meet(tx, policy, &contact, IdentitySource::WhatsApp).await?;
    }
    // The identities may have merged the customer just now, which ends this conversation in another.
    let live = tx.conversations().live(conversation.id).await?;
    let conversation = live.unwrap_or_else(|| conversation.clone());
    let Some(asked) = asked else {
        let conversation = tx.conversations().answer_in(conversation, &resolved.chat).await?;
        return Ok(Learned::Meant(conversation));
    };
    if let Some(owner) = tx.customers().by_identity(&Identity::phone(asked)).await?
        && Some(owner.id) != conversation.customer_id
    {
        return Ok(Learned::Passed(owner));
    }
    if conversation.chat_id.is_some() {
        return Ok(Learned::Meant(conversation));
    }
    let conversation = tx.conversations().answer_in(conversation, &resolved.chat).await?;
    Ok(Learned::Meant(conversation))
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
