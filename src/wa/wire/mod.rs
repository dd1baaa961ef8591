//! The page's JSON, parsed into the domain's types. The parser is total: whatever the page sends becomes an event, if
//! need be a poisoned one that keeps its bytes (rule 13). Nothing here panics, and nothing is dropped.

mod answer;
mod change;
mod chat;
mod content;
mod conversion;
mod details;
mod event;
mod group;
mod ids;
mod kinds;
mod lenient;
mod media;
mod message;
mod notice;
mod person;
mod reaction;
mod status;

pub use answer::{Answer, ListPage, Pull, Refusal, Sent, WireLookUp};
pub use chat::{WireResolved, by_id, chats};
pub use conversion::message;
pub use event::event;
pub use status::Status;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod kinds_tests;
