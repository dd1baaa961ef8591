//! What goes out by REST: forwarded messages, and what stands under an agent's texts.

mod forward;
mod signatures;
mod statements;
