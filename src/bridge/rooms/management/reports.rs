//! Reports to the managers, once a minute at most: messages that were not sent or may not have been, messages that were missed
//! and recovered, and messages that wait for a limit. A follower of the journal, whose cursor moves in the transaction of the
//! report: nothing is told twice, and nothing is left out. No report contains a text.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;

use crate::contract::{EventType, JournalEvent, MessageView, SyncView};
use crate::domain::message::{CANCELLED, MessageState};
use crate::domain::outbox::MatrixWork;
use crate::domain::pacing::WaitReason;
use crate::domain::{AccountId, ConversationId, MatrixRoomId, Seq, Timestamp};
use crate::store::{NewWork, StoreError};

use super::worker::ManagementRoom;

/// Name of the cursor in the journal.
const CURSOR: &str = "management.journal";
/// Least time between two reports.
const EVERY: Duration = Duration::from_mins(1);
/// Events that are read at a time.
const BATCH: u64 = 500;
/// Most events that one report covers; the next one goes on from there.
const MAX_EVENTS: usize = 20_000;
/// Most conversations that a report names.
const MAX_NAMED: usize = 20;

/// Content of a report, gathered from events.
#[derive(Default)]
struct Tally {
    /// Messages that were not sent, by the code of their failure.
    failed: BTreeMap<String, u64>,
    /// Messages that may have been sent.
    unknown: u64,
    /// Conversations of both.
    conversations: BTreeSet<ConversationId>,
    /// Messages that wait because of the limit of first contacts.
    limited: u64,
    /// Time at which the first of them goes out.
    first_at: Option<Timestamp>,
    /// Messages that were missed and recovered, by account.
    missed: BTreeMap<AccountId, i64>,
}

impl Tally {
    /// Takes an event in. One whose data cannot be read is left out: it was told to others as it is.
    fn take(&mut self, event: &JournalEvent) {
        match event.kind {
            EventType::MessageState => {
                if let Ok(message) = event.data.parse::<MessageView>() {
                    self.take_message(&message);
                }
            }
            EventType::AccountSynced => {
                if let (Ok(synced), Some(account)) = (event.data.parse::<SyncView>(), event.account_id)
                    && synced.recovered > 0
                {
                    *self.missed.entry(account).or_default() += synced.recovered;
                }
            }
            _ => {}
        }
    }

    fn take_message(&mut self, message: &MessageView) {
        let code = message.failure.as_ref().map_or("failed", |failure| &failure.code);
        match message.state {
            // Who called it off knows.
            MessageState::Failed if code == CANCELLED => {}
            MessageState::Failed => {
                *self.failed.entry(code.to_owned()).or_default() += 1;
                self.conversations.insert(message.conversation_id);
            }
            MessageState::Unknown => {
                self.unknown += 1;
                self.conversations.insert(message.conversation_id);
            }
            MessageState::Queued => {
                let limited = message
                    .waiting
                    .filter(|waiting| waiting.reason == WaitReason::FirstContacts);
                if let Some(waiting) = limited {
                    self.limited += 1;
                    self.first_at = Some(self.first_at.map_or(waiting.until, |first| first.min(waiting.until)));
                }
            }
            _ => {}
        }
    }

    /// Returns the report; `None` if there is nothing to tell. `names`: of the accounts.
    fn text(&self, names: &BTreeMap<AccountId, String>) -> Option<String> {
        let mut lines = vec![];
        for (account, missed) in &self.missed {
            let name = names.get(account).map_or("removed", String::as_str);
            lines.push(format!(
                "WhatsApp ({name}) had not reported {missed} messages; they were found and are stored now."
            ));
        }
        if !self.failed.is_empty() {
            let codes: Vec<String> = self.failed.iter().map(|(code, n)| format!("{code} {n}")).collect();
            lines.push(format!(
                "Not sent: {} messages ({}).",
                self.failed.values().sum::<u64>(),
                codes.join(", ")
            ));
        }
        if self.unknown > 0 {
            lines.push(format!(
                "Perhaps not sent: {} messages; look on the phone.",
                self.unknown
            ));
        }
        if !self.conversations.is_empty() {
            let mut listed: Vec<String> = self
                .conversations
                .iter()
                .take(MAX_NAMED)
                .map(ToString::to_string)
                .collect();
            if self.conversations.len() > MAX_NAMED {
                listed.push("and others".to_owned());
            }
            lines.push(format!(
                "Conversations: {}. The rooms say why of each; reply !retry there to try again.",
                listed.join(", ")
            ));
        }
        if let Some(first) = self.first_at {
            lines.push(format!(
                "Waiting: {} messages, because {}; the first goes out at {first}.",
                self.limited,
                WaitReason::FirstContacts.explained()
            ));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl ManagementRoom {
    /// Queues a report of what happened since the last one, if one is due and there is something to tell. Returns whether
    /// it did.
    pub(super) async fn report(&mut self, room: &MatrixRoomId, now: Timestamp) -> Result<bool, StoreError> {
        if now < self.report_at && self.report_at <= now.plus(EVERY) {
            return Ok(false);
        }
        self.report_at = now.plus(EVERY);
        let Some(after) = self.cursor().await? else {
            return Ok(false);
        };
        let (tally, end) = self.tally(after).await?;
        if end == after {
            return Ok(false);
        }
        let accounts = self.core.store.accounts().all().await?;
        let first = accounts.first().map(|account| account.id);
        let names = accounts.into_iter().map(|account| (account.id, account.name)).collect();
        let text = tally.text(&names);
        let worked = text.is_some();
        let work = first.zip(text).map(|(account, text)| {
            let room = room.clone();
            NewWork::for_account(account, MatrixWork::Tell { room, text })
        });
        self.core
            .write((end, work), |tx, (end, work)| {
                async move {
                    tx.settings().set_cursor(CURSOR, &end.0.to_string()).await?;
                    if let Some(work) = work {
                        tx.outbox().enqueue(work.clone()).await?;
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await?;
        Ok(worked)
    }

    /// Returns the event up to which was reported; `None` if this is the first look, after which reports begin.
    async fn cursor(&self) -> Result<Option<Seq>, StoreError> {
        let store = &self.core.store;
        if let Some(cursor) = store.settings().cursor(CURSOR).await? {
            let seq = cursor.parse().map(Seq);
            return seq
                .map(Some)
                .map_err(|error| StoreError::corrupt("cursors", format_args!("{CURSOR}: {error}")));
        }
        let head = store.journal().range().await?.head;
        self.core
            .write(head, |tx, head| {
                async move { tx.settings().set_cursor(CURSOR, &head.0.to_string()).await }.boxed()
            })
            .await?;
        Ok(None)
    }

    /// Reads the events after `after`. Returns what they tell, and the last of them.
    async fn tally(&self, after: Seq) -> Result<(Tally, Seq), StoreError> {
        let (mut tally, mut end, mut read) = (Tally::default(), after, 0);
        while read < MAX_EVENTS {
            let events = self.core.store.journal().after(end, BATCH).await?;
            let Some(last) = events.last() else { break };
            end = last.seq;
            read += events.len();
            for event in &events {
                tally.take(event);
            }
        }
        Ok((tally, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_counts_and_names_conversations() {
        let mut tally = Tally::default();
        assert_eq!(tally.text(&BTreeMap::new()), None);
        tally.failed = BTreeMap::from([("expired".to_owned(), 2), ("not_on_whatsapp".to_owned(), 1)]);
        tally.unknown = 1;
        tally.conversations = (1..=21).map(ConversationId).collect();
        tally.missed.insert(AccountId(1), 3);
        tally.limited = 4;
        tally.first_at = Some(Timestamp::from_seconds(1_790_000_000));
        let text = tally
            .text(&BTreeMap::from([(AccountId(1), "default".to_owned())]))
            .unwrap();
        for line in [
            "WhatsApp (default) had not reported 3 messages",
            "Not sent: 3 messages (expired 2, not_on_whatsapp 1).",
            "Perhaps not sent: 1 messages",
            "19, 20, and others.",
            "Waiting: 4 messages, because the limit of first contacts is reached",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
