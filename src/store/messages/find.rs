//! Reading messages: one, by page, or all.

use std::collections::HashMap;

use entity::{conversation, message};
use futures_util::Stream;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use crate::domain::message::{Direction, Kind, Message, MessageState};
use crate::domain::whatsapp::MessageRef;
use crate::domain::{AccountId, ChatId, ConversationId, MessageId, Timestamp, WaMessageId, WaUserId};
use crate::store::database::bounds::MAX_NAMED;
use crate::store::database::page;
use crate::store::database::page::{Cursor, Page, PageRequest};
use crate::store::database::row::word;
use crate::store::database::rows;
use crate::store::facet::{Database, Messages};
use crate::store::{Store, StoreError};

use super::{HandOver, MessageFilter, RecentMessage, read, whole_seconds};

/// Chat, stanza id, whether the message is ours, and its author in a group.
type InChat = (Option<ChatId>, Option<WaMessageId>, bool, WaUserId);

/// Returns how the page is asked for a message; `None` if it has no stanza id or no chat.
fn reference((chat, id, from_me, sender): InChat) -> Option<MessageRef> {
    Some(MessageRef {
        chat: chat?,
        id: id?,
        from_me,
        sender: Some(sender).filter(|sender| !sender.as_str().is_empty()),
    })
}

/// Selects the messages, each with its chat, as [`InChat`].
fn with_chat() -> Select<message::Entity> {
    // A message written on the phone has no chat of its own: it is in its conversation's chat.
    let chat = Func::coalesce([
        Expr::col((message::Entity, message::Column::ChatId)),
        Expr::col((conversation::Entity, conversation::Column::ChatId)),
    ]);
    let of_conversation = message::Entity::belongs_to(conversation::Entity)
        .from(message::Column::ConversationId)
        .to(conversation::Column::Id)
        .into();
    message::Entity::find()
        .select_only()
        .expr_as(chat, "chat")
        .column(message::Column::WhatsappId)
        .column(message::Column::FromMe)
        .column(message::Column::Sender)
        .join(JoinType::InnerJoin, of_conversation)
}

/// Selects an account's messages that have a stanza id, written at or after `from`, each with its chat; newest first.
fn in_their_chats(account: AccountId, from: Timestamp, limit: u64) -> Select<message::Entity> {
    with_chat()
        .filter(message::Column::AccountId.eq(account))
        .filter(message::Column::WhatsappId.is_not_null())
        // Messages before the first login are left out: asking the page about each would be too many queries.
        .filter(message::Column::Backfilled.eq(false))
        .filter(message::Column::Timestamp.gte(from.0))
        .order_by_desc(message::Column::Timestamp)
        .order_by_desc(message::Column::Id)
        .limit(limit)
}

impl<D: Database> Messages<'_, D> {
    /// Returns the message with this id.
    pub async fn get(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        by_id(self.0.connection(), id).await
    }

    /// Returns the message with this client key.
    pub async fn by_client_key(&self, key: &str) -> Result<Option<Message>, StoreError> {
        by_client_key(self.0.connection(), key).await
    }

    /// Returns the stanza id, chat and login of a message; `None` before its id is chosen.
    pub async fn hand_over(&self, id: MessageId) -> Result<Option<HandOver>, StoreError> {
        hand_over(self.0.connection(), id).await
    }

    /// Returns a page of a conversation's messages, ordered by time in whole seconds (WhatsApp's precision), then by
    /// id.
    pub async fn page(&self, conversation: ConversationId, page: PageRequest) -> Result<Page<Message>, StoreError> {
        let query = message::Entity::find().filter(message::Column::ConversationId.eq(conversation));
        let columns = (Some(message::Column::SortAt), message::Column::Id);
        let key = |row: &message::Model| Cursor {
            at: row.sort_at,
            id: row.id.0,
        };
        page::read(query, page, columns, self.0.connection(), key, read).await
    }
}

impl Messages<'_, Store> {
    /// Returns when a message that waits may not be sent any more.
    pub async fn expires_at(&self, id: MessageId) -> Result<Option<Timestamp>, StoreError> {
        let expires: Option<Option<i64>> = message::Entity::find_by_id(id)
            .select_only()
            .column(message::Column::ExpiresAt)
            .into_tuple()
            .one(self.0.readers())
            .await?;
        Ok(expires.flatten().map(Timestamp))
    }

    /// Returns the author of a group's message, as stored for uniqueness; `None` elsewhere.
    pub async fn sender_of(&self, id: MessageId) -> Result<Option<WaUserId>, StoreError> {
        let row = message::Entity::find_by_id(id).one(self.0.readers()).await?;
        Ok(row.map(|row| row.sender).filter(|sender| !sender.as_str().is_empty()))
    }

    /// Returns the position of a message in its conversation; `None` if it is not there.
    pub async fn place(&self, conversation: ConversationId, id: MessageId) -> Result<Option<Cursor>, StoreError> {
        let row = message::Entity::find_by_id(id).one(self.0.readers()).await?;
        let row = row.filter(|row| row.conversation_id == conversation);
        Ok(row.map(|row| Cursor {
            at: row.sort_at,
            id: row.id.0,
        }))
    }

    /// Returns a conversation's messages since `from`, for the comparison with the page (rule 11), in the order of the
    /// conversation.
    pub async fn recent_ids(
        &self,
        conversation: ConversationId,
        from: Timestamp,
    ) -> Result<Vec<RecentMessage>, StoreError> {
        let query = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            .filter(message::Column::SortAt.gte(whole_seconds(from)))
            .filter(message::Column::WhatsappId.is_not_null())
            .order_by_asc(message::Column::SortAt)
            .order_by_asc(message::Column::Id);
        let rows = rows::all(query, self.0.readers()).await?;
        rows.into_iter().filter_map(|row| recent(row).transpose()).collect()
    }

    /// Returns, by chat, an account's messages with these ids in these chats: those that the page says are the newest. A chat
    /// without one has been renamed since, or has messages that we have not.
    pub async fn last_of_chats(
        &self,
        account: AccountId,
        told: &[(&ChatId, &WaMessageId)],
    ) -> Result<HashMap<ChatId, RecentMessage>, StoreError> {
        let mut found = HashMap::new();
        for some in told.chunks(MAX_NAMED) {
            let chats: HashMap<&str, &ChatId> = some.iter().map(|(chat, id)| (id.as_str(), *chat)).collect();
            let query = message::Entity::find()
                .filter(message::Column::AccountId.eq(account))
                .filter(message::Column::WhatsappId.is_in(chats.keys().copied()));
            let rows = rows::all(query, self.0.readers()).await?;
            for row in rows {
                let id = row.whatsapp_id.as_ref().map_or("", WaMessageId::as_str);
                let Some(&chat) = chats.get(id).filter(|chat| row.chat_id.as_ref() == Some(**chat)) else {
                    continue;
                };
                found.extend(recent(row)?.map(|row| (chat.clone(), row)));
            }
        }
        Ok(found)
    }

    /// Returns our messages since `from` whose state may still change, oldest first.
    pub async fn unfinished(&self, conversation: ConversationId, from: Timestamp) -> Result<Vec<Message>, StoreError> {
        let unfinished = MessageState::ALL.iter().filter(|state| state.is_unfinished());
        let rows = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            .filter(message::Column::SortAt.gte(whole_seconds(from)))
            .filter(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .filter(message::Column::State.is_in(unfinished.map(|state| state.as_str())))
            .order_by_asc(message::Column::Id)
            .all(self.0.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns chat and stanza id of an account's own messages since `from` whose state may still change; newest first,
    /// at most `limit`.
    pub async fn unfinished_of_account(
        &self,
        account: AccountId,
        from: Timestamp,
        limit: u64,
    ) -> Result<Vec<(ChatId, WaMessageId)>, StoreError> {
        let unfinished = MessageState::ALL.iter().filter(|state| state.is_unfinished());
        // Not the bare column: its index finds every message that was ever delivered and not read, however old.
        let state = Func::coalesce([Expr::col((message::Entity, message::Column::State)), Expr::val("")]);
        let ours = in_their_chats(account, from, limit)
            .filter(message::Column::Direction.eq(Direction::Outbound.as_str()))
            .filter(Expr::expr(state).is_in(unfinished.map(|state| state.as_str())))
            .into_tuple();
        let rows: Vec<InChat> = ours.all(self.0.readers()).await?;
        Ok(rows.into_iter().filter_map(|(chat, id, ..)| chat.zip(id)).collect())
    }

    /// Returns references to an account's messages since `from` that have reactions; newest first, at most `limit`.
    pub async fn reacted_of_account(
        &self,
        account: AccountId,
        from: Timestamp,
        limit: u64,
    ) -> Result<Vec<MessageRef>, StoreError> {
        let reacted = in_their_chats(account, from, limit)
            .filter(message::Column::Reactions.is_not_null())
            .filter(message::Column::DeletedAt.is_null())
            .into_tuple();
        let rows: Vec<InChat> = reacted.all(self.0.readers()).await?;
        Ok(rows.into_iter().filter_map(reference).collect())
    }

    /// Returns how the page is asked for a message; `None` if it has no stanza id or no chat.
    pub async fn reference(&self, id: MessageId) -> Result<Option<MessageRef>, StoreError> {
        let found = with_chat().filter(message::Column::Id.eq(id)).into_tuple();
        let row: Option<InChat> = found.one(self.0.readers()).await?;
        Ok(row.and_then(reference))
    }

    /// Returns those of these stanza ids under which an account has no message.
    pub async fn unknown_of(&self, account: AccountId, ids: &[WaMessageId]) -> Result<Vec<WaMessageId>, StoreError> {
        let known: Vec<Option<WaMessageId>> = message::Entity::find()
            .select_only()
            .column(message::Column::WhatsappId)
            .filter(message::Column::AccountId.eq(account))
            .filter(message::Column::WhatsappId.is_in(ids.iter().map(WaMessageId::as_str)))
            .into_tuple()
            .all(self.0.readers())
            .await?;
        let is_known = |id: &WaMessageId| known.iter().flatten().any(|known| known == id);
        Ok(ids.iter().filter(|id| !is_known(id)).cloned().collect())
    }

    /// Returns an account's queued messages that have expired by `now`, earliest first, at most `limit`.
    pub async fn expired(&self, account: AccountId, now: Timestamp, limit: u64) -> Result<Vec<Message>, StoreError> {
        let rows = message::Entity::find()
            .filter(has_expired(account, now))
            .order_by_asc(message::Column::ExpiresAt)
            .order_by_asc(message::Column::Id)
            .limit(limit)
            .all(self.0.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns a stream of messages, ordered by id, with one page at a time in memory.
    pub fn stream(&self, filter: MessageFilter) -> impl Stream<Item = Result<Message, StoreError>> + Send + use<> {
        let store = self.0.clone();
        page::stream(move |request| {
            let store = store.clone();
            async move {
                let _turn = store.stream_turn().await?;
                store.messages().filtered(filter, request).await
            }
        })
    }

    /// Returns the number of messages of a kind that crm does not know.
    pub async fn count_unknown(&self) -> Result<u64, StoreError> {
        let unknown = message::Column::Kind.eq(Kind::Unknown.as_str());
        Ok(message::Entity::find().filter(unknown).count(self.0.readers()).await?)
    }

    /// Returns the number of messages that [`Messages::stream`] returns.
    pub async fn count(&self, filter: MessageFilter) -> Result<u64, StoreError> {
        let query = message::Entity::find().filter(condition(filter));
        let _turn = self.0.stream_turn().await?;
        Ok(query.count(self.0.readers()).await?)
    }

    pub(in crate::store) async fn filtered(
        &self,
        filter: MessageFilter,
        page: PageRequest,
    ) -> Result<Page<Message>, StoreError> {
        let query = message::Entity::find().filter(condition(filter));
        let columns = (None, message::Column::Id);
        page::read(
            query,
            page,
            columns,
            self.0.readers(),
            |row| Cursor::of_id(row.id.0),
            read,
        )
        .await
    }
}

pub(super) async fn by_id(database: &impl ConnectionTrait, id: MessageId) -> Result<Option<Message>, StoreError> {
    let row = message::Entity::find_by_id(id).one(database).await?;
    row.map(read).transpose()
}

pub(super) async fn by_client_key(database: &impl ConnectionTrait, key: &str) -> Result<Option<Message>, StoreError> {
    let row = message::Entity::find()
        .filter(message::Column::ClientKey.eq(key))
        .one(database)
        .await?;
    row.map(read).transpose()
}

pub(super) async fn hand_over(database: &impl ConnectionTrait, id: MessageId) -> Result<Option<HandOver>, StoreError> {
    let row = message::Entity::find_by_id(id).one(database).await?;
    let row = row.ok_or(StoreError::Missing { what: "message" })?;
    Ok(match (row.whatsapp_id, row.chat_id, row.login) {
        (Some(id), Some(chat), Some(login)) => Some(HandOver { id, chat, login }),
        _ => None,
    })
}

fn condition(filter: MessageFilter) -> Condition {
    let MessageFilter {
        account,
        customer,
        conversation,
        from,
        until,
    } = filter;
    Condition::all()
        .add(in_sight())
        .add_option(account.map(|account| message::Column::AccountId.eq(account)))
        .add_option(customer.map(|customer| message::Column::CustomerId.eq(customer)))
        .add_option(conversation.map(|conversation| message::Column::ConversationId.eq(conversation)))
        .add_option(from.map(|from| message::Column::Timestamp.gte(from.0)))
        .add_option(until.map(|until| message::Column::Timestamp.lt(until.0)))
}

/// Returns the condition for visible messages. A message in an ended conversation is a double: the other one shows in
/// the conversation that goes on.
pub(super) fn in_sight() -> Condition {
    // Looks up each message's own conversation: the list of all ended ones may be long, and most queries find few
    // messages.
    let ended = Query::select()
        .expr(Expr::val(1))
        .from(conversation::Entity)
        .and_where(
            Expr::col((conversation::Entity, conversation::Column::Id))
                .equals((message::Entity, message::Column::ConversationId)),
        )
        .and_where(Expr::col((conversation::Entity, conversation::Column::MergedInto)).is_not_null())
        .take();
    Condition::all().add(Expr::exists(ended).not())
}

/// Returns the condition for an account's queued messages that have expired by `now`.
pub(in crate::store) fn has_expired(account: AccountId, now: Timestamp) -> Condition {
    Condition::all()
        .add(message::Column::AccountId.eq(account))
        .add(message::Column::State.eq(MessageState::Queued.as_str()))
        .add(message::Column::ExpiresAt.lte(now.0))
}

fn recent(row: message::Model) -> Result<Option<RecentMessage>, StoreError> {
    let Some(whatsapp_id) = row.whatsapp_id else {
        return Ok(None);
    };
    Ok(Some(RecentMessage {
        id: row.id,
        whatsapp_id,
        from_me: row.from_me,
        sender: row.sender,
        timestamp: Timestamp(row.timestamp),
        state: word("messages", &row.state)?,
    }))
}
