//! Two logins at the fake homeserver, which hand rooms to each other. Each is told of the rooms that it is in, and each has
//! transaction ids of its own.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crm::domain::matrix::{
    Matrix, MatrixError, MatrixState, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomEventKind, RoomFileError,
    RoomMark, RoomSpec, SentFile, Speaker, TxnId,
};
use crm::domain::media::Sink;
use crm::domain::moving::{Login, LoginKind, Logins};
use crm::domain::{CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use tokio::sync::watch;

use super::FakeMatrix;

/// People of one room, among our logins.
#[derive(Default)]
struct Place {
    creator: String,
    inside: HashSet<String>,
    invited: HashSet<String>,
    powerful: HashSet<String>,
    fence: Option<(String, MatrixEventId)>,
    is_encrypted: bool,
    tombstone: Option<MatrixEventId>,
}

/// What the homeserver knows of rooms and our logins.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<MatrixRoomId, Place>>>);

/// One of the logins.
pub struct FakeLogin {
    matrix: FakeMatrix,
    places: Places,
    kind: LoginKind,
    /// Whether the bot's rooms are encrypted.
    encrypts: bool,
    status: watch::Sender<MatrixStatus>,
}

pub fn user_of(kind: LoginKind) -> &'static str {
    match kind {
        LoginKind::Bot => "@bot:test",
        LoginKind::Service => "@crm:test",
    }
}

impl FakeLogin {
    pub fn new(matrix: FakeMatrix, places: Places, kind: LoginKind, encrypts: bool) -> Self {
        let status = MatrixStatus {
            state: MatrixState::Ready,
            detail: None,
            user: Some(user_of(kind).into()),
        };
        Self {
            matrix,
            places,
            kind,
            encrypts,
            status: watch::Sender::new(status),
        }
    }

    fn user(&self) -> String {
        user_of(self.kind).to_owned()
    }

    fn place<T>(&self, room: &MatrixRoomId, see: impl FnOnce(&mut Place) -> T) -> T {
        see(self.places.0.lock().unwrap().entry(room.clone()).or_default())
    }

    fn inside(&self, room: &MatrixRoomId) -> Result<(), MatrixError> {
        let user = self.user();
        if self.place(room, |place| place.inside.contains(&user)) {
            return Ok(());
        }
        Err(MatrixError::RoomGone(format!("{user} is not in {room}")))
    }

    /// A transaction id as the homeserver has it: another user's is another one.
    fn own(&self, txn: &TxnId) -> TxnId {
        TxnId(format!("{}/{}", self.user(), txn.0))
    }

    fn put(&self, room: &MatrixRoomId, what: RoomEventKind) -> MatrixEventId {
        self.matrix.happens_in(room, &self.user(), what)
    }
}

impl Matrix for FakeLogin {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.status.subscribe()
    }

    fn pull<'a>(&'a self, acked: Option<&'a RoomMark>) -> BoxFuture<'a, Result<RoomBatch, MatrixError>> {
        async move {
            let mut batch = self.matrix.pull(acked).await?;
            batch.events.retain(|event| self.inside(&event.room).is_ok());
            batch.receipts.retain(|receipt| self.inside(&receipt.room).is_ok());
            Ok(batch)
        }
        .boxed()
    }

    fn event<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<RoomEvent, MatrixError>> {
        async move {
            self.inside(room)?;
            self.matrix.event(room, id).await
        }
        .boxed()
    }

    fn events_up_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<Vec<MatrixEventId>, MatrixError>> {
        async move {
            self.inside(room)?;
            self.matrix.events_up_to(room, id).await
        }
        .boxed()
    }

    fn fetch_file<'a>(
        &'a self,
        file: &'a SentFile,
        max: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), RoomFileError>> {
        async move { self.matrix.fetch_file(file, max, sink).await }.boxed()
    }

    fn ensure_room<'a>(&'a self, spec: &'a RoomSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            let room = self.matrix.ensure_room(spec).await?;
            let user = self.user();
            self.place(&room, |place| {
                if place.creator.is_empty() {
                    place.creator.clone_from(&user);
                    place.is_encrypted = self.encrypts && self.kind == LoginKind::Bot;
                    place.inside.insert(user.clone());
                    place.powerful.insert(user.clone());
                }
                let of = spec.creator.as_ref().map_or(user.as_str(), MatrixUserId::as_str);
                assert!(
                    spec.creator.is_none() || place.creator == of,
                    "the room of {} is another's, and would get another alias",
                    place.creator
                );
            });
            self.inside(&room)?;
            Ok(room)
        }
        .boxed()
    }

    fn update_room<'a>(&'a self, room: &'a MatrixRoomId, spec: &'a RoomSpec) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.inside(room)?;
            let user = self.user();
            assert!(self.place(room, |place| place.powerful.contains(&user)), "no power");
            self.matrix.update_room(room, spec).await
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
            self.inside(room)?;
            self.matrix.send(room, speaker, &self.own(txn), content).await
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
            self.inside(room)?;
            self.matrix.send_at(room, speaker, &self.own(txn), content, at).await
        }
        .boxed()
    }

    fn find_sent<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<Option<MatrixEventId>, MatrixError>> {
        async move {
            self.inside(room)?;
            for kind in LoginKind::ALL {
                let txn = TxnId(format!("{}/{}", user_of(*kind), txn.0));
                if let Some(found) = self.matrix.find_sent(room, &txn).await? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
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
            self.inside(room)?;
            self.matrix.redact(room, id, txn).await
        }
        .boxed()
    }

    fn pin<'a>(&'a self, room: &'a MatrixRoomId, id: &'a MatrixEventId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.inside(room)?;
            self.matrix.pin(room, id).await
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
            self.inside(room)?;
            self.matrix.mark_read(room, reader, id).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {}.boxed()
    }
}

impl Login for FakeLogin {
    fn own(&self) -> Result<Vec<String>, MatrixError> {
        Ok(vec![self.user()])
    }

    fn know(&self, _logins: Logins) {}

    fn space(&self) -> String {
        "crm_space".to_owned()
    }

    fn reads_encrypted(&self) -> bool {
        self.kind == LoginKind::Bot
    }

    fn find_room<'a>(&'a self, alias: &'a str) -> BoxFuture<'a, Result<Option<MatrixRoomId>, MatrixError>> {
        async move {
            self.matrix.gate.pass().await;
            let known = self.matrix.rooms.lock().unwrap().rooms.clone();
            let mut known = known.into_iter().filter(|(name, _)| name == alias);
            Ok(known
                .next()
                .map(|(_, room)| room)
                .filter(|room| self.inside(room).is_ok()))
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
            self.matrix.enter_room(room).await?;
            self.inside(room)?;
            let is_encrypted = self.place(room, |place| {
                let can_read = reads_encrypted || !place.is_encrypted;
                if can_read && !place.inside.contains(heir.as_str()) {
                    place.invited.insert(heir.to_string());
                }
                place.is_encrypted
            });
            self.matrix.leave(is_encrypted).await
        }
        .boxed()
    }

    fn release<'a>(&'a self, room: &'a MatrixRoomId, alias: &'a str) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.matrix.enter_room(room).await?;
            {
                let mut rooms = self.matrix.rooms.lock().unwrap();
                for (name, known) in &mut rooms.rooms {
                    if name == alias && known == room {
                        name.push_str("-released");
                    }
                }
            }
            self.matrix.leave(()).await
        }
        .boxed()
    }

    fn bury<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        next: &'a MatrixRoomId,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            self.matrix.enter_room(room).await?;
            self.inside(room)?;
            let known = self.place(room, |place| place.tombstone.clone());
            let tombstone = known.unwrap_or_else(|| self.put(room, RoomEventKind::Replaced));
            self.place(room, |place| place.tombstone = Some(tombstone.clone()));
            assert_ne!(room, next);
            self.matrix.leave(tombstone).await
        }
        .boxed()
    }

    fn enter<'a>(&'a self, room: &'a MatrixRoomId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.matrix.enter_room(room).await?;
            let user = self.user();
            let is_asked = self.place(room, |place| {
                let is_asked = place.inside.contains(&user) || place.invited.remove(&user);
                if is_asked {
                    place.inside.insert(user.clone());
                }
                is_asked
            });
            if !is_asked {
                return Err(MatrixError::Refused("not invited".to_owned()));
            }
            self.matrix.leave(()).await
        }
        .boxed()
    }

    fn empower<'a>(&'a self, room: &'a MatrixRoomId, heir: &'a MatrixUserId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.matrix.enter_room(room).await?;
            self.place(room, |place| {
                assert!(place.inside.contains(heir.as_str()), "only who is in a room has power");
                place.powerful.insert(heir.to_string());
            });
            self.matrix.leave(()).await
        }
        .boxed()
    }

    fn set_fence<'a>(&'a self, room: &'a MatrixRoomId) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move {
            self.matrix.enter_room(room).await?;
            let user = self.user();
            assert!(self.place(room, |place| place.powerful.contains(&user)), "no power");
            let known = self.place(room, |place| place.fence.clone());
            let fence = match known {
                Some((keeper, fence)) if keeper == user => fence,
                _ => {
                    let fence = self.put(room, RoomEventKind::Fence);
                    self.place(room, |place| place.fence = Some((user, fence.clone())));
                    fence
                }
            };
            self.matrix.leave(fence).await
        }
        .boxed()
    }
}
