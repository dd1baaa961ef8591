//! Stored answers to requests with an idempotency key (rule 25), written in the transaction of what the request made.

use entity::idempotency_key;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::contract::RawJson;
use crate::domain::hex::hex;
use crate::domain::{MessageId, OwnerId, Timestamp};
use crate::store::facet::{Answers, Database};

use super::database::row::{from_hex, from_json};
use super::{Store, StoreError, Tx};

/// Answer to an earlier request.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
    /// HTTP status of the answer.
    pub status: u16,
    /// Body of the answer, byte for byte, so that a replay does not depend on its present type.
    pub response: RawJson,
    /// Message that the request created, if any.
    pub message: Option<MessageId>,
    /// Time of the answer.
    pub created_at: Timestamp,
}

impl<D: Database> Answers<'_, D> {
    /// Returns the answer to the request of this owner that carried this idempotency key.
    pub async fn get(&self, scope: OwnerId, key: &str) -> Result<Option<StoredAnswer>, StoreError> {
        let row = idempotency_key::Entity::find()
            .filter(idempotency_key::Column::Scope.eq(scope))
            .filter(idempotency_key::Column::Key.eq(key))
            .one(self.0.connection())
            .await?;
        row.as_ref().map(read).transpose()
    }
}

impl Answers<'_, Store> {
    /// Deletes answers older than `before` and returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.0
            .write(before, |tx, &before| {
                Box::pin(async move {
                    let deleted = idempotency_key::Entity::delete_many()
                        .filter(idempotency_key::Column::CreatedAt.lt(before.0))
                        .exec(&tx.session)
                        .await?;
                    Ok(deleted.rows_affected)
                })
            })
            .await
    }
}

impl Answers<'_, Tx> {
    /// Stores an answer. When two processes race for one key they collide here: the closure of the second runs again
    /// and finds the answer of the first.
    pub async fn put(
        &self,
        scope: OwnerId,
        key: &str,
        body_hash: &[u8; 32],
        status: u16,
        response: &RawJson,
        message: Option<MessageId>,
    ) -> Result<(), StoreError> {
        let row = idempotency_key::ActiveModel {
            id: NotSet,
            scope: Set(scope),
            key: Set(key.to_owned()),
            body_hash: Set(hex(body_hash)),
            status: Set(status.into()),
            response: Set(response.to_string()),
            message_id: Set(message),
            created_at: Set(self.0.now.0),
        };
        idempotency_key::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }
}

fn read(row: &idempotency_key::Model) -> Result<StoredAnswer, StoreError> {
    let wrong = |_| StoreError::corrupt("idempotency_keys", "not a status");
    Ok(StoredAnswer {
        body_hash: from_hex("idempotency_keys", &row.body_hash)?,
        status: u16::try_from(row.status).map_err(wrong)?,
        response: from_json("idempotency_keys", &row.response)?,
        message: row.message_id,
        created_at: Timestamp(row.created_at),
    })
}
