//! The media that customers send.

mod room;
mod second_uploads;
