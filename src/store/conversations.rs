//! Conversations: the chat of one account with one customer or group.

use std::collections::HashMap;

use entity::{conversation, customer, message};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::conversation::{Assignee, ChatKind, Conversation, ConversationStatus};
use crate::domain::message::Direction;
use crate::domain::{AccountId, ChatId, ConversationId, CustomerId, MessageId, Timestamp};
use crate::store::facet::{Conversations, Database};

use super::database::bounds::{MAX_CHAIN, MAX_NAMED};
use super::database::row::{from_json, word};
use super::database::session::exclusive;
use super::messages::whole_seconds;
use super::{Store, StoreError, Tx, WorkFor};

/// Result of [`Conversations::resolve`].
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedConversation {
    /// The conversation that was found or created.
    pub conversation: Conversation,
    /// Whether it was created by this call.
    pub created: bool,
}

impl<D: Database> Conversations<'_, D> {
    /// Returns the conversation with this id, even if it was merged into another.
    pub async fn get(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        find(self.0.connection(), id).await
    }

    /// Returns the direct conversation of an account with a customer.
    pub async fn of_customer(
        &self,
        account: AccountId,
        customer: CustomerId,
    ) -> Result<Option<Conversation>, StoreError> {
        of_customer(self.0.connection(), account, customer)
            .await?
            .map(read)
            .transpose()
    }

    /// Returns the conversation that continues this one after merges, or the conversation itself if it was not merged.
    pub async fn live(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        live(self.0.connection(), id).await
    }

    /// Returns the conversation that answers in this chat of an account.
    pub async fn of_chat(&self, account: AccountId, chat: &ChatId) -> Result<Option<Conversation>, StoreError> {
        of_chat(self.0.connection(), account, chat).await?.map(read).transpose()
    }
}

impl Conversations<'_, Store> {
    /// Returns how many messages no agent has read or answered, by customer, in these accounts alone.
    pub async fn unread_of(
        &self,
        customers: &[CustomerId],
        accounts: &[AccountId],
    ) -> Result<HashMap<CustomerId, i64>, StoreError> {
        let mut unread = HashMap::new();
        for some in customers.chunks(MAX_NAMED) {
            let rows: Vec<(CustomerId, i64)> = conversation::Entity::find()
                .select_only()
                .column(conversation::Column::CustomerId)
                .column(conversation::Column::UnreadCount)
                .filter(conversation::Column::CustomerId.is_in(some.iter().copied()))
                .filter(conversation::Column::AccountId.is_in(accounts.iter().copied()))
                .filter(conversation::Column::MergedInto.is_null())
                .into_tuple()
                .all(self.0.readers())
                .await?;
            for (customer, count) in rows {
                *unread.entry(customer).or_default() += count;
            }
        }
        Ok(unread)
    }

    /// Returns the ids of a customer's conversations that were not merged into another, oldest first. With `within`, only
    /// those of these accounts.
    pub async fn ids_of_customer(
        &self,
        customer: CustomerId,
        within: Option<&[AccountId]>,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let accounts = |accounts: &[AccountId]| conversation::Column::AccountId.is_in(accounts.iter().copied());
        let ids = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::CustomerId.eq(customer))
            .filter(conversation::Column::MergedInto.is_null())
            .filter(Condition::all().add_option(within.map(accounts)))
            .order_by_asc(conversation::Column::Id)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(ids)
    }
}

impl Conversations<'_, Tx> {
    /// Returns a customer's conversations that were not merged into another, oldest first.
    pub async fn live_of_customer(&self, customer: CustomerId) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows_of_customer(customer).await?;
        rows.into_iter().map(read).collect()
    }

    pub(super) async fn rows_of_customer(&self, customer: CustomerId) -> Result<Vec<conversation::Model>, StoreError> {
        let rows = conversation::Entity::find()
            .filter(conversation::Column::CustomerId.eq(customer))
            .filter(conversation::Column::MergedInto.is_null())
            .order_by_asc(conversation::Column::Id)
            .all(&self.0.session)
            .await?;
        Ok(rows)
    }

    pub(super) async fn row_of_customer(
        &self,
        account: AccountId,
        customer: CustomerId,
    ) -> Result<Option<conversation::Model>, StoreError> {
        of_customer(&self.0.session, account, customer).await
    }

    /// Finds the conversation, or creates it. A conversation with a customer is found by the customer, whatever its
    /// chat is called now, and takes `chat` as the chat to answer in. A group is found by its chat and takes `name`. (A
    /// customer's conversation has the customer's name.) Fails with [`StoreError::Missing`] without a customer and a
    /// chat.
    pub async fn resolve(
        &self,
        account: AccountId,
        customer: Option<CustomerId>,
        chat: Option<&ChatId>,
        kind: ChatKind,
        name: &str,
    ) -> Result<ResolvedConversation, StoreError> {
        let found = match (customer, chat) {
            (Some(customer), _) => of_customer(&self.0.session, account, customer).await?,
            (None, Some(chat)) => of_chat(&self.0.session, account, chat).await?,
            (None, None) => return Err(StoreError::Missing { what: "chat" }),
        };
        let Some(before) = found else {
            if let Some(customer) = customer
                && let Some(survivor) = self.0.customers().merged_meanwhile(customer).await?
            {
                let resolved = self.resolve(account, Some(survivor.id), chat, kind, &survivor.name);
                return Box::pin(resolved).await;
            }
            if let Some(chat) = chat {
                self.free_chat(account, chat).await?;
            }
            let conversation = self.create(account, customer, chat, kind, name).await?;
            return Ok(ResolvedConversation {
                conversation,
                created: true,
            });
        };
        let mut conversation = read(before)?;
        if let Some(chat) = chat {
            conversation = self.answer_in(conversation, chat).await?;
        }
        if customer.is_none() && conversation.name != name {
            let change = conversation::ActiveModel {
                name: Set(name.to_owned()),
                ..conversation::ActiveModel::default()
            };
            self.change(conversation.id, change).await?;
            name.clone_into(&mut conversation.name);
            conversation.updated_at = self.0.now;
        }
        Ok(ResolvedConversation {
            conversation,
            created: false,
        })
    }

    /// Sets the chat in which a conversation is answered, and takes it from the conversation that had it. Returns the
    /// conversation as stored afterwards.
    pub async fn answer_in(&self, conversation: Conversation, chat: &ChatId) -> Result<Conversation, StoreError> {
        if conversation.chat_id.as_ref() == Some(chat) {
            return Ok(conversation);
        }
        self.free_chat(conversation.account_id, chat).await?;
        let change = conversation::ActiveModel {
            chat_id: Set(Some(chat.clone())),
            ..conversation::ActiveModel::default()
        };
        self.change(conversation.id, change).await?;
        Ok(Conversation {
            chat_id: Some(chat.clone()),
            updated_at: self.0.now,
            ..conversation
        })
    }

    /// Adds `n` to the unread counts of the conversation and its customer.
    pub async fn add_unread(&self, id: ConversationId, n: i64) -> Result<(), StoreError> {
        conversation::Entity::update_many()
            .col_expr(
                conversation::Column::UnreadCount,
                Expr::col(conversation::Column::UnreadCount).add(n),
            )
            .col_expr(
                conversation::Column::WaitingSince,
                Func::coalesce([Expr::col(conversation::Column::WaitingSince), Expr::value(self.0.now.0)]).into(),
            )
            .col_expr(conversation::Column::UpdatedAt, Expr::value(self.0.now.0))
            .filter(conversation::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        self.add_customer_unread(id, n).await
    }

    /// Sets the unread count to zero and takes it off the customer's count. Returns whether anything was unread.
    pub async fn clear_unread(&self, id: ConversationId) -> Result<bool, StoreError> {
        // Locked, because what is taken off the customer's count is what was counted here.
        let row = exclusive(&self.0.session, conversation::Entity::find_by_id(id));
        let row = row.one(&self.0.session).await?;
        let row = row.ok_or(StoreError::Missing { what: "conversation" })?;
        if row.unread_count == 0 {
            return Ok(false);
        }
        let change = conversation::ActiveModel {
            unread_count: Set(0),
            waiting_since: Set(None),
            ..conversation::ActiveModel::default()
        };
        self.change(id, change).await?;
        self.add_customer_unread(id, -row.unread_count).await?;
        Ok(true)
    }

    /// Records a message as the last one, unless a later one is recorded. WhatsApp's times are whole seconds, so within
    /// one second the message that is recorded last counts as the last.
    pub async fn touch(&self, id: ConversationId, message: MessageId, at: Timestamp) -> Result<(), StoreError> {
        let next_second = whole_seconds(at).saturating_add(1000);
        let change = conversation::ActiveModel {
            last_message_id: Set(Some(message)),
            last_message_at: Set(Some(at.0)),
            active_at: Set(at.0),
            updated_at: Set(self.0.now.0),
            ..conversation::ActiveModel::default()
        };
        let earlier = conversation::Column::LastMessageAt
            .is_null()
            .or(conversation::Column::LastMessageAt.lt(next_second));
        conversation::Entity::update_many()
            .set(change)
            .filter(conversation::Column::Id.eq(id))
            .filter(earlier)
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Renames all conversations of a customer.
    pub(super) async fn rename(&self, customer: CustomerId, name: &str) -> Result<(), StoreError> {
        let change = conversation::ActiveModel {
            name: Set(name.to_owned()),
            updated_at: Set(self.0.now.0),
            ..conversation::ActiveModel::default()
        };
        conversation::Entity::update_many()
            .set(change)
            .filter(conversation::Column::CustomerId.eq(customer))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Takes a chat from the conversation that has it: a chat belongs to the conversation in which it was seen last,
    /// because the number and the LID of one person may have begun as two conversations.
    pub async fn free_chat(&self, account: AccountId, chat: &ChatId) -> Result<(), StoreError> {
        let change = conversation::ActiveModel {
            chat_id: Set(None),
            ..conversation::ActiveModel::default()
        };
        conversation::Entity::update_many()
            .set(change)
            .filter(conversation::Column::AccountId.eq(account))
            .filter(conversation::Column::ChatId.eq(chat.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Lets messages to a customer find their way anew, because a person has corrected the number: the conversations take
    /// the chat of the number at the next send. Without a number they take the chat in which the customer wrote last.
    pub(super) async fn address_anew(&self, customer: CustomerId, has_number: bool) -> Result<(), StoreError> {
        for row in self.rows_of_customer(customer).await? {
            let chat = if has_number {
                None
            } else {
                self.last_written_in(row.id).await?
            };
            if let Some(chat) = &chat {
                self.free_chat(row.account_id, chat).await?;
            }
            let change = conversation::ActiveModel {
                chat_id: Set(chat),
                ..conversation::ActiveModel::default()
            };
            self.change(row.id, change).await?;
        }
        Ok(())
    }

    /// Returns whether a message of this conversation has gone through a chat.
    pub async fn had_chat(&self, id: ConversationId) -> Result<bool, StoreError> {
        let row = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::ChatId.is_not_null())
            .order_by_desc(message::Column::SortAt)
            .order_by_desc(message::Column::Id)
            .limit(1)
            .into_tuple::<MessageId>()
            .one(&self.0.session)
            .await?;
        Ok(row.is_some())
    }

    /// Returns the chat in which the newest message of the customer came.
    async fn last_written_in(&self, id: ConversationId) -> Result<Option<ChatId>, StoreError> {
        let row = message::Entity::find()
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
            .filter(message::Column::ChatId.is_not_null())
            .order_by_desc(message::Column::SortAt)
            .order_by_desc(message::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(row.and_then(|row| row.chat_id))
    }

    pub(super) async fn create(
        &self,
        account: AccountId,
        customer: Option<CustomerId>,
        chat: Option<&ChatId>,
        kind: ChatKind,
        name: &str,
    ) -> Result<Conversation, StoreError> {
        // Its avatar was never looked up.
        self.0.wake(WorkFor::Avatars(account));
        let mut row = conversation::Model {
            id: ConversationId(0),
            account_id: account,
            customer_id: customer,
            kind: kind.to_string(),
            name: name.to_owned(),
            status: ConversationStatus::Open.to_string(),
            assignee: None,
            unread_count: 0,
            last_message_id: None,
            last_message_at: None,
            active_at: self.0.now.0,
            chat_id: chat.cloned(),
            first_contact_at: None,
            created_at: self.0.now.0,
            updated_at: self.0.now.0,
            home_id: None,
            merged_into: None,
            assignee_id: None,
            snoozed_until: None,
            waiting_since: None,
            scheduled_count: None,
            labels: None,
        };
        let mut new = row.clone().into_active_model();
        new.id = NotSet;
        row.id = conversation::Entity::insert(new)
            .exec(&self.0.session)
            .await?
            .last_insert_id;
        read(row)
    }

    async fn add_customer_unread(&self, of: ConversationId, n: i64) -> Result<(), StoreError> {
        let customer = Query::select()
            .column(conversation::Column::CustomerId)
            .from(conversation::Entity)
            .and_where(conversation::Column::Id.eq(of))
            .take();
        customer::Entity::update_many()
            .col_expr(
                customer::Column::UnreadCount,
                Expr::col(customer::Column::UnreadCount).add(n),
            )
            .filter(customer::Column::Id.in_subquery(customer))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    pub(super) async fn change(&self, id: ConversationId, change: conversation::ActiveModel) -> Result<(), StoreError> {
        let change = conversation::ActiveModel {
            updated_at: Set(self.0.now.0),
            ..change
        };
        conversation::Entity::update_many()
            .set(change)
            .filter(conversation::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    pub(super) async fn need(&self, id: ConversationId) -> Result<conversation::Model, StoreError> {
        let row = conversation::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "conversation" })
    }
}

async fn find(database: &impl ConnectionTrait, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
    let row = conversation::Entity::find_by_id(id).one(database).await?;
    row.map(read).transpose()
}

async fn live(database: &impl ConnectionTrait, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
    let mut id = id;
    for _ in 0..MAX_CHAIN {
        match find(database, id).await? {
            Some(Conversation {
                merged_into: Some(next),
                ..
            }) => id = next,
            found => return Ok(found),
        }
    }
    Err(StoreError::corrupt("conversations", "merges without an end"))
}

async fn of_customer(
    database: &impl ConnectionTrait,
    account: AccountId,
    customer: CustomerId,
) -> Result<Option<conversation::Model>, StoreError> {
    let query = conversation::Entity::find()
        .filter(conversation::Column::AccountId.eq(account))
        .filter(conversation::Column::CustomerId.eq(customer));
    Ok(query.one(database).await?)
}

async fn of_chat(
    database: &impl ConnectionTrait,
    account: AccountId,
    chat: &ChatId,
) -> Result<Option<conversation::Model>, StoreError> {
    let query = conversation::Entity::find()
        .filter(conversation::Column::AccountId.eq(account))
        .filter(conversation::Column::ChatId.eq(chat.as_str()));
    Ok(query.one(database).await?)
}

pub(super) fn read(row: conversation::Model) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: row.id,
        account_id: row.account_id,
        customer_id: row.customer_id,
        kind: word("conversations", &row.kind)?,
        name: row.name,
        status: word("conversations", &row.status)?,
        assignee: row.assignee_id.map(|id| Assignee {
            id,
            name: row.assignee.unwrap_or_default(),
        }),
        snoozed_until: row.snoozed_until.map(Timestamp),
        waiting_since: row.waiting_since.map(Timestamp),
        scheduled_count: row.scheduled_count.unwrap_or_default(),
        labels: match row.labels {
            Some(labels) => from_json("conversations", &labels)?,
            None => Vec::new(),
        },
        unread_count: row.unread_count,
        last_message_id: row.last_message_id,
        last_message_at: row.last_message_at.map(Timestamp),
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        merged_into: row.merged_into,
        chat_id: row.chat_id,
    })
}
