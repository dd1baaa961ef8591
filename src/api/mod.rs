//! The API: REST under `/api/v1`, the WebSocket, and the endpoints for monitoring. One file a resource; a handler
//! parses the request, makes one call of the service layer or one read, and answers. No handler calls WhatsApp or
//! Matrix: what goes out is a row in the outbox.

mod access;
pub mod accounts;
mod audit;
mod backup;
mod conversations;
mod customers;
mod desk;
mod export;
mod filters;
mod history;
mod homeserver;
mod http;
pub mod keys;
mod media;
mod messages;
pub mod openapi;
mod outbox;
mod quarantine;
mod router;
mod seed;
mod server;
mod sse;
mod state;
mod watch;
mod ws;

pub use access::{AccessRules, secret};
pub use homeserver::routes as homeserver_routes;
pub use http::encoding::in_path;
pub use http::problem::Problem;
pub use router::{ROUTES, router};
pub use server::descriptors::raise as raise_open_files;
pub use server::{ConnectionLimits, Server};
pub use state::{ApiState, Parts};
pub use watch::metrics::Metrics;
pub use ws::limits::SocketLimits;

/// Largest body of a request, in bytes. The longest text that a message may have is below it, even with every character
/// escaped.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Prefix of the `User-Agent` header of the shell's requests. `auth::origin` tells the shell from other clients by
/// it.
pub const SHELL_AGENT: &str = "crm-shell/";
