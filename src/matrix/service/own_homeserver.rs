//! What rooms have besides on one's own homeserver: sub-spaces, pictures, and what customers' users take back themselves.

use async_trait::async_trait;

use super::adapter::Service;
use crate::domain::matrix::{Avatar, MatrixError, Speaker, TxnId};
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::sub_space::SubSpaceSpec;
use crate::domain::{MatrixEventId, MatrixRoomId};
use crate::matrix::connection::{CALL_TIMEOUT, ROOM_TIMEOUT, UPLOAD_TIMEOUT};
use crate::matrix::rooms::{self, Caller, read_file, upload_request};
use crate::matrix::wire::{Fault, event_id, room_id};

#[async_trait]
impl OwnHomeserver for Service {
    async fn ensure_sub_space(&self, spec: &SubSpaceSpec) -> Result<MatrixRoomId, MatrixError> {
        let (inner, session, logins) = (&self.inner, self.inner.connection.client()?, self.inner.logins());
        let ensured = inner
            .rooms
            .ensure_sub_space(session.caller(), inner.team(&logins), spec);
        let room = inner.connection.within(ROOM_TIMEOUT, ensured).await?;
        Ok(MatrixRoomId(room.to_string()))
    }

    async fn put_into(&self, space: &MatrixRoomId, room: &MatrixRoomId, is_in: bool) -> Result<(), MatrixError> {
        let session = self.inner.connection.client()?;
        let (space, room) = (room_id(space)?, room_id(room)?);
        let put = rooms::put_into(session.caller(), &space, &room, is_in);
        self.inner.connection.within(CALL_TIMEOUT, put).await
    }

    async fn set_room_avatar(&self, room: &MatrixRoomId, avatar: Option<&Avatar>) -> Result<(), MatrixError> {
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

    async fn take_back(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        id: &MatrixEventId,
        txn: &TxnId,
    ) -> Result<(), MatrixError> {
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
}
