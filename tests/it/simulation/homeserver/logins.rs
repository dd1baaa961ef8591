//! Two logins at the fake homeserver, which hand rooms to each other. Each is told of the rooms that it is in, and each has
//! transaction ids of its own.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
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

#[async_trait]
impl Matrix for FakeLogin {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.status.subscribe()
    }

    async fn pull(&self, acked: Option<&RoomMark>) -> Result<RoomBatch, MatrixError> {
        let mut batch = self.matrix.pull(acked).await?;
        batch.events.retain(|event| self.inside(&event.room).is_ok());
        batch.receipts.retain(|receipt| self.inside(&receipt.room).is_ok());
        Ok(batch)
    }

    async fn event(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<RoomEvent, MatrixError> {
        self.inside(room)?;
        self.matrix.event(room, id).await
    }

    async fn events_up_to(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<Vec<MatrixEventId>, MatrixError> {
        self.inside(room)?;
        self.matrix.events_up_to(room, id).await
    }

    async fn fetch_file(&self, file: &SentFile, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        self.matrix.fetch_file(file, max, sink).await
    }

    async fn ensure_room(&self, spec: &RoomSpec) -> Result<MatrixRoomId, MatrixError> {
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

    async fn update_room(&self, room: &MatrixRoomId, spec: &RoomSpec) -> Result<(), MatrixError> {
        self.inside(room)?;
        let user = self.user();
        assert!(self.place(room, |place| place.powerful.contains(&user)), "no power");
        self.matrix.update_room(room, spec).await
    }

    async fn send(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
    ) -> Result<MatrixEventId, MatrixError> {
        self.inside(room)?;
        self.matrix.send(room, speaker, &self.own(txn), content).await
    }

    async fn send_at(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
        at: Timestamp,
    ) -> Result<MatrixEventId, MatrixError> {
        self.inside(room)?;
        self.matrix.send_at(room, speaker, &self.own(txn), content, at).await
    }

    async fn find_sent(&self, room: &MatrixRoomId, txn: &TxnId) -> Result<Option<MatrixEventId>, MatrixError> {
        self.inside(room)?;
        for kind in LoginKind::ALL {
            let txn = TxnId(format!("{}/{}", user_of(*kind), txn.0));
            if let Some(found) = self.matrix.find_sent(room, &txn).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn redact(&self, room: &MatrixRoomId, id: &MatrixEventId, txn: &TxnId) -> Result<(), MatrixError> {
        self.inside(room)?;
        self.matrix.redact(room, id, txn).await
    }

    async fn pin(&self, room: &MatrixRoomId, id: &MatrixEventId) -> Result<(), MatrixError> {
        self.inside(room)?;
        self.matrix.pin(room, id).await
    }

    async fn mark_read(
        &self,
        room: &MatrixRoomId,
        reader: Option<CustomerId>,
        id: &MatrixEventId,
    ) -> Result<(), MatrixError> {
        self.inside(room)?;
        self.matrix.mark_read(room, reader, id).await
    }

    async fn close(&self) {}
}

#[async_trait]
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

    async fn find_room(&self, alias: &str) -> Result<Option<MatrixRoomId>, MatrixError> {
        self.matrix.gate.pass().await;
        let known = self.matrix.rooms.lock().unwrap().rooms.clone();
        let mut known = known.into_iter().filter(|(name, _)| name == alias);
        Ok(known
            .next()
            .map(|(_, room)| room)
            .filter(|room| self.inside(room).is_ok()))
    }

    async fn invite_heir(
        &self,
        room: &MatrixRoomId,
        heir: &MatrixUserId,
        reads_encrypted: bool,
    ) -> Result<bool, MatrixError> {
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

    async fn release(&self, room: &MatrixRoomId, alias: &str) -> Result<(), MatrixError> {
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

    async fn bury(&self, room: &MatrixRoomId, next: &MatrixRoomId) -> Result<MatrixEventId, MatrixError> {
        self.matrix.enter_room(room).await?;
        self.inside(room)?;
        let known = self.place(room, |place| place.tombstone.clone());
        let tombstone = known.unwrap_or_else(|| self.put(room, RoomEventKind::Replaced));
        self.place(room, |place| place.tombstone = Some(tombstone.clone()));
        assert_ne!(room, next);
        self.matrix.leave(tombstone).await
    }

    async fn enter(&self, room: &MatrixRoomId) -> Result<(), MatrixError> {
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

    async fn empower(&self, room: &MatrixRoomId, heir: &MatrixUserId) -> Result<(), MatrixError> {
        self.matrix.enter_room(room).await?;
        self.place(room, |place| {
            assert!(place.inside.contains(heir.as_str()), "only who is in a room has power");
            place.powerful.insert(heir.to_string());
        });
        self.matrix.leave(()).await
    }

    async fn set_fence(&self, room: &MatrixRoomId) -> Result<MatrixEventId, MatrixError> {
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
}
