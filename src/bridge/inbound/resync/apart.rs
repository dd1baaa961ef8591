//! Compares chats that the page cannot read apart from the others: each failure is stored before the comparison goes on,
//! and the chat is read again in later comparisons, back to where its messages may be missing.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::bridge::inbound::unreadable::{self, Reading, UnreadableChat};
use crate::domain::whatsapp::{ChatSummary, MessageRef, ReadError, Unreachable, WaMessage};
use crate::domain::{ChatId, WaMessageId};
use crate::store::StoreError;

use super::{Comparison, Held, Stop};

/// Upper bound of the unreadable chats on which one comparison fails again: each may take the whole deadline of a call,
/// and live events wait meanwhile.
const MAX_FAILED: usize = 2;
/// How long an unreadable chat is remembered that is not in the page's list: some chats appear there late.
const ABSENT_FOR: Duration = Duration::from_hours(24);

impl Comparison<'_> {
    /// Returns the chats that earlier comparisons could not read.
    pub(super) async fn unread(&self) -> Result<Vec<UnreadableChat>, StoreError> {
        unreadable::stored(&self.core.store, self.account.id, Reading::Comparison).await
    }

    /// Compares a chat. Stores that it could not be read, if the fault is its own. Returns the number of new messages.
    pub(super) async fn compare_apart(
        &self,
        summary: &ChatSummary,
        seen: &mut HashSet<WaMessageId>,
    ) -> Result<usize, Stop> {
        match self.compare_chat(summary, None, seen).await {
            Ok(new) => Ok(new.unwrap_or(0)),
            Err(Stop::Chat(why)) => {
                self.note_unread(summary, &why).await?;
                Ok(0)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Compares the chats that earlier comparisons could not read. Returns the number of new messages.
    pub(super) async fn compare_unread(
        &self,
        chats: &[ChatSummary],
        unread: &[UnreadableChat],
        seen: &mut HashSet<WaMessageId>,
    ) -> Result<usize, Stop> {
        let now = self.core.clock.now();
        let (mut found, mut failed) = (0, 0);
        for known in unread {
            let Some(summary) = chats.iter().find(|one| known.is(&one.chat, &one.contact)) else {
                if now.since(known.found_at) >= ABSENT_FOR {
                    self.forget_unread(known.chat.clone()).await?;
                }
                continue;
            };
            if failed == MAX_FAILED {
                continue;
            }
            match self.compare_chat(summary, Some(known.since), seen).await {
                Ok(None) => {}
                Ok(Some(new)) => {
                    found += new;
                    self.forget_unread(known.chat.clone()).await?;
                }
                Err(Stop::Chat(why)) => {
                    failed += 1;
                    self.note_unread(summary, &why).await?;
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(found)
    }

    /// Stores that a chat could not be read, before any later message of it is stored.
    pub(super) async fn note_unread(&self, summary: &ChatSummary, why: &str) -> Result<(), StoreError> {
        self.has_failed.store(true, Ordering::Relaxed);
        let held = Held::read(self.core, self.account, summary).await?;
        let chat = UnreadableChat {
            chat: summary.chat.clone(),
            identities: summary.contact.identities.clone(),
            conversation: held.conversation,
            since: held.boundary(self.account),
            found_at: self.core.clock.now(),
        };
        let (account, conversation) = (self.account.id, chat.conversation.map(tracing::field::display));
        tracing::warn!(%account, conversation, "the page cannot read a chat; it is tried again later: {why}");
        let input = (Arc::clone(self.account), chat);
        let write = self.core.write_with(input, |tx, core, (account, chat)| {
            async move { unreadable::note(tx, &core.policy, account, Reading::Comparison, chat.clone()).await }.boxed()
        });
        write.await
    }

    async fn forget_unread(&self, chat: ChatId) -> Result<(), StoreError> {
        let input = (Arc::clone(self.account), chat);
        let write = self.core.write_with(input, |tx, core, (account, chat)| {
            async move { unreadable::forget(tx, &core.policy, account, Reading::Comparison, chat).await }.boxed()
        });
        write.await
    }

    /// Requests one message; `None` also if the page cannot read it. After a failure nothing else of that chat, which is
    /// put into `unread`, is requested.
    pub(super) async fn message_apart(
        &self,
        of: &MessageRef,
        unread: &mut HashSet<ChatId>,
    ) -> Result<Option<WaMessage>, Unreachable> {
        if unread.contains(&of.chat) {
            return Ok(None);
        }
        match self.port.message(of).await {
            Ok(message) => Ok(message),
            Err(ReadError::Unreachable(error)) => Err(error),
            Err(ReadError::Unreadable(why)) => {
                tracing::debug!(account = %self.account.id, "a message could not be requested: {why}");
                unread.insert(of.chat.clone());
                Ok(None)
            }
        }
    }
}
