//! Customers, and the dated identities by which WhatsApp knows them.

mod change;
mod identities;
mod meet;
mod names;
pub mod opt_outs;
pub mod summary;

use std::collections::HashMap;

use futures_util::Stream;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use entity::{conversation, customer, customer_label};

use crate::domain::customer::{Customer, Identity};
use crate::domain::names::NameSource;
use crate::domain::{AccountId, CustomerId, LabelId, MediaId, Timestamp, media, numbers};

use super::database::bounds::{MAX_CHAIN, MAX_NAMED};
use super::database::page;
use super::database::page::{Cursor, MAX_PAGE, Page, PageRequest};
use super::database::row::{from_json, word};
use super::database::rows;
use super::database::session::exclusive;
use super::{Store, StoreError, Tx};
use crate::store::facet::{Customers, Database};

pub use change::CustomerChange;
pub use meet::{Contact, ResolvedCustomer};

/// Selects customers; those that match all given fields are returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFilter {
    /// Part of a name or phone number, in any case.
    pub search: Option<String>,
    /// Customers who have a conversation with this account.
    pub account: Option<AccountId>,
    /// Customers with this label.
    pub label: Option<LabelId>,
    /// Whether `search` finds only names as they are shown without numbers: a part of one would tell the rest.
    pub names_only: bool,
}

impl<D: Database> Customers<'_, D> {
    /// Returns the customer with this id, even if they were merged into another (`merged_into`).
    pub async fn get(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        find(self.0.connection(), id).await
    }

    /// Returns the customer who has this identity now.
    pub async fn by_identity(&self, identity: &Identity) -> Result<Option<Customer>, StoreError> {
        by_identity(self.0.connection(), identity).await
    }

    /// Returns the id under which a customer goes on after merges; the same id if they were not merged, or do not exist.
    pub async fn surviving(&self, id: CustomerId) -> Result<CustomerId, StoreError> {
        Ok(self.current(id).await?.map_or(id, |customer| customer.id))
    }

    /// Returns the customer that continues this one after merges, or the customer itself if they were not merged.
    pub async fn current(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        current(self.0.connection(), id).await
    }
}

impl<D: Database> Customers<'_, D> {
    /// Returns a page of customers who were not merged into another, ordered by id.
    pub async fn page(&self, page: PageRequest, filter: &CustomerFilter) -> Result<Page<Customer>, StoreError> {
        let mut query = customer::Entity::find().filter(customer::Column::MergedInto.is_null());
        let search = filter.search.as_deref().map(str::trim);
        let search = search.filter(|search| !search.is_empty());
        let has_letters = search.is_some_and(|search| search.contains(char::is_alphabetic));
        // The line of the number begins with a line break, which is left out of what is looked for.
        let wanted = search.map(|search| {
            search
                .chars()
                .filter(|c| !c.is_control())
                .collect::<String>()
                .to_lowercase()
        });
        if let Some(wanted) = &wanted {
            // Digits have no case, and those of the number are not looked at.
            let digits_of_names = filter.names_only && !has_letters;
            let found = if digits_of_names {
                customer::Column::Name.like(page::containing(wanted))
            } else {
                customer::Column::Search.like(page::containing(wanted))
            };
            query = query.filter(if filter.names_only {
                by_shown_name(found, wanted)
            } else {
                found
            });
        }
        if let Some(label) = filter.label {
            query = query.filter(customer::Column::Id.in_subquery(labelled(label)));
        }
        match (filter.account, search) {
            (Some(account), None) if filter.label.is_none() => return self.page_of_account(account, page).await,
            (Some(account), _) => query = query.filter(customer::Column::Id.in_subquery(known_to(account))),
            (None, _) => {}
        }
        if let Some(wanted) = wanted.filter(|_| filter.names_only) {
            return self.page_of_names(query, page, &wanted).await;
        }
        let columns = (None, customer::Column::Id);
        let key = |row: &customer::Model| Cursor::of_id(row.id.0);
        page::read(query, page, columns, self.0.connection(), key, read).await
    }

    /// Returns a page of the customers whose name holds `wanted` also when it is shown without numbers. It reads on until the
    /// page is full, because its ends and `has_more` would tell of other rows too, and so a number, digit by digit.
    async fn page_of_names(
        &self,
        query: Select<customer::Entity>,
        page: PageRequest,
        wanted: &str,
    ) -> Result<Page<Customer>, StoreError> {
        let limit = usize::try_from(page.limit.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX);
        let columns = (None, customer::Column::Id);
        let key = |row: &customer::Model| Cursor::of_id(row.id.0);
        let is_shown = |row: &customer::Model| {
            let name = numbers::name_without(&row.name, Some(row.id.0));
            name.to_lowercase().contains(wanted)
        };
        let (mut found, mut next) = (Vec::new(), page);
        loop {
            let rows = page::read(query.clone(), next, columns, self.0.connection(), key, Ok).await?;
            found.extend(rows.data.into_iter().filter(is_shown));
            let goes_on = rows.has_more && found.len() <= limit;
            let Some((_, last)) = rows.ends.filter(|_| goes_on) else {
                break;
            };
            next.limit = MAX_PAGE;
            next = next.beyond(last);
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        Ok(Page {
            ends: found
                .first()
                .zip(found.last())
                .map(|(first, last)| (key(first), key(last))),
            data: found.into_iter().map(read).collect::<Result<_, _>>()?,
            has_more,
        })
    }

    /// Returns a page of the customers who have a conversation with an account, ordered by id. Their ids are read in the
    /// order of the index of conversations, then their rows. It reads on until the page is full: a conversation that ended
    /// keeps the customer who was merged.
    async fn page_of_account(&self, account: AccountId, page: PageRequest) -> Result<Page<Customer>, StoreError> {
        let theirs = conversation::Entity::find()
            .filter(conversation::Column::AccountId.eq(account))
            .filter(conversation::Column::CustomerId.is_not_null());
        let limit = usize::try_from(page.limit.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX);
        let columns = (None, conversation::Column::CustomerId);
        let key = |row: &conversation::Model| Cursor::of_id(row.customer_id.map_or(0, |id| id.0));
        let id = |row: conversation::Model| Ok(row.customer_id);
        let (mut found, mut next) = (Vec::new(), page);
        let more_left = loop {
            let ids = page::read(theirs.clone(), next, columns, self.0.connection(), key, id).await?;
            let wanted: Vec<CustomerId> = ids.data.into_iter().flatten().collect();
            let mut rows = self.surviving_rows(&wanted).await?;
            found.extend(wanted.iter().filter_map(|id| rows.remove(id)));
            let Some((_, last)) = ids.ends.filter(|_| ids.has_more && found.len() < limit) else {
                break ids.has_more;
            };
            next.limit = MAX_PAGE;
            next = next.beyond(last);
        };
        let has_more = more_left || found.len() > limit;
        found.truncate(limit);
        let key = |row: &customer::Model| Cursor::of_id(row.id.0);
        Ok(Page {
            ends: found
                .first()
                .zip(found.last())
                .map(|(first, last)| (key(first), key(last))),
            data: found.into_iter().map(read).collect::<Result<_, _>>()?,
            has_more,
        })
    }

    /// Returns the rows of those customers who were not merged into another.
    async fn surviving_rows(&self, ids: &[CustomerId]) -> Result<HashMap<CustomerId, customer::Model>, StoreError> {
        let mut found = HashMap::new();
        for some in ids.chunks(MAX_NAMED) {
            let query = customer::Entity::find()
                .filter(customer::Column::Id.is_in(some.iter().copied()))
                .filter(customer::Column::MergedInto.is_null());
            let rows = rows::all(query, self.0.connection()).await?;
            found.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(found)
    }
}

impl Customers<'_, Store> {
    /// Returns at most `limit` customers who were not merged into another, by id, after the first `offset`.
    pub async fn by_id(&self, limit: u64, offset: u64) -> Result<Vec<Customer>, StoreError> {
        let query = customer::Entity::find()
            .filter(customer::Column::MergedInto.is_null())
            .order_by_asc(customer::Column::Id)
            .offset(offset)
            .limit(Ord::min(limit, MAX_PAGE));
        let rows = rows::all(query, self.0.readers()).await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns a stream of all customers, ordered by id, with one page at a time in memory. With `account`, only the
    /// customers of that account.
    pub fn stream(
        &self,
        account: Option<AccountId>,
    ) -> impl Stream<Item = Result<Customer, StoreError>> + Send + use<> {
        let store = self.0.clone();
        let filter = CustomerFilter {
            account,
            ..CustomerFilter::default()
        };
        page::stream(move |request| {
            let (store, filter) = (store.clone(), filter.clone());
            async move {
                let _turn = store.stream_turn().await?;
                store.customers().page(request, &filter).await
            }
        })
    }
}

impl Customers<'_, Tx> {
    pub(super) async fn need(&self, id: CustomerId) -> Result<customer::Model, StoreError> {
        let row = customer::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "customer" })
    }

    /// Locks a customer until the commit. Returns who goes on as them, if another process has merged them since they were read:
    /// what is made for them now would be nobody's. SQLite has one writer.
    pub(super) async fn merged_meanwhile(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        if self.0.session.get_database_backend() == DbBackend::Sqlite {
            return Ok(None);
        }
        let row = exclusive(&self.0.session, customer::Entity::find_by_id(id));
        match row.one(&self.0.session).await? {
            Some(row) if row.merged_into.is_some() => self.current(id).await,
            _ => Ok(None),
        }
    }

    /// Returns the rows of all customers who were merged into this one, directly or through others.
    pub(super) async fn merged_into(&self, id: CustomerId) -> Result<Vec<customer::Model>, StoreError> {
        let mut found: Vec<customer::Model> = Vec::new();
        let mut above = vec![id];
        for _ in 0..MAX_CHAIN {
            let mut below = Vec::new();
            for some in above.chunks(MAX_NAMED) {
                let into_these = customer::Column::MergedInto.is_in(some.iter().copied());
                below.extend(customer::Entity::find().filter(into_these).all(&self.0.session).await?);
            }
            if below.is_empty() {
                return Ok(found);
            }
            above = below.iter().map(|row| row.id).collect();
            found.extend(below);
        }
        Err(StoreError::corrupt("customers", "merges without an end"))
    }
}

async fn find(database: &impl ConnectionTrait, id: CustomerId) -> Result<Option<Customer>, StoreError> {
    let row = customer::Entity::find_by_id(id).one(database).await?;
    row.map(read).transpose()
}

pub(super) async fn current(database: &impl ConnectionTrait, id: CustomerId) -> Result<Option<Customer>, StoreError> {
    let mut id = id;
    for _ in 0..MAX_CHAIN {
        match find(database, id).await? {
            Some(Customer {
                merged_into: Some(next),
                ..
            }) => id = next,
            found => return Ok(found),
        }
    }
    Err(StoreError::corrupt("customers", "merges without an end"))
}

async fn by_identity(database: &impl ConnectionTrait, identity: &Identity) -> Result<Option<Customer>, StoreError> {
    let row = identities::holding(std::slice::from_ref(identity))
        .one(database)
        .await?;
    match row {
        Some(row) => find(database, row.customer_id).await,
        None => Ok(None),
    }
}

/// Selects the ids of customers who have a conversation with an account.
fn known_to(account: AccountId) -> SelectStatement {
    Query::select()
        .column(conversation::Column::CustomerId)
        .from(conversation::Entity)
        .and_where(conversation::Column::AccountId.eq(account))
        .and_where(conversation::Column::CustomerId.is_not_null())
        .take()
}

/// Returns the condition for customers who are `found` by a name that is no number, or whose name is hidden and shown as
/// [`numbers::label`].
fn by_shown_name(found: Expr, wanted: &str) -> Expr {
    let named = found.and(customer::Column::NameSource.ne(NameSource::Number.to_string()));
    match numbers::id_of_label(wanted) {
        Some(id) => named.or(customer::Column::Id.eq(id)),
        None => named,
    }
}

/// Selects the ids of customers who have a label.
fn labelled(label: LabelId) -> SelectStatement {
    Query::select()
        .column(customer_label::Column::CustomerId)
        .from(customer_label::Entity)
        .and_where(customer_label::Column::LabelId.eq(label))
        .take()
}

/// Returns the address of a customer's picture: the one that was set, else the given one, else WhatsApp's.
fn picture(set: Option<String>, given: Option<MediaId>, shown: Option<MediaId>) -> Option<String> {
    set.or_else(|| given.or(shown).map(media::url))
}

pub(super) fn read(row: customer::Model) -> Result<Customer, StoreError> {
    let source = row.name_source.as_deref().map(|source| word("customers", source));
    Ok(Customer {
        id: row.id,
        name: row.name,
        name_source: source.transpose()?.unwrap_or(NameSource::Number),
        phone: row.phone.map(|phone| word("customers", &phone)).transpose()?,
        status: row.status,
        photo_url: picture(row.photo_url, row.given_photo_id, row.photo_id),
        unread_count: row.unread_count,
        attributes: from_json("customers", &row.attributes)?,
        opted_out_at: row.opted_out_at.map(Timestamp),
        opted_out_by: row.opted_out_by,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        labels: match row.labels {
            Some(labels) => from_json("customers", &labels)?,
            None => Vec::new(),
        },
        merged_into: row.merged_into,
    })
}
