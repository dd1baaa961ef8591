//! Storing media and changes of their state.

use entity::{media, message};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::media::{Media, MediaState};
use crate::domain::message::Message;
use crate::domain::{MediaId, MessageId, OwnerId, Timestamp};
use crate::store::database::bounds::MAX_NAMED;
use crate::store::database::row::to_json;
use crate::store::facet::MediaItems;
use crate::store::{StoreError, Tx, WorkFor};

use super::{MediaChange, NewMedia, SecondUpload, StoredMedia, find, unreferenced};

/// Most media of one conversation that are counted: each message with a medium counts those before it.
const MAX_COUNTED: u64 = 1000;

impl MediaItems<'_, Tx> {
    /// Stores a medium and returns it. Wakes the download worker if it is wanted.
    pub async fn insert(&self, new: &NewMedia) -> Result<Media, StoreError> {
        self.put(new, None).await
    }

    /// Stores the second upload of a medium, and returns it.
    pub async fn insert_second(&self, new: &NewMedia, second: &SecondUpload) -> Result<Media, StoreError> {
        self.put(new, Some(second)).await
    }

    async fn put(&self, new: &NewMedia, second: Option<&SecondUpload>) -> Result<Media, StoreError> {
        if let (true, Some(account)) = (new.wanted, new.account) {
            self.0.wake(WorkFor::Media(account));
        }
        let row = media::ActiveModel {
            id: NotSet,
            account_id: Set(new.account),
            state: Set(new.state.to_string()),
            wanted: Set(new.wanted),
            attempts: Set(0),
            not_before: Set(self.0.now.0),
            mimetype: Set(new.mimetype.clone()),
            sniffed: Set(new.sniffed.clone()),
            size: Set(new.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX))),
            sha256: Set(new.sha256.clone()),
            promised_sha256: Set(new.promised_sha256.clone()),
            filename: Set(new.filename.clone()),
            source_id: Set(second.map(|second| second.source.clone())),
            upgrades: Set(second.and_then(|second| second.upgrades)),
            detail: Set(new.detail.clone()),
            owner_id: Set(None),
            created_at: Set(self.0.now.0),
            updated_at: Set(self.0.now.0),
        };
        let id = media::Entity::insert(row).exec(&self.0.session).await?.last_insert_id;
        Ok(self.need(id).await?.media)
    }

    /// Stores who has uploaded a medium.
    pub async fn set_owner(&self, id: MediaId, owner: OwnerId) -> Result<(), StoreError> {
        let change = media::ActiveModel {
            owner_id: Set(Some(owner)),
            ..media::ActiveModel::default()
        };
        self.set(id, change).await
    }

    /// Returns the size of the media that other messages of the same conversation brought since `since`, up to this one, and
    /// that are stored or will be, of the newest [`MAX_COUNTED`]. One of unknown size counts as `unknown`.
    pub async fn taken(&self, message: &Message, since: Timestamp, unknown: u64) -> Result<u64, StoreError> {
        let ids: Vec<Option<MediaId>> = message::Entity::find()
            .select_only()
            .column(message::Column::MediaId)
            .filter(message::Column::ConversationId.eq(message.conversation_id))
            .filter(message::Column::SortAt.gt(since.0))
            .filter(message::Column::SortAt.lte(message.timestamp.0))
            .filter(message::Column::MediaId.is_not_null())
            .filter(message::Column::Id.ne(message.id))
            .order_by_desc(message::Column::SortAt)
            .limit(MAX_COUNTED)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        let ids: Vec<MediaId> = ids.into_iter().flatten().collect();
        let mut taken = 0_u64;
        for some in ids.chunks(MAX_NAMED) {
            let sizes: Vec<Option<i64>> = media::Entity::find()
                .select_only()
                .column(media::Column::Size)
                .filter(media::Column::Id.is_in(some.iter().copied()))
                .filter(media::Column::AccountId.is_not_null())
                .filter(
                    media::Column::State
                        .eq(MediaState::Stored.as_str())
                        .or(media::Column::Wanted.eq(true)),
                )
                .into_tuple()
                .all(&self.0.session)
                .await?;
            for size in sizes {
                let size = size.and_then(|size| u64::try_from(size).ok());
                taken = taken.saturating_add(size.unwrap_or(unknown));
            }
        }
        Ok(taken)
    }

    /// Attaches a medium to a message and returns the changed message.
    pub async fn attach(&self, message: MessageId, media: &Media) -> Result<Message, StoreError> {
        let change = message::ActiveModel {
            media: Set(Some(to_json(media)?)),
            media_id: Set(Some(media.id)),
            ..message::ActiveModel::default()
        };
        self.0.messages().change(message, change).await?;
        self.0
            .messages()
            .get(message)
            .await?
            .ok_or(StoreError::Missing { what: "message" })
    }

    /// Changes the state of a medium and returns the messages that carry it, as changed. A second upload that is stored takes
    /// the place of the first one; who asks for the first one asks for both.
    pub async fn change(&self, id: MediaId, change: &MediaChange) -> Result<Vec<Message>, StoreError> {
        let is_wanted = matches!(change, MediaChange::Wanted);
        let mut shown_as = id;
        if matches!(change, MediaChange::Stored { .. })
            && let Some(first) = self.upgraded_by(id).await?
        {
            shown_as = first;
        }
        let change = match change {
            MediaChange::Stored { sha256, size, sniffed } => media::ActiveModel {
                state: Set(MediaState::Stored.to_string()),
                wanted: Set(false),
                sha256: Set(Some(sha256.clone())),
                size: Set(Some(i64::try_from(*size).unwrap_or(i64::MAX))),
                sniffed: Set(sniffed.clone()),
                upgrades: Set(None),
                detail: Set(None),
                ..media::ActiveModel::default()
            },
            MediaChange::Lost { state, detail } => media::ActiveModel {
                state: Set(state.to_string()),
                wanted: Set(false),
                detail: Set(Some(detail.clone())),
                ..media::ActiveModel::default()
            },
            MediaChange::Wanted => media::ActiveModel {
                state: Set(MediaState::Pending.to_string()),
                wanted: Set(true),
                attempts: Set(0),
                not_before: Set(self.0.now.0),
                detail: Set(None),
                ..media::ActiveModel::default()
            },
        };
        if is_wanted {
            let second = media::Entity::update_many()
                .set(change.clone())
                .filter(media::Column::Upgrades.eq(id))
                .filter(media::Column::State.eq(MediaState::Pending.as_str()));
            second.exec(&self.0.session).await?;
        }
        self.set(id, change).await?;
        let StoredMedia { media, account, .. } = self.need(id).await?;
        if let (true, Some(account)) = (is_wanted, account) {
            self.0.wake(WorkFor::Media(account));
        }
        let carriers: Vec<MessageId> = message::Entity::find()
            .select_only()
            .column(message::Column::Id)
            .filter(message::Column::MediaId.eq(shown_as))
            .order_by_asc(message::Column::Id)
            .into_tuple()
            .all(&self.0.session)
            .await?;
        let mut messages = Vec::with_capacity(carriers.len());
        for carrier in carriers {
            messages.push(self.attach(carrier, &media).await?);
        }
        Ok(messages)
    }

    /// Postpones the download of a medium to `not_before`. Counts a failed attempt if `count` is set.
    pub async fn retry(&self, id: MediaId, not_before: Timestamp, count: bool) -> Result<(), StoreError> {
        media::Entity::update_many()
            .col_expr(media::Column::NotBefore, Expr::value(not_before.0))
            .col_expr(
                media::Column::Attempts,
                Expr::col(media::Column::Attempts).add(i64::from(count)),
            )
            .filter(media::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Makes wanted media due now whose download is postponed to a time after `latest`.
    pub async fn recall(&self, latest: Timestamp) -> Result<(), StoreError> {
        media::Entity::update_many()
            .col_expr(media::Column::NotBefore, Expr::value(self.0.now.0))
            .filter(media::Column::State.eq(MediaState::Pending.as_str()))
            .filter(media::Column::Wanted.eq(true))
            .filter(media::Column::NotBefore.gt(latest.0))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Deletes those of these media that are still as [`MediaItems::unsent`] selects them. Returns how many. The bytes
    /// are deleted later, when the vault is swept for objects without a row.
    pub async fn forget_unsent(&self, unsent: &[MediaId], before: Timestamp) -> Result<u64, StoreError> {
        let mut count = 0;
        for some in unsent.chunks(MAX_NAMED) {
            let deleted = media::Entity::delete_many()
                .filter(media::Column::Id.is_in(some.iter().copied()))
                .filter(unreferenced(before))
                .exec(&self.0.session)
                .await?;
            count += deleted.rows_affected;
            self.forget_previews(some).await?;
        }
        Ok(count)
    }

    /// Returns the medium that this one will replace, if any.
    async fn upgraded_by(&self, id: MediaId) -> Result<Option<MediaId>, StoreError> {
        let row = media::Entity::find_by_id(id).one(&self.0.session).await?;
        Ok(row.and_then(|row| row.upgrades))
    }

    async fn set(&self, id: MediaId, change: media::ActiveModel) -> Result<(), StoreError> {
        let change = media::ActiveModel {
            updated_at: Set(self.0.now.0),
            ..change
        };
        media::Entity::update_many()
            .set(change)
            .filter(media::Column::Id.eq(id))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    async fn need(&self, id: MediaId) -> Result<StoredMedia, StoreError> {
        let medium = find::by_id(&self.0.session, id).await?;
        medium.ok_or(StoreError::Missing { what: "medium" })
    }
}
