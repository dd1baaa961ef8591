//! The application service as a login that hands rooms over, or takes them.

use std::sync::PoisonError;

use async_trait::async_trait;
use matrix_sdk::ruma::UserId;

use super::adapter::Service;
use crate::domain::matrix::MatrixError;
use crate::domain::moving::{Login, Logins};
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};
use crate::matrix::connection::{CALL_TIMEOUT, ROOM_TIMEOUT};
use crate::matrix::rooms;
use crate::matrix::wire::{Fault, room_id};

#[async_trait]
impl Login for Service {
    fn own(&self) -> Result<Vec<String>, MatrixError> {
        Ok(self.inner.connection.client()?.own())
    }

    fn know(&self, logins: Logins) {
        *self.inner.logins.lock().unwrap_or_else(PoisonError::into_inner) = logins;
    }

    fn space(&self) -> String {
        self.inner.options.space.alias.clone()
    }

    fn reads_encrypted(&self) -> bool {
        false
    }

    async fn find_room(&self, alias: &str) -> Result<Option<MatrixRoomId>, MatrixError> {
        let session = self.inner.connection.client()?;
        let logins = self.inner.logins();
        let found = rooms::find(session.caller(), alias, &logins);
        let room = self.inner.connection.within(CALL_TIMEOUT, found).await?;
        Ok(room.map(|room| MatrixRoomId(room.to_string())))
    }

    async fn invite_heir(
        &self,
        room: &MatrixRoomId,
        heir: &MatrixUserId,
        reads_encrypted: bool,
    ) -> Result<bool, MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, heir) = (room_id(room)?, user_id(heir)?);
        let invited = rooms::invite_heir(session.caller(), &room, &heir, reads_encrypted);
        self.inner.connection.within(CALL_TIMEOUT, invited).await
    }

    async fn release(&self, room: &MatrixRoomId, alias: &str) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let room = room_id(room)?;
        let released = rooms::release(session.caller(), &room, alias);
        self.inner.connection.within(CALL_TIMEOUT, released).await
    }

    async fn bury(&self, room: &MatrixRoomId, next: &MatrixRoomId) -> Result<MatrixEventId, MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, next) = (room_id(room)?, room_id(next)?);
        let buried = rooms::bury(session.caller(), &room, &next);
        self.inner.connection.within(CALL_TIMEOUT, buried).await
    }

    async fn enter(&self, room: &MatrixRoomId) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let room = room_id(room)?;
        let entered = rooms::enter(session.caller(), &room);
        self.inner.connection.within(ROOM_TIMEOUT, entered).await
    }

    async fn empower(&self, room: &MatrixRoomId, heir: &MatrixUserId) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let (room, heir) = (room_id(room)?, user_id(heir)?);
        let empowered = rooms::empower(session.caller(), &room, &heir);
        self.inner.connection.within(CALL_TIMEOUT, empowered).await
    }

    async fn set_fence(&self, room: &MatrixRoomId) -> Result<MatrixEventId, MatrixError> {
        let session = self.inner.connection.client()?;
        let room = room_id(room)?;
        let set = rooms::set_fence(session.caller(), &room);
        self.inner.connection.within(CALL_TIMEOUT, set).await
    }
}

fn user_id(user: &MatrixUserId) -> Result<matrix_sdk::ruma::OwnedUserId, Fault> {
    Ok(UserId::parse(user.as_str())?)
}
