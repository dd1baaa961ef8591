//! Sending an event once, whatever was lost in between: under a transaction id that a repeat carries again (rule 18).

use std::time::Duration;

use crate::domain::matrix::{RoomContent, Speaker, TxnId};
use crate::domain::outbox::{MatrixWork, OutboxItem};
use crate::domain::{MatrixEventId, MatrixRoomId};

use super::relay::{RoomRelay, Undone};
use super::txn::txn;

/// Homeservers forget transaction ids after a while; work older than this is searched for before it is done again.
const TXN_TRUSTED_FOR: Duration = Duration::from_mins(30);

impl RoomRelay {
    /// Sends under a transaction id. What may have been sent before, and is no longer known by its id, is searched for
    /// first: work that is older than the homeserver's memory, and work that a restored database has from its backup, which
    /// the old instance may have done under its own id.
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

    /// As [`Self::send`], of what no other instance can have sent.
    pub(crate) async fn send_new(
        &self,
        item: &OutboxItem<MatrixWork>,
        room: &MatrixRoomId,
        speaker: &Speaker,
        name: &str,
        content: &RoomContent,
    ) -> Result<MatrixEventId, Undone> {
        let txn = txn(&self.core.instance, name);
        let is_old = self.core.clock.now().since(item.created_at) > TXN_TRUSTED_FOR;
        if is_old && let Some(event) = self.find(room, &txn).await? {
            return Ok(event);
        }
        let sent = self.port.send(room, speaker, &txn, content).await;
        sent.map_err(Undone::in_room(room))
    }

    async fn find(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, Undone> {
        let found = self.port.find_sent(room, txn).await;
        found.map_err(Undone::in_room(room))
    }
}
