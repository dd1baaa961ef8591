//! The API: REST under `/api/v1`, the WebSocket, and what watches a server. One file a resource; a handler takes the
//! request apart, makes one call of the service layer or one read, and answers. Nothing external happens here.

mod access;
pub mod accounts;
mod answer;
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
mod history;
pub mod keys;
mod listing;
mod media;
mod merges;
mod messages;
mod metrics;
mod outbox;
mod problem;
mod process;
mod quarantine;
mod request_id;
mod revisions;
mod router;
pub mod secret;
mod server;
mod special;
mod state;
mod status;
mod ws;

pub use problem::Problem;
pub use router::router;
pub use server::Server;
pub use state::{ApiState, Parts};
pub use ws::SocketLimits;

/// Largest body of a request, in bytes: the longest text, escaped throughout, is under it.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How the shell's requests begin their `User-Agent`.
pub const SHELL_AGENT: &str = "crm-shell/";
