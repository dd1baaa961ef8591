//! The API: REST under `/api/v1`, the WebSocket, and what watches a server. One file a resource; a handler takes the
//! request apart, makes one call of the service layer or one read, and answers. Nothing external happens here.

pub mod accounts;
mod auth;
mod backup;
mod consent;
mod conversations;
pub mod csv;
mod customers;
mod export;
mod extract;
mod guard;
mod health;
pub mod history;
pub mod keys;
mod media;
mod merges;
mod messages;
mod metrics;
mod outbox;
mod pages;
mod problem;
mod process;
mod quarantine;
mod request_id;
mod revisions;
mod router;
pub mod scope;
pub mod secret;
mod server;
mod special;
mod state;
mod status;
mod ws;

pub use problem::{Code, FieldError, Problem};
pub use router::router;
pub use server::Server;
pub use state::{ApiState, Parts};
pub use ws::SocketLimits;

/// Largest body of a request, in bytes: the longest text, escaped throughout, is under it.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How the shell's requests begin their `User-Agent`.
pub const SHELL_AGENT: &str = "crm-shell/";
