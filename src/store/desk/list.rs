//! Lists of conversations.

use entity::{conversation, conversation_label};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::domain::conversation::{Conversation, ConversationStatus};
use crate::domain::{AccountId, AgentId, CustomerId, LabelId, Timestamp};
use crate::store::conversations::read;
use crate::store::database::page;
use crate::store::database::page::{Cursor, Page, PageRequest};
use crate::store::facet::Conversations;
use crate::store::{Store, StoreError};

/// Selects conversations; those that match all given fields are returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// Conversations of this account.
    pub account: Option<AccountId>,
    /// Conversations with this customer.
    pub customer: Option<CustomerId>,
    /// Conversations with this status.
    pub status: Option<ConversationStatus>,
    /// Conversations that this agent has, or that nobody has.
    pub assignee: Option<Option<AgentId>>,
    /// Conversations with this label.
    pub label: Option<LabelId>,
    /// Only conversations with unread messages.
    pub unread: bool,
    /// Only conversations whose customer waits since this time or longer.
    pub waiting_since: Option<Timestamp>,
}

impl Conversations<'_, Store> {
    /// Returns a page of conversations that were not merged into another, ordered by last activity (the last message,
    /// else the creation), then by id.
    pub async fn page(&self, page: PageRequest, filter: ConversationFilter) -> Result<Page<Conversation>, StoreError> {
        Ok(self.keyed_page(page, filter).await?.bare())
    }

    /// Returns a page as [`Self::page`], each conversation with its key.
    pub(in crate::store) async fn keyed_page(
        &self,
        page: PageRequest,
        filter: ConversationFilter,
    ) -> Result<Page<(Cursor, Conversation)>, StoreError> {
        let ConversationFilter {
            account,
            customer,
            status,
            assignee,
            label,
            unread,
            waiting_since,
        } = filter;
        let of_agent = |agent: Option<AgentId>| match agent {
            Some(agent) => conversation::Column::AssigneeId.eq(agent),
            None => conversation::Column::AssigneeId.is_null(),
        };
        let labelled = |label: LabelId| {
            let with_label = Query::select()
                .column(conversation_label::Column::ConversationId)
                .from(conversation_label::Entity)
                .and_where(conversation_label::Column::LabelId.eq(label))
                .take();
            conversation::Column::Id.in_subquery(with_label)
        };
        let all = Condition::all()
            .add(conversation::Column::MergedInto.is_null())
            .add_option(account.map(|account| conversation::Column::AccountId.eq(account)))
            .add_option(customer.map(|customer| conversation::Column::CustomerId.eq(customer)))
            .add_option(status.map(|status| conversation::Column::Status.eq(status.as_str())))
            .add_option(assignee.map(of_agent))
            .add_option(label.map(labelled))
            .add_option(unread.then(|| conversation::Column::UnreadCount.gt(0)))
            .add_option(waiting_since.map(|since| conversation::Column::WaitingSince.lte(since.0)));
        let query = conversation::Entity::find().filter(all);
        let columns = (Some(conversation::Column::ActiveAt), conversation::Column::Id);
        let key = |row: &conversation::Model| Cursor {
            at: row.active_at,
            id: row.id.0,
        };
        let keyed = |row| Ok((key(&row), read(row)?));
        page::read(query, page, columns, self.0.readers(), key, keyed).await
    }
}
