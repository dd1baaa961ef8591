//! The adapter's face: each call of [`crate::domain::whatsapp::WhatsApp`] becomes a call of the page script.

mod client;
mod history;
mod login;
mod media;
mod outgoing;
mod pacing;
mod whatsapp;

pub use client::{StartError, WhatsAppWeb};
