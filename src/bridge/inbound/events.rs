//! Shared events of the page: a part of them goes into a transaction without a copy.

use std::ops::Deref;
use std::sync::Arc;

use crate::domain::whatsapp::PageEvent;

/// Range of the page's events, the oldest first. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events {
    all: Arc<[PageEvent]>,
    from: usize,
    to: usize,
}

impl Events {
    /// Splits the range into ranges of at most `size` events.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = Self> {
        (self.from..self.to).step_by(size).map(move |from| Self {
            all: Arc::clone(&self.all),
            from,
            to: self.to.min(from + size),
        })
    }

    /// Splits the range into its single events.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.chunks(1)
    }
}

impl From<Vec<PageEvent>> for Events {
    fn from(all: Vec<PageEvent>) -> Self {
        let to = all.len();
        Self {
            all: all.into(),
            from: 0,
            to,
        }
    }
}

impl From<PageEvent> for Events {
    fn from(event: PageEvent) -> Self {
        Self::from(vec![event])
    }
}

impl Deref for Events {
    type Target = [PageEvent];

    fn deref(&self) -> &[PageEvent] {
        &self.all[self.from..self.to]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poison(error: &str) -> PageEvent {
        PageEvent::Poison {
            bytes: vec![],
            error: error.to_owned(),
        }
    }

    #[test]
    fn chunks_hold_each_event_once_in_order() {
        let events = Events::from(Vec::from(["a", "b", "c"].map(poison)));
        let sizes: Vec<usize> = events.chunks(2).map(|chunk| chunk.len()).collect();
        assert_eq!(sizes, [2, 1]);
        let chunks = events.chunks(2).flat_map(|chunk| chunk.to_vec());
        assert_eq!(chunks.collect::<Vec<_>>(), events.to_vec());
        let second = events.chunks(2).nth(1).map(|chunk| chunk.each().count());
        assert_eq!(second, Some(1));
        assert_eq!(Events::from(vec![]).chunks(2).count(), 0);
    }
}
