//! One message makes the whole round trip, through real parts.

mod changes;
mod exits;
mod media;
mod media_trouble;
mod round_trip;
mod sends;
