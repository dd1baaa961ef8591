//! The picture of a room.

use matrix_sdk::ruma::{MxcUri, RoomId};
use serde_json::json;

use super::caller::Caller;
use super::{or_gone, state};
use crate::matrix::wire::{Fault, Wanted};

/// Gives a room an uploaded picture, or none.
pub async fn set_avatar(caller: Caller<'_>, room: &RoomId, picture: Option<&MxcUri>) -> Result<(), Fault> {
    let content = match picture {
        Some(picture) => json!({"url": picture}),
        None => json!({}),
    };
    let avatar = Wanted::new("m.room.avatar", "", content);
    match state::set(caller, room.to_owned(), &avatar).await {
        Ok(()) => Ok(()),
        Err(fault) => Err(or_gone(caller, room, fault).await),
    }
}
