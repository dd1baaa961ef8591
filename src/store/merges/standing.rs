//! How a conversation stands after a merge and after its undo. Neither puts to sleep what was awake.

use entity::{conversation, message};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::domain::conversation::ConversationStatus;
use crate::domain::message::{Direction, Kind};
use crate::domain::{ConversationId, MessageId, Timestamp};
use crate::store::database::row::word;
use crate::store::facet::Merges;
use crate::store::{Standing, StoreError, Tx};

use super::MovedConversation;
use super::undo::Parting;

/// Snooze of a conversation that ended in another: its row has no end of it any more, so that it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snooze {
    /// Its end; `None` for one without.
    until: Option<Timestamp>,
}

impl Snooze {
    /// Returns the snooze of a conversation, if it is snoozed.
    pub(super) fn of(standing: Standing) -> Option<Self> {
        let until = standing.until;
        (standing.status == ConversationStatus::Snoozed).then_some(Self { until })
    }
}

/// Returns how a conversation stands.
pub(super) fn standing(row: &conversation::Model) -> Result<Standing, StoreError> {
    Ok(Standing {
        status: word("conversations", &row.status)?,
        until: row.snoozed_until.map(Timestamp),
    })
}

/// Returns how the conversation stands in which two go on: as the more awake of them, and of two snoozes until the
/// earlier end.
pub(super) fn joined(one: Standing, other: Standing) -> Standing {
    if one.status == other.status {
        let until = [one.until, other.until].into_iter().flatten().min();
        return Standing { until, ..one };
    }
    if one.status < other.status { one } else { other }
}

/// Returns how a conversation of this status stands that was merged and goes on by itself again. One whose snooze has
/// ended meanwhile, or was not recorded, is open.
fn restored(status: ConversationStatus, snooze: Option<Snooze>, now: Timestamp) -> Standing {
    let until = snooze.and_then(|snooze| snooze.until);
    let is_over = snooze.is_none() || until.is_some_and(|until| until <= now);
    match status {
        ConversationStatus::Snoozed if is_over => Standing {
            status: ConversationStatus::Open,
            until: None,
        },
        ConversationStatus::Snoozed => Standing { status, until },
        status => Standing { status, until: None },
    }
}

impl Merges<'_, Tx> {
    /// Sets how a conversation stands that was merged into `shared` and goes on by itself: as before the merge. If its
    /// customer has written since, it is at least as awake as `shared`, which their message has opened.
    pub(super) async fn stand_again(
        &self,
        parting: &Parting,
        shared: &conversation::Model,
        id: ConversationId,
        record: Option<&MovedConversation>,
    ) -> Result<(), StoreError> {
        let row = self.0.conversations().need(id).await?;
        let snooze = record.and_then(|record| record.snooze);
        let mut stands = restored(standing(&row)?.status, snooze, self.0.now);
        if self.has_written(id, parting.merge.created_at).await? {
            stands = joined(stands, standing(shared)?);
        }
        self.0.conversations().set_standing(id, stands).await?;
        Ok(())
    }

    async fn has_written(&self, id: ConversationId, since: i64) -> Result<bool, StoreError> {
        let any = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::ConversationId.eq(id))
            .filter(message::Column::Direction.eq(Direction::Inbound.as_str()))
            .filter(message::Column::Kind.ne(Kind::System.as_str()))
            .filter(message::Column::Backfilled.eq(false))
            .filter(message::Column::CreatedAt.gte(since))
            .limit(1)
            .into_tuple::<MessageId>()
            .one(&self.0.session)
            .await?;
        Ok(any.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use ConversationStatus::{Closed, Open, Pending, Snoozed};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn stands(status: ConversationStatus, until: Option<i64>) -> Standing {
        Standing {
            status,
            until: until.map(|after| Timestamp(NOW.0 + after)),
        }
    }

    #[test]
    fn joined_conversation_is_as_awake_as_either() {
        let asleep = stands(Snoozed, Some(5));
        for (one, other, expected) in [
            (stands(Open, None), stands(Closed, None), stands(Open, None)),
            (stands(Pending, None), asleep, stands(Pending, None)),
            (stands(Closed, None), asleep, asleep),
            (asleep, stands(Snoozed, Some(3)), stands(Snoozed, Some(3))),
            (asleep, stands(Snoozed, None), asleep),
            (stands(Closed, None), stands(Closed, None), stands(Closed, None)),
        ] {
            assert_eq!(joined(one, other), expected);
            assert_eq!(joined(other, one), expected, "whichever stays");
        }
    }

    #[test]
    fn restored_snooze_has_its_end_or_is_over() {
        let snooze = |until| Snooze::of(stands(Snoozed, until));
        for (status, snooze, expected) in [
            (Snoozed, snooze(Some(5)), stands(Snoozed, Some(5))),
            (Snoozed, snooze(None), stands(Snoozed, None)),
            (Snoozed, snooze(Some(0)), stands(Open, None)),
            (Snoozed, None, stands(Open, None)),
            (Closed, None, stands(Closed, None)),
            (Pending, Snooze::of(stands(Pending, None)), stands(Pending, None)),
        ] {
            assert_eq!(restored(status, snooze, NOW), expected);
        }
    }
}
