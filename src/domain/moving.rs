//! Moving the rooms from one login at the homeserver to another: from the bot to the application service, or back.
//!
//! Both logins live while rooms move. The former one invites its heir into each room and gives it its power; the heir enters
//! and sets a state event, the fence. What is written before the fence is the former login's to take in, what is written
//! after it the heir's. An encrypted room is replaced where the heir cannot read it: its fence is the tombstone.

use futures_util::future::BoxFuture;

use super::matrix::{Matrix, MatrixError};
use super::word::words;
use super::{MatrixEventId, MatrixRoomId, MatrixUserId};

words! {
    /// Kind of a login.
    LoginKind {
        /// An ordinary user.
        Bot = "bot",
        /// An application service.
        Service = "service",
    }
}

/// Matrix users that are or were this desk's own. Those of customers are a pattern with `*` for the customer's number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// Users and patterns, each once.
    pub users: Vec<String>,
    /// Whether rooms move from one of them to another now.
    pub is_moving: bool,
}

impl Logins {
    /// Reads users and patterns that [`Self::stored`] has written.
    pub fn read(stored: &str) -> Self {
        Self {
            users: stored.split_whitespace().map(str::to_owned).collect(),
            is_moving: false,
        }
    }

    /// Returns users and patterns as one text.
    pub fn stored(&self) -> String {
        self.users.join(" ")
    }

    /// Adds users and patterns. Returns whether any is new.
    pub fn add(&mut self, users: impl IntoIterator<Item = String>) -> bool {
        let before = self.users.len();
        for user in users {
            if !self.users.contains(&user) {
                self.users.push(user);
            }
        }
        self.users.len() > before
    }

    /// Returns whether customers have or had users of their own.
    pub fn has_patterns(&self) -> bool {
        self.users.iter().any(|user| user.contains('*'))
    }

    /// Returns whether a user is one of them.
    pub fn has(&self, user: &str) -> bool {
        self.users.iter().any(|known| match known.split_once('*') {
            None => known == user,
            Some((before, after)) => {
                let number = user.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
            }
        })
    }
}

/// A login that can hand its rooms to another one of the same homeserver, and take rooms over.
pub trait Login: Matrix {
    /// Returns the users that are ours, and the pattern of customers' users if they have any, once it is connected.
    fn own(&self) -> Result<Vec<String>, MatrixError>;

    /// Tells it which users are or were this desk's own: rooms that they made and that it is in are its own, and what they
    /// sent is found by [`Matrix::find_sent`]. While rooms move, their invitations are not declined.
    fn know(&self, logins: Logins);

    /// Returns the alias of the Space.
    fn space(&self) -> String;

    /// Returns whether it can read encrypted rooms.
    fn reads_encrypted(&self) -> bool;

    /// Returns the room of this alias if it is in it and one of this desk's logins made it.
    fn find_room<'a>(&'a self, alias: &'a str) -> BoxFuture<'a, Result<Option<MatrixRoomId>, MatrixError>>;

    /// Invites another login into a room, unless it is there, or could not read what is written there (`reads_encrypted`).
    /// Returns whether the room is encrypted.
    fn invite_heir<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        heir: &'a MatrixUserId,
        reads_encrypted: bool,
    ) -> BoxFuture<'a, Result<bool, MatrixError>>;

    /// Takes an alias from a room, so that the room that replaces it can have it.
    fn release<'a>(&'a self, room: &'a MatrixRoomId, alias: &'a str) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Ends a room that another one replaces: nobody else can write there any more, then a tombstone. Returns the tombstone; a
    /// repeat returns the same one.
    fn bury<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        next: &'a MatrixRoomId,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>>;

    /// Enters a room into which the former login has invited it.
    fn enter<'a>(&'a self, room: &'a MatrixRoomId) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Gives another login, which is in the room, the power to do there all that we do.
    fn empower<'a>(&'a self, room: &'a MatrixRoomId, heir: &'a MatrixUserId) -> BoxFuture<'a, Result<(), MatrixError>>;

    /// Sets the state event that says that it keeps the room from there on. Returns that event; a repeat returns the same one.
    fn set_fence<'a>(&'a self, room: &'a MatrixRoomId) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_know_users_and_customers() {
        let mut logins = Logins::default();
        assert!(logins.add(["@desk:h".to_owned(), "@wa_*:h".to_owned()]));
        assert!(!logins.add(["@desk:h".to_owned()]));
        let logins = Logins::read(&logins.stored());
        for ours in ["@desk:h", "@wa_1:h", "@wa_907:h"] {
            assert!(logins.has(ours), "{ours}");
        }
        for other in ["@desk:other", "@wa_:h", "@wa_1x:h", "@wa_1:other", "@ada:h", ""] {
            assert!(!logins.has(other), "{other}");
        }
    }
}
