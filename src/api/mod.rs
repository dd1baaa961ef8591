//! The API: REST under `/api/v1`, the WebSocket, and what watches a server. One file a resource; a handler takes the
//! request apart, makes one call of the service layer or one read, and answers. Nothing external happens here.

mod access;
pub mod accounts;
mod backup;
mod conversations;
mod customers;
mod export;
mod history;
mod http;
pub mod keys;
mod media;
mod messages;
mod outbox;
mod quarantine;
mod router;
mod server;
mod state;
mod watch;
mod ws;

pub use access::secret;
pub use export::csv;
pub use http::problem::Problem;
pub use router::router;
pub use server::Server;
pub use state::{ApiState, Parts};
pub use ws::SocketLimits;

/// Largest body of a request, in bytes: the longest text, escaped throughout, is under it.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How the shell's requests begin their `User-Agent`.
pub const SHELL_AGENT: &str = "crm-shell/";
