//! Hands rooms from one of our logins to another one, which is the same for a bot and a service but for who makes the requests.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::connection::{CALL_TIMEOUT, Connection, ROOM_TIMEOUT};
use super::rooms::{self, Caller};
use super::wire::{room_id, user_id};
use crate::domain::matrix::{Matrix, MatrixError};
use crate::domain::moving::{Login, Logins};
use crate::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};

/// Parts of a login in which a bot and a service differ.
pub(super) trait Keeper: Matrix {
    /// Type of what is there while it is connected.
    type Client: Clone + Send + Sync;

    /// Whether it can read encrypted rooms.
    const READS_ENCRYPTED: bool;

    /// Returns its connection.
    fn connection(&self) -> &Connection<Self::Client>;

    /// Returns its own user as the sender of requests.
    fn caller(client: &Self::Client) -> Result<Caller<'_>, MatrixError>;

    /// Returns its users: its own, and the pattern of customers' if it has any.
    fn users(client: &Self::Client) -> Result<Vec<String>, MatrixError>;

    /// Returns where it keeps the users that are or were this desk's own.
    fn logins(&self) -> &Mutex<Logins>;

    /// Returns the alias of its Space.
    fn space(&self) -> &str;
}

impl<K: Keeper> Login for K {
    fn own(&self) -> Result<Vec<String>, MatrixError> {
        K::users(&self.connection().client()?)
    }

    fn know(&self, logins: Logins) {
        *self.logins().lock().unwrap_or_else(PoisonError::into_inner) = logins;
    }

    fn space(&self) -> String {
        Keeper::space(self).to_owned()
    }

    fn reads_encrypted(&self) -> bool {
        K::READS_ENCRYPTED
    }

    fn find_room<'a>(&'a self, alias: &'a str) -> BoxFuture<'a, Result<Option<MatrixRoomId>, MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let logins = self.logins().lock().unwrap_or_else(PoisonError::into_inner).clone();
            let found = rooms::find(K::caller(&client)?, alias, &logins);
            let room = self.connection().within(CALL_TIMEOUT, found).await?;
            Ok(room.map(|room| MatrixRoomId(room.to_string())))
        }
        .boxed()
    }

    fn invite_heir<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        heir: &'a MatrixUserId,
        reads_encrypted: bool,
    ) -> BoxFuture<'a, Result<bool, MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let (room, heir) = (room_id(room)?, user_id(heir)?);
            let invited = rooms::invite_heir(K::caller(&client)?, &room, &heir, reads_encrypted);
            self.connection().within(CALL_TIMEOUT, invited).await
        }
        .boxed()
    }

    fn release<'a>(&'a self, room: &'a MatrixRoomId, alias: &'a str) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let room = room_id(room)?;
            let released = rooms::release(K::caller(&client)?, &room, alias);
            self.connection().within(CALL_TIMEOUT, released).await
        }
        .boxed()
    }

    fn bury<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        next: &'a MatrixRoomId,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let (room, next) = (room_id(room)?, room_id(next)?);
            let buried = rooms::bury(K::caller(&client)?, &room, &next);
            self.connection().within(CALL_TIMEOUT, buried).await
        }
        .boxed()
    }

    fn enter<'a>(&'a self, room: &'a MatrixRoomId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let room = room_id(room)?;
            let entered = rooms::enter(K::caller(&client)?, &room);
            self.connection().within(ROOM_TIMEOUT, entered).await
        }
        .boxed()
    }

    fn empower<'a>(&'a self, room: &'a MatrixRoomId, heir: &'a MatrixUserId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let (room, heir) = (room_id(room)?, user_id(heir)?);
            let empowered = rooms::empower(K::caller(&client)?, &room, &heir);
            self.connection().within(CALL_TIMEOUT, empowered).await
        }
        .boxed()
    }

    fn set_fence<'a>(&'a self, room: &'a MatrixRoomId) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            let client = self.connection().client()?;
            let room = room_id(room)?;
            let set = rooms::set_fence(K::caller(&client)?, &room);
            self.connection().within(CALL_TIMEOUT, set).await
        }
        .boxed()
    }
}
