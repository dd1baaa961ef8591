//! The port to Matrix, played by the fake homeserver.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crm::domain::matrix::{
    Matrix, MatrixError, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomFileError, RoomMark, RoomSpec, SentFile,
    Speaker, TxnId,
};
use crm::domain::media::Sink;
use crm::domain::own_homeserver::OwnHomeserver;
use crm::domain::{Clock, CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use tokio::sync::watch;

use super::{FakeMatrix, REMEMBERS, Refuses, What, receipt};

impl Matrix for FakeMatrix {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.rooms.lock().unwrap().status.subscribe()
    }

    fn pull<'a>(&'a self, acked: Option<&'a RoomMark>) -> BoxFuture<'a, Result<RoomBatch, MatrixError>> {
        async move {
            self.enter().await?;
            let batch = {
                let mut rooms = self.rooms.lock().unwrap();
                let typing = std::mem::take(&mut rooms.typing);
                let from = acked.map_or(rooms.log.len(), |token| token.0.parse().unwrap());
                let told = |shown| rooms.told(shown);
                let mut lost: Vec<RoomEvent> = rooms.log[from..].iter().filter_map(told).collect();
                let events = lost.split_off(lost.len().saturating_sub(rooms.read_back));
                RoomBatch {
                    mark: RoomMark(rooms.log.len().to_string()),
                    events,
                    receipts: rooms.log[from..].iter().filter_map(receipt).collect(),
                    typing,
                    cut: lost.into_iter().map(|event| event.room).collect(),
                    is_catch_up: false,
                }
            };
            self.leave(batch).await
        }
        .boxed()
    }

    fn event<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<RoomEvent, MatrixError>> {
        async move {
            self.enter_room(room).await?;
            let event = {
                let rooms = self.rooms.lock().unwrap();
                let mut log = rooms.log.iter().filter(|shown| !rooms.has_lost(&shown.id));
                log.find(|shown| shown.id == *id).and_then(|shown| rooms.event(shown))
            };
            let unknown = || MatrixError::Refused("there is no such event".to_owned());
            self.leave(event.ok_or_else(unknown)?).await
        }
        .boxed()
    }

    fn events_up_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<Vec<MatrixEventId>, MatrixError>> {
        async move {
            self.enter_room(room).await?;
            let events = {
                let rooms = self.rooms.lock().unwrap();
                let of_room = rooms.log.iter().rev().filter(|shown| shown.room == *room);
                let up_to = of_room.skip_while(|shown| shown.id != *id);
                // A receipt is no event of the room.
                let events = up_to.filter(|shown| !matches!(shown.what, What::Receipt { .. }));
                events.map(|shown| shown.id.clone()).collect()
            };
            self.leave(events).await
        }
        .boxed()
    }

    fn fetch_file<'a>(
        &'a self,
        file: &'a SentFile,
        max: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), RoomFileError>> {
        async move {
            self.enter().await?;
            if file.source == "gone" {
                return Err(MatrixError::Refused("not found (404 M_NOT_FOUND)".to_owned()).into());
            }
            if file.source == "elsewhere" {
                let unreachable = MatrixError::Unreachable {
                    why: "the other homeserver does not answer (502)".to_owned(),
                    retry_after: None,
                };
                return Err(unreachable.into());
            }
            let bytes = file.source.as_bytes();
            if bytes.len() as u64 > max {
                return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge).into());
            }
            let (first, second) = bytes.split_at(bytes.len() / 2);
            sink.write(first).await?;
            self.gate.pass().await;
            sink.write(second).await?;
            self.leave(()).await.map_err(RoomFileError::from)
        }
        .boxed()
    }

    fn ensure_room<'a>(&'a self, spec: &'a RoomSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            self.enter().await?;
            let room = {
                let mut rooms = self.rooms.lock().unwrap();
                let mut known = rooms.rooms.iter();
                let known = known.find(|(alias, room)| *alias == spec.alias && !rooms.gone.contains(room));
                if let Some((_, room)) = known {
                    room.clone()
                } else {
                    let room = MatrixRoomId(format!("!{}", rooms.rooms.len()));
                    rooms.rooms.push((spec.alias.clone(), room.clone()));
                    rooms.topics.insert(room.clone(), spec.topic.clone());
                    rooms.invite(&room, &spec.invite);
                    room
                }
            };
            {
                let mut rooms = self.rooms.lock().unwrap();
                rooms.excluded.insert(room.clone(), spec.exclude.clone());
                rooms.invited.insert(room.clone(), spec.invite.clone());
            }
            self.leave(room).await
        }
        .boxed()
    }

    fn update_room<'a>(&'a self, room: &'a MatrixRoomId, spec: &'a RoomSpec) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.enter_room(room).await?;
            let mut rooms = self.rooms.lock().unwrap();
            rooms.topics.insert(room.clone(), spec.topic.clone());
            rooms.invite(room, &spec.invite);
            rooms.excluded.insert(room.clone(), spec.exclude.clone());
            rooms.invited.insert(room.clone(), spec.invite.clone());
            Ok(())
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
        async move { self.send_at(room, speaker, txn, content, self.clock.now()).await }.boxed()
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
            self.enter_room(room).await?;
            if self.rooms.lock().unwrap().refuses == Refuses::All {
                return Err(MatrixError::Refused("not allowed".to_owned()));
            }
            let is_file = matches!(content, RoomContent::File { .. });
            if is_file && self.rooms.lock().unwrap().refuses == Refuses::Files {
                return Err(MatrixError::Refused("too large (413 M_TOO_LARGE)".to_owned()));
            }
            let event = {
                let now = self.clock.now();
                let mut rooms = self.rooms.lock().unwrap();
                match rooms.txns.get(txn) {
                    Some((event, at)) if now.since(*at) < REMEMBERS => event.clone(),
                    _ => {
                        if let Some(refusal) = rooms.refusal(speaker, txn, content) {
                            return Err(refusal);
                        }
                        let what = What::Bot {
                            speaker: speaker.clone(),
                            txn: txn.clone(),
                            content: content.clone(),
                        };
                        let event = rooms.append(room.clone(), at, what);
                        rooms.txns.insert(txn.clone(), (event.clone(), now));
                        event
                    }
                }
            };
            if std::mem::take(&mut self.rooms.lock().unwrap().lose_next) {
                return Err(MatrixError::Unreachable {
                    why: "the answer was lost".into(),
                    retry_after: Some(Duration::from_hours(2)),
                });
            }
            self.leave(event).await
        }
        .boxed()
    }

    fn find_sent<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<Option<MatrixEventId>, MatrixError>> {
        async move {
            self.enter_room(room).await?;
            let rooms = self.rooms.lock().unwrap();
            let found =
                rooms.log.iter().rev().find(|shown| {
                    shown.room == *room && matches!(&shown.what, What::Bot { txn: sent, .. } if sent == txn)
                });
            Ok(found.map(|shown| shown.id.clone()))
        }
        .boxed()
    }

    fn redact<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
        _txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.enter_room(room).await?;
            {
                let mut rooms = self.rooms.lock().unwrap();
                let shown = rooms
                    .log
                    .iter_mut()
                    .find(|shown| shown.id == *id)
                    .expect("an event that exists");
                if shown.room != *room {
                    return Err(MatrixError::Refused("the event is of another room".to_owned()));
                }
                shown.redacted = true;
            }
            self.leave(()).await
        }
        .boxed()
    }

    fn pin<'a>(&'a self, room: &'a MatrixRoomId, id: &'a MatrixEventId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.enter_room(room).await?;
            {
                let mut rooms = self.rooms.lock().unwrap();
                let pinned = rooms.pinned.entry(room.clone()).or_default();
                if !pinned.contains(id) {
                    pinned.push(id.clone());
                }
            }
            self.leave(()).await
        }
        .boxed()
    }

    fn mark_read<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        _reader: Option<CustomerId>,
        _id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move { self.enter_room(room).await }.boxed()
    }

    fn typing<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        customer: Option<CustomerId>,
        is_typing: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let typed = (room.clone(), customer, is_typing);
            self.rooms.lock().unwrap().typed.push(typed);
            Ok(())
        }
        .boxed()
    }

    fn has_ghosts(&self) -> bool {
        self.rooms.lock().unwrap().has_ghosts
    }

    fn set_team<'a>(
        &'a self,
        invite: &'a [MatrixUserId],
        exclude: &'a [MatrixUserId],
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.enter().await?;
            self.rooms.lock().unwrap().spaces.team = Some((invite.to_vec(), exclude.to_vec()));
            self.leave(()).await
        }
        .boxed()
    }

    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        self.has_ghosts().then_some(self as &dyn OwnHomeserver)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {}.boxed()
    }
}
