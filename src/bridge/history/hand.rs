//! Buffer of one chat for the importer. Pages are read from the newest message back until the depth is reached, the
//! chat ends, or the buffer is full; then the messages are written from the oldest on. Pure: no I/O and no waiting.

use std::collections::VecDeque;

use crate::domain::whatsapp::{PageEvent, Past};
use crate::domain::{HistoryMark, Timestamp};
use crate::store::{HistoryChat, HistoryStep};

/// Messages requested per page. Doubled, up to [`MAX_COUNT`], only if a full buffer holds a single second.
const COUNT: usize = 200;
/// Upper bound of [`Hand::count`].
const MAX_COUNT: usize = 12_800;
/// Number of messages with which the buffer is full; the rest of the chat follows in the next one.
const MAX_MESSAGES: usize = 5_000;
/// Characters of text with which the buffer is full.
const MAX_CHARS: usize = 8 << 20;

/// Buffer of one chat whose history is being imported.
pub(super) struct Hand {
    /// The chat, with its progress as stored.
    pub chat: HistoryChat,
    /// The next page holds messages older than this; `None`: the newest.
    pub before: Option<HistoryMark>,
    /// Messages to request in the next page.
    pub count: usize,
    /// How often the page could not read the next page.
    pub failures: u32,
    /// Whether reading ended because the page cannot read the rest of the chat.
    pub is_cut: bool,
    /// Start of the wanted range; older messages are dropped.
    since: Timestamp,
    /// End of the wanted range, exclusive.
    ends: Timestamp,
    /// Messages that are not written yet, the oldest first.
    held: VecDeque<Past>,
    /// Characters of text that were read into the buffer.
    chars: usize,
    /// Progress of the chat once the buffer is written; `None` while there is more to read.
    then: Option<HistoryStep>,
}

impl Hand {
    /// Builds an empty buffer that continues at the chat's stored mark. Wanted are messages from `since`, before
    /// `ends`.
    pub fn new(chat: HistoryChat, since: Timestamp, ends: Timestamp) -> Self {
        Self {
            before: chat.mark.clone(),
            chat,
            count: COUNT,
            failures: 0,
            is_cut: false,
            since,
            ends,
            held: VecDeque::new(),
            chars: 0,
            then: None,
        }
    }

    /// Returns whether reading is complete, so that writing can begin.
    pub const fn is_read(&self) -> bool {
        self.then.is_some()
    }

    /// Adds the next older page, whose oldest message comes first. An empty page ends the chat.
    pub fn take(&mut self, page: Vec<Past>) {
        let Some(oldest) = page.first() else {
            return self.end();
        };
        self.before = Some(oldest.mark.clone());
        let reached = page.iter().any(|past| past.at().is_some_and(|at| at < self.since));
        for past in page.into_iter().rev() {
            let wanted = past.at().is_none_or(|at| (self.since..self.ends).contains(&at));
            if wanted {
                self.chars += past.chars();
                self.held.push_front(past);
            }
        }
        if reached {
            // A later, deeper import continues before the oldest message that was wanted now.
            let mark = self.held.front().map(|past| past.mark.clone());
            self.then = Some(HistoryStep::Done(mark.or_else(|| self.chat.mark.take())));
        } else if self.held.len() >= MAX_MESSAGES || self.chars >= MAX_CHARS {
            self.close();
        }
    }

    /// Ends reading, because the page has no older messages.
    pub fn end(&mut self) {
        self.then = Some(HistoryStep::Done(self.before.take()));
    }

    /// Ends reading, because the page cannot read what is older.
    pub fn cut(&mut self) {
        self.is_cut = true;
        self.end();
    }

    /// Ends reading, because the buffer is full. Messages of the oldest second are left to the next buffer: more of
    /// that second may follow there, and the order within a second is the order of storing.
    fn close(&mut self) {
        let oldest = self.held.iter().find_map(Past::at);
        let whole = self
            .held
            .iter()
            .position(|past| past.at().is_some_and(|at| Some(at) > oldest));
        match whole {
            Some(first) => {
                self.held.drain(..first);
            }
            None if self.count < MAX_COUNT => {
                self.count *= 2;
                return;
            }
            None => {}
        }
        self.then = self.held.front().map(|past| HistoryStep::Reached(past.mark.clone()));
    }

    /// Removes and returns the oldest unwritten messages, at most `most`.
    pub fn next_chunk(&mut self, most: usize) -> Vec<PageEvent> {
        let most = most.min(self.held.len());
        self.held.drain(..most).map(|past| past.event).collect()
    }

    /// Returns the chat's progress to store with the chunk: unchanged until the last chunk is taken.
    pub fn step(&mut self) -> HistoryStep {
        if self.held.is_empty() {
            self.then.take().unwrap_or(HistoryStep::Stays)
        } else {
            HistoryStep::Stays
        }
    }
}
