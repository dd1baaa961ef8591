//! The list of customers with their last messages, the one who was active last first.

use entity::{conversation, customer, message};
use futures_util::{Stream, TryStreamExt as _, stream};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, IdenStatic, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};
use serde::Deserialize;

use crate::domain::customer::PhoneNumber;
use crate::domain::{AccountId, CustomerId, MediaId, Timestamp};
use crate::store::database::page::MAX_PAGE;
use crate::store::database::row::word;
use crate::store::database::rows;
use crate::store::facet::Customers;
use crate::store::{Store, StoreError};

use super::picture;

/// A customer, as lists of customers show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerSummary {
    /// Id of the customer.
    pub id: CustomerId,
    /// Name that is shown.
    pub name: String,
    /// Phone number that is shown.
    pub phone: Option<PhoneNumber>,
    /// Status of the customer.
    pub status: String,
    /// Address of the picture.
    pub photo_url: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Text of the last message of the conversation that was active last.
    pub last_message: Option<String>,
}

/// Columns of a summary. The last two say where its conversation is in the list; they are null for a customer without one.
#[derive(Deserialize, FromQueryResult)]
struct Row {
    id: CustomerId,
    name: String,
    phone: Option<String>,
    status: String,
    photo_url: Option<String>,
    photo_id: Option<MediaId>,
    given_photo_id: Option<MediaId>,
    unread_count: i64,
    created_at: i64,
    updated_at: i64,
    last_message: Option<String>,
    place_at: Option<i64>,
    place_id: Option<i64>,
}

/// Place in the list after which the next page begins.
#[derive(Clone, Copy)]
enum Place {
    /// At the beginning.
    First,
    /// After the conversation with this time and id.
    Active(i64, i64),
    /// Among the customers without a conversation, who come last: before this id.
    Silent(Option<i64>),
}

impl Customers<'_, Store> {
    /// Returns a stream of all customers who were not merged into another, the one whose conversation was active last
    /// first, those without a conversation last. With `within`, only customers who have a conversation with one of these
    /// accounts, by those conversations. Holds at most `page` rows in memory.
    pub fn summaries(
        &self,
        within: Option<Vec<AccountId>>,
        page: u64,
    ) -> impl Stream<Item = Result<CustomerSummary, StoreError>> + Send + use<> {
        let (store, page) = (self.0.clone(), Ord::clamp(page, 1, MAX_PAGE));
        let begun = Some(Place::First);
        stream::try_unfold((store, within, begun), move |(store, within, place)| async move {
            let Some(place) = place else {
                return Ok::<_, StoreError>(None);
            };
            let (rows, next) = match place {
                Place::First => active(&store, within.as_deref(), None, page).await?,
                Place::Active(at, id) => active(&store, within.as_deref(), Some((at, id)), page).await?,
                Place::Silent(before) => silent(&store, before, page).await?,
            };
            let rows = rows.into_iter().map(read);
            Ok(Some((stream::iter(rows), (store, within, next))))
        })
        .try_flatten()
    }

    /// Returns the summary of one customer, `within` as in [`Self::summaries`].
    pub async fn summary(
        &self,
        id: CustomerId,
        within: Option<&[AccountId]>,
    ) -> Result<Option<CustomerSummary>, StoreError> {
        let of_customer = conversation::Entity::find()
            .filter(conversation::Column::CustomerId.eq(id))
            .filter(latest(within));
        let mut rows = read_rows(self.0, summed_up(of_customer)).await?;
        if rows.is_empty() {
            let query = bare().filter(customer::Column::Id.eq(id));
            rows = read_rows(self.0, query).await?;
        }
        count_anew(self.0, &mut rows, within).await?;
        rows.pop().map(read).transpose()
    }
}

/// Reads a page of customers with a conversation, and the place of the next page.
async fn active(
    store: &Store,
    within: Option<&[AccountId]>,
    after: Option<(i64, i64)>,
    page: u64,
) -> Result<(Vec<Row>, Option<Place>), StoreError> {
    let (at, id) = (conversation::Column::ActiveAt, conversation::Column::Id);
    let mut query = conversation::Entity::find()
        .filter(conversation::Column::CustomerId.is_not_null())
        .filter(latest(within));
    if let Some((before, than)) = after {
        // The first condition alone bounds the walk through the index.
        query = query.filter(at.lte(before)).filter(at.lt(before).or(id.lt(than)));
    }
    let query = summed_up(query).order_by_desc(at).order_by_desc(id).limit(page);
    let mut rows = read_rows(store, query).await?;
    count_anew(store, &mut rows, within).await?;
    let last = rows.last().and_then(|row| row.place_at.zip(row.place_id));
    let next = match last.filter(|_| rows.len() as u64 >= page) {
        Some((at, id)) => Some(Place::Active(at, id)),
        // A customer without a conversation belongs to no account.
        None => within.is_none().then_some(Place::Silent(None)),
    };
    Ok((rows, next))
}

/// Counts unread messages in these accounts alone.
async fn count_anew(store: &Store, rows: &mut [Row], within: Option<&[AccountId]>) -> Result<(), StoreError> {
    let Some(accounts) = within else { return Ok(()) };
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let unread = store.conversations().unread_of(&ids, accounts).await?;
    for row in rows {
        row.unread_count = unread.get(&row.id).copied().unwrap_or_default();
    }
    Ok(())
}

/// Reads a page of customers without a conversation, and the place of the next page.
async fn silent(store: &Store, before: Option<i64>, page: u64) -> Result<(Vec<Row>, Option<Place>), StoreError> {
    let any = Query::select()
        .expr(Expr::val(1))
        .from(conversation::Entity)
        .and_where(
            Expr::col((conversation::Entity, conversation::Column::CustomerId))
                .equals((customer::Entity, customer::Column::Id)),
        )
        .and_where(is_live(Expr::col((
            conversation::Entity,
            conversation::Column::MergedInto,
        ))))
        .take();
    let mut query = bare()
        .filter(customer::Column::MergedInto.is_null())
        .filter(Expr::exists(any).not());
    if let Some(before) = before {
        query = query.filter(customer::Column::Id.lt(before));
    }
    let query = query.order_by_desc(customer::Column::Id).limit(page);
    let rows = read_rows(store, query).await?;
    let next = rows.last().filter(|_| rows.len() as u64 >= page);
    let next = next.map(|last| Place::Silent(Some(last.id.0)));
    Ok((rows, next))
}

/// Returns the condition for conversations that were not merged into another, and of a customer's several only for the one
/// that was active last.
fn latest(within: Option<&[AccountId]>) -> Condition {
    let later = Alias::new("later");
    let (at, id) = (conversation::Column::ActiveAt, conversation::Column::Id);
    let of = |column| Expr::col((later.clone(), column));
    let here = |column| Expr::col((conversation::Entity, column));
    let is_later = of(at).gt(here(at)).or(of(at).eq(here(at)).and(of(id).gt(here(id))));
    let mut other: SelectStatement = Query::select()
        .expr(Expr::val(1))
        .from_as(conversation::Entity, later.clone())
        .and_where(of(conversation::Column::CustomerId).eq(here(conversation::Column::CustomerId)))
        .and_where(is_live(of(conversation::Column::MergedInto)))
        .and_where(is_later)
        .take();
    let mut wanted = Condition::all().add(is_live(here(conversation::Column::MergedInto)));
    if let Some(accounts) = within {
        let accounts = || accounts.iter().map(|account| account.0);
        other.and_where(of(conversation::Column::AccountId).is_in(accounts()));
        wanted = wanted.add(conversation::Column::AccountId.is_in(accounts()));
    }
    wanted.add(Expr::exists(other).not())
}

/// Returns the condition that a conversation was not merged into another. Almost all are such, so no planner may look for
/// them by the index of that column.
fn is_live(merged_into: Expr) -> Expr {
    Expr::from(Func::coalesce([merged_into, Expr::val(0_i64)])).eq(0_i64)
}

/// Selects the columns of [`Row`] for the customers of these conversations.
fn summed_up(conversations: Select<conversation::Entity>) -> Select<conversation::Entity> {
    // Outer joins, which no planner turns round: the order of the conversations is that of the list.
    let mut query = conversations
        .select_only()
        .join(
            JoinType::LeftJoin,
            conversation::Entity::belongs_to(customer::Entity)
                .from(conversation::Column::CustomerId)
                .to(customer::Column::Id)
                .into(),
        )
        .join(
            JoinType::LeftJoin,
            conversation::Entity::belongs_to(message::Entity)
                .from(conversation::Column::LastMessageId)
                .to(message::Column::Id)
                .into(),
        );
    for column in COLUMNS {
        query = query.column(column);
    }
    let [last_message, place_at, place_id] = OTHERS;
    query
        .column_as(message::Column::Content, last_message)
        .column_as(conversation::Column::ActiveAt, place_at)
        .column_as(conversation::Column::Id, place_id)
}

/// Selects the columns of [`Row`] for customers without a conversation.
fn bare() -> Select<customer::Entity> {
    let mut query = customer::Entity::find().select_only();
    for column in COLUMNS {
        query = query.column(column);
    }
    for absent in OTHERS {
        QueryTrait::query(&mut query).expr_as(Expr::cust("NULL"), absent);
    }
    query
}

/// Reads the rows of a query that selects the columns of [`Row`].
async fn read_rows<E: EntityTrait>(store: &Store, query: Select<E>) -> Result<Vec<Row>, StoreError> {
    let of_customer = COLUMNS.iter().map(IdenStatic::as_str);
    let columns: Vec<_> = of_customer.chain(OTHERS).collect();
    rows::all_as(query, &columns, store.readers()).await
}

/// Columns of a customer in [`Row`].
const COLUMNS: [customer::Column; 10] = [
    customer::Column::Id,
    customer::Column::Name,
    customer::Column::Phone,
    customer::Column::Status,
    customer::Column::PhotoUrl,
    customer::Column::PhotoId,
    customer::Column::GivenPhotoId,
    customer::Column::UnreadCount,
    customer::Column::CreatedAt,
    customer::Column::UpdatedAt,
];

/// Names of its other columns.
const OTHERS: [&str; 3] = ["last_message", "place_at", "place_id"];

fn read(row: Row) -> Result<CustomerSummary, StoreError> {
    Ok(CustomerSummary {
        id: row.id,
        name: row.name,
        phone: row.phone.map(|phone| word("customers", &phone)).transpose()?,
        status: row.status,
        photo_url: picture(row.photo_url, row.given_photo_id, row.photo_id),
        unread_count: row.unread_count,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        last_message: row.last_message,
    })
}
