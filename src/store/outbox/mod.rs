//! The outbox: work for WhatsApp and Matrix, in lanes (rule 4).

mod heads;
mod look;

use entity::outbox;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::message::Message;
use crate::domain::outbox::{MatrixWork, OutboxItem, Target, TargetWork, WhatsAppWork, Work};
use crate::domain::{AccountId, ConversationId, MatrixRoomId, MessageId, OutboxId, Timestamp};
use crate::store::facet::Outbox;

use super::database::row::{from_json, to_json, word};
use super::{Store, StoreError, Tx, WorkFor};
use heads::Wanted;

/// Most rows for a gone room that are deleted at once; the relay gives up the rest one by one.
const MAX_IN_ROOM: u64 = 1_000;

/// A row of work to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWork {
    /// Account that the work is for.
    pub account: AccountId,
    /// Conversation whose order the work keeps; `None` for work outside the lanes.
    pub lane: Option<ConversationId>,
    /// The work itself.
    pub work: Work,
    /// Time before which it is not done; `None` means at once.
    pub not_before: Option<Timestamp>,
    /// Message that it is about, so that it can be found and deleted with it.
    pub message: Option<MessageId>,
    /// Whether its lane goes before others.
    pub urgent: bool,
}

impl NewWork {
    /// Creates work about a message, in the lane of its conversation.
    pub fn for_message(message: &Message, work: impl Into<Work>) -> Self {
        Self {
            account: message.account_id,
            lane: Some(message.conversation_id),
            work: work.into(),
            not_before: None,
            message: Some(message.id),
            urgent: false,
        }
    }

    /// Creates work in the lane of a conversation, about no message.
    pub fn for_conversation(account: AccountId, lane: ConversationId, work: impl Into<Work>) -> Self {
        Self {
            account,
            lane: Some(lane),
            work: work.into(),
            not_before: None,
            message: None,
            urgent: false,
        }
    }

    /// Creates work that belongs to no conversation.
    pub fn for_account(account: AccountId, work: impl Into<Work>) -> Self {
        Self {
            account,
            lane: None,
            work: work.into(),
            not_before: None,
            message: None,
            urgent: false,
        }
    }

    /// Lets the work's lane go before others, because somebody waits for it; the order within the lane stays.
    #[must_use]
    pub fn urgent(self, urgent: bool) -> Self {
        Self { urgent, ..self }
    }

    /// Takes the work out of its lane: it does not wait for other work, and other work does not wait for it.
    #[must_use]
    pub fn free(self) -> Self {
        Self { lane: None, ..self }
    }

    /// Sets the time before which the work is not done.
    #[must_use]
    pub fn at(self, not_before: Timestamp) -> Self {
        Self {
            not_before: Some(not_before),
            ..self
        }
    }
}

/// Most work outside the lanes that a relay does at once: half of what it does in all.
pub const MAX_OUTSIDE: usize = 4;

/// Work that a relay is doing. The relay is not given these lanes and items again, nor, outside the lanes, other work
/// about the same messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    lanes: Vec<ConversationId>,
    items: Vec<OutboxId>,
    messages: Vec<MessageId>,
}

impl Busy {
    /// Returns how many items outside the lanes are being done.
    fn outside(&self) -> usize {
        self.items.len() - self.lanes.len()
    }

    /// Marks an item as being done. Returns false, and does not, if other work outside the lanes about the same message
    /// is being done: one query may return two ticks of one message.
    pub fn take<W>(&mut self, item: &OutboxItem<W>) -> bool {
        let about = free_message(item);
        if about.is_some_and(|message| self.messages.contains(&message)) {
            return false;
        }
        self.items.push(item.id);
        self.lanes.extend(item.lane);
        self.messages.extend(about);
        true
    }

    /// Marks an item as not being done any more.
    pub fn put_back<W>(&mut self, item: &OutboxItem<W>) {
        let about = free_message(item);
        self.items.retain(|id| *id != item.id);
        self.lanes.retain(|lane| Some(*lane) != item.lane);
        self.messages.retain(|message| Some(*message) != about);
    }
}

/// Returns the message of an item that is in no lane.
fn free_message<W>(item: &OutboxItem<W>) -> Option<MessageId> {
    item.message.filter(|_| item.lane.is_none())
}

/// Counts of the waiting work for one target and account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxCount {
    /// WhatsApp or Matrix.
    pub target: Target,
    /// Account that the work is for.
    pub account_id: AccountId,
    /// Rows of work.
    pub waiting: u64,
    /// Those of them that were handed to the target at least once.
    pub started: u64,
    /// Those of them that the target refused at least once.
    pub refused: u64,
    /// Time when the oldest of them was stored.
    pub oldest: Timestamp,
}

impl Outbox<'_, Store> {
    /// Returns the work that can be done at `now`, oldest first, at most `limit`: the head of each lane if it is due,
    /// and due work outside the lanes. A lane whose head is not due waits as a whole. With `account`, only its work. Of the
    /// work outside the lanes (ticks, the reactions on cards) at most [`MAX_OUTSIDE`] is done at once, so that a backlog of it
    /// delays no message.
    pub async fn ready<W: TargetWork>(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
        limit: u64,
        busy: &Busy,
    ) -> Result<Vec<OutboxItem<W>>, StoreError> {
        let wanted = Wanted {
            target: W::TARGET,
            account,
            now,
            limit,
            busy,
        };
        let rows = heads::ready(self.0.readers(), wanted).await?;
        let free = MAX_OUTSIDE.saturating_sub(busy.outside());
        let rows = heads::with_few_outside(self.0.readers(), wanted, rows, free).await?;
        rows.into_iter().map(read_as).collect()
    }

    /// Returns the work of an account that can be done at `now` and somebody waits for, oldest first, at most `limit`: the
    /// due head of each lane with urgent work, and of each that was handed over before.
    pub async fn ready_urgent<W: TargetWork>(
        &self,
        account: AccountId,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<OutboxItem<W>>, StoreError> {
        let wanted = Wanted {
            target: W::TARGET,
            account: Some(account),
            now,
            limit,
            busy: &Busy::default(),
        };
        let rows = heads::urgent(self.0.readers(), wanted).await?;
        rows.into_iter().map(read_as).collect()
    }

    /// Returns counts of the waiting work by target and account.
    pub async fn counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        // `count` skips nulls, so a value where the condition holds, else null, counts the matches.
        let refused = CaseStatement::new().case(outbox::Column::Attempts.gt(0), 1);
        let rows: Vec<(String, AccountId, i64, i64, i64, i64)> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Target)
            .column(outbox::Column::AccountId)
            .column_as(outbox::Column::Id.count(), "waiting")
            .column_as(outbox::Column::StartedAt.count(), "started")
            .expr_as(Func::count(Expr::Case(Box::new(refused))), "refused")
            .column_as(outbox::Column::CreatedAt.min(), "oldest")
            .group_by(outbox::Column::Target)
            .group_by(outbox::Column::AccountId)
            .order_by_asc(outbox::Column::Target)
            .order_by_asc(outbox::Column::AccountId)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        rows.into_iter()
            .map(|(target, account_id, waiting, started, refused, oldest)| {
                Ok(OutboxCount {
                    target: word("outbox", &target)?,
                    account_id,
                    waiting: number(waiting),
                    started: number(started),
                    refused: number(refused),
                    oldest: Timestamp(oldest),
                })
            })
            .collect()
    }
}

impl Outbox<'_, Tx> {
    /// Stores work, wakes its relay when the transaction commits, and returns the row's id.
    pub async fn enqueue(&self, new: NewWork) -> Result<OutboxId, StoreError> {
        self.0.wake(WorkFor::outbox(new.work.target(), new.account));
        let row = outbox::ActiveModel {
            id: NotSet,
            target: Set(new.work.target().to_string()),
            account_id: Set(new.account),
            lane: Set(new.lane),
            message_id: Set(new.message),
            work: Set(match &new.work {
                Work::WhatsApp(work) => to_json(work)?,
                Work::Matrix(work) => to_json(work)?,
            }),
            attempts: Set(0),
            not_before: Set(new.not_before.unwrap_or(self.0.now).0),
            created_at: Set(self.0.now.0),
            started_at: Set(None),
            last_error: Set(None),
            urgent: Set(new.urgent.then_some(true)),
        };
        Ok(outbox::Entity::insert(row).exec(&self.0.session).await?.last_insert_id)
    }

    /// Returns the work with this id, or `None` if it is done.
    pub async fn get(&self, id: OutboxId) -> Result<Option<OutboxItem>, StoreError> {
        let row = outbox::Entity::find_by_id(id).one(&self.0.session).await?;
        row.map(read).transpose()
    }

    /// Records the time at which work is first handed to its target. Returns whether the work still exists.
    pub async fn start(&self, id: OutboxId) -> Result<bool, StoreError> {
        let Some(item) = self.get(id).await? else {
            return Ok(false);
        };
        if item.started_at.is_none() {
            outbox::Entity::update_many()
                .col_expr(outbox::Column::StartedAt, Expr::value(self.0.now.0))
                .filter(outbox::Column::Id.eq(id))
                .exec(&self.0.session)
                .await?;
        }
        Ok(true)
    }

    /// Deletes work that is done. Returns whether it still existed.
    pub async fn finish(&self, id: OutboxId) -> Result<bool, StoreError> {
        let deleted = outbox::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Postpones work to `not_before`. With `count`, adds a refusal; without it, the account or the homeserver was in
    /// trouble.
    pub async fn retry(&self, id: OutboxId, not_before: Timestamp, error: &str, count: bool) -> Result<(), StoreError> {
        outbox::Entity::update_many()
            .col_expr(outbox::Column::NotBefore, Expr::value(not_before.0))
            .col_expr(outbox::Column::LastError, Expr::value(error))
            .col_expr(
                outbox::Column::Attempts,
                Expr::col(outbox::Column::Attempts).add(i64::from(count)),
            )
            .filter(outbox::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Makes work due now that is postponed to a time after `latest`.
    pub async fn recall(&self, latest: Timestamp) -> Result<(), StoreError> {
        outbox::Entity::update_many()
            .col_expr(outbox::Column::NotBefore, Expr::value(self.0.now.0))
            .filter(outbox::Column::NotBefore.gt(latest.0))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Makes an account's waiting work for WhatsApp due now: the reason for waiting may be over.
    pub async fn hasten(&self, account: AccountId) -> Result<(), StoreError> {
        self.0.wake(WorkFor::WhatsApp(account));
        outbox::Entity::update_many()
            .col_expr(outbox::Column::NotBefore, Expr::value(self.0.now.0))
            .filter(outbox::Column::Target.eq(Target::WhatsApp.as_str()))
            .filter(outbox::Column::AccountId.eq(account))
            .filter(outbox::Column::NotBefore.gt(self.0.now.0))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Makes the waiting work for WhatsApp in one lane due now.
    pub async fn hasten_lane(&self, account: AccountId, lane: ConversationId) -> Result<(), StoreError> {
        self.0.wake(WorkFor::WhatsApp(account));
        outbox::Entity::update_many()
            .col_expr(outbox::Column::NotBefore, Expr::value(self.0.now.0))
            .filter(outbox::Column::Target.eq(Target::WhatsApp.as_str()))
            .filter(outbox::Column::AccountId.eq(account))
            .filter(outbox::Column::Lane.eq(lane))
            .filter(outbox::Column::NotBefore.gt(self.0.now.0))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Makes the waiting work for the rooms due now that shows a message. Returns whether there is such work.
    pub async fn hasten_showing(&self, message: MessageId) -> Result<bool, StoreError> {
        let rows = outbox::Entity::find()
            .filter(outbox::Column::MessageId.eq(message))
            .filter(outbox::Column::Target.eq(Target::Matrix.as_str()))
            .all(&self.0.session)
            .await?;
        for row in rows {
            let item = read_as::<MatrixWork>(row)?;
            if !matches!(item.work, MatrixWork::ShowMessage { .. }) {
                continue;
            }
            self.0.wake(WorkFor::Rooms);
            if item.not_before > self.0.now {
                self.retry(item.id, self.0.now, "", false).await?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Returns the id of the newest row.
    pub async fn last(&self) -> Result<Option<OutboxId>, StoreError> {
        let row = outbox::Entity::find()
            .order_by_desc(outbox::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(row.map(|row| row.id))
    }

    /// Deletes the answers and notices that are for this room only. Returns how many.
    pub async fn remove_in_room(&self, room: &MatrixRoomId) -> Result<u64, StoreError> {
        let rows = outbox::Entity::find()
            .filter(outbox::Column::Target.eq(Target::Matrix.as_str()))
            .filter(outbox::Column::MessageId.is_null())
            .filter(outbox::Column::Work.contains(room.as_str()))
            .limit(MAX_IN_ROOM)
            .all(&self.0.session)
            .await?;
        let mut removed = 0;
        for row in rows {
            let item = read_as::<MatrixWork>(row)?;
            // The text of an answer may contain the room's id as well.
            if item.work.room() == Some(room) {
                removed += u64::from(self.finish(item.id).await?);
            }
        }
        Ok(removed)
    }

    /// Moves the answers and notices for a room that was replaced into the next one, where there is nothing to answer, and
    /// deletes what is about its other events.
    pub async fn move_to_room(&self, room: &MatrixRoomId, next: &MatrixRoomId) -> Result<(), StoreError> {
        let rows = outbox::Entity::find()
            .filter(outbox::Column::Target.eq(Target::Matrix.as_str()))
            .filter(outbox::Column::MessageId.is_null())
            .filter(outbox::Column::Work.contains(room.as_str()))
            .order_by_asc(outbox::Column::Id)
            .limit(MAX_IN_ROOM)
            .all(&self.0.session)
            .await?;
        for row in rows {
            let item = read_as::<MatrixWork>(row)?;
            if item.work.room() != Some(room) {
                continue;
            }
            if let MatrixWork::Reply { text, .. } | MatrixWork::Refuse { text, .. } | MatrixWork::Tell { text, .. } =
                &item.work
            {
                let (room, text) = (next.clone(), text.clone());
                let work = MatrixWork::Tell { room, text };
                self.enqueue(match item.lane {
                    Some(lane) => NewWork::for_conversation(item.account_id, lane, work),
                    None => NewWork::for_account(item.account_id, work),
                })
                .await?;
            }
            self.finish(item.id).await?;
        }
        Ok(())
    }

    /// Deletes the work about a message for one target. Returns how many rows.
    pub async fn remove(&self, message: MessageId, target: Target) -> Result<u64, StoreError> {
        let deleted = outbox::Entity::delete_many()
            .filter(outbox::Column::MessageId.eq(message))
            .filter(outbox::Column::Target.eq(target.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(deleted.rows_affected)
    }
}

/// Reads a row whose target is not known beforehand.
fn read(row: outbox::Model) -> Result<OutboxItem, StoreError> {
    match word("outbox", &row.target)? {
        Target::WhatsApp => read_as::<WhatsAppWork>(row).map(untyped),
        Target::Matrix => read_as::<MatrixWork>(row).map(untyped),
    }
}

/// Reads a row that is known to be for this target.
pub(super) fn read_as<W: TargetWork>(row: outbox::Model) -> Result<OutboxItem<W>, StoreError> {
    Ok(OutboxItem {
        id: row.id,
        account_id: row.account_id,
        lane: row.lane,
        message: row.message_id,
        work: from_json("outbox", &row.work)?,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        not_before: Timestamp(row.not_before),
        created_at: Timestamp(row.created_at),
        started_at: row.started_at.map(Timestamp),
        last_error: row.last_error,
    })
}

fn untyped<W: TargetWork>(item: OutboxItem<W>) -> OutboxItem {
    OutboxItem {
        id: item.id,
        account_id: item.account_id,
        lane: item.lane,
        message: item.message,
        work: item.work.into(),
        attempts: item.attempts,
        not_before: item.not_before,
        created_at: item.created_at,
        started_at: item.started_at,
        last_error: item.last_error,
    }
}
