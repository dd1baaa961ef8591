//! Reads a chat of which much was missed in parts, so that a flood of long messages never fills the memory: first back to
//! what the store has, keeping only where the parts begin, then each part again, the oldest first. So the messages are
//! stored in their order, and after a crash the next comparison goes on behind the newest that is stored.

use std::collections::HashSet;

use crate::domain::whatsapp::{Earlier, PageEvent, Past};
use crate::domain::{ChatId, HistoryMark, Timestamp, WaMessageId};

use super::{Comparison, Held, MAX_COUNT, PART, Stop};

/// Upper bound of the parts that are read of one chat.
const MAX_PARTS: usize = MAX_COUNT / PART;

/// A chat back to what the store has.
struct Parts {
    /// The newest part. It is kept: read again, it would begin later if somebody has written since.
    newest: Vec<PageEvent>,
    /// Positions before which the other parts are, the newest first.
    before: Vec<HistoryMark>,
}

impl Comparison<'_> {
    /// Stores the messages of a chat after `boundary`, the oldest first. Returns the number of new ones.
    pub(super) async fn compare_long(
        &self,
        chat: &ChatId,
        boundary: Timestamp,
        held: &Held,
        seen: &mut HashSet<WaMessageId>,
    ) -> Result<usize, Stop> {
        let Parts { newest, mut before } = self.find_parts(chat, boundary).await?;
        let mut new = 0;
        while let Some(mark) = before.pop() {
            let part = self.part(chat, Some(&mark)).await?;
            new += self.store(events(part), held, seen).await?;
        }
        Ok(new + self.store(newest, held, seen).await?)
    }

    async fn find_parts(&self, chat: &ChatId, boundary: Timestamp) -> Result<Parts, Stop> {
        let mut part = self.part(chat, None).await?;
        let mut parts = Parts {
            newest: vec![],
            before: vec![],
        };
        loop {
            let has_reached = part.iter().filter_map(Past::at).any(|at| at <= boundary);
            let oldest = part.first().map(|past| past.mark.clone());
            if parts.before.is_empty() {
                parts.newest = events(part);
            }
            let Some(mark) = oldest.filter(|_| !has_reached && parts.before.len() < MAX_PARTS) else {
                return Ok(parts);
            };
            part = self.part(chat, Some(&mark)).await?;
            if part.is_empty() {
                return Ok(parts);
            }
            parts.before.push(mark);
        }
    }

    /// Reads about [`PART`] messages before a position, or the newest ones.
    async fn part(&self, chat: &ChatId, before: Option<&HistoryMark>) -> Result<Vec<Past>, Stop> {
        match self.port.earlier(chat, before, PART).await? {
            Earlier::Page(part) => Ok(part),
            // A message was removed meanwhile: the chat is read again in the next comparison.
            Earlier::Lost | Earlier::NoChat => {
                let why = "the page no longer has a message that the comparison has just read";
                Err(Stop::Chat(why.to_owned()))
            }
        }
    }
}

fn events(part: Vec<Past>) -> Vec<PageEvent> {
    part.into_iter().map(|past| past.event).collect()
}
