//! The port to Matrix while rooms move: what is to be shown in a room moves it first, and what a room holds is read by the
//! login that keeps it.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
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

impl Matrix for Moved {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.present().status()
    }

    fn pull<'a>(&'a self, acked: Option<&'a RoomMark>) -> BoxFuture<'a, Result<RoomBatch, MatrixError>> {
        async move { self.present().pull(acked).await }.boxed()
    }

    fn event<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<RoomEvent, MatrixError>> {
        async move { self.of(room).await?.event(room, id).await }.boxed()
    }

    fn events_up_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<Vec<MatrixEventId>, MatrixError>> {
        async move { self.of(room).await?.events_up_to(room, id).await }.boxed()
    }

    fn fetch_file<'a>(
        &'a self,
        file: &'a SentFile,
        max: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), RoomFileError>> {
        async move { self.present().fetch_file(file, max, sink).await }.boxed()
    }

    fn ensure_room<'a>(&'a self, spec: &'a RoomSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            self.0.see_to_alias(&spec.alias).await?;
            self.present().ensure_room(spec).await
        }
        .boxed()
    }

    fn update_room<'a>(&'a self, room: &'a MatrixRoomId, spec: &'a RoomSpec) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().update_room(room, spec).await
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        txn: &'a TxnId,
        content: &'a RoomContent,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().send(room, speaker, txn, content).await
        }
        .boxed()
    }

    fn send_at<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        txn: &'a TxnId,
        content: &'a RoomContent,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().send_at(room, speaker, txn, content, at).await
        }
        .boxed()
    }

    fn find_sent<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<Option<MatrixEventId>, MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().find_sent(room, txn).await
        }
        .boxed()
    }

    fn redact<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().redact(room, id, txn).await
        }
        .boxed()
    }

    fn pin<'a>(&'a self, room: &'a MatrixRoomId, id: &'a MatrixEventId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().pin(room, id).await
        }
        .boxed()
    }

    fn mark_read<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        reader: Option<CustomerId>,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().mark_read(room, reader, id).await
        }
        .boxed()
    }

    fn typing<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        customer: Option<CustomerId>,
        is_typing: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.0.see_to(room).await?;
            self.present().typing(room, customer, is_typing).await
        }
        .boxed()
    }

    fn set_team<'a>(
        &'a self,
        invite: &'a [MatrixUserId],
        exclude: &'a [MatrixUserId],
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            if !self.0.is_over() {
                self.0.see_to_places().await?;
            }
            self.present().set_team(invite, exclude).await
        }
        .boxed()
    }

    /// Returns none while rooms move: what only an own homeserver can do is done in rooms that have moved.
    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        Some(self.present()).filter(|_| self.0.is_over())?.own_homeserver()
    }

    fn is_ours(&self, user: &MatrixUserId) -> bool {
        self.present().is_ours(user) || self.0.inner.former.is_ours(user)
    }

    fn has_ghosts(&self) -> bool {
        self.present().has_ghosts()
    }

    fn wants_avatar<'a>(
        &'a self,
        customer: CustomerId,
        address: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, MatrixError>> {
        async move { self.present().wants_avatar(customer, address).await }.boxed()
    }

    fn set_avatar<'a>(
        &'a self,
        customer: CustomerId,
        avatar: Option<&'a Avatar>,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move { self.present().set_avatar(customer, avatar).await }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.present().close().await;
        }
        .boxed()
    }
}
