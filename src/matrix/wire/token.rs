//! Marks of a sync: the homeserver's token, bound to the user whose stream it belongs to.

use matrix_sdk::ruma::UserId;

use crate::domain::matrix::RoomMark;

/// Separates the fields; none can contain it.
const SEPARATOR: char = ' ';

/// How far a stream was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The homeserver's token.
    pub token: &'a str,
    /// Number of the last batch that was told of what follows the token; 0 if none was. It only tells batches apart: after a
    /// restart all that follows the token comes again.
    pub part: u64,
}

impl Position<'_> {
    /// Binds it to the user.
    pub fn mark(self, user: &UserId) -> RoomMark {
        let Self { token, part } = self;
        match part {
            0 => RoomMark(format!("{user}{SEPARATOR}{token}")),
            part => RoomMark(format!("{user}{SEPARATOR}{token}{SEPARATOR}{part}")),
        }
    }
}

/// Reads a mark. None if it belongs to another user's stream (the configuration was changed), where its token would be
/// invalid or mean another position.
pub fn position<'a>(user: &UserId, mark: &'a RoomMark) -> Option<Position<'a>> {
    let (owner, rest) = mark.0.split_once(SEPARATOR)?;
    if owner != user.as_str() {
        return None;
    }
    let (token, part) = rest.split_once(SEPARATOR).unwrap_or((rest, "0"));
    let part = part.parse().ok()?;
    Some(Position { token, part })
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::user_id;

    use super::*;

    #[test]
    fn token_of_other_user_is_ignored() {
        let us = user_id!("@desk:localhost");
        for part in [0, 7] {
            let position_of = Position { token: "s1_2", part };
            let mark = position_of.mark(us);
            assert_eq!(position(us, &mark), Some(position_of));
            assert_eq!(position(user_id!("@other:localhost"), &mark), None);
        }
        assert_eq!(position(us, &RoomMark("s1_2".to_owned())), None);
    }

    #[test]
    fn stored_mark_of_earlier_release_is_read() {
        let mark = RoomMark("@desk:localhost s1_2".to_owned());
        let read = position(user_id!("@desk:localhost"), &mark);
        assert_eq!(read, Some(Position { token: "s1_2", part: 0 }));
    }
}
