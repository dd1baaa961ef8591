//! What rooms have besides where the homeserver is one's own: elsewhere it would use up the rate limit, or is not possible.

use futures_util::future::BoxFuture;

use super::matrix::{Avatar, MatrixError, Speaker, TxnId};
use super::sub_space::SubSpaceSpec;
use super::{MatrixEventId, MatrixRoomId};

/// Calls that an application service can make. Every call ends within a deadline of the adapter.
pub trait OwnHomeserver: Send + Sync {
    /// Returns the sub-space of this alias, brought up to date, and creates it if there is none.
    fn ensure_sub_space<'a>(&'a self, spec: &'a SubSpaceSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>>;

    /// Puts a room into a sub-space, or takes it out. A repeat changes nothing. [`MatrixError::RoomGone`] is said of the
    /// sub-space.
    fn put_into<'a>(
        &'a self,
        space: &'a MatrixRoomId,
        room: &'a MatrixRoomId,
        is_in: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Gives a room this picture, or none.
    fn set_room_avatar<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        avatar: Option<&'a Avatar>,
    ) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Redacts an event as the user who has sent it in this speaker's name.
    fn take_back<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        id: &'a MatrixEventId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>>;
}
