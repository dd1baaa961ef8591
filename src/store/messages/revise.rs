//! Changes of a stored message after it was written: edits, deletion, reactions.

use entity::message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::details::Details;
use crate::domain::message::{Kind, Message, Reaction};
use crate::domain::{ConversationId, MessageId, Timestamp, WaMessageId, WaUserId};
use crate::store::database::row::to_json;
use crate::store::facet::Messages;
use crate::store::{StoreError, Tx};

use super::{reactions_row, read};

/// A message that was decrypted late.
#[derive(Clone, Copy, Debug)]
pub struct Decrypted<'a> {
    pub kind: Kind,
    pub content: &'a str,
    pub details: Option<&'a Details>,
    /// The message that it quotes.
    pub reply_to: Option<MessageId>,
}

impl Messages<'_, Tx> {
    /// Returns the message of this conversation with this id, direction and sender (rule 12).
    pub async fn under(
        &self,
        conversation: ConversationId,
        id: &WaMessageId,
        from_me: bool,
        sender: &WaUserId,
    ) -> Result<Option<Message>, StoreError> {
        let mut found = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation))
            .filter(message::Column::WhatsappId.eq(id.as_str()))
            .filter(message::Column::FromMe.eq(from_me));
        if !from_me {
            found = found.filter(message::Column::Sender.eq(sender.as_str()));
        }
        found.one(&self.0.session).await?.map(read).transpose()
    }

    /// Returns the messages of others in a conversation with this stanza id, each with its sender: a member of a group may
    /// have copied the id of another's message (rule 12).
    pub async fn senders_under(
        &self,
        conversation: ConversationId,
        id: &WaMessageId,
    ) -> Result<Vec<(MessageId, WaUserId)>, StoreError> {
        let found = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .column(message::Column::Sender)
            .filter(message::Column::ConversationId.eq(conversation))
            .filter(message::Column::WhatsappId.eq(id.as_str()))
            .filter(message::Column::FromMe.eq(false))
            .order_by_asc(message::Column::Id)
            .into_tuple();
        Ok(found.all(&self.0.session).await?)
    }

    /// Sets the sender's part of a message's unique key. Nobody else in the conversation may have it with this id.
    pub async fn set_sender(&self, id: MessageId, sender: &WaUserId) -> Result<(), StoreError> {
        let change = message::ActiveModel {
            sender: Set(sender.clone()),
            ..message::ActiveModel::default()
        };
        self.change(id, change).await
    }

    /// Sets the text of a message and returns the changed message.
    pub async fn set_content(
        &self,
        id: MessageId,
        content: &str,
        edited_at: Option<Timestamp>,
    ) -> Result<Message, StoreError> {
        self.revise(
            id,
            message::ActiveModel {
                content: Set(content.to_owned()),
                edited_at: Set(edited_at.map(|at| at.0)),
                ..message::ActiveModel::default()
            },
        )
        .await
    }

    /// Puts the words of a message that was decrypted late in the place of the line that stood for it, and returns the
    /// message.
    pub async fn set_decrypted(&self, id: MessageId, decrypted: Decrypted<'_>) -> Result<Message, StoreError> {
        self.revise(
            id,
            message::ActiveModel {
                kind: Set(decrypted.kind.to_string()),
                content: Set(decrypted.content.to_owned()),
                details: Set(decrypted.details.map(to_json).transpose()?),
                reply_to: Set(decrypted.reply_to),
                ..message::ActiveModel::default()
            },
        )
        .await
    }

    /// Marks a message as deleted for everyone and returns it. The text stays in our database only.
    pub async fn set_deleted(&self, id: MessageId, at: Timestamp) -> Result<Message, StoreError> {
        self.revise(
            id,
            message::ActiveModel {
                deleted_at: Set(Some(at.0)),
                ..message::ActiveModel::default()
            },
        )
        .await
    }

    /// Sets the reactions to a message and returns the changed message.
    pub async fn set_reactions(&self, id: MessageId, reactions: &[Reaction]) -> Result<Message, StoreError> {
        self.revise(
            id,
            message::ActiveModel {
                reactions: Set(reactions_row(reactions)?),
                ..message::ActiveModel::default()
            },
        )
        .await
    }

    /// Sets the details of a message and returns the changed message.
    pub async fn set_details(&self, id: MessageId, details: &Details) -> Result<Message, StoreError> {
        self.revise(
            id,
            message::ActiveModel {
                details: Set(Some(to_json(details)?)),
                ..message::ActiveModel::default()
            },
        )
        .await
    }

    async fn revise(&self, id: MessageId, change: message::ActiveModel) -> Result<Message, StoreError> {
        self.change(id, change).await?;
        self.need(id).await.and_then(read)
    }
}
