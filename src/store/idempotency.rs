//! Answers to requests that carried an idempotency key (`RULES` 25): in one transaction with what the request made.

use crate::domain::{ApiKeyId, MessageId, Timestamp};

use super::{Store, StoreError, Tx};

/// The answer to an earlier request.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// SHA-256 of what was asked.
    pub body_hash: [u8; 32],
    /// The HTTP status.
    pub status: u16,
    pub response: serde_json::Value,
    pub message: Option<MessageId>,
    pub created_at: Timestamp,
}

impl Store {
    pub async fn answer(&self, scope: ApiKeyId, key: &str) -> Result<Option<StoredAnswer>, StoreError> {
        todo!()
    }

    /// Forgets answers given before `before`; gives the count.
    pub async fn prune_answers(&self, before: Timestamp) -> Result<u64, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn answer(&mut self, scope: ApiKeyId, key: &str) -> Result<Option<StoredAnswer>, StoreError> {
        todo!()
    }

    /// Keeps an answer. Two processes that race for one key collide here: the loser's closure runs again and finds the
    /// winner's answer.
    pub async fn put_answer(
        &mut self,
        scope: ApiKeyId,
        key: &str,
        body_hash: &[u8; 32],
        status: u16,
        response: &serde_json::Value,
        message: Option<MessageId>,
    ) -> Result<(), StoreError> {
        todo!()
    }
}
