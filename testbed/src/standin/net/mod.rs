//! The service as the page reaches it: TLS, sockets, media over HTTP, and what goes over them.

pub mod assets;
pub mod chat_socket;
pub mod disk_socket;
pub mod media_http;
pub mod server;
pub mod service;
pub mod stanza;
pub mod tls;
pub mod wire;
