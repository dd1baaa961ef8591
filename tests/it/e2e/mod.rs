//! One message makes the whole round trip, through real parts.

mod changes;
mod exits;
mod history;
mod round_trip;
mod sends;
