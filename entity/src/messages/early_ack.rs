//! Acks of outside gateways that came before their messages.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, WaMessageId};

/// A row of `early_acks`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "early_acks")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Account of the gateway.
    pub account_id: AccountId,
    /// Id of the message that it is about.
    pub whatsapp_id: WaMessageId,
    /// Greatest number that was reported.
    pub ack: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
