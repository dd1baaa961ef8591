//! Replaces encrypted rooms that the present login cannot read. The next room is made and the old one ended; the former login
//! reads that to its end, and only then the next one takes its place: what agents wrote there goes out before what they write
//! here.

use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::notice;
use crate::bridge::core::policy::Policy;
use crate::bridge::rooms::{management, spec};
use crate::domain::matrix::{MatrixError, RoomSpec};
use crate::domain::outbox::MatrixWork;
use crate::domain::{MatrixRoomId, MatrixUserId};
use crate::store::{NewWork, RoomOf, StoreError, Tx};

use super::logins::{FENCE, NEXT};
use super::{Moving, unstored, waits};

impl Moving {
    /// Replaces a conversation's room, as far as that goes now.
    pub(super) async fn replace(&self, room: &MatrixRoomId, heir: &MatrixUserId) -> Result<(), MatrixError> {
        let core = &self.inner.core;
        let row = core.store.rooms().by_id(room).await;
        let Some(row) = row.map_err(|error| unstored(&error))? else {
            return Ok(());
        };
        let Some(next) = &row.next else {
            return self.end_room(&row, room, heir).await;
        };
        if !row.fence.as_ref().is_some_and(|fence| fence.other_read) {
            return Err(waits("its room is replaced, and not read to its end yet".to_owned()));
        }
        let pending = core.store.pending_events().first_of(room).await;
        if pending.map_err(|error| unstored(&error))?.is_some() {
            return Err(waits(
                "its room is replaced, and an agent's event there waits".to_owned(),
            ));
        }
        let input = (row.clone(), (room.clone(), next.clone()), heir.clone());
        let stored = core.write_with(input, |tx, core, (row, (room, next), heir)| {
            async move { put_in_place(tx, &core.policy, row, (room, next), heir).await }.boxed()
        });
        stored.await.map_err(|error: StoreError| unstored(&error))?;
        tracing::info!(%room, %next, "the room was replaced");
        Err(MatrixError::Unreachable {
            why: "its room was replaced just now".to_owned(),
            retry_after: Some(Duration::ZERO),
        })
    }

    /// Makes the next room, and ends the one that it replaces.
    async fn end_room(&self, row: &RoomOf, room: &MatrixRoomId, heir: &MatrixUserId) -> Result<(), MatrixError> {
        let (core, former) = (&self.inner.core, &self.inner.former);
        former.release(room, &row.alias).await?;
        let wanted = spec::of(core, row.conversation, Some(heir)).await;
        let wanted = wanted.map_err(|error| unstored(&error))?;
        // All who could write in the old room: who is not in the Space could not join.
        let all = self.agents_of(row).await.map_err(|error| unstored(&error))?;
        let wanted = RoomSpec {
            creator: Some(heir.clone()),
            replaces: Some(room.clone()),
            invite: all,
            ..wanted
        };
        let next = self.inner.present.ensure_room(&wanted).await?;
        let tombstone = former.bury(room, &next).await?;
        let stored = core.write((room.clone(), next, tombstone), |tx, (room, next, tombstone)| {
            async move { tx.rooms().begin_replacing(room, next, tombstone).await }.boxed()
        });
        stored.await.map_err(|error: StoreError| unstored(&error))?;
        Err(waits("its room is replaced, and not read to its end yet".to_owned()))
    }

    async fn agents_of(&self, row: &RoomOf) -> Result<Vec<MatrixUserId>, StoreError> {
        let store = &self.inner.core.store;
        let conversation = store.conversations().get(row.conversation).await?;
        let conversation = conversation.ok_or(StoreError::Missing { what: "conversation" })?;
        Ok(store.agents().of_account(conversation.account_id).await?.0)
    }

    /// Ends the management room or the room of troubles, after making the one that replaces it. The management room keeps its
    /// place until the former login has read it to its end: commands that were written there are done.
    pub(super) async fn replace_place(&self, room: &MatrixRoomId, alias: &str) -> Result<(), MatrixError> {
        let (core, former) = (&self.inner.core, &self.inner.former);
        let is_management = alias == spec::management_alias(core);
        if is_management {
            // Without its alias it could not be found again after a crash.
            let begun = core.write((), |tx, ()| {
                async move { tx.settings().set(NEXT, Some("")).await }.boxed()
            });
            begun.await.map_err(|error: StoreError| unstored(&error))?;
        }
        former.release(room, alias).await?;
        let wanted = if is_management {
            let members = management::members(&core.store).await;
            let (invite, exclude) = members.map_err(|error| unstored(&error))?;
            spec::management(core, invite, exclude)
        } else if let Some(owner) = &core.policy.owner {
            spec::trouble(core, owner)
        } else {
            return Ok(());
        };
        let replaces = Some(room.clone());
        let next = self.inner.present.ensure_room(&RoomSpec { replaces, ..wanted }).await?;
        let end = former.bury(room, &next).await?;
        if !is_management {
            return Ok(());
        }
        let stored = core.write((end, next), |tx, (end, next)| {
            async move {
                tx.settings().set(FENCE, Some(end.as_str())).await?;
                tx.settings().set(NEXT, Some(next.as_str())).await
            }
            .boxed()
        });
        stored.await.map_err(|error: StoreError| unstored(&error))
    }
}

/// Puts the next room in the place of the one that was read to its end.
async fn put_in_place(
    tx: &mut Tx,
    policy: &Policy,
    row: &RoomOf,
    (room, next): (&MatrixRoomId, &MatrixRoomId),
    heir: &MatrixUserId,
) -> Result<(), StoreError> {
    if tx.rooms().by_id(room).await?.is_none() {
        return Ok(());
    }
    let conversation = tx.conversations().get(row.conversation).await?;
    tx.outbox().move_to_room(room, next).await?;
    let unanswered = tx.questions().of_room(room).await?;
    tx.questions().remove_in_room(room).await?;
    tx.cards().remove_in_room(room).await?;
    tx.rooms().replace(row, (room, next), heir).await?;
    let Some(conversation) = conversation else {
        return Ok(());
    };
    // What could never be read is told of, as it is after a day; and what waits for an answer that cannot come any more.
    let mut lost = vec![];
    for pending in tx.pending_events().of_room(room).await? {
        tx.pending_events().remove(&pending.event).await?;
        lost.push("I could not decrypt a message in the room before this one. Write it again if it still matters.");
    }
    let asked = unanswered.iter().filter(|asked| asked.holds_back());
    lost.extend(
        asked.map(|_| "I asked in the room before this one whether a message still fits. Write it again if it does."),
    );
    for why in lost {
        let (room, text) = (next.clone(), format!("Not sent: {why}"));
        let work = MatrixWork::Tell { room, text };
        let work = NewWork::for_conversation(conversation.account_id, conversation.id, work);
        tx.outbox().enqueue(work).await?;
    }
    notice::show_room(tx, policy, &conversation).await
}
