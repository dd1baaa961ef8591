//! What rooms have besides on one's own homeserver: sub-spaces, pictures, and what customers' users take back themselves.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::adapter::Service;
use crate::domain::matrix::{Avatar, MatrixError, Speaker, TxnId};
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::sub_space::SubSpaceSpec;
use crate::domain::{MatrixEventId, MatrixRoomId};
use crate::matrix::connection::{CALL_TIMEOUT, ROOM_TIMEOUT, UPLOAD_TIMEOUT};
use crate::matrix::rooms::{self, Caller, read_file, upload_request};
use crate::matrix::wire::{Fault, event_id, room_id};

impl OwnHomeserver for Service {
    fn ensure_sub_space<'a>(&'a self, spec: &'a SubSpaceSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            let (inner, session) = (&self.inner, self.inner.connection.client()?);
            let logins = inner.logins_with(&session);
            let ensured = inner
                .rooms
                .ensure_sub_space(session.caller(), inner.team(&logins), spec);
            let room = inner.connection.within(ROOM_TIMEOUT, ensured).await?;
            Ok(MatrixRoomId(room.to_string()))
        }
        .boxed()
    }

    fn put_into<'a>(
        &'a self,
        space: &'a MatrixRoomId,
        room: &'a MatrixRoomId,
        is_in: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let (space, room) = (room_id(space)?, room_id(room)?);
            let put = rooms::put_into(session.caller(), &space, &room, is_in);
            self.inner.connection.within(CALL_TIMEOUT, put).await
        }
        .boxed()
    }

    fn set_room_avatar<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        avatar: Option<&'a Avatar>,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let (session, room) = (self.inner.connection.client()?, room_id(room)?);
            let set = async {
                let uploaded = match avatar {
                    Some(Avatar { path, mimetype, .. }) => {
                        let bytes = read_file(path, "of a customer's picture").await?;
                        let request = upload_request(bytes, mimetype, None);
                        Some(session.acting().send(request).await?.content_uri)
                    }
                    None => None,
                };
                rooms::set_avatar(session.caller(), &room, uploaded.as_deref()).await
            };
            self.inner.connection.within(UPLOAD_TIMEOUT, set).await
        }
        .boxed()
    }

    fn take_back<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        id: &'a MatrixEventId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let take_back = async {
                if let Speaker::Customer { id: customer, .. } = speaker {
                    let ghost = session.ghost(*customer)?;
                    let caller = Caller::Service(session.acting_as(&ghost));
                    match rooms::redact(caller, &room, &id, txn).await {
                        // They are not in the room any more, or our own user has sent it in their place.
                        Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_) | Fault::Gone(_)) => {}
                        done => return done,
                    }
                }
                rooms::redact(session.caller(), &room, &id, txn).await
            };
            self.inner.connection.within(CALL_TIMEOUT, take_back).await
        }
        .boxed()
    }
}
