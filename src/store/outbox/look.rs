//! Looks whether there is work of some kind: any at all for an idle relay, or what shows messages in a room.

use entity::{account, message, outbox, scheduled_send};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::outbox::Target;
use crate::domain::{AccountId, ConversationId, Timestamp};
use crate::store::facet::Outbox;
use crate::store::{Store, StoreError, Tx, desk, messages};

/// Beginning of the work that shows a message, its file or a change of it.
const SHOWS: &str = r#"{"do":"show_"#;

use super::heads::is_due;

impl Outbox<'_, Store> {
    /// Returns whether the relay of an account to WhatsApp has anything to do at `now`: work that is due, a queued message
    /// that has expired, or one for later whose time has come. One query, because an idle relay asks it each second.
    pub async fn is_anything_due(&self, account: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        let work = rows(outbox::Entity, is_due(Target::WhatsApp, Some(account), now));
        let expired = rows(message::Entity, messages::has_expired(account, now));
        let planned = rows(scheduled_send::Entity, desk::is_due(account, now));
        let any = [work, expired, planned].map(Expr::exists);
        let found = account::Entity::find_by_id(account)
            .select_only()
            .column(account::Column::Id)
            .filter(any.into_iter().fold(Condition::any(), Condition::add))
            .into_tuple::<AccountId>()
            .one(self.0.readers())
            .await?;
        Ok(found.is_some())
    }
}

impl Outbox<'_, Tx> {
    /// Returns whether work waits that shows something in the room of a conversation.
    pub async fn is_showing(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        let row = outbox::Entity::find()
            .filter(outbox::Column::Target.eq(Target::Matrix.as_str()))
            .filter(outbox::Column::Lane.eq(conversation))
            .filter(outbox::Column::Work.starts_with(SHOWS))
            .one(&self.0.session)
            .await?;
        Ok(row.is_some())
    }
}

fn rows(table: impl EntityTrait, which: Condition) -> SelectStatement {
    Query::select().expr(Expr::val(1)).from(table).cond_where(which).take()
}
