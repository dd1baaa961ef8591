//! The port to Matrix while rooms move: what is to be shown in a room moves it first, and what a room holds is read by the
//! login that keeps it.

use async_trait::async_trait;
use tokio::sync::watch;

use crate::domain::matrix::{
    Avatar, Matrix, MatrixError, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomFileError, RoomMark, RoomSpec,
    SentFile, Speaker, TxnId,
};
use crate::domain::media::Sink;
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::{CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};

use super::{Moving, unstored};

/// The present login, with the rooms that the former one still keeps.
pub(in crate::bridge::rooms) struct Moved(pub(in crate::bridge::rooms) Moving);

impl Moved {
    fn present(&self) -> &dyn Matrix {
        &*self.0.inner.present
    }

    /// Returns the login that keeps a room.
    async fn of(&self, room: &MatrixRoomId) -> Result<&dyn Matrix, MatrixError> {
        if self.0.is_over() {
            return Ok(self.present());
        }
        let (heir, former): (_, &dyn Matrix) = (self.0.heir()?, &*self.0.inner.former);
        let row = self.0.inner.core.store.rooms().by_id(room).await;
        let row = row.map_err(|error| unstored(&error))?;
        Ok(match row {
            Some(row) if row.keeper.as_ref() != Some(&heir) => former,
            _ => self.present(),
        })
    }
}

#[async_trait]
impl Matrix for Moved {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.present().status()
    }

    async fn pull(&self, acked: Option<&RoomMark>) -> Result<RoomBatch, MatrixError> {
        self.present().pull(acked).await
    }

    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError> {
        self.of(room).await?.event(room, id).await
    }

    async fn events_up_to(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<Vec<MatrixEventId>, MatrixError> {
        self.of(room).await?.events_up_to(room, id).await
    }

    async fn fetch_file(&self, file: &SentFile, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        self.present().fetch_file(file, max, sink).await
    }

    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError> {
        self.0.see_to_alias(&spec.alias).await?;
        self.present().ensure_room(spec).await
    }

    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError> {
        self.0.see_to(room).await?;
        self.present().update_room(room, spec).await
    }

    async fn send(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError> {
        self.0.see_to(room).await?;
        self.present().send(room, speaker, txn, content).await
    }

    async fn send_at(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
        at: Timestamp,
    ) -> Result<MatrixEventId, MatrixError> {
        self.0.see_to(room).await?;
        self.present().send_at(room, speaker, txn, content, at).await
    }

    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError> {
        self.0.see_to(room).await?;
        self.present().find_sent(room, txn).await
    }

    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError> {
        self.0.see_to(room).await?;
        self.present().redact(room, id, txn).await
    }

    async fn pin(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError> {
        self.0.see_to(room).await?;
        self.present().pin(room, id).await
    }

    async fn mark_read(
        &self,
        room: &MatrixRoomId,
        reader: Option<CustomerId>,
        id: &MatrixEventId,
    ) -> Result<(), MatrixError> {
        self.0.see_to(room).await?;
        self.present().mark_read(room, reader, id).await
    }

    async fn typing(
        &self,
        room: &MatrixRoomId,
        customer: Option<CustomerId>,
        is_typing: bool,
    ) -> Result<(), MatrixError> {
        self.0.see_to(room).await?;
        self.present().typing(room, customer, is_typing).await
    }

    async fn set_team(&self, invite: &[MatrixUserId], exclude: &[MatrixUserId]) -> Result<(), MatrixError> {
        if !self.0.is_over() {
            self.0.see_to_places().await?;
        }
        self.present().set_team(invite, exclude).await
    }

    /// Returns none while rooms move: what only an own homeserver can do is done in rooms that have moved.
    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        Some(self.present()).filter(|_| self.0.is_over())?.own_homeserver()
    }

    fn has_ghosts(&self) -> bool {
        self.present().has_ghosts()
    }

    async fn wants_avatar(&self, customer: CustomerId, address: Option<&str>) -> Result<bool, MatrixError> {
        self.present().wants_avatar(customer, address).await
    }

    async fn set_avatar(&self, customer: CustomerId, avatar: Option<&Avatar>) -> Result<(), MatrixError> {
        self.present().set_avatar(customer, avatar).await
    }

    async fn close(&self) {
        self.present().close().await;
    }
}
