//! The API as a client meets it: the real router on a real listener, the real store, and a WhatsApp that says nothing.

mod accounts;
pub mod app;
mod connections;
mod consent;
mod disk;
mod export;
mod guards;
mod keys;
mod lists;
mod media;
mod people;
mod problems;
mod replays;
mod sends;
mod siege;
mod specials;
mod unwritable;
mod watching;
pub mod whatsapp;
