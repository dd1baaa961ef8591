//! Requests to change the link between an account and its phone. A request is stored in the account's row until it is
//! done, so that the caller does not wait for a browser, and a crash does not lose it.

use super::Timestamp;
use super::whatsapp::LoginMethod;
use super::word::words;

words! {
    /// Kind of a [`LinkChange`], as its row names it.
    LinkWord { Login = "login", Logout = "logout", TakeOver = "take_over" }
}

/// A change of an account's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// Links a device; the codes for it appear in the session's state.
    Login(LoginMethod),
    /// Unlinks the device.
    Logout,
    /// Takes the session over from another window.
    TakeOver,
}

impl LinkChange {
    /// Returns the kind of the change.
    pub const fn word(&self) -> LinkWord {
        match self {
            Self::Login(_) => LinkWord::Login,
            Self::Logout => LinkWord::Logout,
            Self::TakeOver => LinkWord::TakeOver,
        }
    }
}

/// The request about an account's link that was made last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLink {
    /// Requested change.
    pub change: LinkChange,
    /// Time of the request; later than that of any request before.
    pub at: Timestamp,
}
