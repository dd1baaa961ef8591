//! The server as a whole: its clock, and its database.

mod clock;
mod outages;
