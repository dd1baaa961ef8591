//! What concerns the whole server: its clock, and its database.

mod clock;
mod outages;
