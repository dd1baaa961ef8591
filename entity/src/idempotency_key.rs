//! Stored answers to requests that carried an idempotency key; unique by (scope, key).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, OwnerId};

/// A row of `idempotency_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Owner of the request: the first key of a succession, or an agent.
    pub scope: OwnerId,
    /// Idempotency key of the request.
    pub key: String,
    /// SHA-256 of the request's body, in hexadecimal.
    pub body_hash: String,
    /// HTTP status of the answer.
    pub status: i32,
    /// Body of the answer, as JSON.
    pub response: String,
    /// Message that the request created, if any.
    pub message_id: Option<MessageId>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
