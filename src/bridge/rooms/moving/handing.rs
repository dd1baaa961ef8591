//! Hands single rooms over.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::bridge::core::notice;
use crate::domain::matrix::MatrixError;
use crate::domain::outbox::MatrixWork;
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};
use crate::store::{NewWork, RoomOf, StoreError, Tx};

use super::{Moving, SHARDS, unstored, waits};

impl Moving {
    /// Hands a room over if the former login keeps it. A room of no conversation has been handed over before.
    ///
    /// # Errors
    /// [`MatrixError::RoomGone`] if the former login is not in it any more.
    pub(in crate::bridge::rooms) fn see_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        self.see_to_now(room).boxed()
    }

    async fn see_to_now(&self, room: &MatrixRoomId) -> Result<(), MatrixError> {
        if self.is_over() {
            return Ok(());
        }
        self.see_to_places().await?;
        let heir = self.heir()?;
        if !self.is_left(room, &heir).await? {
            return Ok(());
        }
        let _exclusive = self.inner.handing[shard(room)].lock().await;
        if !self.is_left(room, &heir).await? {
            return Ok(());
        }
        if let Some(error) = self.rests(room) {
            return Err(error);
        }
        let done = Box::pin(self.hand_over(room, &heir)).await;
        self.note(room, done)
    }

    /// As [`Self::see_to`], for a room of which only the alias is known. If the former login was to make it and has not,
    /// the present one makes it.
    pub(in crate::bridge::rooms) async fn see_to_alias(&self, alias: &str) -> Result<(), MatrixError> {
        if self.is_over() {
            return Ok(());
        }
        self.see_to_places().await?;
        let (heir, store) = (self.heir()?, &self.inner.core.store);
        let row = store.rooms().by_alias(alias).await.map_err(|error| unstored(&error))?;
        let Some(row) = row else { return Ok(()) };
        if let Some(room) = &row.room {
            return self.see_to(room).await;
        }
        if row.creator.as_ref() == Some(&heir) {
            return Ok(());
        }
        let found = self.inner.former.find_room(alias).await?;
        let input = (row, found.clone(), heir);
        let stored = self.inner.core.write(input, |tx, (row, found, heir)| {
            async move {
                match found {
                    Some(room) => tx.rooms().set(row.conversation, room).await,
                    None => tx.rooms().let_make(&row.alias, heir).await,
                }
            }
            .boxed()
        });
        stored.await.map_err(|error: StoreError| unstored(&error))?;
        match found {
            Some(room) => self.see_to(&room).await,
            None => Ok(()),
        }
    }

    /// Returns whether a conversation's room is still another login's.
    ///
    /// # Errors
    /// If it has only just moved the other way, and one of the logins has not read as far.
    async fn is_left(&self, room: &MatrixRoomId, heir: &MatrixUserId) -> Result<bool, MatrixError> {
        let row = self.inner.core.store.rooms().by_id(room).await;
        let row = row.map_err(|error| unstored(&error))?;
        match row.filter(|row| row.keeper.as_ref() != Some(heir)) {
            None => Ok(false),
            Some(RoomOf { fence: None, .. } | RoomOf { next: Some(_), .. }) => Ok(true),
            Some(_) => Err(waits("its room has only just moved the other way".to_owned())),
        }
    }

    async fn hand_over(&self, room: &MatrixRoomId, heir: &MatrixUserId) -> Result<(), MatrixError> {
        let Some(fence) = self.hand(room, heir).await? else {
            return self.replace(room, heir).await;
        };
        let input = (room.clone(), heir.clone(), fence);
        let stored = self.inner.core.write_with(input, |tx, core, (room, heir, fence)| {
            async move {
                let Some(row) = tx.rooms().by_id(room).await? else {
                    return Ok::<_, StoreError>(());
                };
                if row.keeper.as_ref() == Some(heir) {
                    return Ok(());
                }
                tx.rooms().keep(room, heir, fence).await?;
                renew_card(tx, &row, room).await?;
                match tx.conversations().get(row.conversation).await? {
                    Some(conversation) => notice::show_room(tx, &core.policy, &conversation).await,
                    None => Ok(()),
                }
            }
            .boxed()
        });
        stored.await.map_err(|error| unstored(&error))?;
        tracing::info!(%room, "the room is the present login's now");
        Ok(())
    }

    /// Goes through the steps at the homeserver. Returns the fence; none in a room that has to be replaced, since the present
    /// login cannot read it.
    pub(super) async fn hand(
        &self,
        room: &MatrixRoomId,
        heir: &MatrixUserId,
    ) -> Result<Option<MatrixEventId>, MatrixError> {
        let (present, former) = (&self.inner.present, &self.inner.former);
        let reads_encrypted = present.reads_encrypted();
        let is_encrypted = former.invite_heir(room, heir, reads_encrypted).await?;
        if is_encrypted && !reads_encrypted {
            return Ok(None);
        }
        present.enter(room).await?;
        // Only now: the homeserver may forget the power of who is not in the room.
        former.empower(room, heir).await?;
        present.set_fence(room).await.map(Some)
    }
}

/// Lets another card take the place of the former login's, which nobody else can edit.
async fn renew_card(tx: &mut Tx, row: &RoomOf, room: &MatrixRoomId) -> Result<(), StoreError> {
    let Some(card) = tx.cards().of_room(room).await? else {
        return Ok(());
    };
    tx.cards().remove_in_room(room).await?;
    let conversation = tx.conversations().get(row.conversation).await?;
    if let (Some(event), Some(conversation)) = (card.event, conversation) {
        let room = room.clone();
        let work = NewWork::for_account(conversation.account_id, MatrixWork::Remove { room, event });
        tx.outbox().enqueue(work).await?;
    }
    Ok(())
}

fn shard(room: &MatrixRoomId) -> usize {
    let mut hasher = DefaultHasher::new();
    room.as_str().hash(&mut hasher);
    usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0)
}
