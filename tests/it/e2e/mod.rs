//! One message makes the whole round trip, through real parts.

mod exits;
mod round_trip;
mod sends;
