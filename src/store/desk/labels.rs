//! Labels, and which conversation has which. (Those of customers: `customer_labels`.)

use entity::{conversation, conversation_label, label};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::conversation::Conversation;
use crate::domain::label::{Label, LabelName};
use crate::domain::{ConversationId, LabelId, Timestamp};
use crate::store::conversations::read as read_conversation;
use crate::store::database::row::to_json;
use crate::store::facet::{Database, Labels};
use crate::store::{StoreError, Tx};

/// A label to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLabel {
    /// Its name.
    pub name: LabelName,
    /// `#` and six hexadecimal digits.
    pub color: Option<String>,
    /// Its purpose.
    pub description: Option<String>,
}

/// Change of a label. `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelChange {
    /// New colour.
    pub color: Option<Option<String>>,
    /// New description.
    pub description: Option<Option<String>>,
}

impl<D: Database> Labels<'_, D> {
    /// Returns all labels in the order of their names. There are at most [`crate::domain::label::MAX_LABELS`].
    pub async fn list(&self) -> Result<Vec<Label>, StoreError> {
        let rows = label::Entity::find()
            .order_by_asc(label::Column::Folded)
            .all(self.0.connection())
            .await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Returns the label of this name, whatever the case of its letters.
    pub async fn called(&self, name: &LabelName) -> Result<Option<Label>, StoreError> {
        let row = label::Entity::find()
            .filter(label::Column::Folded.eq(name.folded()))
            .one(self.0.connection())
            .await?;
        Ok(row.map(read))
    }
}

impl Labels<'_, Tx> {
    /// Counts the labels.
    pub async fn count(&self) -> Result<u64, StoreError> {
        Ok(label::Entity::find().count(&self.0.session).await?)
    }

    /// Stores a label and returns it. The database refuses a second one of the same name.
    pub async fn add(&self, new: &NewLabel) -> Result<Label, StoreError> {
        let row = label::Model {
            id: LabelId(0),
            name: new.name.as_str().to_owned(),
            folded: new.name.folded(),
            color: new.color.clone(),
            description: new.description.clone(),
            created_at: self.0.now.0,
            updated_at: self.0.now.0,
        };
        let insert = label::ActiveModel {
            id: NotSet,
            ..row.clone().into()
        };
        let id = label::Entity::insert(insert)
            .exec(&self.0.session)
            .await?
            .last_insert_id;
        Ok(read(label::Model { id, ..row }))
    }

    /// Changes a label.
    pub async fn update(&self, id: LabelId, change: &LabelChange) -> Result<(), StoreError> {
        let mut row = label::ActiveModel {
            updated_at: Set(self.0.now.0),
            ..label::ActiveModel::default()
        };
        if let Some(color) = &change.color {
            row.color = Set(color.clone());
        }
        if let Some(description) = &change.description {
            row.description = Set(description.clone());
        }
        label::Entity::update_many()
            .set(row)
            .filter(label::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Deletes a label that no conversation and no customer has.
    pub async fn remove(&self, id: LabelId) -> Result<(), StoreError> {
        label::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(())
    }

    /// Puts a label on a conversation. Returns the changed conversation, or `None` if it has the label already.
    pub async fn put_on(&self, id: ConversationId, label: LabelId) -> Result<Option<Conversation>, StoreError> {
        if self.is_on(id, label).await? {
            return Ok(None);
        }
        let row = conversation_label::ActiveModel {
            id: NotSet,
            conversation_id: Set(id),
            label_id: Set(label),
            created_at: Set(self.0.now.0),
        };
        conversation_label::Entity::insert(row).exec(&self.0.session).await?;
        self.copy_names(id).await.map(Some)
    }

    /// Takes a label off a conversation. Returns the changed conversation, or `None` if it does not have the label.
    pub async fn take_off(&self, id: ConversationId, label: LabelId) -> Result<Option<Conversation>, StoreError> {
        let deleted = conversation_label::Entity::delete_many()
            .filter(conversation_label::Column::ConversationId.eq(id))
            .filter(conversation_label::Column::LabelId.eq(label))
            .exec(&self.0.session)
            .await?;
        if deleted.rows_affected == 0 {
            return Ok(None);
        }
        self.copy_names(id).await.map(Some)
    }

    /// Returns conversations that have a label, at most `limit`.
    pub async fn conversations(&self, label: LabelId, limit: u64) -> Result<Vec<ConversationId>, StoreError> {
        let ids = conversation_label::Entity::find()
            .select_only()
            .column(conversation_label::Column::ConversationId)
            .filter(conversation_label::Column::LabelId.eq(label))
            .order_by_asc(conversation_label::Column::ConversationId)
            .limit(limit)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(ids)
    }

    /// Puts the labels of a conversation that ends on the one in which it goes on.
    pub(in crate::store) async fn hand_over(&self, from: ConversationId, to: ConversationId) -> Result<(), StoreError> {
        for label in self.ids_on(from).await? {
            self.put_on(to, label).await?;
        }
        Ok(())
    }

    async fn is_on(&self, id: ConversationId, label: LabelId) -> Result<bool, StoreError> {
        let row = conversation_label::Entity::find()
            .filter(conversation_label::Column::ConversationId.eq(id))
            .filter(conversation_label::Column::LabelId.eq(label))
            .one(&self.0.session)
            .await?;
        Ok(row.is_some())
    }

    async fn ids_on(&self, id: ConversationId) -> Result<Vec<LabelId>, StoreError> {
        let ids = conversation_label::Entity::find()
            .select_only()
            .column(conversation_label::Column::LabelId)
            .filter(conversation_label::Column::ConversationId.eq(id))
            .order_by_asc(conversation_label::Column::LabelId)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        Ok(ids)
    }

    /// Copies the names of a conversation's labels into its row, where lists read them.
    async fn copy_names(&self, id: ConversationId) -> Result<Conversation, StoreError> {
        let names = names(&self.0.session, self.ids_on(id).await?).await?;
        let change = conversation::ActiveModel {
            labels: Set(match names.as_slice() {
                [] => None,
                names => Some(to_json(&names)?),
            }),
            ..conversation::ActiveModel::default()
        };
        self.0.conversations().change(id, change).await?;
        self.0.conversations().need(id).await.and_then(read_conversation)
    }
}

pub(super) async fn names(database: &impl ConnectionTrait, ids: Vec<LabelId>) -> Result<Vec<String>, StoreError> {
    let names = label::Entity::find()
        .select_only()
        .column(label::Column::Name)
        .filter(label::Column::Id.is_in(ids))
        .order_by_asc(label::Column::Folded)
        .into_tuple()
        .all(database)
        .await?;
    Ok(names)
}

fn read(row: label::Model) -> Label {
    Label {
        id: row.id,
        name: row.name,
        color: row.color,
        description: row.description,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    }
}
