//! The store on each kind of database: what commits together, what is stored once, in which order it is told, and what
//! happens when things go wrong.

mod access;
mod accounts;
mod avatars;
pub mod database;
mod desk;
mod guard;
mod history;
mod journal;
mod kinds;
mod media;
mod messages;
mod outbox;
mod pace;
mod people;
mod resync;
mod rooms;
