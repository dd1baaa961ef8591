//! The implementation of [`crate::domain::whatsapp::WhatsApp`] on the page.

mod client;
mod history;
mod login;
mod media;
mod outgoing;
mod pacing;
mod whatsapp;

pub use client::{StartError, WhatsAppWeb};
