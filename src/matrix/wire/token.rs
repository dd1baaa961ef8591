//! Sync tokens, bound to the user whose stream they belong to.

use matrix_sdk::ruma::UserId;

use crate::domain::matrix::RoomMark;

/// Separates user and token; neither can contain it.
const SEPARATOR: char = ' ';

/// Binds the homeserver's token to the user.
pub fn wrap(user: &UserId, next_batch: &str) -> RoomMark {
    RoomMark(format!("{user}{SEPARATOR}{next_batch}"))
}

/// Returns the homeserver's token, or none if it belongs to another user's stream (the configuration was changed),
/// where it would be invalid or mean another position.
pub fn unwrap<'a>(user: &UserId, token: &'a RoomMark) -> Option<&'a str> {
    let (owner, next_batch) = token.0.split_once(SEPARATOR)?;
    (owner == user.as_str()).then_some(next_batch)
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::user_id;

    use super::*;

    #[test]
    fn token_of_other_user_is_ignored() {
        let token = wrap(user_id!("@desk:localhost"), "s1_2");
        assert_eq!(unwrap(user_id!("@desk:localhost"), &token), Some("s1_2"));
        assert_eq!(unwrap(user_id!("@other:localhost"), &token), None);
        assert_eq!(unwrap(user_id!("@desk:localhost"), &RoomMark("s1_2".to_owned())), None);
    }
}
