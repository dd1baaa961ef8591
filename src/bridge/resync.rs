//! Compares the page with the store, conversation by conversation, whenever events may have been missed: at attach, in a
//! new epoch, at MAIN, back online, after an overflow (`RULES` 11). A message that came while the browser was dead makes no
//! event; only this finds it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::account::Account;
use crate::domain::conversation::Conversation;
use crate::domain::whatsapp::{ChatSummary, PageEvent, Unreachable, WhatsApp};
use crate::domain::{Timestamp, WaMessageId};
use crate::store::{RecentMessage, StoreError};

use super::core::Core;
use super::inbound;
use super::reading::Reader;

/// How many messages of a chat are asked for first, and how fast that grows until they meet what we have.
const FIRST_COUNT: usize = 20;
const GROWTH: usize = 5;
/// No comparison reaches further back than this many messages of a chat.
const MAX_COUNT: usize = 12_500;
/// WhatsApp's times are whole seconds of several clocks: this much before our newest message is compared again.
const OVERLAP: Duration = Duration::from_secs(30);
/// A chat that ends with a text of ours no older than this is looked at, though nothing seems to be missing.
const ANSWERED_WITHIN: Duration = Duration::from_hours(48);
/// For this long after a message its acks are asked for again.
const UNFINISHED_FOR: Duration = Duration::from_hours(14 * 24);
/// Unfinished messages asked for in one comparison, the newest first.
const MAX_UNFINISHED: u64 = 500;
/// Messages stored in one transaction.
const CHUNK: usize = 100;

pub(super) enum Outcome {
    /// Everything has been compared; so many messages were new.
    Complete { found: usize },
    /// The page went away; to be run again.
    Interrupted(String),
}

enum Stop {
    Page(Unreachable),
    Store(StoreError),
}

impl From<Unreachable> for Stop {
    fn from(error: Unreachable) -> Self {
        Self::Page(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One whole comparison.
pub(super) async fn run(
    core: &Core,
    account: &Account,
    port: &dyn WhatsApp,
    reader: &Reader,
) -> Result<Outcome, StoreError> {
    match compare(core, account, port, reader).await {
        Ok(found) => Ok(Outcome::Complete { found }),
        Err(Stop::Page(Unreachable(why))) => Ok(Outcome::Interrupted(why)),
        Err(Stop::Store(error)) => Err(error),
    }
}

async fn compare(core: &Core, account: &Account, port: &dyn WhatsApp, reader: &Reader) -> Result<usize, Stop> {
    let mut found = 0;
    let mut seen = HashSet::new();
    for summary in port.chats().await? {
        found += compare_chat(core, account, port, reader, &summary, &mut seen).await?;
    }
    refresh_unfinished(core, account, port, reader, &seen).await?;
    Ok(found)
}

/// What we hold of a chat around the end that the page shows.
struct Held {
    /// Since [`OVERLAP`] before the customer's newest.
    recent: HashMap<WaMessageId, RecentMessage>,
    /// The time of the customer's newest.
    heard: Option<Timestamp>,
}

impl Held {
    async fn read(core: &Core, account: &Account, summary: &ChatSummary) -> Result<Self, StoreError> {
        let mut held = Self {
            recent: HashMap::new(),
            heard: None,
        };
        if let Some(conversation) = conversation_of(core, account, summary).await? {
            held.heard = core.store.last_heard(conversation.id).await?;
            let recent = core.store.recent_ids(conversation.id, held.boundary(account)).await?;
            held.recent = recent.into_iter().map(|one| (one.whatsapp_id.clone(), one)).collect();
        }
        Ok(held)
    }

    /// Whether nothing can have been missed in this chat.
    fn is_complete(&self, summary: &ChatSummary, now: Timestamp) -> bool {
        summary.unread == 0
            && match &summary.last_message {
                Some(last) => self.recent.get(last).is_some_and(|last| {
                    // Ours may have gone out, and marked the chat as read, over one that we had not heard yet.
                    !last.from_me || now.since(last.timestamp) > ANSWERED_WITHIN
                }),
                // The page does not say which message is the last: its time decides, an empty chat having none.
                None => summary
                    .last_at
                    .is_none_or(|at| self.heard.is_some_and(|heard| at < heard.minus(OVERLAP))),
            }
    }

    /// Up to where a chat has to be read: what is older is either held or history. Only what the customer wrote counts: a
    /// text of ours is stored before the page is asked for anything.
    fn boundary(&self, account: &Account) -> Timestamp {
        self.heard
            .map(|heard| heard.minus(OVERLAP))
            .or(account.watermark)
            .unwrap_or(Timestamp::ZERO)
    }
}

/// Reads a chat back until it meets what we hold, and takes in what is new. Returns how many were.
async fn compare_chat(
    core: &Core,
    account: &Account,
    port: &dyn WhatsApp,
    reader: &Reader,
    summary: &ChatSummary,
    seen: &mut HashSet<WaMessageId>,
) -> Result<usize, Stop> {
    let held = Held::read(core, account, summary).await?;
    if held.is_complete(summary, core.clock.now()) {
        return Ok(0);
    }
    let boundary = held.boundary(account);
    let mut count = FIRST_COUNT;
    let mut events = port.messages(&summary.chat, count).await?;
    while events.len() >= count && count < MAX_COUNT && oldest(&events).is_none_or(|oldest| oldest > boundary) {
        count = (count * GROWTH).min(MAX_COUNT);
        events = port.messages(&summary.chat, count).await?;
    }
    let mut new = 0;
    for chunk in events.chunks(CHUNK) {
        new += inbound::take_batch(core, account, chunk, reader).await?.new;
    }
    for event in events {
        if let PageEvent::Message(message) = event {
            seen.insert(message.id);
        }
    }
    Ok(new)
}

/// The conversation that a chat of the page belongs to, whatever the chat is called by now.
async fn conversation_of(
    core: &Core,
    account: &Account,
    summary: &ChatSummary,
) -> Result<Option<Conversation>, StoreError> {
    for identity in &summary.contact.identities {
        if let Some(customer) = core.store.customer_of(identity).await?
            && let Some(conversation) = core.store.conversation_of(account.id, customer.id).await?
        {
            return Ok(Some(conversation));
        }
    }
    core.store.conversation_of_chat(account.id, &summary.chat).await
}

fn oldest(events: &[PageEvent]) -> Option<Timestamp> {
    let times = events.iter().filter_map(|event| match event {
        PageEvent::Message(message) => Some(message.timestamp),
        _ => None,
    });
    times.min()
}

/// Asks again for the acks of messages that are still on their way and that no chat's comparison has shown.
async fn refresh_unfinished(
    core: &Core,
    account: &Account,
    port: &dyn WhatsApp,
    reader: &Reader,
    seen: &HashSet<WaMessageId>,
) -> Result<(), Stop> {
    let since = core.clock.now().minus(UNFINISHED_FOR);
    for (chat, id) in core
        .store
        .unfinished_of_account(account.id, since, MAX_UNFINISHED)
        .await?
    {
        if seen.contains(&id) {
            continue;
        }
        if let Some(message) = port.message(&chat, &id, true).await? {
            inbound::take_batch(core, account, &[PageEvent::Message(Box::new(message))], reader).await?;
        }
    }
    Ok(())
}
