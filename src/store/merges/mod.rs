//! Customers who turn out to be one, and who are found to be two after all.
//!
//! Nothing is thrown away by a merge. Who was merged stays as a row that says into whom; every identity, conversation and
//! message keeps, as its home, whose it would be without any merge. What a customer has is then always everything whose home
//! is theirs, or is of somebody who was merged into them. Undoing a merge cuts that one link, in whatever order merges were
//! made, and what comes in while they are one goes home as well.

mod apart;
mod gather;
mod hidden;
mod join;
mod part;
mod undo;

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use entity::merge;

use crate::domain::merge::{Joined, Merge};
use crate::domain::{ChatId, CustomerId, MergeId, Timestamp};

use super::database::row::from_json;
use super::{Store, StoreError, Tx};
use crate::store::facet::{Database, Merges};

pub(super) use gather::Home;

/// What a merge moved that does not go home by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moved {
    conversations: Vec<MovedConversation>,
    /// What the one who went on did not have.
    #[serde(default)]
    attributes: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MovedConversation {
    joined: Joined,
    /// The chats of both as they were: of the one that goes on, and of the one that ended in it.
    chat: Option<ChatId>,
    merged_chat: Option<ChatId>,
    /// The room of the one that ended became the other's.
    room: bool,
}

impl<D: Database> Merges<'_, D> {
    pub async fn get(&self, id: MergeId) -> Result<Option<Merge>, StoreError> {
        let row = merge::Entity::find_by_id(id).one(self.0.connection()).await?;
        row.map(read).transpose()
    }
}

impl Merges<'_, Store> {
    /// All in which a customer had a part, the first made first.
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
    /// The merge that made this customer another's, if it holds.
    pub async fn that_ended(&self, customer: CustomerId) -> Result<Option<Merge>, StoreError> {
        let row = merge::Entity::find()
            .filter(merge::Column::MergedCustomerId.eq(customer))
            .filter(merge::Column::UndoneAt.is_null())
            .order_by_desc(merge::Column::Id)
            .one(&self.0.session)
            .await?;
        row.map(read).transpose()
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
