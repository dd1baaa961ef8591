//! Questions of the bot's in rooms. What an agent wants waits for their answer, when it reached us long after they wanted it or
//! others have written since they looked. Each is stored with what it shows, so that a restart keeps it, and given up with a
//! notice when nobody answers.

mod expiry;
mod late;
mod overtaken;
mod telling;

pub(super) use expiry::give_up;
pub(super) use late::ask_about_late;
pub(super) use overtaken::{Held, hold_back};
