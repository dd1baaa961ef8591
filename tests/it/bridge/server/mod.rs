//! The server as a whole: its clock, its database, and its login at the homeserver.

mod clock;
mod crossing;
mod merging;
mod moves;
mod outages;
