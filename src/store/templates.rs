//! Templates of messages.

use entity::template;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::template::{Draft, Template, TemplateFile};
use crate::domain::{TemplateId, Timestamp};
use crate::store::facet::{Database, Templates};

use super::database::page;
use super::database::page::{Cursor, Page, PageRequest};
use super::database::row::{from_json, to_json, word};
use super::{StoreError, Tx};

/// A template to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTemplate {
    /// Its content.
    pub draft: Draft,
    /// Name of the key or agent that writes it.
    pub by: String,
}

impl<D: Database> Templates<'_, D> {
    /// Returns the template with this name.
    pub async fn named(&self, name: &str) -> Result<Option<Template>, StoreError> {
        let row = template::Entity::find()
            .filter(template::Column::Name.eq(name))
            .one(self.0.connection())
            .await?;
        row.map(read).transpose()
    }

    /// Returns a page of templates, ordered by id.
    pub async fn page(&self, page: PageRequest) -> Result<Page<Template>, StoreError> {
        let key = |row: &template::Model| Cursor::of_id(row.id.0);
        let by = (None, template::Column::Id);
        page::read(template::Entity::find(), page, by, self.0.connection(), key, read).await
    }
}

impl Templates<'_, Tx> {
    /// Stores a template and returns it. The database refuses a name that is taken.
    pub async fn create(&self, new: &NewTemplate) -> Result<Template, StoreError> {
        let row = template::ActiveModel {
            id: NotSet,
            revision: Set(1),
            created_at: Set(self.0.now.0),
            created_by: Set(new.by.clone()),
            ..self.written(new)?
        };
        let id = template::Entity::insert(row)
            .exec(&self.0.session)
            .await?
            .last_insert_id;
        self.need(id).await
    }

    /// Replaces the content of a template and returns it with its next revision.
    pub async fn replace(&self, template: &Template, new: &NewTemplate) -> Result<Template, StoreError> {
        let change = template::ActiveModel {
            revision: Set(template.revision + 1),
            ..self.written(new)?
        };
        template::Entity::update_many()
            .set(change)
            .filter(template::Column::Id.eq(template.id))
            .exec(&self.0.session)
            .await?;
        self.need(template.id).await
    }

    /// Deletes a template. What was sent with it stays as it is.
    pub async fn delete(&self, id: TemplateId) -> Result<(), StoreError> {
        template::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(())
    }

    fn written(&self, new: &NewTemplate) -> Result<template::ActiveModel, StoreError> {
        let draft = &new.draft;
        Ok(template::ActiveModel {
            name: Set(draft.name.clone()),
            body: Set(draft.body.clone()),
            description: Set(draft.description.clone()),
            fields: Set(to_json(&draft.fields)?),
            media_id: Set(draft.file.map(|file| file.id)),
            media_kind: Set(draft.file.and_then(|file| file.kind).map(|kind| kind.to_string())),
            updated_at: Set(self.0.now.0),
            updated_by: Set(new.by.clone()),
            ..template::ActiveModel::default()
        })
    }

    async fn need(&self, id: TemplateId) -> Result<Template, StoreError> {
        let row = template::Entity::find_by_id(id).one(&self.0.session).await?;
        row.ok_or(StoreError::Missing { what: "template" }).and_then(read)
    }
}

fn read(row: template::Model) -> Result<Template, StoreError> {
    let kind = row.media_kind.as_deref().map(|kind| word("templates", kind));
    let kind = kind.transpose()?;
    Ok(Template {
        id: row.id,
        draft: Draft {
            name: row.name,
            body: row.body,
            description: row.description,
            fields: from_json("templates", &row.fields)?,
            file: row.media_id.map(|id| TemplateFile { id, kind }),
        },
        revision: row.revision,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        created_by: row.created_by,
        updated_by: row.updated_by,
    })
}
