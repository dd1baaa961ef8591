//! WhatsApp Web in a real browser: the adapter behind [`crate::domain::whatsapp::WhatsApp`]. The only place that knows
//! WhatsApp's ids, the page and the browser. Decides nothing about messages: it carries, in both directions, and says
//! truthfully how the session stands.

pub mod library;
