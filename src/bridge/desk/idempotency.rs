//! Answers to requests that carry an idempotency key (rule 25): stored as the bytes that were sent, and replayed as
//! they are.

use serde::Serialize;

use crate::bridge::core::command::Idempotency;
use crate::bridge::core::refusal::Refusal;
use crate::contract::RawJson;
use crate::domain::MessageId;
use crate::store::{StoredAnswer, Tx};

/// Returns the answer to an earlier request with the same key. Refuses the key where that asked something else.
pub(super) async fn earlier(tx: &mut Tx, asked: Option<&Idempotency>) -> Result<Option<StoredAnswer>, Refusal> {
    let Some(asked) = asked else { return Ok(None) };
    let stored = tx.answers().get(asked.scope, &asked.key).await?;
    match stored {
        Some(stored) if stored.body_hash != asked.body_hash => Err(Refusal::IdempotencyMismatch),
        stored => Ok(stored),
    }
}

/// Stores the answer to a request, in the transaction of what the request made. `body` is what is sent.
pub(super) async fn store(
    tx: &mut Tx,
    asked: Option<&Idempotency>,
    status: u16,
    body: &(impl Serialize + Sync),
    message: Option<MessageId>,
) -> Result<(), Refusal> {
    let Some(asked) = asked else { return Ok(()) };
    let body = RawJson::of(body).map_err(|error| Refusal::Internal(error.into()))?;
    tx.answers()
        .put(asked.scope, &asked.key, &asked.body_hash, status, &body, message)
        .await?;
    Ok(())
}
