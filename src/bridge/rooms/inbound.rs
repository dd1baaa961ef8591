//! Inbound worker of the rooms: queues what agents write for customers, runs commands, and answers what cannot be sent.
//! The sync mark is stored in the transaction of its events (invariant 4).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::worker::{Wakes, Worker};
use crate::bridge::core::{Core, Progress};
use crate::bridge::desk::Desk;
use crate::domain::conversation::Conversation;
use crate::domain::matrix::{Matrix, MatrixState, ReadUpTo, RoomBatch, RoomMark};
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};
use crate::store::{PendingEvent, StoreError, Tx};

use super::commands::context::{RoomContext, confirmed, look_up};
use super::management::overview::overview;
use super::management::wants::{self, Place};
use super::moving::{Held, Moving, Source, counted, may_count, store_mark};
use super::{asking, event, pending};

/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two looks whether the other login has read as far, and how long that is waited for.
const HOLD: Duration = Duration::from_millis(100);
const HOLD_FOR: Duration = Duration::from_secs(20);
/// How often events that could not be decrypted are tried again, and questions given up.
const RETRY_EVERY: Duration = Duration::from_secs(15);
/// Upper bound of the events tried again at a time.
const RETRIES: u64 = 50;

/// Upper bound of the events taken in in one transaction: other writes wait as long, and the database gives a transaction a
/// minute.
const PART: usize = 100;

/// Part of a batch.
#[derive(Clone)]
struct Part {
    /// Its events. Who has read what is told with each part.
    batch: RoomBatch,
    /// Whether everything up to the mark is taken in with it.
    is_last: bool,
}

/// Splits a batch into parts of at most `most` events, the oldest first. There is at least one.
fn parts_of(mut batch: RoomBatch, most: usize) -> Vec<Part> {
    let mut events = std::mem::take(&mut batch.events);
    let mut parts = Vec::new();
    loop {
        let later = events.split_off(events.len().min(most));
        let cut = batch.cut.clone();
        // A room is told that its oldest events are missing with the first of those that are there.
        batch.cut.retain(|room| events.iter().all(|event| event.room != *room));
        let is_last = later.is_empty();
        parts.push(Part {
            batch: RoomBatch {
                events,
                cut,
                ..batch.clone()
            },
            is_last,
        });
        if is_last {
            return parts;
        }
        events = later;
    }
}

/// Worker that handles the events of all rooms.
pub struct RoomInbound {
    core: Core,
    port: Arc<dyn Matrix>,
    desk: Desk,
    source: Source,
    held: Option<Held>,
    /// When undecryptable events are tried again.
    retry_at: crate::domain::Timestamp,
    /// Row id after which the next try begins.
    retry_after: i64,
}

impl RoomInbound {
    /// Builds the worker; `desk` queues the read receipts of agents.
    pub fn new(core: Core, port: Arc<dyn Matrix>, desk: Desk) -> Self {
        Self {
            core,
            port,
            desk,
            source: Source::Only,
            held: None,
            retry_at: crate::domain::Timestamp::ZERO,
            retry_after: 0,
        }
    }
}

/// The two workers while rooms move from one login to another.
impl RoomInbound {
    /// Builds the worker for the login to which rooms move.
    pub fn of_present(core: Core, moving: Moving, desk: Desk) -> Self {
        let port = moving.port();
        Self {
            source: Source::Present(moving),
            ..Self::new(core, port, desk)
        }
    }

    /// Builds the worker for the login from which rooms move: it reads what was written before they did.
    pub fn of_former(core: Core, moving: Moving, desk: Desk) -> Self {
        let port: Arc<dyn Matrix> = moving.former().clone();
        Self {
            source: Source::Former(moving),
            ..Self::new(core, port, desk)
        }
    }
}

impl Worker for RoomInbound {
    fn name(&self) -> &'static str {
        "handling of the rooms' events"
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn wakes(&self) -> Wakes {
        Wakes::none().and(self.port.status())
    }

    fn poll(&self) -> Duration {
        if self.held.is_some() { HOLD } else { PAUSE }
    }

    /// Handles the events since the stored mark.
    async fn step(&mut self) -> Result<Progress, StoreError> {
        if self.source.is_over() || self.port.status().borrow().state != MatrixState::Ready {
            return Ok(Progress::Idle);
        }
        if let Some(held) = self.held.take() {
            return self.take(held).await;
        }
        if !matches!(self.source, Source::Former(_)) {
            self.retry_pending().await?;
        }
        let cursor = self.source.cursor();
        let acked = self.core.store.settings().cursor(cursor).await?.map(RoomMark);
        let batch = match self.port.pull(acked.as_ref()).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::debug!("the rooms cannot be read now: {error}");
                return Ok(Progress::Idle);
            }
        };
        self.note_typing(&batch).await?;
        if acked.as_ref() == Some(&batch.mark) && batch.events.is_empty() && batch.receipts.is_empty() {
            return Ok(Progress::Idle);
        }
        let until = self.core.clock.now().plus(HOLD_FOR);
        self.take(Held { batch, until }).await
    }
}

impl RoomInbound {
    /// Stores what has happened. While rooms move, it may have to wait for the other login.
    async fn take(&mut self, held: Held) -> Result<Progress, StoreError> {
        if let (Some(moving), Some(login)) = (self.source.moving(), self.bot()) {
            if let Err(error) = moving.store_fences(&held.batch).boxed().await {
                tracing::debug!("what happened in rooms waits: {error}");
                return Ok(Progress::Idle);
            }
            if !may_count(&self.core.store, &held.batch, &login).await? {
                if self.core.clock.now() < held.until {
                    self.held = Some(held);
                    return Ok(Progress::Idle);
                }
                tracing::warn!(
                    "the homeserver tells one of two logins nothing; what is written in rooms may be out of order"
                );
            }
        }
        self.commit(held.batch).await?;
        Ok(Progress::Worked)
    }

    /// Takes in a batch, in parts that each fit one transaction: after a long outage all of it would not. The mark is stored
    /// with the last part; what comes again after a crash was taken in before (invariant 4).
    async fn commit(&self, mut batch: RoomBatch) -> Result<(), StoreError> {
        if batch.is_catch_up && self.source.moving().is_none() {
            // Most of it was pushed, and nothing has to be looked up for that once more.
            let taken = self.core.store.taken_events().among(&batch.events).await?;
            batch.events.retain(|event| !taken.contains(&event.id));
        }
        for part in parts_of(batch, PART) {
            self.commit_part(Arc::new(part)).await?;
        }
        Ok(())
    }

    /// Takes in a part; without those of its events that the store refuses for good, or they would stop all rooms.
    async fn commit_part(&self, part: Arc<Part>) -> Result<(), StoreError> {
        match self.commit_whole(&part).await {
            Err(error) if error.is_permanent() => {}
            done => return done,
        }
        for mut alone in parts_of(part.batch.clone(), 1) {
            alone.is_last &= part.is_last;
            let alone = Arc::new(alone);
            match self.commit_whole(&alone).await {
                Err(error) if error.is_permanent() => {
                    for event in &alone.batch.events {
                        tracing::error!(event = %event.id, "an event of a room cannot be stored, and is left out: {error}");
                    }
                    let mut none = (*alone).clone();
                    none.batch.events.clear();
                    self.commit_whole(&Arc::new(none)).await?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn commit_whole(&self, part: &Arc<Part>) -> Result<(), StoreError> {
        let events = &part.batch.events;
        let around = RoomContext {
            confirmed: confirmed(&self.core.store, &*self.port, events).await?,
            looked_up: look_up(&self.core.store, &*self.port, events).await?,
            overview: overview(&self.core, events).await?,
            bot: self.bot(),
            before: self.fetch_before(&part.batch).await?,
            ..RoomContext::default()
        };
        let login = self.source.moving().and_then(|_| self.bot());
        let is_catch_up = part.batch.is_catch_up;
        let input = (Arc::clone(part), around, login, self.source.cursor());
        let (read, fresh) = self
            .core
            .write_with(input, |tx, core, (part, around, login, cursor)| {
                async move { take_in_part(tx, core, part, around, (login.as_ref(), cursor)).await }.boxed()
            })
            .await?;
        if is_catch_up && fresh > 0 {
            tracing::info!(
                events = fresh,
                "took in events of the rooms that the homeserver had not pushed yet"
            );
            self.core.caught_up.fetch_add(fresh as u64, Ordering::Relaxed);
        }
        // After the commit: a transaction that fails or runs again must not send read receipts.
        for conversation in &read {
            self.desk.agent_read(conversation);
        }
        Ok(())
    }

    /// Notes in which conversations agents type: of nobody else is told to customers.
    async fn note_typing(&self, batch: &RoomBatch) -> Result<(), StoreError> {
        let store = &self.core.store;
        for typing in &batch.typing {
            let Some(id) = store.rooms().conversation(&typing.room).await? else {
                continue;
            };
            let Some(conversation) = store.conversations().live(id).await? else {
                continue;
            };
            let account = conversation.account_id;
            let (agents, _) = store.agents().of_account(account).await?;
            let is_typing = typing.users.iter().any(|user| agents.contains(user));
            let now = self.core.clock.now();
            self.core.typing.agents.note((account, conversation.id), is_typing, now);
        }
        Ok(())
    }

    fn bot(&self) -> Option<MatrixUserId> {
        self.port.status().borrow().user.clone()
    }

    /// Fetches, for read events that show no message, the events before them, before the transaction begins (invariant
    /// 5). If that fails, the receipt marks nothing as read; the next receipt does.
    async fn fetch_before(&self, batch: &RoomBatch) -> Result<HashMap<MatrixEventId, Vec<MatrixEventId>>, StoreError> {
        let mut before = HashMap::new();
        for receipt in &batch.receipts {
            if before.contains_key(&receipt.event)
                || !self.has_unread(receipt).await?
                || self
                    .core
                    .store
                    .rooms()
                    .message_of_event(&receipt.event)
                    .await?
                    .is_some()
            {
                continue;
            }
            match self.port.events_up_to(&receipt.room, &receipt.event).await {
                Ok(events) => drop(before.insert(receipt.event.clone(), events)),
                Err(error) => tracing::debug!("the events before a read receipt cannot be fetched: {error}"),
            }
        }
        Ok(before)
    }

    /// Returns whether a receipt can change anything: an agent's, in a conversation with messages that are unread, or that the
    /// agent was not known to have seen.
    async fn has_unread(&self, receipt: &ReadUpTo) -> Result<bool, StoreError> {
        let store = &self.core.store;
        let Some(id) = store.rooms().conversation(&receipt.room).await? else {
            return Ok(false);
        };
        let Some(conversation) = store.conversations().get(id).await? else {
            return Ok(false);
        };
        let seen = store.rooms().read_by(&receipt.room, &receipt.user).await?;
        let has_seen_last = seen.map(|seen| seen.message) == conversation.last_message_id;
        let unread = conversation.unread_count > 0 || !has_seen_last;
        Ok(unread && store.agents().answering().await?.contains(&receipt.user))
    }

    /// Tries again events that could not be handled: in a room that was not stored yet when an agent wrote in it, or
    /// with a key that comes late (rule 1).
    async fn retry_pending(&mut self) -> Result<(), StoreError> {
        let now = self.core.clock.now();
        if self.retry_at <= now {
            self.retry_at = now.plus(RETRY_EVERY);
            self.retry_told().await?;
            asking::give_up(&self.core).await?;
        }
        let mut waiting = HashSet::new();
        let mut after = 0;
        loop {
            let some = self.core.store.pending_events().list(false, after, RETRIES).await?;
            let Some(last) = some.last() else { return Ok(()) };
            after = last.id;
            self.retry_untold(some, &mut waiting).await?;
        }
    }

    /// Tries again the next [`RETRIES`] events whose senders were told, in rotation, so that one whose key never comes
    /// delays no other.
    async fn retry_told(&mut self) -> Result<(), StoreError> {
        let some = self
            .core
            .store
            .pending_events()
            .list(true, self.retry_after, RETRIES)
            .await?;
        let is_end = (some.len() as u64) < RETRIES;
        self.retry_after = some.last().filter(|_| !is_end).map_or(0, |last| last.id);
        let now = self.core.clock.now();
        for event in some {
            let is_done = pending::retry(&self.core, &*self.port, &event).await?;
            if !is_done && now.since(event.first_seen) > pending::GIVE_UP_AFTER {
                pending::give_up(&self.core, &*self.port, &event).await?;
            }
        }
        Ok(())
    }

    /// Handles the events that can be handled now; adds the rooms in which events still wait to `waiting`. Later events
    /// of a room wait behind the first, to keep their order.
    async fn retry_untold(
        &self,
        some: Vec<PendingEvent>,
        waiting: &mut HashSet<MatrixRoomId>,
    ) -> Result<(), StoreError> {
        for pending in some {
            let known = self.is_known(&pending.room).await?;
            let is_first = known && !pending.has_file && !waiting.contains(&pending.room);
            if is_first && pending::retry(&self.core, &*self.port, &pending).await? {
                continue;
            }
            if !known && self.drop_foreign(&pending).await? {
                continue;
            }
            waiting.insert(pending.room);
        }
        Ok(())
    }

    /// Returns whether a room is a conversation's, or the management room.
    async fn is_known(&self, room: &MatrixRoomId) -> Result<bool, StoreError> {
        let store = &self.core.store;
        Ok(store.rooms().conversation(room).await?.is_some() || wants::place_in(store).await?.is(room))
    }

    /// Drops an event whose room belongs to no conversation, while no room is being created that it could be. Returns
    /// whether it did. Both are looked up in one transaction: between two reads the relay may store the room.
    async fn drop_foreign(&self, pending: &PendingEvent) -> Result<bool, StoreError> {
        self.core
            .write(pending.clone(), |tx, pending| {
                async move {
                    let management = wants::place(tx).await?;
                    let is_ours =
                        tx.rooms().conversation(&pending.room).await?.is_some() || management.is(&pending.room);
                    if is_ours || management == Place::Making || tx.rooms().is_making_one().await? {
                        return Ok::<_, StoreError>(false);
                    }
                    tx.pending_events().remove(&pending.event).await
                }
                .boxed()
            })
            .await
    }
}

/// Stores a part of a batch as `login` tells it. Returns the conversations that agents have read, and how many events are new.
async fn take_in_part(
    tx: &mut Tx,
    core: &Core,
    Part { batch, is_last }: &Part,
    around: &RoomContext,
    (login, cursor): (Option<&MatrixUserId>, &str),
) -> Result<(Vec<Conversation>, usize), StoreError> {
    let of_login;
    let events = match login {
        Some(login) => {
            of_login = counted(tx, &batch.events, login).await?;
            &of_login
        }
        None => &batch.events,
    };
    let mut fresh = tx.taken_events().add(events).await?;
    let count = fresh.len();
    for room in &batch.cut {
        let first = batch.events.iter().find(|event| event.room == *room);
        if let Some(first) = first.filter(|first| fresh.contains(&first.id)) {
            event::tell_cut(tx, first).await?;
        }
    }
    for receipt in &batch.receipts {
        event::note_read(tx, receipt, around).await?;
    }
    for event in events.iter().filter(|event| fresh.remove(&event.id)) {
        event::take_in(tx, core, event, around).await?;
    }
    let mut read = Vec::new();
    if *is_last {
        for receipt in &batch.receipts {
            read.extend(event::read_up_to(tx, receipt, around).await?);
        }
        store_mark(tx, cursor, &batch.mark).await?;
    }
    Ok((read, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::matrix::{RoomEvent, RoomEventKind};

    fn event(number: usize, room: &str) -> RoomEvent {
        RoomEvent {
            room: room.into(),
            id: MatrixEventId(format!("${number}")),
            sender: "@ada:test".into(),
            at: Timestamp(0),
            thread: None,
            what: RoomEventKind::Notice,
        }
    }

    #[test]
    fn batch_is_taken_in_by_parts_in_order() {
        let mut batch = RoomBatch::nothing_until(RoomMark("next".to_owned()));
        batch.events = (0..PART).map(|number| event(number, "!first")).collect();
        batch
            .events
            .extend((PART..2 * PART + 7).map(|number| event(number, "!second")));
        batch.cut = vec!["!second".into(), "!first".into()];
        let all: Vec<_> = batch.events.iter().map(|event| event.id.clone()).collect();
        let parts = parts_of(batch, PART);
        let taken: Vec<_> = parts
            .iter()
            .flat_map(|part| &part.batch.events)
            .map(|event| event.id.clone())
            .collect();
        assert_eq!(taken, all);
        let sizes: Vec<_> = parts
            .iter()
            .map(|part| (part.batch.events.len(), part.is_last))
            .collect();
        assert_eq!(sizes, [(PART, false), (PART, false), (7, true)]);
        let told: Vec<_> = parts.iter().map(|part| part.batch.cut.len()).collect();
        assert_eq!(told, [2, 1, 0], "each room is told of its gap with its first event");
    }

    #[test]
    fn batch_without_events_still_moves_mark() {
        let parts = parts_of(RoomBatch::nothing_until(RoomMark("next".to_owned())), PART);
        assert!(matches!(&parts[..], [part] if part.is_last && part.batch.events.is_empty()));
    }
}
