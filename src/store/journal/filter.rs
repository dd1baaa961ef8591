//! The filter of a follower: `filter {types?, conversation_ids?, account?}`. An event must match all given fields.

use crate::contract::{EventType, FilterRequest};
use crate::domain::{AccountId, ConversationId};

/// Most entries in one list of a filter.
const MAX_ENTRIES: usize = 1000;

/// A filter whose account name is resolved to an id.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    types: Option<Vec<EventType>>,
    conversations: Option<Vec<ConversationId>>,
    account: Option<AccountId>,
}

impl EventFilter {
    /// Creates a filter. Returns `None` when a list in it is longer than 1,000 entries. `account` is the id of the
    /// account that it names.
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

    /// Takes the events of a conversation as well, if the filter has the conversation that goes on in it.
    pub fn follow(&mut self, ended: ConversationId, live: ConversationId) {
        if let Some(ids) = &mut self.conversations
            && ids.contains(&ended)
            && !ids.contains(&live)
        {
            ids.push(live);
        }
    }

    /// Returns whether the filter has conversations, which may be merged while it is followed.
    pub const fn names_conversations(&self) -> bool {
        self.conversations.is_some()
    }

    /// Returns whether an event of this kind, account and conversation matches the filter.
    pub fn takes(&self, kind: EventType, account: Option<AccountId>, conversation: Option<ConversationId>) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&kind))
            && self
                .conversations
                .as_ref()
                .is_none_or(|ids| conversation.is_some_and(|id| ids.contains(&id)))
            // Events of customers belong to no account, so every account's filter takes them.
            && self.account.is_none_or(|id| account.is_none_or(|of| of == id))
    }
}
