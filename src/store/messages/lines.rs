//! Messages in short, for lists that show nothing else of them.

use entity::message;
use futures_util::{Stream, TryStreamExt as _, stream};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, IdenStatic, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::Deserialize;

use crate::domain::message::{Direction, Kind, MessageState};
use crate::domain::{ConversationId, CustomerId, MessageId, Timestamp, WaMessageId};
use crate::store::database::page::MAX_PAGE;
use crate::store::database::row::word;
use crate::store::database::rows;
use crate::store::facet::Messages;
use crate::store::{Store, StoreError};

/// A message in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLine {
    /// Id of the message.
    pub id: MessageId,
    /// Customer of the conversation; `None` in a group.
    pub customer_id: Option<CustomerId>,
    /// Whether it comes in or goes out.
    pub direction: Direction,
    /// Text, or the bracketed line that stands for it.
    pub content: String,
    /// Time of writing.
    pub timestamp: Timestamp,
    /// The superseded system's number of the state.
    pub ack: Option<u8>,
    /// Stanza id.
    pub whatsapp_id: Option<WaMessageId>,
    /// Whether it is a notice of WhatsApp's own, which nobody wrote.
    pub is_notice: bool,
}

/// Columns that are read of a message: [`COLUMNS`].
#[derive(Deserialize, FromQueryResult)]
struct Row {
    id: MessageId,
    customer_id: Option<CustomerId>,
    direction: String,
    content: String,
    timestamp: i64,
    state: String,
    whatsapp_id: Option<WaMessageId>,
    kind: String,
    sort_at: i64,
}

const COLUMNS: [message::Column; 9] = [
    message::Column::Id,
    message::Column::CustomerId,
    message::Column::Direction,
    message::Column::Content,
    message::Column::Timestamp,
    message::Column::State,
    message::Column::WhatsappId,
    message::Column::Kind,
    message::Column::SortAt,
];

impl Messages<'_, Store> {
    /// Returns a stream of the messages of these conversations, the oldest first. Holds at most `page` of them in memory.
    pub fn lines(
        &self,
        conversations: Vec<ConversationId>,
        page: u64,
    ) -> impl Stream<Item = Result<MessageLine, StoreError>> + Send + use<> {
        let (store, page) = (self.0.clone(), Ord::clamp(page, 1, MAX_PAGE));
        let begun = (!conversations.is_empty()).then_some(None);
        stream::try_unfold((store, conversations, begun), move |(store, of, after)| async move {
            let Some(after) = after else {
                return Ok::<_, StoreError>(None);
            };
            let rows = after_place(&store, &of, after, page).await?;
            let last = rows.last().filter(|_| rows.len() as u64 >= page);
            let next = last.map(|last| Some((last.sort_at, last.id)));
            let lines = rows.into_iter().map(line);
            Ok(Some((stream::iter(lines), (store, of, next))))
        })
        .try_flatten()
    }

    /// Returns at most `limit` messages by id, after the first `offset`.
    pub async fn lines_by_id(&self, limit: u64, offset: u64) -> Result<Vec<MessageLine>, StoreError> {
        let query = message::Entity::find()
            .order_by_asc(message::Column::Id)
            .offset(offset)
            .limit(Ord::min(limit, MAX_PAGE));
        let rows = read_rows(self.0, query).await?;
        rows.into_iter().map(line).collect()
    }
}

async fn after_place(
    store: &Store,
    of: &[ConversationId],
    after: Option<(i64, MessageId)>,
    page: u64,
) -> Result<Vec<Row>, StoreError> {
    let (at, id) = (message::Column::SortAt, message::Column::Id);
    let conversation = message::Column::ConversationId;
    // One conversation is read in the order of its index, without a sort.
    let mut query = match of {
        [one] => message::Entity::find().filter(conversation.eq(*one)),
        several => message::Entity::find().filter(conversation.is_in(several.iter().copied())),
    };
    if let Some((from, than)) = after {
        // The first condition alone bounds the walk through the index.
        query = query.filter(at.gte(from)).filter(at.gt(from).or(id.gt(than)));
    }
    // The superseded system knows no messages for later: to its clients one exists from when it is sent.
    query = query.filter(message::Column::State.is_not_in(MessageState::FOR_LATER.map(MessageState::as_str)));
    read_rows(store, query.order_by_asc(at).order_by_asc(id).limit(page)).await
}

async fn read_rows(store: &Store, query: Select<message::Entity>) -> Result<Vec<Row>, StoreError> {
    let query = query.select_only().columns(COLUMNS);
    rows::all_as(query, &COLUMNS.map(|column| column.as_str()), store.readers()).await
}

fn line(row: Row) -> Result<MessageLine, StoreError> {
    let state: MessageState = word("messages", &row.state)?;
    Ok(MessageLine {
        id: row.id,
        customer_id: row.customer_id,
        direction: word("messages", &row.direction)?,
        content: row.content,
        timestamp: Timestamp(row.timestamp),
        ack: state.ack(),
        whatsapp_id: row.whatsapp_id,
        is_notice: row.kind == Kind::System.as_str(),
    })
}
