//! What was changed about messages that we have while nobody heard the page: an edit, a deletion, an emoji, a vote. None of
//! them makes a chat look as if something were missing, so every chat with messages of late is asked for those that bear one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::bridge::inbound::events::Events;
use crate::bridge::inbound::{batch, changes};
use crate::domain::message::DELETE_WITHIN;
use crate::domain::whatsapp::{ChatSummary, PageEvent, WaMessage};
use crate::domain::{Timestamp, WaMessageId};
use crate::store::StoreError;

use super::{CHUNK, Comparison, Stop};

/// How old a message may be of which changes are looked for: nobody can delete an older one, and hardly anybody reacts to it.
const WITHIN: Duration = DELETE_WITHIN;
/// Chats looked at, the latest first.
const MAX_CHATS: usize = 200;
/// Messages of one chat among which changed ones are looked for.
const MAX_COUNT: usize = 800;
/// Messages with emojis that the page does not tell any more, the newest first.
const MAX_REACTED: u64 = 500;

impl Comparison<'_> {
    /// What is new has been taken in before: here only what we have is brought to what it is now.
    pub(super) async fn find_revised(&self, chats: &[ChatSummary]) -> Result<(), Stop> {
        let since = self.core.clock.now().minus(WITHIN);
        let of_late = chats.iter().filter(|chat| chat.last_at.is_some_and(|at| at >= since));
        let mut seen = HashSet::new();
        for summary in of_late.take(MAX_CHATS) {
            let told = Events::from(self.port.revised(&summary.chat, since, MAX_COUNT).await?);
            for chunk in told.chunks(CHUNK) {
                self.reconcile_chunk(chunk).await?;
            }
            seen.extend(told.iter().filter_map(message).map(|message| message.id.clone()));
        }
        self.find_taken_back(since, &seen).await
    }

    /// A message whose last emoji was taken back bears no mark of it.
    async fn find_taken_back(&self, since: Timestamp, seen: &HashSet<WaMessageId>) -> Result<(), Stop> {
        let store = &self.core.store;
        let reacted = store
            .messages()
            .reacted_of_account(self.account.id, since, MAX_REACTED)
            .await?;
        for (chat, id, from_me) in reacted.into_iter().filter(|(_, id, _)| !seen.contains(id)) {
            if let Some(message) = self.port.message(&chat, &id, from_me).await? {
                self.reconcile_chunk(PageEvent::Message(Box::new(message)).into())
                    .await?;
            }
        }
        Ok(())
    }

    async fn reconcile_chunk(&self, told: Events) -> Result<(), StoreError> {
        let commit = |told| self.reconcile(told);
        batch::each_or_quarantine(self.core, self.account, &told, commit).await?;
        Ok(())
    }

    async fn reconcile(&self, told: Events) -> Result<(), StoreError> {
        let input = (Arc::clone(&self.core.policy), Arc::clone(self.account), told);
        let write = self.core.write(input, |tx, (policy, account, told)| {
            async move {
                for one in told.iter().filter_map(message) {
                    changes::reconcile_known(tx, policy, account, one).await?;
                }
                Ok::<_, StoreError>(())
            }
            .boxed()
        });
        write.await
    }
}

fn message(event: &PageEvent) -> Option<&WaMessage> {
    match event {
        PageEvent::Message(message) => Some(message),
        _ => None,
    }
}
