//! The media that customers send.

mod in_rooms;
mod room;
mod second_uploads;
