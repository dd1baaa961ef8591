//! Resolves what filters of lists, exports and streams name: it has to exist, and one filter may not contradict another. An empty
//! answer would be taken for one that says something.

use super::access::sight::Visible as _;
use super::accounts;
use super::http::problem::{Code, Problem};
use crate::contract::FilterRequest;
use crate::domain::export::ExportFilter;
use crate::domain::rights::Sight;
use crate::domain::{AccountId, ConversationId, CustomerId, Timestamp};
use crate::store::{EventFilter, Store};

/// Where filters stand.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Query,
    Body,
}

impl Place {
    fn wrong(self, pointer: &str, detail: &str) -> Problem {
        match self {
            Self::Query => Problem::new(Code::InvalidQuery, detail).at(pointer),
            Self::Body => Problem::wrong_field(pointer, detail),
        }
    }
}

/// Filters of messages, as a client gives them.
pub struct OfMessages<'r> {
    pub place: Place,
    pub account: Option<&'r str>,
    pub account_id: Option<AccountId>,
    pub customer_id: Option<CustomerId>,
    pub conversation_id: Option<ConversationId>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl OfMessages<'_> {
    /// Returns the filter with the rows that it names, as they go on after merges.
    pub async fn resolved(self, store: &Store, sight: &Sight) -> Result<ExportFilter, Problem> {
        let Self { place, from, until, .. } = self;
        check_span(place, from, until)?;
        Ok(ExportFilter {
            account: account(store, sight, place, (self.account, self.account_id)).await?,
            customer: customer(store, sight, self.customer_id).await?,
            conversation: conversation(store, sight, self.conversation_id).await?,
            from,
            until,
        })
    }
}

/// Returns the account that is named, by name, by id, or by both.
pub async fn account(
    store: &Store,
    sight: &Sight,
    place: Place,
    (named, id): (Option<&str>, Option<AccountId>),
) -> Result<Option<AccountId>, Problem> {
    let named = accounts::wanted(store, sight, named).await?;
    let Some(id) = id else { return Ok(named) };
    if named.is_some_and(|named| named != id) {
        let detail = "`account` and `account_id` name two accounts; give one of them";
        return Err(place.wrong("/account_id", detail));
    }
    let known = store.accounts().get(id).await?;
    let known = known.filter(|account| sight.sees(account.id));
    known.ok_or_else(|| Problem::not_found("account", id).at("/account_id"))?;
    Ok(Some(id))
}

/// Returns the customer that is named, as they go on after merges.
pub async fn customer(store: &Store, sight: &Sight, id: Option<CustomerId>) -> Result<Option<CustomerId>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let at = |problem: Problem| problem.at("/customer_id");
    id.check(store, sight).await.map_err(at)?;
    let current = store.customers().current(id).await?;
    let current = current.ok_or_else(|| at(Problem::not_found("customer", id)))?;
    Ok(Some(current.id))
}

/// Returns the conversation that is named, as it goes on after merges.
pub async fn conversation(
    store: &Store,
    sight: &Sight,
    id: Option<ConversationId>,
) -> Result<Option<ConversationId>, Problem> {
    match id {
        Some(id) => live(store, sight, id)
            .await
            .map(Some)
            .map_err(|problem| problem.at("/conversation_id")),
        None => Ok(None),
    }
}

/// Returns the conversation that continues this one. A problem (404) if there is none for the caller.
pub async fn live(store: &Store, sight: &Sight, id: ConversationId) -> Result<ConversationId, Problem> {
    id.check(store, sight).await?;
    let live = store.conversations().live(id).await?;
    Ok(live.ok_or_else(|| Problem::not_found("conversation", id))?.id)
}

/// Returns the filter of a follower. Of a conversation that was merged it takes the events of before, under its own id, and
/// those of the conversation in which it goes on.
pub async fn of_events(store: &Store, sight: &Sight, request: FilterRequest) -> Result<EventFilter, Problem> {
    let account = accounts::wanted(store, sight, request.account.as_deref()).await?;
    let asked = request.conversation_ids.clone();
    let too_long = || Problem::new(Code::InvalidQuery, "the filter has too many entries; ask for fewer");
    let mut filter = EventFilter::new(request, account).ok_or_else(too_long)?;
    for id in asked.into_iter().flatten() {
        let live = live(store, sight, id).await;
        filter.follow(id, live.map_err(|problem| problem.at("/conversation_ids"))?);
    }
    Ok(filter)
}

/// Refuses a time that ends before it begins.
pub fn check_span(place: Place, from: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), Problem> {
    match (from, until) {
        (Some(from), Some(until)) if until < from => {
            Err(place.wrong("/until", "`until` is before `from`; exchange them"))
        }
        _ => Ok(()),
    }
}
