//! What the fake homeserver refuses for the events that it has, as Synapse does.

use crm::domain::matrix::{MatrixError, RoomContent, Speaker, TxnId};
use crm::domain::{CustomerId, MatrixEventId};

use super::{FakeMatrix, Homeserver, What};

impl FakeMatrix {
    /// The homeserver loses an event: its database was restored from a backup.
    pub fn lose(&self, event: &MatrixEventId) {
        self.rooms.lock().unwrap().lost.insert(event.clone());
    }
}

impl Homeserver {
    /// Whether an event is not there any more.
    pub(super) fn has_lost(&self, event: &MatrixEventId) -> bool {
        self.lost.contains(event)
    }

    /// Refuses what is about a lost event, and a reaction that its user has set already.
    pub(super) fn refusal(&self, speaker: &Speaker, txn: &TxnId, content: &RoomContent) -> Option<MatrixError> {
        let refused = |why: &str| Some(MatrixError::Refused(why.to_owned()));
        if about(content).is_some_and(|event| self.has_lost(event)) {
            return refused("Can't send relation to unknown event (400 M_UNKNOWN)");
        }
        let RoomContent::Reaction { to, key } = content else {
            return None;
        };
        let is_same = |what: &What| {
            let What::Bot {
                speaker: other,
                txn: before,
                content,
            } = what
            else {
                return false;
            };
            matches!(content, RoomContent::Reaction { to: of, key: set } if (of, set) == (to, key))
                && user(other, before) == user(speaker, txn)
        };
        let mut standing = self.log.iter().filter(|shown| !shown.redacted);
        if standing.any(|shown| is_same(&shown.what)) {
            return refused("Can't send same reaction twice (400 M_DUPLICATE_ANNOTATION)");
        }
        None
    }
}

/// The event that content changes, or reacts to.
fn about(content: &RoomContent) -> Option<&MatrixEventId> {
    match content {
        RoomContent::Edit { of, .. } | RoomContent::Vote { of, .. } | RoomContent::Reaction { to: of, .. } => Some(of),
        RoomContent::Card { of, .. } => of.as_ref(),
        _ => None,
    }
}

/// The user who sends: a customer's, or one of our logins.
fn user<'a>(speaker: &Speaker, txn: &'a TxnId) -> (Option<CustomerId>, Option<&'a str>) {
    let customer = match speaker {
        Speaker::Customer { id, .. } => Some(*id),
        _ => None,
    };
    (customer, txn.0.split_once('/').map(|(login, _)| login))
}
