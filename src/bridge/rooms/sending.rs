//! Sends an event exactly once, also after lost answers: under a transaction id that a repeat uses again (rule 18).

use std::time::Duration;

use crate::domain::matrix::{MatrixError, RoomContent, Speaker, TxnId};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{MatrixEventId, MatrixRoomId};

use super::relay::{RoomRelay, Undone};
use super::txn::txn;

/// Age of work above which its event is searched before it is sent again, since homeservers forget transaction ids.
const TXN_TRUSTED_FOR: Duration = Duration::from_mins(30);

impl RoomRelay {
    /// Sends an event under a transaction id. Searches first for an event that may have been sent before under an id
    /// that the homeserver has forgotten, or, for work of a restored backup, under the id of the old instance. Returns
    /// the event.
    pub(crate) async fn send(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        speaker: &Speaker,
        name: &str,
        content: &RoomContent,
    ) -> Result<MatrixEventId, Undone> {
        if let Some(restored) = &self.core.restored
            && item.id <= restored.last_work
            && let Some(event) = self.find(room, &txn(&restored.instance, name)).await?
        {
            return Ok(event);
        }
        self.send_new(item, room, speaker, name, content).await
    }

    /// Sends as [`Self::send`] does, for events that no other instance can have sent.
    pub(crate) async fn send_new(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        speaker: &Speaker,
        name: &str,
        content: &RoomContent,
    ) -> Result<MatrixEventId, Undone> {
        let txn = txn(&self.core.instance, name);
        if self.is_doubtful(item)
            && let Some(event) = self.find(room, &txn).await?
        {
            return Ok(event);
        }
        let sent = self.port.send(room, speaker, &txn, content).await;
        sent.map_err(Undone::in_room(room))
    }

    /// Returns whether the homeserver may have forgotten the transaction ids of this work, or never knew them as ours:
    /// another login may have sent it.
    pub(super) fn is_doubtful(&self, item: &OutboxItem<MatrixWork>) -> bool {
        let is_old = self.core.clock.now().since(item.created_at) > TXN_TRUSTED_FOR;
        is_old || self.core.moved_work.is_some_and(|last| item.id <= last)
    }

    /// Returns the event that was sent under a name already: so long ago that the homeserver has forgotten the transaction id, or
    /// by the instance before a restore, since the backup.
    pub(super) async fn find_repeated(&self, room: &MatrixRoomId, name: &str) -> Result<Option<MatrixEventId>, Undone> {
        let before = self.core.restored.iter().map(|restored| restored.instance.as_str());
        for instance in std::iter::once(&*self.core.instance).chain(before) {
            if let Some(event) = self.find(room, &txn(instance, name)).await? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Returns whether the homeserver does not have an event any more, such as after it was restored from a backup. It refuses
    /// what is about such an event.
    pub(crate) async fn is_lost(&self, room: &MatrixRoomId, event: &MatrixEventId) -> Result<bool, Undone> {
        match self.port.event(room, event).await {
            Ok(_) => Ok(false),
            Err(MatrixError::Refused(_)) => Ok(true),
            Err(error) => Err(Undone::in_room(room)(error)),
        }
    }

    pub(super) async fn find(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, Undone> {
        let found = self.port.find_sent(room, txn).await;
        found.map_err(Undone::in_room(room))
    }
}
