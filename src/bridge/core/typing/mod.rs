//! People who type, by place, in memory only. A board keeps the newest state of each place until a worker takes it; what nobody takes in
//! time is dropped, because it is not true any more. Nothing waits for a board, and nothing here is stored.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::{AccountId, ChatId, ConversationId, Timestamp};

/// Most places in a board, and of which a worker remembers what it showed; further ones show nothing.
const MAX_PLACES: usize = 1_000;
/// Age from which a state is not shown any more.
const STALE_AFTER: Duration = Duration::from_secs(5);
/// Least time between two tellings of the same state: both sides forget it by themselves after some 30 s.
const REPEAT_AFTER: Duration = Duration::from_secs(10);
/// Time after which both sides have forgotten that somebody types.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// Both directions.
#[derive(Clone, Default)]
pub struct Typing {
    /// Customers who type, by chat.
    pub customers: TypingBoard<(AccountId, ChatId)>,
    /// Agents who type, by conversation.
    pub agents: TypingBoard<(AccountId, ConversationId)>,
}

type States<P> = Mutex<HashMap<P, (bool, Timestamp)>>;

/// Newest states of places; cheap to clone, and clones share one board.
pub struct TypingBoard<P> {
    states: Arc<States<P>>,
    changed: Arc<watch::Sender<u64>>,
}

impl<P> Clone for TypingBoard<P> {
    fn clone(&self) -> Self {
        Self {
            states: Arc::clone(&self.states),
            changed: Arc::clone(&self.changed),
        }
    }
}

impl<P> Default for TypingBoard<P> {
    fn default() -> Self {
        Self {
            states: Arc::default(),
            changed: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl<P: Clone + Eq + Hash> TypingBoard<P> {
    /// Notes whether somebody types in a place.
    pub(crate) fn note(&self, place: P, is_typing: bool, now: Timestamp) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= MAX_PLACES && !states.contains_key(&place) {
            return;
        }
        states.insert(place, (is_typing, now));
        drop(states);
        self.changed.send_modify(|turn| *turn = turn.wrapping_add(1));
    }

    /// Takes a state that is still true of a place that is `mine`.
    pub(crate) fn take(&self, now: Timestamp, mine: impl Fn(&P) -> bool) -> Option<(P, bool)> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|_, (_, at)| now.since(*at) < STALE_AFTER);
        let place = states.keys().find(|place| mine(place))?.clone();
        let (is_typing, _) = states.remove(&place)?;
        Some((place, is_typing))
    }

    /// Returns the notification of a new state.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// States that a worker has told the other side.
pub(crate) struct Told<P> {
    typing: HashMap<P, Timestamp>,
}

impl<P> Default for Told<P> {
    fn default() -> Self {
        Self { typing: HashMap::new() }
    }
}

impl<P: Clone + Eq + Hash> Told<P> {
    /// Returns whether the other side has to be told, and takes it as told.
    pub(crate) fn is_news(&mut self, place: &P, is_typing: bool, now: Timestamp) -> bool {
        self.typing.retain(|_, at| now.since(*at) < FORGOTTEN_AFTER);
        if !is_typing {
            return self.typing.remove(place).is_some();
        }
        let is_repeated = self.typing.get(place).is_some_and(|at| now.since(*at) < REPEAT_AFTER);
        if is_repeated || self.typing.len() >= MAX_PLACES {
            return false;
        }
        self.typing.insert(place.clone(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn board_keeps_newest_state_and_drops_old_one() {
        let board = TypingBoard::default();
        board.note("a", true, NOW);
        board.note("a", false, NOW);
        board.note("b", true, NOW);
        assert_eq!(board.take(NOW, |place| *place == "a"), Some(("a", false)));
        assert_eq!(board.take(NOW, |place| *place == "a"), None);
        assert_eq!(board.take(NOW.plus(STALE_AFTER), |_| true), None);
        for place in 0..=MAX_PLACES {
            TypingBoard::<usize>::clone(&TypingBoard::default()).note(place, true, NOW);
        }
        let full = TypingBoard::default();
        for place in 0..=MAX_PLACES {
            full.note(place, true, NOW);
        }
        assert_eq!(full.take(NOW, |place| *place == MAX_PLACES), None);
    }

    #[test]
    fn state_is_told_once_and_again_after_a_while() {
        let mut told = Told::default();
        assert!(!told.is_news(&"a", false, NOW), "nobody typed");
        assert!(told.is_news(&"a", true, NOW));
        assert!(!told.is_news(&"a", true, NOW.plus(Duration::from_secs(9))));
        assert!(told.is_news(&"a", true, NOW.plus(REPEAT_AFTER)));
        assert!(told.is_news(&"a", false, NOW.plus(REPEAT_AFTER)));
        assert!(!told.is_news(&"a", false, NOW.plus(REPEAT_AFTER)));
        assert!(told.is_news(&"a", true, NOW));
        assert!(
            !told.is_news(&"a", false, NOW.plus(FORGOTTEN_AFTER)),
            "it is forgotten by itself"
        );
    }
}
