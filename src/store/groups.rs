//! Groups: their pictures and members, a row for each group's conversation.

use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};

use entity::chat_group;

use crate::domain::ConversationId;
use crate::domain::group::Group;

use super::row::{from_json, to_json};
use super::{Store, StoreError, Tx};

impl Store {
    pub async fn group(&self, conversation: ConversationId) -> Result<Option<Group>, StoreError> {
        of(self.readers(), conversation).await?.map(read).transpose()
    }
}

impl Tx {
    pub async fn group(&mut self, conversation: ConversationId) -> Result<Option<Group>, StoreError> {
        of(&self.session, conversation).await?.map(read).transpose()
    }

    /// Keeps what a group is; tells whether that is news.
    pub async fn set_group(&mut self, conversation: ConversationId, group: &Group) -> Result<bool, StoreError> {
        let participants = to_json(&group.participants)?;
        let Some(before) = of(&self.session, conversation).await? else {
            let mut new = chat_group::Model {
                id: 0,
                conversation_id: conversation,
                photo_url: group.photo_url.clone(),
                participants,
                updated_at: self.now.0,
            }
            .into_active_model();
            new.id = NotSet;
            chat_group::Entity::insert(new).exec(&self.session).await?;
            return Ok(true);
        };
        if before.photo_url == group.photo_url && before.participants == participants {
            return Ok(false);
        }
        let change = chat_group::ActiveModel {
            photo_url: Set(group.photo_url.clone()),
            participants: Set(participants),
            updated_at: Set(self.now.0),
            ..chat_group::ActiveModel::default()
        };
        chat_group::Entity::update_many()
            .set(change)
            .filter(chat_group::Column::Id.eq(before.id))
            .exec(&self.session)
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

fn read(row: chat_group::Model) -> Result<Group, StoreError> {
    Ok(Group {
        photo_url: row.photo_url,
        participants: from_json("chat_groups", &row.participants)?,
    })
}
