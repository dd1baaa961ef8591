//! Work for the outside world, in lanes (`RULES` 4).

use crate::domain::message::Message;
use crate::domain::outbox::{OutboxItem, Target, Work};
use crate::domain::{AccountId, ConversationId, MessageId, OutboxId, Timestamp};

use super::{Store, StoreError, Tx};

/// A piece of work to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWork {
    pub target: Target,
    pub account: AccountId,
    pub lane: Option<ConversationId>,
    pub work: Work,
    /// Not to be done before this; at once when none.
    pub not_before: Option<Timestamp>,
    /// The message that it is about, so that it can be found and taken away with it.
    pub message: Option<MessageId>,
}

impl NewWork {
    /// Work about a message, in the lane of its conversation.
    pub fn for_message(target: Target, message: &Message, work: Work) -> Self {
        Self {
            target,
            account: message.account_id,
            lane: Some(message.conversation_id),
            work,
            not_before: None,
            message: Some(message.id),
        }
    }

    /// Work in the lane of a conversation, about no message of it.
    pub const fn for_conversation(target: Target, account: AccountId, lane: ConversationId, work: Work) -> Self {
        Self {
            target,
            account,
            lane: Some(lane),
            work,
            not_before: None,
            message: None,
        }
    }

    /// Work that belongs to no conversation.
    pub const fn for_account(target: Target, account: AccountId, work: Work) -> Self {
        Self {
            target,
            account,
            lane: None,
            work,
            not_before: None,
            message: None,
        }
    }

    /// Out of the lane: neither waits for others nor keeps them waiting.
    #[must_use]
    pub fn free(self) -> Self {
        Self { lane: None, ..self }
    }

    #[must_use]
    pub fn at(self, not_before: Timestamp) -> Self {
        Self {
            not_before: Some(not_before),
            ..self
        }
    }
}

/// What a relay has in hand: neither these lanes nor these items are given to it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    pub lanes: Vec<ConversationId>,
    pub items: Vec<OutboxId>,
}

/// How much work waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxCount {
    pub target: Target,
    pub account_id: AccountId,
    pub waiting: u64,
    /// Of these: handed to the outside at least once.
    pub started: u64,
    /// Of these: refused at least once.
    pub refused: u64,
    pub oldest: Timestamp,
}

impl Store {
    /// What can be done now: the head of each lane that is due, and what is due outside the lanes, the oldest first. A lane
    /// whose head is not due waits as a whole. Work of one account only, where one is given.
    pub async fn ready(
        &self,
        target: Target,
        account: Option<AccountId>,
        now: Timestamp,
        limit: u64,
        busy: &Busy,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        todo!()
    }

    /// When [`Self::ready`] will have something, if nothing changes.
    pub async fn next_due(
        &self,
        target: Target,
        account: Option<AccountId>,
        busy: &Busy,
    ) -> Result<Option<Timestamp>, StoreError> {
        todo!()
    }

    /// How much waits, by target and account.
    pub async fn outbox_counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        todo!()
    }
}

impl Tx {
    pub async fn enqueue(&mut self, new: NewWork) -> Result<OutboxId, StoreError> {
        todo!()
    }

    pub async fn outbox_item(&mut self, id: OutboxId) -> Result<Option<OutboxItem>, StoreError> {
        todo!()
    }

    /// Notes that the work is about to be handed to the outside, for the first time only; tells whether it is still there.
    pub async fn start_work(&mut self, id: OutboxId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Takes done work out; tells whether it was still there.
    pub async fn finish_work(&mut self, id: OutboxId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Puts work off; `count` when it was refused, not when the account or the homeserver was in trouble.
    pub async fn retry_work(
        &mut self,
        id: OutboxId,
        not_before: Timestamp,
        error: &str,
        count: bool,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Makes an account's waiting work due now.
    pub async fn hasten(&mut self, account: AccountId) -> Result<(), StoreError> {
        todo!()
    }

    /// The work about a message, the oldest first.
    pub async fn work_of(&mut self, message: MessageId) -> Result<Vec<OutboxItem>, StoreError> {
        todo!()
    }

    /// Takes away the work about a message for one target; gives the count.
    pub async fn remove_work(&mut self, message: MessageId, target: Target) -> Result<u64, StoreError> {
        todo!()
    }
}
