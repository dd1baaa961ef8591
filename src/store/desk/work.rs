//! Assigns conversations, and sets their status.

use entity::{agent, conversation};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::conversation::{Assignee, Conversation, ConversationStatus};
use crate::domain::{AccountId, AgentId, ConversationId, Timestamp};
use crate::store::conversations::read;
use crate::store::database::session::exclusive;
use crate::store::facet::Conversations;
use crate::store::{Store, StoreError, Tx};

/// Status of a conversation, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: ConversationStatus,
    /// Time at which a snoozed one opens by itself.
    pub until: Option<Timestamp>,
}

/// Number of conversations that are not closed and agree in these fields.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct OpenCount {
    /// Their account.
    pub account_id: AccountId,
    /// Their status: a word of [`ConversationStatus`].
    pub status: String,
    /// Agent who has them.
    pub assignee_id: Option<AgentId>,
    /// How many there are.
    pub conversations: i64,
    /// How many of them have unread messages.
    pub unread: i64,
}

impl Conversations<'_, Store> {
    /// Returns snoozed conversations that are to open at `now`, the longest overdue first, at most `limit`.
    pub async fn due_to_open(&self, now: Timestamp, limit: u64) -> Result<Vec<ConversationId>, StoreError> {
        let ids = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::SnoozedUntil.lte(now.0))
            .order_by_asc(conversation::Column::SnoozedUntil)
            .order_by_asc(conversation::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(ids)
    }

    /// Returns conversations that an agent has who is not active any more, at most `limit`.
    pub async fn of_former_agents(&self, limit: u64) -> Result<Vec<ConversationId>, StoreError> {
        let former = Query::select()
            .column(agent::Column::Id)
            .from(agent::Entity)
            .and_where(agent::Column::DeactivatedAt.is_not_null())
            .take();
        let ids = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::AssigneeId.in_subquery(former))
            .limit(limit)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(ids)
    }

    /// Counts the conversations that are not closed, by account, status and agent. Reads all of them.
    pub async fn open_counts(&self) -> Result<Vec<OpenCount>, StoreError> {
        let unread = Expr::case(conversation::Column::UnreadCount.gt(0), 1).finally(0);
        let open = ConversationStatus::ALL
            .iter()
            .filter(|status| **status != ConversationStatus::Closed);
        let query = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::AccountId)
            .column(conversation::Column::Status)
            .column(conversation::Column::AssigneeId)
            .column_as(conversation::Column::Id.count(), "conversations")
            .column_as(Expr::expr(unread).sum().cast_as("bigint"), "unread")
            .filter(conversation::Column::MergedInto.is_null())
            .filter(conversation::Column::Status.is_in(open.map(|status| status.as_str())))
            .group_by(conversation::Column::AccountId)
            .group_by(conversation::Column::Status)
            .group_by(conversation::Column::AssigneeId);
        Ok(query.into_model::<OpenCount>().all(self.0.readers()).await?)
    }
}

impl Conversations<'_, Tx> {
    /// Returns a conversation and locks it until the commit, so that of two changes at once the second sees the first.
    pub async fn lock(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let row = exclusive(&self.0.session, conversation::Entity::find_by_id(id));
        row.one(&self.0.session).await?.map(read).transpose()
    }

    /// As [`Self::lock`], for a conversation that was read in this transaction: SQLite has one writer, so nobody else has
    /// changed it there.
    pub async fn relock(&self, known: &Conversation) -> Result<Option<Conversation>, StoreError> {
        if self.0.session.get_database_backend() == DbBackend::Sqlite {
            return Ok(Some(known.clone()));
        }
        self.lock(known.id).await
    }

    /// Gives a conversation to an agent, or to nobody, and returns the changed conversation.
    pub async fn assign(&self, id: ConversationId, to: Option<&Assignee>) -> Result<Conversation, StoreError> {
        let change = conversation::ActiveModel {
            assignee: Set(to.map(|agent| agent.name.clone())),
            assignee_id: Set(to.map(|agent| agent.id)),
            ..conversation::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(read)
    }

    /// Sets the status and returns the changed conversation.
    pub async fn set_standing(&self, id: ConversationId, standing: Standing) -> Result<Conversation, StoreError> {
        let change = conversation::ActiveModel {
            status: Set(standing.status.to_string()),
            snoozed_until: Set(standing.until.map(|until| until.0)),
            ..conversation::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.need(id).await.and_then(read)
    }

    /// Writes an agent's new name into the conversations that they have.
    pub async fn rename_assignee(&self, agent: AgentId, name: &str) -> Result<(), StoreError> {
        let change = conversation::ActiveModel {
            assignee: Set(Some(name.to_owned())),
            ..conversation::ActiveModel::default()
        };
        conversation::Entity::update_many()
            .set(change)
            .filter(conversation::Column::AssigneeId.eq(agent))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}
