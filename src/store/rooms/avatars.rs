//! Pictures of rooms: which one each was given.

use entity::room;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::MatrixRoomId;
use crate::store::facet::{Database, Rooms};
use crate::store::{StoreError, Tx};

impl<D: Database> Rooms<'_, D> {
    /// Returns the address of the picture that a room was given, if it has one.
    pub async fn avatar(&self, room: &MatrixRoomId) -> Result<Option<String>, StoreError> {
        let row = room::Entity::find()
            .filter(room::Column::RoomId.eq(room.as_str()))
            .one(self.0.connection())
            .await?;
        Ok(row.and_then(|row| row.avatar))
    }
}

impl Rooms<'_, Tx> {
    /// Stores the picture that a room was given, or that it has none.
    pub async fn set_avatar(&self, room: &MatrixRoomId, address: Option<&str>) -> Result<(), StoreError> {
        room::Entity::update_many()
            .col_expr(room::Column::Avatar, Expr::value(address))
            .filter(room::Column::RoomId.eq(room.as_str()))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}
