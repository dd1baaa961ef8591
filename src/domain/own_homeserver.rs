//! What rooms have besides where the homeserver is one's own: elsewhere it would use up the rate limit, or is not possible.

use async_trait::async_trait;

use super::matrix::{Avatar, MatrixError, Speaker, TxnId};
use super::sub_space::SubSpaceSpec;
use super::{MatrixEventId, MatrixRoomId};

/// Calls that an application service can make. Every call ends within a deadline of the adapter.
#[async_trait]
pub trait OwnHomeserver: Send + Sync {
    /// Returns the sub-space of this alias, brought up to date, and creates it if there is none.
    async fn ensure_sub_space(&self, spec: &SubSpaceSpec) -> Result<MatrixRoomId, MatrixError>;

    /// Puts a room into a sub-space, or takes it out. A repeat changes nothing. [`MatrixError::RoomGone`] is said of the
    /// sub-space.
    async fn put_into(&self, space: &MatrixRoomId, room: &MatrixRoomId, is_in: bool) -> Result<(), MatrixError>;

    /// Gives a room this picture, or none.
    async fn set_room_avatar(&self, room: &MatrixRoomId, avatar: Option<&Avatar>) -> Result<(), MatrixError>;

    /// Redacts an event as the user who has sent it in this speaker's name.
    async fn take_back(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        id: &MatrixEventId,
        txn: &TxnId,
    ) -> Result<(), MatrixError>;
}
