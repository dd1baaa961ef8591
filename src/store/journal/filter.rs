//! Which events a follower wants: `filter {types?, conversation_ids?, account?}`. All that is given has to hold.

use crate::contract::{EventType, FilterRequest, JournalEvent};
use crate::domain::{AccountId, ConversationId};

/// Most entries in one list of a filter.
const MAX_ENTRIES: usize = 1000;

/// A filter whose names are resolved.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    types: Option<Vec<EventType>>,
    conversations: Option<Vec<ConversationId>>,
    account: Option<AccountId>,
}

impl EventFilter {
    /// Returns `None` when the filter is longer than we take. `account` is the id of the account that it names.
    pub fn new(request: FilterRequest, account: Option<AccountId>) -> Option<Self> {
        let short = |length: Option<usize>| length.is_none_or(|length| length <= MAX_ENTRIES);
        let lengths = (
            request.types.as_ref().map(Vec::len),
            request.conversation_ids.as_ref().map(Vec::len),
        );
        (short(lengths.0) && short(lengths.1)).then_some(Self {
            types: request.types,
            conversations: request.conversation_ids,
            account,
        })
    }

    /// Returns whether the follower wants this event.
    pub fn takes(&self, event: &JournalEvent) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&event.kind))
            && self
                .conversations
                .as_ref()
                .is_none_or(|ids| event.conversation_id.is_some_and(|id| ids.contains(&id)))
            // Customers belong to no account: their events are everybody's.
            && self.account.is_none_or(|id| event.account_id.is_none_or(|of| of == id))
    }
}
