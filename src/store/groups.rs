//! Groups: members and avatar, one row per group conversation.

use entity::chat_group;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::domain::group::{Group, Participant};
use crate::domain::{ConversationId, media};
use crate::store::facet::{Database, Groups};

use super::database::row::{from_json, to_json};
use super::{StoreError, Tx};

impl<D: Database> Groups<'_, D> {
    /// Returns the group of this conversation, or `None` if its members are not known.
    pub async fn get(&self, conversation: ConversationId) -> Result<Option<Group>, StoreError> {
        of(self.0.connection(), conversation)
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }
}

impl Groups<'_, Tx> {
    /// Stores the members of a group. Returns whether they changed.
    pub async fn set(&self, conversation: ConversationId, participants: &[Participant]) -> Result<bool, StoreError> {
        let participants = to_json(&participants)?;
        let Some(before) = of(&self.0.session, conversation).await? else {
            let mut new = chat_group::Model {
                id: 0,
                conversation_id: conversation,
                participants,
                updated_at: self.0.now.0,
                photo_id: None,
                photo_tag: None,
                photo_due_at: None,
            }
            .into_active_model();
            new.id = NotSet;
            chat_group::Entity::insert(new).exec(&self.0.session).await?;
            return Ok(true);
        };
        if before.participants == participants {
            return Ok(false);
        }
        let change = chat_group::ActiveModel {
            participants: Set(participants),
            updated_at: Set(self.0.now.0),
            ..chat_group::ActiveModel::default()
        };
        chat_group::Entity::update_many()
            .set(change)
            .filter(chat_group::Column::Id.eq(before.id))
            .exec(&self.0.session)
            .await?;
        Ok(true)
    }
}

async fn of(
    database: &impl ConnectionTrait,
    conversation: ConversationId,
) -> Result<Option<chat_group::Model>, StoreError> {
    let query = chat_group::Entity::find().filter(chat_group::Column::ConversationId.eq(conversation));
    Ok(query.one(database).await?)
}

fn read(row: &chat_group::Model) -> Result<Group, StoreError> {
    Ok(Group {
        photo_url: row.photo_id.map(media::url),
        participants: from_json("chat_groups", &row.participants)?,
    })
}
