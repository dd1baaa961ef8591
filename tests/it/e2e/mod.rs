//! One message makes the whole round trip, through real parts.

mod accounts;
mod changes;
mod exits;
mod groups;
mod history;
mod kinds;
mod media;
mod media_trouble;
mod people;
mod portraits;
mod round_trip;
mod sends;
mod standing;
