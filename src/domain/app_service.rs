//! The other half of the port to Matrix where we are an application service: what the homeserver calls. `matrix` implements
//! it, `api` serves it.

use async_trait::async_trait;

/// Outcome of a transaction that the homeserver pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Everything in it is stored, or was before; so many of its events cannot be read, and were left out.
    Stored { unreadable: usize },
    /// It could not be stored in time; the homeserver has to push it again.
    NotNow,
}

/// An application service, as its homeserver sees it.
#[async_trait]
pub trait AppService: Send + Sync + 'static {
    /// Returns whether a request with this bearer token comes from the homeserver. Every wrong token takes the same time.
    fn is_homeserver(&self, token: &str) -> bool;

    /// Takes a transaction in, and returns when it is stored on our side. It is never refused for what is in it. Transactions
    /// are pushed one at a time.
    async fn push(&self, transaction: &str, body: &[u8]) -> Pushed;

    /// Returns whether a user of this id exists because of us.
    fn has_user(&self, user: &str) -> bool;
}
