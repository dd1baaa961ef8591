//! Small still pictures of videos, which WhatsApp sends with the message.

use entity::{media, media_preview};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::MediaId;
use crate::store::facet::{Database, MediaItems};
use crate::store::{StoreError, Tx};

impl<D: Database> MediaItems<'_, D> {
    /// Returns the preview of a medium: bytes as a stranger has sent them.
    pub async fn preview(&self, id: MediaId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = media_preview::Entity::find_by_id(id).one(self.0.connection()).await?;
        Ok(row.map(|row| row.bytes))
    }
}

impl MediaItems<'_, Tx> {
    /// Stores the preview of a new medium.
    pub async fn add_preview(&self, id: MediaId, bytes: &[u8]) -> Result<(), StoreError> {
        let row = media_preview::ActiveModel {
            media_id: Set(id),
            bytes: Set(bytes.to_vec()),
        };
        media_preview::Entity::insert(row).exec(&self.0.session).await?;
        Ok(())
    }

    /// Deletes the previews of those of these media that are gone.
    pub(super) async fn forget_previews(&self, of: &[MediaId]) -> Result<(), StoreError> {
        let there = Query::select()
            .expr(Expr::val(1))
            .from(media::Entity)
            .and_where(
                Expr::col((media::Entity, media::Column::Id))
                    .equals((media_preview::Entity, media_preview::Column::MediaId)),
            )
            .take();
        media_preview::Entity::delete_many()
            .filter(media_preview::Column::MediaId.is_in(of.iter().copied()))
            .filter(Expr::exists(there).not())
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}
