//! A chat in the importer's hand: pages of it are read from the newest back until the depth is reached, there is no more, or
//! the hand is full; then they are written from the oldest on. Pure: asks nobody and waits for nothing.

use std::collections::VecDeque;

use crate::domain::whatsapp::{PageEvent, Past};
use crate::domain::{HistoryMark, Timestamp};
use crate::store::{HistoryChat, HistoryStep};

/// Messages asked of the page at once. More only where a whole page was written within one second.
const COUNT: usize = 200;
const MAX_COUNT: usize = 12_800;
/// A hand is full with so many messages, or so many characters of text: the rest of the chat is taken in another.
const MAX_MESSAGES: usize = 5_000;
const MAX_CHARS: usize = 8 << 20;

pub(super) struct Hand {
    pub chat: HistoryChat,
    /// What is asked for next is older than this; the newest when none.
    pub before: Option<HistoryMark>,
    pub count: usize,
    /// Nothing older is wanted, and nothing that is not older than `ends`.
    since: Timestamp,
    ends: Timestamp,
    /// The oldest first.
    held: VecDeque<Past>,
    chars: usize,
    /// How far the chat is when all of this is written; none while there is more to read.
    then: Option<HistoryStep>,
}

impl Hand {
    pub fn new(chat: HistoryChat, since: Timestamp, ends: Timestamp) -> Self {
        Self {
            before: chat.mark.clone(),
            chat,
            count: COUNT,
            since,
            ends,
            held: VecDeque::new(),
            chars: 0,
            then: None,
        }
    }

    /// Whether enough is read to be written.
    pub const fn is_read(&self) -> bool {
        self.then.is_some()
    }

    /// Takes the page before what is in hand, its oldest first.
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
            // The next depth begins at what is older than the oldest that was wanted.
            let mark = self.held.front().map(|past| past.mark.clone());
            self.then = Some(HistoryStep::Done(mark.or_else(|| self.chat.mark.take())));
        } else if self.held.len() >= MAX_MESSAGES || self.chars >= MAX_CHARS {
            self.close();
        }
    }

    /// There is nothing more to be had.
    pub fn end(&mut self) {
        self.then = Some(HistoryStep::Done(self.before.take()));
    }

    /// Full: what was written in the oldest second waits for the next hand, because the second may go on in it, and order
    /// within a second is the order of storing.
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

    /// The oldest of what is not written yet, at most `most`.
    pub fn next_chunk(&mut self, most: usize) -> Vec<PageEvent> {
        let most = most.min(self.held.len());
        self.held.drain(..most).map(|past| past.event).collect()
    }

    /// How far the chat is now: as before, until the last chunk is taken.
    pub fn step(&mut self) -> HistoryStep {
        if self.held.is_empty() {
            self.then.take().unwrap_or(HistoryStep::Stays)
        } else {
            HistoryStep::Stays
        }
    }
}
