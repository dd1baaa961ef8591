//! Reading media.

use std::collections::HashMap;

use entity::{conversation, media, message};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::media::MediaState;
use crate::domain::{AccountId, MediaId, Timestamp};
use crate::store::facet::{Database, MediaItems};
use crate::store::{Store, StoreError};

use super::{DueMedia, Hashes, StoredMedia, carried, read, unreferenced};

impl<D: Database> MediaItems<'_, D> {
    /// Returns the medium with this id.
    pub async fn get(&self, id: MediaId) -> Result<Option<StoredMedia>, StoreError> {
        by_id(self.0.connection(), id).await
    }

    /// Returns whether a medium is known that will replace this one, or could not.
    pub async fn has_upgrade(&self, id: MediaId) -> Result<bool, StoreError> {
        let upgrade = media::Entity::find().filter(media::Column::Upgrades.eq(id));
        Ok(upgrade.one(self.0.connection()).await?.is_some())
    }
}

impl MediaItems<'_, Store> {
    /// Returns the media of an account that are due for download at `now`, oldest first, at most `limit`, without those
    /// `in_hand`.
    pub async fn due(
        &self,
        account: AccountId,
        now: Timestamp,
        limit: u64,
        in_hand: &[MediaId],
    ) -> Result<Vec<DueMedia>, StoreError> {
        let mut query = media::Entity::find()
            .filter(media::Column::State.eq(MediaState::Pending.as_str()))
            .filter(media::Column::Wanted.eq(true))
            .filter(media::Column::AccountId.eq(account))
            .filter(media::Column::NotBefore.lte(now.0))
            .filter(Expr::exists(carried()));
        if !in_hand.is_empty() {
            query = query.filter(media::Column::Id.is_not_in(in_hand.iter().copied()));
        }
        let rows = query
            .order_by_asc(media::Column::Id)
            .limit(limit)
            .all(self.0.readers())
            .await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            due.extend(self.place(row).await?);
        }
        Ok(due)
    }

    /// Returns at most `limit` media older than `before` that no message, avatar or template references (never sent, disappeared or
    /// replaced), after the id `after`. Reads all media, so it does not keep the writer meanwhile.
    pub async fn unsent(
        &self,
        before: Timestamp,
        after: Option<MediaId>,
        limit: u64,
    ) -> Result<Vec<MediaId>, StoreError> {
        let mut query = media::Entity::find()
            .select_only()
            .column(media::Column::Id)
            .filter(unreferenced(before));
        if let Some(after) = after {
            query = query.filter(media::Column::Id.gt(after));
        }
        let ids = query
            .order_by_asc(media::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(ids)
    }

    /// Returns those of these hashes that a media row references.
    pub async fn known_objects(&self, sha256: &[String]) -> Result<Hashes, StoreError> {
        let known: Vec<Option<String>> = media::Entity::find()
            .select_only()
            .column(media::Column::Sha256)
            .filter(media::Column::Sha256.is_in(sha256.iter().map(String::as_str)))
            .distinct()
            .into_tuple()
            .all(self.0.readers())
            .await?;
        Ok(known.into_iter().flatten().collect())
    }

    /// Returns the number of media in each state.
    pub async fn count(&self) -> Result<HashMap<MediaState, u64>, StoreError> {
        let counts: Vec<(String, i64)> = media::Entity::find()
            .select_only()
            .column(media::Column::State)
            .column_as(media::Column::Id.count(), "media")
            .group_by(media::Column::State)
            .into_tuple()
            .all(self.0.readers())
            .await?;
        let counts = counts.into_iter().map(|(state, count)| {
            let state = crate::store::database::row::word("media", &state)?;
            Ok((state, u64::try_from(count).unwrap_or(0)))
        });
        counts.collect()
    }

    /// Returns where WhatsApp has a medium: the chat and stanza id of the first message that carries it.
    async fn place(&self, row: media::Model) -> Result<Option<DueMedia>, StoreError> {
        let found = message::Entity::find()
            .filter(message::Column::MediaId.eq(row.upgrades.unwrap_or(row.id)))
            .order_by_asc(message::Column::Id)
            .one(self.0.readers())
            .await?;
        let Some(message) = found else { return Ok(None) };
        let conversation = conversation::Entity::find_by_id(message.conversation_id)
            .one(self.0.readers())
            .await?;
        let chat = message.chat_id.or_else(|| conversation?.chat_id);
        let (Some(chat), Some(whatsapp_id)) = (chat, message.whatsapp_id) else {
            return Ok(None);
        };
        Ok(Some(DueMedia {
            id: row.id,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            size: row.size.and_then(|size| u64::try_from(size).ok()),
            promised_sha256: row.promised_sha256,
            chat,
            message: row.source_id.unwrap_or(whatsapp_id),
            from_me: message.from_me,
            sender: Some(message.sender).filter(|sender| !sender.as_str().is_empty()),
        }))
    }
}

pub(super) async fn by_id(database: &impl ConnectionTrait, id: MediaId) -> Result<Option<StoredMedia>, StoreError> {
    let row = media::Entity::find_by_id(id).one(database).await?;
    row.map(read).transpose()
}
