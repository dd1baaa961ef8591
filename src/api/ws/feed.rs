//! The newest events for all WebSockets: one reader of the journal, and each event serialised once. A connection that is
//! further behind reads the journal itself until it has caught up.
//!
//! Each wake-up of a connection costs a packet and a change of threads, which is most of what an event costs. So the more
//! connections there are, the longer events are collected before all are woken again; the first event after a pause goes at
//! once.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes};
use tokio::sync::watch;

use super::frame;
use crate::contract::{EventBody, EventFrame, EventType, JournalEvent, ServerFrame};
use crate::domain::{AccountId, ConversationId, Seq};
use crate::store::{EventFilter, Follower, Next, Store, StoreError};

/// Most events that are kept.
const KEPT: usize = 1024;
/// Most bytes of events that are kept. The newest event is kept whatever its size.
const KEPT_BYTES: usize = 4 << 20;
/// Most events that are handed to a connection at once.
const BATCH: usize = 64;
/// Time between two wake-ups of all connections, for each of them. What a wake-up of one costs is less than half of it, so
/// events take less than half a processor however often they come.
const SPACING_EACH: Duration = Duration::from_micros(50);
/// Longest time between two wake-ups.
const MAX_SPACING: Duration = Duration::from_millis(100);
/// Resolution of the runtime's timers.
const TIMER: Duration = Duration::from_millis(1);
/// Pause after the journal could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// An event, serialised. Clones share its bytes.
#[derive(Clone, Debug)]
pub struct Line {
    pub seq: Seq,
    kind: EventType,
    account: Option<AccountId>,
    conversation: Option<ConversationId>,
    text: Utf8Bytes,
}

impl Line {
    fn new(event: JournalEvent) -> serde_json::Result<Self> {
        let (seq, kind) = (event.seq, event.kind);
        let (account, conversation) = (event.account_id, event.conversation_id);
        let text = frame::text(&ServerFrame::Event(event.into()))?;
        Ok(Self {
            seq,
            kind,
            account,
            conversation,
            text,
        })
    }

    /// Returns the type of the event.
    pub const fn kind(&self) -> EventType {
        self.kind
    }

    /// Returns whether a filter takes the event.
    pub fn passes(&self, filter: &EventFilter) -> bool {
        filter.takes(self.kind, self.account, self.conversation)
    }

    /// Lets a filter go on with the conversations in which its own do, if the event is a merge.
    pub fn widen(&self, filter: &mut EventFilter) {
        if self.kind != EventType::CustomerMerged || !filter.names_conversations() {
            return;
        }
        let merged = self.event().and_then(|event| EventBody::parse(event.kind, &event.data));
        if let Ok(EventBody::CustomerMerged(merged)) = merged {
            for joined in merged.joined {
                filter.follow(joined.merged_conversation_id, joined.conversation_id);
            }
        }
    }

    /// Returns the event as the journal has it.
    pub fn event(&self) -> serde_json::Result<JournalEvent> {
        serde_json::from_str::<EventFrame>(&self.text).map(Into::into)
    }

    /// Returns the event's frame.
    pub fn message(&self) -> Message {
        Message::Text(self.text.clone())
    }
}

/// Result of reading the journal after a cursor.
pub enum Following {
    /// Events, in order; none if there are no later ones yet.
    Lines(Vec<Line>),
    /// The events were pruned from the journal before they could be sent.
    Lost { oldest: Seq },
}

/// The newest events. Clones share them.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    store: Store,
    recent: Mutex<Recent>,
    head: watch::Sender<Seq>,
}

/// The events after `from`, without a hole.
struct Recent {
    /// Number before the first event; `None` until the feed has begun.
    from: Option<Seq>,
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Feed {
    /// Creates a feed that has read nothing yet.
    pub fn new(store: Store) -> Self {
        let recent = Recent {
            from: None,
            lines: VecDeque::new(),
            bytes: 0,
        };
        Self(Arc::new(Inner {
            store,
            recent: Mutex::new(recent),
            head: watch::Sender::new(Seq(0)),
        }))
    }

    /// Reads the journal without end. Without it a connection still gets every event, by reading the journal itself.
    pub async fn run(&self) -> Infallible {
        loop {
            let Err(error) = self.read().await;
            if !matches!(error, StoreError::Closed) {
                tracing::warn!("the journal cannot be read for WebSockets; trying again in {AGAIN:?}: {error}");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn read(&self) -> Result<Infallible, StoreError> {
        let begun = self.with(|recent| recent.head());
        let head = match begun {
            Some(head) => head,
            None => self.0.store.journal().range().await?.head,
        };
        if begun.is_none() {
            self.restart(head);
        }
        let mut follower = Follower::new(&self.0.store, head);
        loop {
            match follower.next().await? {
                Next::Events(events) => {
                    let lines: Result<Vec<_>, _> = events.into_iter().map(Line::new).collect();
                    let lines = lines.map_err(|error| StoreError::corrupt("journal", error))?;
                    self.append(lines);
                }
                Next::Lost { oldest } => self.restart(Seq(oldest.0 - 1)),
            }
            if let Some(spacing) = spacing(self.0.head.receiver_count()) {
                tokio::time::sleep(spacing).await;
            }
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Recent) -> T) -> T {
        work(&mut self.0.recent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins after `seq`, without the events before it.
    fn restart(&self, seq: Seq) {
        self.with(|recent| {
            *recent = Recent {
                from: Some(seq),
                lines: VecDeque::new(),
                bytes: 0,
            };
        });
        self.0.head.send_replace(seq);
    }

    fn append(&self, lines: Vec<Line>) {
        let head = self.with(|recent| {
            for line in lines {
                recent.bytes += line.text.len();
                recent.lines.push_back(line);
            }
            while recent.lines.len() > KEPT || recent.bytes > KEPT_BYTES && recent.lines.len() > 1 {
                if let Some(oldest) = recent.lines.pop_front() {
                    recent.bytes -= oldest.text.len();
                    recent.from = Some(oldest.seq);
                }
            }
            recent.head()
        });
        if let Some(head) = head {
            self.0.head.send_replace(head);
        }
    }

    /// Returns the kept events after `cursor`; `None` if the first of them is not kept.
    fn kept(&self, cursor: Seq) -> Option<Vec<Line>> {
        self.with(|recent| {
            if recent.from.is_none_or(|from| cursor < from) {
                return None;
            }
            let first = recent.lines.partition_point(|line| line.seq <= cursor);
            Some(recent.lines.iter().skip(first).take(BATCH).cloned().collect())
        })
    }

    /// Creates a reader that starts with the event after `cursor`.
    pub fn after(&self, cursor: Seq) -> Reader {
        Reader {
            head: self.0.head.subscribe(),
            feed: self.clone(),
            cursor,
        }
    }
}

/// Returns the time until `readers` connections are woken again; `None` if it is below what a timer can tell.
fn spacing(readers: usize) -> Option<Duration> {
    let readers = u32::try_from(readers).unwrap_or(u32::MAX);
    let spacing = SPACING_EACH.saturating_mul(readers).min(MAX_SPACING);
    (spacing >= TIMER).then_some(spacing)
}

impl Recent {
    /// Returns the number of the newest event that was read.
    fn head(&self) -> Option<Seq> {
        self.lines.back().map(|line| line.seq).or(self.from)
    }
}

/// A connection's place in the feed.
pub struct Reader {
    feed: Feed,
    head: watch::Receiver<Seq>,
    cursor: Seq,
}

impl Reader {
    /// Waits for the next events and returns them.
    pub async fn next(&mut self) -> Result<Following, StoreError> {
        loop {
            self.head.mark_unchanged();
            match self.feed.kept(self.cursor) {
                Some(lines) if lines.is_empty() => {
                    // The sender lives as long as the feed, which we hold.
                    let _ = self.head.changed().await;
                }
                Some(lines) => return Ok(self.moved(lines)),
                None => return Box::pin(self.behind()).await,
            }
        }
    }

    fn moved(&mut self, lines: Vec<Line>) -> Following {
        self.cursor = lines.last().map_or(self.cursor, |last| last.seq);
        Following::Lines(lines)
    }

    /// Reads the journal, because the feed does not keep the next event any more.
    async fn behind(&mut self) -> Result<Following, StoreError> {
        match Follower::new(&self.feed.0.store, self.cursor).next().await? {
            Next::Events(events) => {
                let lines: Result<Vec<_>, _> = events.into_iter().map(Line::new).collect();
                let lines = lines.map_err(|error| StoreError::corrupt("journal", error))?;
                Ok(self.moved(lines))
            }
            Next::Lost { oldest } => {
                self.cursor = Seq(oldest.0 - 1);
                Ok(Following::Lost { oldest })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn only_many_readers_are_kept_waiting() {
        assert_eq!(spacing(0), None);
        assert_eq!(spacing(19), None);
        assert_eq!(spacing(200), Some(Duration::from_millis(10)));
        assert_eq!(spacing(usize::MAX), Some(MAX_SPACING));
    }

    /// A desk may have many screens open, and each gets each event.
    #[tokio::test]
    async fn readers_share_bytes_of_event() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("crm.db").display());
        let store = Store::open(&url, Arc::new(SystemClock)).await.unwrap();
        let feed = Feed::new(store.clone());
        feed.restart(Seq(0));
        let mut readers = [feed.after(Seq(0)), feed.after(Seq(0))];
        let added = store.write((), |tx, ()| {
            async move {
                let account = tx.accounts().create("default").await?;
                tx.emit(crate::contract::Event::account_state(&account));
                Ok::<_, StoreError>(())
            }
            .boxed()
        });
        added.await.unwrap();
        let mut texts = vec![];
        for reader in &mut readers {
            let next = tokio::select! {
                next = reader.next() => next.unwrap(),
                never = feed.run() => match never {},
            };
            let Following::Lines(lines) = next else { panic!("lost") };
            texts.push(lines[0].text.clone());
        }
        assert_eq!(texts[0], texts[1]);
        assert_eq!(texts[0].as_ptr(), texts[1].as_ptr(), "one copy");
        store.close().await;
    }
}
