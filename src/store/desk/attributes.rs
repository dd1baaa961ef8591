//! Definitions of customers' attributes.

use entity::attribute;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use crate::domain::attribute::{Attribute, AttributeKind, AttributeName};
use crate::domain::{AttributeId, Timestamp};
use crate::store::database::row::{from_json, to_json, word};
use crate::store::facet::{Attributes, Database};
use crate::store::{StoreError, Tx};

/// A definition to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttribute {
    /// Its name.
    pub name: AttributeName,
    /// Kind of its values.
    pub kind: AttributeKind,
    /// The values that a choice takes.
    pub choices: Vec<String>,
    /// Its purpose.
    pub description: Option<String>,
}

/// Change of a definition. `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeChange {
    /// New choices.
    pub choices: Option<Vec<String>>,
    /// New description.
    pub description: Option<Option<String>>,
}

impl<D: Database> Attributes<'_, D> {
    /// Returns all definitions in the order of their names. There are at most
    /// [`crate::domain::attribute::MAX_ATTRIBUTES`].
    pub async fn list(&self) -> Result<Vec<Attribute>, StoreError> {
        let rows = attribute::Entity::find()
            .order_by_asc(attribute::Column::Name)
            .all(self.0.connection())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the definition of this name.
    pub async fn called(&self, name: &AttributeName) -> Result<Option<Attribute>, StoreError> {
        let row = attribute::Entity::find()
            .filter(attribute::Column::Name.eq(name.as_str()))
            .one(self.0.connection())
            .await?;
        row.map(read).transpose()
    }
}

impl Attributes<'_, Tx> {
    /// Counts the definitions.
    pub async fn count(&self) -> Result<u64, StoreError> {
        Ok(attribute::Entity::find().count(&self.0.session).await?)
    }

    /// Stores a definition and returns it. The database refuses a second one of the same name.
    pub async fn add(&self, new: &NewAttribute) -> Result<Attribute, StoreError> {
        let row = attribute::ActiveModel {
            id: NotSet,
            name: Set(new.name.as_str().to_owned()),
            kind: Set(new.kind.as_str().to_owned()),
            choices: Set(written(&new.choices)?),
            description: Set(new.description.clone()),
            revision: Set(1),
            created_at: Set(self.0.now.0),
            updated_at: Set(self.0.now.0),
        };
        let id = attribute::Entity::insert(row)
            .exec(&self.0.session)
            .await?
            .last_insert_id;
        self.need(id).await
    }

    /// Changes a definition and returns it with its next revision.
    pub async fn update(&self, known: &Attribute, change: &AttributeChange) -> Result<Attribute, StoreError> {
        let mut row = attribute::ActiveModel {
            revision: Set(known.revision + 1),
            updated_at: Set(self.0.now.0),
            ..attribute::ActiveModel::default()
        };
        if let Some(choices) = &change.choices {
            row.choices = Set(written(choices)?);
        }
        if let Some(description) = &change.description {
            row.description = Set(description.clone());
        }
        attribute::Entity::update_many()
            .set(row)
            .filter(attribute::Column::Id.eq(known.id))
            .exec(&self.0.session)
            .await?;
        self.need(known.id).await
    }

    /// Deletes a definition. The values that customers have stay.
    pub async fn remove(&self, id: AttributeId) -> Result<(), StoreError> {
        attribute::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(())
    }

    async fn need(&self, id: AttributeId) -> Result<Attribute, StoreError> {
        let row = attribute::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "attribute" }).and_then(read)
    }
}

fn written(choices: &Vec<String>) -> Result<Option<String>, StoreError> {
    (!choices.is_empty()).then(|| to_json(choices)).transpose()
}

fn read(row: attribute::Model) -> Result<Attribute, StoreError> {
    let choices = row.choices.as_deref().map(|json| from_json("attributes", json));
    Ok(Attribute {
        id: row.id,
        name: row.name,
        kind: word("attributes", &row.kind)?,
        choices: choices.transpose()?.unwrap_or_default(),
        description: row.description,
        revision: row.revision,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}
