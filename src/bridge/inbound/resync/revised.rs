//! Finds changes of stored messages that were missed: edits, deletions, reactions, votes. Such a change does not make a
//! chat look incomplete, so every chat with recent messages is searched for messages that carry one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::bridge::inbound::events::Events;
use crate::bridge::inbound::unreadable::UnreadableChat;
use crate::bridge::inbound::{batch, changes};
use crate::domain::message::DELETE_WITHIN;
use crate::domain::whatsapp::{ChatSummary, PageEvent, WaMessage};
use crate::domain::{Timestamp, WaMessageId};
use crate::store::StoreError;

use super::{CHUNK, Comparison, Stop};

/// Upper bound of the age of the searched messages: nobody can delete an older one, and hardly anybody reacts to it.
const WITHIN: Duration = DELETE_WITHIN;
/// Upper bound of the searched chats, the latest first.
const MAX_CHATS: usize = 200;
/// Upper bound of the searched messages of one chat.
const MAX_COUNT: usize = 800;
/// Upper bound of the messages whose removed reactions are looked up, the newest first.
const MAX_REACTED: u64 = 500;

impl Comparison<'_> {
    /// Updates the stored messages that have changed in the page. New messages were stored before, and none is stored
    /// here. `unread`: chats that the page could not read when the comparison began.
    pub(super) async fn find_revised(&self, chats: &[ChatSummary], unread: &[UnreadableChat]) -> Result<(), Stop> {
        let since = self.core.clock.now().minus(WITHIN);
        let of_late = chats.iter().filter(|chat| chat.last_at.is_some_and(|at| at >= since));
        let of_late = of_late.filter(|chat| !unread.iter().any(|known| known.is(&chat.chat, &chat.contact)));
        let mut seen = HashSet::new();
        for summary in of_late.take(MAX_CHATS) {
            let told = self.port.revised(&summary.chat, since, MAX_COUNT).await;
            let told = match told.map_err(Stop::from) {
                Ok(told) => Events::from(told),
                Err(Stop::Chat(why)) => {
                    self.note_unread(summary, &why).await?;
                    continue;
                }
                Err(stop) => return Err(stop),
            };
            for chunk in told.chunks(CHUNK) {
                self.reconcile_chunk(chunk).await?;
            }
            seen.extend(told.iter().filter_map(message).map(|message| message.id.clone()));
        }
        self.find_taken_back(since, &seen).await
    }

    /// Looks up stored messages with reactions one by one: the page's search cannot find a message whose last reaction
    /// was removed.
    async fn find_taken_back(&self, since: Timestamp, seen: &HashSet<WaMessageId>) -> Result<(), Stop> {
        let store = &self.core.store;
        let reacted = store
            .messages()
            .reacted_of_account(self.account.id, since, MAX_REACTED)
            .await?;
        let mut unread = HashSet::new();
        for of in reacted.into_iter().filter(|of| !seen.contains(&of.id)) {
            if let Some(message) = self.message_apart(&of, &mut unread).await? {
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
        let input = (Arc::clone(self.account), told);
        let write = self.core.write_with(input, |tx, core, (account, told)| {
            async move {
                for event in told.iter() {
                    match event {
                        PageEvent::Message(one) => changes::reconcile_known(tx, &core.policy, account, one).await?,
                        // About a message that is not stored it says nothing.
                        event => {
                            changes::apply(tx, &core.policy, account, event).await?;
                        }
                    }
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
