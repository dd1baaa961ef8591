//! What people want done about the link between an account and its phone. It stands in the account's row until it is done, so that
//! nobody who asks waits for a browser, and no crash forgets it.

use super::Timestamp;
use super::whatsapp::LoginMethod;
use super::word::words;

words! {
    /// A [`LinkChange`] without what belongs to it, as its row names it.
    LinkWord { Login = "login", Logout = "logout", TakeOver = "take_over" }
}

/// What is to be done about an account's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// Link a device; its codes appear in the session.
    Login(LoginMethod),
    /// Unlink the device.
    Logout,
    /// Take the session over from another window.
    TakeOver,
}

impl LinkChange {
    /// Returns the word for it.
    pub const fn word(&self) -> LinkWord {
        match self {
            Self::Login(_) => LinkWord::Login,
            Self::Logout => LinkWord::Logout,
            Self::TakeOver => LinkWord::TakeOver,
        }
    }
}

/// What somebody wants done, the last that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLink {
    pub change: LinkChange,
    /// When it was asked for; later than any that was asked for before.
    pub at: Timestamp,
}
