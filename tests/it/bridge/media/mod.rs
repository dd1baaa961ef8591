//! The media that customers send.

mod room;
