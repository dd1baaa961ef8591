//! Ids as the rest of the program has them, parsed.

use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};

use crate::domain::matrix::MatrixError;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};

/// Parses a room's id.
pub fn room_id(room: &MatrixRoomId) -> Result<OwnedRoomId, MatrixError> {
    RoomId::parse(room.as_str()).map_err(|error| MatrixError::RoomGone(format!("{room:?} is not a room id: {error}")))
}

/// Parses a user's id.
pub fn user_id(user: &MatrixUserId) -> Result<OwnedUserId, MatrixError> {
    UserId::parse(user.as_str()).map_err(|error| MatrixError::Refused(format!("{user:?} is not a user id: {error}")))
}

/// Parses an event's id.
pub fn event_id(id: &MatrixEventId) -> Result<OwnedEventId, MatrixError> {
    EventId::parse(id.as_str()).map_err(|error| MatrixError::Refused(format!("{id:?} is not an event id: {error}")))
}
