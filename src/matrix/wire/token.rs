//! The position in the homeserver's stream as it leaves this module: bound to the user whose stream it is.

use matrix_sdk::ruma::UserId;

use crate::domain::matrix::SyncToken;

/// Stands between user and token; neither can contain it.
const BETWEEN: char = ' ';

/// The homeserver's token as ours.
pub fn wrap(user: &UserId, next_batch: &str) -> SyncToken {
    SyncToken(format!("{user}{BETWEEN}{next_batch}"))
}

/// The homeserver's token, unless it is of another user's stream (the configuration has changed): there it would mean
/// nothing, or something else.
pub fn unwrap<'a>(user: &UserId, token: &'a SyncToken) -> Option<&'a str> {
    let (whose, next_batch) = token.0.split_once(BETWEEN)?;
    (whose == user.as_str()).then_some(next_batch)
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::user_id;

    use super::*;

    #[test]
    fn another_users_token_is_no_token() {
        let token = wrap(user_id!("@desk:localhost"), "s1_2");
        assert_eq!(unwrap(user_id!("@desk:localhost"), &token), Some("s1_2"));
        assert_eq!(unwrap(user_id!("@other:localhost"), &token), None);
        assert_eq!(unwrap(user_id!("@desk:localhost"), &SyncToken("s1_2".to_owned())), None);
    }
}
