//! Merges of customers who turn out to be one person, and how they are undone.
//!
//! A merge deletes nothing. The merged customer stays as a row that names the other. Every identity, conversation and
//! message keeps its home: the customer to whom it would belong without any merge. A customer has everything whose home
//! is the customer, or anyone merged into them. Undoing a merge removes that one link, in any order of merges; what
//! came in between goes home too.

mod apart;
mod gather;
mod hidden;
mod join;
mod part;
mod standing;
mod undo;
mod waiting;

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use entity::{customer, merge};

use crate::domain::merge::{Joined, Merge};
use crate::domain::{ChatId, CustomerId, MergeId, Timestamp};

use super::database::row::from_json;
use super::{Store, StoreError, Tx};
use crate::store::facet::{Database, Merges};

pub(super) use gather::Home;
use standing::Snooze;

/// Facts about a merge that undoing it needs and homes do not record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moved {
    conversations: Vec<MovedConversation>,
    /// Attributes that the kept customer did not have.
    #[serde(default)]
    attributes: Map<String, Value>,
    /// Opt-out that the kept customer had.
    #[serde(default, skip_serializing_if = "OptOutBefore::is_unknown")]
    opt_out: OptOutBefore,
}

/// Opt-out of a customer before a merge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum OptOutBefore {
    Had(OptOut),
    None,
    /// The merge is of a version that did not record it.
    #[default]
    #[serde(skip)]
    Unknown,
}

impl OptOutBefore {
    fn of(row: &customer::Model) -> Self {
        OptOut::of(row).map_or(Self::None, Self::Had)
    }

    const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OptOut {
    at: Timestamp,
    /// Word or person by which the customer opted out.
    by: String,
}

impl OptOut {
    fn of(row: &customer::Model) -> Option<Self> {
        Some(Self {
            at: Timestamp(row.opted_out_at?),
            by: row.opted_out_by.clone().unwrap_or_default(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MovedConversation {
    joined: Joined,
    /// Chats of both before the merge: of the conversation that stays, and of the one that ended.
    chat: Option<ChatId>,
    merged_chat: Option<ChatId>,
    /// Whether the room of the ended conversation became the other's.
    room: bool,
    /// Snooze of the ended conversation.
    #[serde(default)]
    snooze: Option<Snooze>,
}

impl<D: Database> Merges<'_, D> {
    /// Returns the merge with this id.
    pub async fn get(&self, id: MergeId) -> Result<Option<Merge>, StoreError> {
        let row = merge::Entity::find_by_id(id).one(self.0.connection()).await?;
        row.map(read).transpose()
    }
}

impl Merges<'_, Store> {
    /// Returns all merges that a customer took part in, oldest first.
    pub async fn of_customer(&self, customer: CustomerId) -> Result<Vec<Merge>, StoreError> {
        let either = Condition::any()
            .add(merge::Column::CustomerId.eq(customer))
            .add(merge::Column::MergedCustomerId.eq(customer));
        let rows = merge::Entity::find()
            .filter(either)
            .order_by_asc(merge::Column::Id)
            .all(self.0.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

impl Merges<'_, Tx> {
    /// Returns the merge that ended this customer, if it was not undone.
    pub async fn that_ended(&self, customer: CustomerId) -> Result<Option<Merge>, StoreError> {
        self.row_that_ended(customer).await?.map(read).transpose()
    }

    async fn row_that_ended(&self, customer: CustomerId) -> Result<Option<merge::Model>, StoreError> {
        let row = merge::Entity::find()
            .filter(merge::Column::MergedCustomerId.eq(customer))
            .filter(merge::Column::UndoneAt.is_null())
            .order_by_desc(merge::Column::Id)
            .one(&self.0.session)
            .await?;
        Ok(row)
    }
}

fn moved(row: &merge::Model) -> Result<Moved, StoreError> {
    from_json("merges", &row.moved)
}

fn read(row: merge::Model) -> Result<Merge, StoreError> {
    let conversations = moved(&row)?.conversations;
    Ok(Merge {
        id: row.id,
        customer_id: row.customer_id,
        merged_customer_id: row.merged_customer_id,
        automatic: row.automatic,
        made_by: row.made_by,
        at: Timestamp(row.created_at),
        undone_at: row.undone_at.map(Timestamp),
        undone_by: row.undone_by,
        conversations: conversations.into_iter().map(|moved| moved.joined).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Merges of before have no such field, and keep none when their record is stored again.
    #[test]
    fn unrecorded_opt_out_is_told_from_none() {
        for (stored, read) in [
            (r#"{"conversations":[]}"#, OptOutBefore::Unknown),
            (r#"{"conversations":[],"opt_out":null}"#, OptOutBefore::None),
        ] {
            let moved: Moved = serde_json::from_str(stored).unwrap();
            assert_eq!(moved.opt_out, read);
            let again: Moved = serde_json::from_str(&serde_json::to_string(&moved).unwrap()).unwrap();
            assert_eq!(again, moved);
        }
        let had = OptOutBefore::Had(OptOut {
            at: Timestamp(1),
            by: "STOP".to_owned(),
        });
        let stored = serde_json::to_string(&had).unwrap();
        assert_eq!(serde_json::from_str::<OptOutBefore>(&stored).unwrap(), had);
    }
}
