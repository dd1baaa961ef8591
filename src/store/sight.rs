//! Tells what somebody gets to see (`Sight`): whether they see one thing, and pages of the things that they see.
//!
//! A page of several accounts is put together from a page of each: each is read in the order of an index.

use std::collections::BTreeMap;

use entity::{chat_group, conversation, customer, media, message, template};
use futures_util::Stream;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::account::Account;
use crate::domain::conversation::Conversation;
use crate::domain::customer::Customer;
use crate::domain::message::Message;
use crate::domain::rights::Sight;
use crate::domain::{AccountId, ConversationId, CustomerId, MediaId, MergeId, MessageId};
use crate::store::facet::{Database, Sights};

use super::database::page;
use super::database::page::{Cursor, MAX_PAGE, Order, Page, PageRequest};
use super::{ConversationFilter, CustomerFilter, MessageFilter, Store, StoreError};

/// Most customers or groups that are looked at to find out whether a picture is somebody's avatar.
const MAX_SHOWING: u64 = 100;

impl<D: Database> Sights<'_, D> {
    /// Returns whether a customer is seen: they have, or the one who continues them has, a conversation with an account that
    /// is seen.
    pub async fn customer(&self, sight: &Sight, id: CustomerId) -> Result<bool, StoreError> {
        let Some(accounts) = sight.accounts() else {
            return Ok(true);
        };
        let Some(current) = super::customers::current(self.0.connection(), id).await? else {
            return Ok(false);
        };
        let theirs = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::CustomerId.eq(current.id))
            .filter(conversation::Column::AccountId.is_in(accounts.iter().copied()))
            .limit(1)
            .into_tuple::<i64>();
        Ok(theirs.one(self.0.connection()).await?.is_some())
    }

    /// Returns whether a conversation is seen, also one that was merged into another.
    pub async fn conversation(&self, sight: &Sight, id: ConversationId) -> Result<bool, StoreError> {
        if sight.is_whole() {
            return Ok(true);
        }
        let of = conversation::Entity::find_by_id(id)
            .select_only()
            .column(conversation::Column::AccountId)
            .into_tuple::<AccountId>();
        let of = of.one(self.0.connection()).await?;
        Ok(of.is_some_and(|account| sight.sees(account)))
    }

    /// Returns whether a message is seen.
    pub async fn message(&self, sight: &Sight, id: MessageId) -> Result<bool, StoreError> {
        if sight.is_whole() {
            return Ok(true);
        }
        let of = message::Entity::find_by_id(id)
            .select_only()
            .column(message::Column::AccountId)
            .into_tuple::<AccountId>();
        let of = of.one(self.0.connection()).await?;
        Ok(of.is_some_and(|account| sight.sees(account)))
    }

    /// Returns whether a merge is seen: one of its two customers is.
    pub async fn merge(&self, sight: &Sight, id: MergeId) -> Result<bool, StoreError> {
        if sight.is_whole() {
            return Ok(true);
        }
        let merge = entity::merge::Entity::find_by_id(id).one(self.0.connection()).await?;
        let Some(merge) = merge else { return Ok(false) };
        Ok(self.customer(sight, merge.customer_id).await? || self.customer(sight, merge.merged_customer_id).await?)
    }

    /// Returns whether a medium is seen: an account that is seen has it, in a message or to fetch it; it is the avatar of a
    /// customer or a group that is seen; it is the file of a template, which everybody may send; or it was uploaded by the one
    /// who looks.
    pub async fn medium(&self, sight: &Sight, id: MediaId) -> Result<bool, StoreError> {
        let Some(accounts) = sight.accounts() else {
            return Ok(true);
        };
        let Some(row) = media::Entity::find_by_id(id).one(self.0.connection()).await? else {
            return Ok(false);
        };
        let is_own = row.owner_id.is_some() && row.owner_id == sight.owner();
        if is_own || row.account_id.is_some_and(|account| sight.sees(account)) {
            return Ok(true);
        }
        let carried = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::MediaId.eq(id))
            .filter(message::Column::AccountId.is_in(accounts.iter().copied()))
            .limit(1)
            .into_tuple::<i64>();
        if carried.one(self.0.connection()).await?.is_some() {
            return Ok(true);
        }
        Ok(self.avatar(sight, id).await? || self.in_template(id).await?)
    }

    /// Returns whether a template has this file. Reads all templates, which are few.
    async fn in_template(&self, id: MediaId) -> Result<bool, StoreError> {
        let naming = template::Entity::find()
            .select_only()
            .column(template::Column::Id)
            .filter(template::Column::MediaId.eq(id))
            .limit(1)
            .into_tuple::<i64>();
        Ok(naming.one(self.0.connection()).await?.is_some())
    }

    async fn avatar(&self, sight: &Sight, id: MediaId) -> Result<bool, StoreError> {
        let customers = customer::Entity::find()
            .select_only()
            .column(customer::Column::Id)
            .filter(
                Condition::any()
                    .add(customer::Column::PhotoId.eq(id))
                    .add(customer::Column::GivenPhotoId.eq(id)),
            )
            .limit(MAX_SHOWING)
            .into_tuple::<CustomerId>();
        for showing in customers.all(self.0.connection()).await? {
            if self.customer(sight, showing).await? {
                return Ok(true);
            }
        }
        let groups = chat_group::Entity::find()
            .select_only()
            .column(chat_group::Column::ConversationId)
            .filter(chat_group::Column::PhotoId.eq(id))
            .limit(MAX_SHOWING)
            .into_tuple::<ConversationId>();
        for showing in groups.all(self.0.connection()).await? {
            if self.conversation(sight, showing).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Sights<'_, Store> {
    /// Returns the accounts that are seen and were not removed, oldest first.
    pub async fn accounts(&self, sight: &Sight) -> Result<Vec<Account>, StoreError> {
        let mut accounts = self.0.accounts().present().await?;
        accounts.retain(|account| sight.sees(account.id));
        Ok(accounts)
    }

    /// Returns a page of the conversations that are seen; see [`Conversations::page`](super::facet::Conversations::page).
    pub async fn conversations(
        &self,
        sight: &Sight,
        page: PageRequest,
        filter: ConversationFilter,
    ) -> Result<Page<Conversation>, StoreError> {
        let store = self.0;
        united(sight, filter.account, page, |account| async move {
            let filter = ConversationFilter { account, ..filter };
            store.conversations().keyed_page(page, filter).await
        })
        .await
    }

    /// Returns a page of the customers who are seen; see [`Customers::page`](super::facet::Customers::page).
    pub async fn customers(
        &self,
        sight: &Sight,
        page: PageRequest,
        filter: &CustomerFilter,
    ) -> Result<Page<Customer>, StoreError> {
        let store = self.0;
        let mut found = united(sight, filter.account, page, |account| async move {
            let filter = CustomerFilter {
                account,
                ..filter.clone()
            };
            let found = store.customers().page(page, &filter).await?;
            Ok(found.keyed(|customer| Cursor::of_id(customer.id.0)))
        })
        .await?;
        self.count_unread(sight, &mut found.data).await?;
        Ok(found)
    }

    /// Makes the unread counts of customers those of the accounts that are seen.
    pub async fn count_unread(&self, sight: &Sight, customers: &mut [Customer]) -> Result<(), StoreError> {
        let Some(accounts) = sight.accounts() else {
            return Ok(());
        };
        let ids: Vec<_> = customers.iter().map(|customer| customer.id).collect();
        let unread = self.0.conversations().unread_of(&ids, accounts).await?;
        for customer in customers {
            customer.unread_count = unread.get(&customer.id).copied().unwrap_or_default();
        }
        Ok(())
    }

    /// Returns a stream of all customers who are seen, ordered by id, with one page at a time in memory.
    pub fn stream_customers(
        &self,
        sight: Sight,
        filter: CustomerFilter,
    ) -> impl Stream<Item = Result<Customer, StoreError>> + Send + use<> {
        let store = self.0.clone();
        page::stream(move |request| {
            let (store, sight, filter) = (store.clone(), sight.clone(), filter.clone());
            async move {
                let _turn = store.stream_turn().await?;
                store.sights().customers(&sight, request, &filter).await
            }
        })
    }

    /// Returns the number of messages that [`Self::stream_messages`] returns.
    pub async fn count_messages(&self, sight: &Sight, filter: MessageFilter) -> Result<u64, StoreError> {
        let Some(accounts) = sight.narrowed(filter.account).accounts().map(<[_]>::to_vec) else {
            return self.0.messages().count(filter).await;
        };
        let mut count = 0;
        for account in accounts {
            let account = Some(account);
            count += self.0.messages().count(MessageFilter { account, ..filter }).await?;
        }
        Ok(count)
    }

    /// Returns a stream of the messages that are seen, ordered by id, with one page at a time in memory.
    pub fn stream_messages(
        &self,
        sight: Sight,
        filter: MessageFilter,
    ) -> impl Stream<Item = Result<Message, StoreError>> + Send + use<> {
        let store = self.0.clone();
        page::stream(move |request| {
            let (store, sight) = (store.clone(), sight.clone());
            async move {
                let _turn = store.stream_turn().await?;
                let store = &store;
                united(&sight, filter.account, request, |account| async move {
                    let filter = MessageFilter { account, ..filter };
                    let found = store.messages().filtered(filter, request).await?;
                    Ok(found.keyed(|message| Cursor::of_id(message.id.0)))
                })
                .await
            }
        })
    }
}

/// Reads a page of each account that is seen, or of all at once, and unites them.
async fn united<T, F, R>(
    sight: &Sight,
    account: Option<AccountId>,
    request: PageRequest,
    read: F,
) -> Result<Page<T>, StoreError>
where
    F: Fn(Option<AccountId>) -> R,
    R: Future<Output = Result<Page<(Cursor, T)>, StoreError>>,
{
    let narrowed = sight.narrowed(account);
    let Some(accounts) = narrowed.accounts() else {
        return Ok(read(None).await?.bare());
    };
    if let [only] = accounts {
        return Ok(read(Some(*only)).await?.bare());
    }
    let mut pages = vec![];
    for account in accounts {
        pages.push(read(Some(*account)).await?);
    }
    Ok(unite(pages, request))
}

/// Puts pages together that were read with the same request. What is in several of them counts once.
fn unite<T>(pages: Vec<Page<(Cursor, T)>>, request: PageRequest) -> Page<T> {
    let is_up = request.order == Order::Ascending;
    let more_left = pages.iter().any(|page| page.has_more);
    // Beyond the place to which every list was read, rows of one may be missing.
    let unfinished = pages.iter().filter(|page| page.has_more).filter_map(end);
    let read_to = if is_up { unfinished.min() } else { unfinished.max() };
    let is_read = |key: Cursor| read_to.is_none_or(|end| if is_up { key <= end } else { key >= end });
    let rows = pages.into_iter().flat_map(|page| page.data);
    let mut rows: BTreeMap<Cursor, T> = rows.filter(|(key, _)| is_read(*key)).collect();
    let limit = usize::try_from(request.limit.clamp(1, MAX_PAGE)).unwrap_or(usize::MAX);
    let has_more = more_left || rows.len() > limit;
    let take = |rows: &mut BTreeMap<Cursor, T>| {
        if is_up { rows.pop_first() } else { rows.pop_last() }
    };
    let mut data = vec![];
    while data.len() < limit
        && let Some(row) = take(&mut rows)
    {
        data.push(row);
    }
    let last = data.last().map(|row| row.0);
    // A list may have less than it was asked for, or nothing: the next page begins after all that was read.
    let last = if data.len() < limit { read_to.or(last) } else { last };
    let first = data.first().map(|row| row.0).or(last);
    let ends = first.zip(last);
    Page { data, ends, has_more }.bare()
}

/// Returns the place to which a page was read.
fn end<T>(page: &Page<(Cursor, T)>) -> Option<Cursor> {
    let last = page.data.last().map(|row| row.0);
    page.ends.map(|(_, last)| last).or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[i64], has_more: bool) -> Page<(Cursor, i64)> {
        Page {
            data: ids.iter().map(|id| (Cursor::of_id(*id), *id)).collect(),
            ends: None,
            has_more,
        }
    }

    #[test]
    fn united_pages_are_in_order_and_say_what_follows() {
        let up = unite(
            vec![page(&[1, 4, 5], true), page(&[2, 4], false)],
            PageRequest::first(3),
        );
        assert_eq!((up.data, up.has_more), (vec![1, 2, 4], true));
        assert_eq!(up.ends, Some((Cursor::of_id(1), Cursor::of_id(4))));
        let down = unite(vec![page(&[5, 1], false), page(&[4], false)], PageRequest::last(3));
        assert_eq!((down.data, down.has_more), (vec![5, 4, 1], false));
        let none = unite(vec![page(&[], false)], PageRequest::first(3));
        assert_eq!((none.data, none.ends, none.has_more), (vec![], None, false));
    }

    /// A list whose rows were left out after they were read is shorter than it says.
    #[test]
    fn united_page_ends_where_every_list_was_read_to() {
        let short = |ids: &[i64], read: (i64, i64)| Page {
            ends: Some((Cursor::of_id(read.0), Cursor::of_id(read.1))),
            ..page(ids, true)
        };
        let up = unite(
            vec![short(&[1], (1, 4)), page(&[2, 6, 7], false)],
            PageRequest::first(3),
        );
        assert_eq!((up.data, up.has_more), (vec![1, 2], true));
        assert_eq!(up.ends, Some((Cursor::of_id(1), Cursor::of_id(4))));
        let down = unite(vec![short(&[], (9, 5)), page(&[6, 3], false)], PageRequest::last(2));
        assert_eq!((down.data, down.has_more), (vec![6], true));
        assert_eq!(down.ends, Some((Cursor::of_id(6), Cursor::of_id(5))));
        let none = unite(vec![short(&[], (4, 4)), page(&[6], false)], PageRequest::first(1));
        assert_eq!((none.data, none.has_more), (vec![], true));
        assert_eq!(none.ends, Some((Cursor::of_id(4), Cursor::of_id(4))));
    }
}
