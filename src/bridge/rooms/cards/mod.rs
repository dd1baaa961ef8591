//! Cards: the bot's own message in each room, pinned, which says who the customer is and how the conversation stands. It is
//! edited as things change, at most once a minute, and its reactions are commands. A room gets one when it next has work, so
//! that an upgrade makes no burst of them.

mod content;
mod showing;
