//! One message makes the whole round trip, through real parts.

mod accounts;
mod avatars;
mod bad_input;
mod changes;
mod day;
mod day_by_taps;
mod exits;
mod groups;
mod history;
mod kinds;
mod media;
mod media_trouble;
mod moves;
mod notices;
mod one_person;
mod people;
mod room_kinds;
mod round_trip;
mod sends;
mod standing;
mod unread;
