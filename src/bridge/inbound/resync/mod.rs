//! Compares the page with the store, chat by chat, whenever events may have been missed: at attach, in a new epoch, at
//! MAIN, back online, after an overflow (rule 11). A message that came while the browser was dead causes no event; only
//! this comparison finds it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::bridge::core::Core;
use crate::bridge::core::reader::ReadReceipts;
use crate::bridge::core::syncs::Scope;
use crate::domain::account::Account;
use crate::domain::conversation::Conversation;
use crate::domain::history::HistoryState;
use crate::domain::whatsapp::{ChatSummary, MessageRef, PageEvent, ReadError, Unreachable, WhatsApp};
use crate::domain::{ConversationId, Timestamp, WaMessageId};
use crate::store::{RecentMessage, StoreError};

use super::batch;
use super::events::Events;
use super::own::OwnIds;

mod apart;
mod long;
mod revised;

/// Number of messages of a chat that are read first.
const FIRST_COUNT: usize = 20;
/// Number of messages of a chat that are read at once at most: with the longest texts they are some megabytes.
const PART: usize = 100;
/// Upper bound of the messages that a comparison reads of one chat.
const MAX_COUNT: usize = 12_500;
/// How far before the customer's newest message a comparison reaches: WhatsApp's times are whole seconds of several
/// clocks.
const OVERLAP: Duration = Duration::from_secs(30);
/// A chat whose last message is ours and not older than this is always compared, though nothing seems to be missing.
const ANSWERED_WITHIN: Duration = Duration::from_hours(48);
/// A chat that the phone shows as unread is compared for this long after its last message, though we have that one.
const UNREAD_WITHIN: Duration = Duration::from_hours(14 * 24);
/// Number of messages that a requested comparison reads first, though nothing seems to be missing.
const THOROUGH_COUNT: usize = PART;
/// How far back a requested comparison reads at least.
const THOROUGH_WITHIN: Duration = Duration::from_hours(48);
/// Age up to which the acks of an unfinished message are requested again.
const UNFINISHED_FOR: Duration = Duration::from_hours(14 * 24);
/// Upper bound of the unfinished messages requested in one comparison, the newest first.
const MAX_UNFINISHED: u64 = 500;
/// Upper bound of the messages stored in one transaction.
const CHUNK: usize = 100;

/// Result of a comparison.
pub(crate) enum Outcome {
    /// Everything was compared that can be read; `found` messages were new. `unread`: some chats cannot be read, and are
    /// to be tried again.
    Complete { found: usize, unread: bool },
    /// The page went away, for the given reason; the comparison has to run again.
    Interrupted(String),
}

enum Stop {
    Page(Unreachable),
    /// The page cannot read one chat, for this reason.
    Chat(String),
    Store(StoreError),
}

impl From<Unreachable> for Stop {
    fn from(error: Unreachable) -> Self {
        Self::Page(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unreachable(error) => Self::Page(error),
            ReadError::Unreadable(why) => Self::Chat(why),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Runs one comparison of `scope`. Messages that were found are committed chat by chat, also if it is interrupted
/// later.
pub(crate) async fn run(
    core: &Core,
    account: &Arc<Account>,
    port: &dyn WhatsApp,
    reader: &ReadReceipts,
    scope: Scope,
) -> Result<Outcome, StoreError> {
    let comparison = Comparison {
        core,
        account,
        port,
        reader,
        scope,
        history_until: history_until(core, account).await?,
        has_failed: AtomicBool::new(false),
    };
    match comparison.run().await {
        Ok((found, unread)) => Ok(Outcome::Complete { found, unread }),
        Err(Stop::Page(Unreachable(why)) | Stop::Chat(why)) => Ok(Outcome::Interrupted(why)),
        Err(Stop::Store(error)) => Err(error),
    }
}

/// Returns the time before which messages are left to the import of history, or were not wanted.
async fn history_until(core: &Core, account: &Account) -> Result<Timestamp, StoreError> {
    let ends = account.history_ends();
    Ok(match core.store.history().get(account.id).await? {
        Some(history) if history.state == HistoryState::Done => history.since.unwrap_or(ends).min(ends),
        Some(_) => ends,
        None => Timestamp::ZERO,
    })
}

struct Comparison<'a> {
    core: &'a Core,
    account: &'a Arc<Account>,
    port: &'a dyn WhatsApp,
    reader: &'a ReadReceipts,
    scope: Scope,
    history_until: Timestamp,
    /// Whether the page could not read some chat.
    has_failed: AtomicBool,
}

impl Comparison<'_> {
    /// Returns the number of new messages, and whether some chats are to be tried again.
    async fn run(&self) -> Result<(usize, bool), Stop> {
        let mut found = 0;
        let mut seen = HashSet::new();
        let chats = OwnIds::of(self.account, self.port).without_own_chat(self.port.chats().await?);
        let told: Vec<_> = chats
            .iter()
            .filter_map(|summary| Some((&summary.chat, summary.last_message.as_ref()?)))
            .collect();
        let stored = self.core.store.messages().last_of_chats(self.account.id, &told).await?;
        let unread = self.unread().await?;
        for summary in &chats {
            let last = stored.get(&summary.chat);
            // Most chats: for them nothing else is read.
            let is_settled =
                self.looks_only_for_changes(summary) && last.is_some_and(|last| self.is_the_end(summary, last));
            // Those that could not be read come last, so that they delay no other.
            if !is_settled && !unread.iter().any(|chat| chat.is(&summary.chat, &summary.contact)) {
                found += self.compare_apart(summary, &mut seen).await?;
            }
        }
        found += self.compare_unread(&chats, &unread, &mut seen).await?;
        if matches!(self.scope, Scope::Anew | Scope::Thorough) {
            self.find_revised(&chats, &unread).await?;
        }
        if !matches!(self.scope, Scope::One(_)) {
            self.refresh_unfinished(&seen).await?;
        }
        let has_failed = self.has_failed.load(Ordering::Relaxed);
        let is_left = has_failed || !unread.is_empty() && !self.unread().await?.is_empty();
        Ok((found, is_left))
    }

    /// Returns whether a chat need not be compared when its last message is stored.
    fn looks_only_for_changes(&self, summary: &ChatSummary) -> bool {
        match self.scope {
            Scope::Changed | Scope::Anew => true,
            Scope::Thorough => !self.is_of_late(summary),
            Scope::One(_) => false,
        }
    }

    fn is_of_late(&self, summary: &ChatSummary) -> bool {
        let now = self.core.clock.now();
        summary.last_at.is_some_and(|at| now.since(at) < UNREAD_WITHIN)
    }

    /// Returns whether no message of a chat can have been missed whose last message is stored.
    fn is_the_end(&self, summary: &ChatSummary, last: &RecentMessage) -> bool {
        let age = self.core.clock.now().since(last.timestamp);
        // Our message may have been sent, and the chat marked as read, after one of theirs that we have missed.
        (summary.unread == 0 || age > UNREAD_WITHIN) && (!last.from_me || age > ANSWERED_WITHIN)
    }

    /// Reads a chat back until it reaches messages that we have, and stores the new ones. Returns their number, or `None`
    /// if the chat need not be read. With `since` it is read back to that time at least.
    async fn compare_chat(
        &self,
        summary: &ChatSummary,
        since: Option<Timestamp>,
        seen: &mut HashSet<WaMessageId>,
    ) -> Result<Option<usize>, Stop> {
        let held = Held::read(self.core, self.account, summary).await?;
        let now = self.core.clock.now();
        let (wanted, mut count, least) = match self.scope {
            Scope::Changed | Scope::Anew => (!held.is_complete(summary, self), FIRST_COUNT, now),
            Scope::Thorough => {
                let wanted = self.is_of_late(summary) || !held.is_complete(summary, self);
                (wanted, THOROUGH_COUNT, now.minus(THOROUGH_WITHIN))
            }
            Scope::One(id) => (
                held.conversation == Some(id),
                THOROUGH_COUNT,
                now.minus(THOROUGH_WITHIN),
            ),
        };
        let is_other = matches!(self.scope, Scope::One(_)) && !wanted;
        if is_other || !wanted && since.is_none() {
            return Ok(None);
        }
        let boundary = held.boundary(self.account).min(least).min(since.unwrap_or(least));
        loop {
            let events = self.port.messages(&summary.chat, count).await?;
            if events.len() < count || oldest(&events).is_some_and(|oldest| oldest <= boundary) {
                return self.store(events, &held, seen).await.map(Some);
            }
            if count == PART {
                return self.compare_long(&summary.chat, boundary, &held, seen).await.map(Some);
            }
            count = PART;
        }
    }

    /// Stores what is new among a chat's events, the oldest first. Returns the number of new messages.
    async fn store(
        &self,
        mut events: Vec<PageEvent>,
        held: &Held,
        seen: &mut HashSet<WaMessageId>,
    ) -> Result<usize, Stop> {
        events.retain(|event| self.is_ours_to_take(event, held));
        let mut new = 0;
        let events = Events::from(events);
        for chunk in events.chunks(CHUNK) {
            new += batch::take_batch(self.core, self.account, chunk, self.reader)
                .await?
                .new;
        }
        for event in events.iter() {
            if let PageEvent::Message(message) = event {
                seen.insert(message.id.clone());
            }
        }
        Ok(new)
    }

    /// Returns whether an event is stored here and not left to the import of history. A message without a valid time is
    /// stored here.
    fn is_ours_to_take(&self, event: &PageEvent, held: &Held) -> bool {
        let PageEvent::Message(message) = event else {
            return true;
        };
        let is_history = message.timestamp > Timestamp::ZERO && message.timestamp < self.history_until;
        !is_history || held.recent.contains_key(&message.id)
    }

    /// Requests the acks of unfinished messages again that no chat's comparison has shown.
    async fn refresh_unfinished(&self, seen: &HashSet<WaMessageId>) -> Result<(), Stop> {
        let since = self.core.clock.now().minus(UNFINISHED_FOR);
        let messages = self.core.store.messages();
        let unfinished = messages.unfinished_of_account(self.account.id, since, MAX_UNFINISHED);
        let mut unread = HashSet::new();
        for (chat, id) in unfinished.await? {
            if seen.contains(&id) {
                continue;
            }
            let of = MessageRef::ours(chat, id);
            if let Some(message) = self.message_apart(&of, &mut unread).await? {
                let told = PageEvent::Message(Box::new(message)).into();
                batch::take_batch(self.core, self.account, told, self.reader).await?;
            }
        }
        Ok(())
    }
}

/// The newest messages that the store has of a chat.
struct Held {
    /// Messages since [`OVERLAP`] before the customer's newest.
    recent: HashMap<WaMessageId, RecentMessage>,
    /// Time of the customer's newest message.
    heard: Option<Timestamp>,
    /// The chat's conversation, if there is one.
    conversation: Option<ConversationId>,
}

impl Held {
    async fn read(core: &Core, account: &Account, summary: &ChatSummary) -> Result<Self, StoreError> {
        let mut held = Self {
            recent: HashMap::new(),
            heard: None,
            conversation: None,
        };
        if let Some(conversation) = conversation_of(core, account, summary).await? {
            held.conversation = Some(conversation.id);
            held.heard = core.store.pace().last_heard(conversation.id).await?;
            let recent = core
                .store
                .messages()
                .recent_ids(conversation.id, held.boundary(account))
                .await?;
            held.recent = recent.into_iter().map(|one| (one.whatsapp_id.clone(), one)).collect();
        }
        Ok(held)
    }

    /// Returns whether no message of this chat can have been missed.
    fn is_complete(&self, summary: &ChatSummary, comparison: &Comparison<'_>) -> bool {
        let account = comparison.account;
        let history_until = comparison.history_until;
        let quiet = summary.unread == 0;
        // All its messages are from before the first login: left to the import, or not wanted.
        let ended_before = |at: Timestamp| summary.last_at.is_some_and(|last| last < at.minus(OVERLAP));
        if ended_before(history_until) || (quiet && account.watermark.is_some_and(ended_before)) {
            return true;
        }
        match &summary.last_message {
            Some(last) => self
                .recent
                .get(last)
                .is_some_and(|last| comparison.is_the_end(summary, last)),
            // The page does not name the last message, so its time decides; an empty chat has none.
            None => {
                quiet
                    && summary
                        .last_at
                        .is_none_or(|at| self.heard.is_some_and(|heard| at < heard.minus(OVERLAP)))
            }
        }
    }

    /// Returns the time back to which a chat must be read; older messages are stored or are history. Only the
    /// customer's messages count: ours are stored before they are sent, so they do not show that nothing is missing.
    fn boundary(&self, account: &Account) -> Timestamp {
        self.heard
            .map(|heard| heard.minus(OVERLAP))
            .or(account.watermark)
            .unwrap_or(Timestamp::ZERO)
    }
}

/// Returns the conversation of a chat of the page, also if the chat's id has changed since.
async fn conversation_of(
    core: &Core,
    account: &Account,
    summary: &ChatSummary,
) -> Result<Option<Conversation>, StoreError> {
    for identity in &summary.contact.identities {
        if let Some(customer) = core.store.customers().by_identity(identity).await?
            && let Some(conversation) = core.store.conversations().of_customer(account.id, customer.id).await?
        {
            return Ok(Some(conversation));
        }
    }
    core.store.conversations().of_chat(account.id, &summary.chat).await
}

fn oldest(events: &[PageEvent]) -> Option<Timestamp> {
    let times = events.iter().filter_map(|event| match event {
        PageEvent::Message(message) => Some(message.timestamp),
        _ => None,
    });
    times.min()
}
