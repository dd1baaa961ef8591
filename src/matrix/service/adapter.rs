//! The port's implementation: each call gets the session and runs under a deadline.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;

use super::inbox::{Next, POLL};
use super::inner::Inner;
use super::pulse;
use super::sending::{self, Sending};
use super::session::Session;
use crate::domain::matrix::{
    Avatar, Matrix, MatrixError, MatrixStatus, RoomBatch, RoomContent, RoomEvent, RoomFileError, RoomMark, RoomSpec,
    SentFile, Speaker, TxnId,
};
use crate::domain::media::Sink;
use crate::domain::own_homeserver::OwnHomeserver;
use crate::domain::{Clock, CustomerId, MatrixEventId, MatrixRoomId, MatrixUserId, Timestamp};
use crate::matrix::connection::{CALL_TIMEOUT, Opened, ROOM_TIMEOUT, UPLOAD_TIMEOUT};
use crate::matrix::options::ServiceOptions;
use crate::matrix::rooms::{self, Caller};
use crate::matrix::wire::{Fault, event_id, room_id};
use crate::supervisor::Supervisor;

/// Our application service on a homeserver. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Service {
    pub(super) inner: Arc<Inner>,
}

impl Service {
    /// Starts to connect, and returns at once. The connection stays open until the supervisor stops.
    pub fn start(options: ServiceOptions, clock: Arc<dyn Clock>, supervisor: &Supervisor) -> Self {
        let inner = Arc::new(Inner::new(options, clock, supervisor));
        let pulse = pulse::watch(Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix-pulse", pulse);
        let (runner, stopping) = (Arc::clone(&inner), supervisor.stopping());
        supervisor.spawn("matrix", async move {
            let options = &runner.options;
            let open = || async {
                let session = Session::open(options).await?;
                let user = Some(MatrixUserId(session.us().to_string()));
                Ok(Opened {
                    client: Arc::new(session),
                    user,
                })
            };
            let verify = |session: Arc<Session>| async move { session.verify(options).await };
            runner.connection.run(open, verify, stopping).await
        });
        Self { inner }
    }

    /// Makes the Space at the start of a run, so that a new agent is invited before the next customer writes. A failure is
    /// only logged: the next room runs into it again.
    fn update_space(&self, session: Arc<Session>) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-space", async move {
            let logins = inner.logins_with(&session);
            let ensured = inner.rooms.ensure_space(session.caller(), inner.team(&logins), &[]);
            if let Err(error) = inner.connection.within(ROOM_TIMEOUT, ensured).await {
                tracing::warn!("could not update the Space: {error}; trying again with the next room");
            }
        });
    }

    /// Asks the homeserver to call us, and with it to push again what it gave up on.
    fn ask_for_pushes(&self, session: Arc<Session>) {
        let inner = Arc::clone(&self.inner);
        self.inner.supervisor.spawn_short("matrix-ping", async move {
            let ping = session.ping(&inner.options.registration.id);
            if let Err(error) = inner.connection.within(CALL_TIMEOUT, ping).await {
                tracing::warn!("the homeserver does not push again at once: {error}");
            }
        });
    }

    /// Sends an event, now or at a time of the past.
    async fn put(
        &self,
        room: &MatrixRoomId,
        speaker: &Speaker,
        txn: &TxnId,
        content: &RoomContent,
        at: Option<Timestamp>,
    ) -> Result<MatrixEventId, MatrixError> {
        let (inner, session, room) = (&self.inner, self.inner.connection.client()?, room_id(room)?);
        let uploaded = match content {
            RoomContent::File { file, .. } => {
                let _turn = inner.uploads.acquire().await;
                let upload = sending::upload(&session, file);
                Some(inner.connection.within(UPLOAD_TIMEOUT, upload).await?)
            }
            _ => None,
        };
        let sending = Sending {
            room: &room,
            speaker,
            txn,
            content,
            uploaded,
            at,
        };
        inner
            .connection
            .within(CALL_TIMEOUT, sending.send(&session, &inner.ghosts))
            .await
    }
}

impl Matrix for Service {
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        self.inner.connection.status()
    }

    fn pull<'a>(&'a self, acked: Option<&'a RoomMark>) -> BoxFuture<'a, Result<RoomBatch, MatrixError>> {
        async move {
            let inner = &self.inner;
            // In this order: if it is lost in between, the next pull catches up.
            let connection = inner.connection.times_ready();
            let session = inner.connection.client()?;
            // While rooms move to us the Space is another login's.
            if !inner.logins().is_moving && !inner.has_space.swap(true, Ordering::Relaxed) {
                self.update_space(Arc::clone(&session));
            }
            let end = Instant::now() + POLL;
            loop {
                let acknowledged = inner.inbox.acknowledge(acked, inner.clock.now(), connection);
                if acknowledged.is_overdue {
                    self.ask_for_pushes(Arc::clone(&session));
                }
                let batch = match acknowledged.next {
                    Next::Wait(longest) => tokio::select! {
                        batch = inner.inbox.next(longest) => batch,
                        () = inner.connection.until_changed(connection) => None,
                    },
                    Next::Sweep(since) => {
                        Box::pin(inner.sweep(&session, since, connection)).await?;
                        let found = inner.inbox.next(Duration::ZERO).await;
                        let is_news = |batch: &RoomBatch| acked != Some(&batch.mark) || !batch.events.is_empty();
                        match found.filter(is_news) {
                            // There is nothing to be stored yet.
                            None if Instant::now() < end => continue,
                            found => found,
                        }
                    }
                };
                return Ok(batch.unwrap_or_else(|| RoomBatch::nothing_until(inner.inbox.mark())));
            }
        }
        .boxed()
    }

    fn event<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<RoomEvent, MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let found = sending::event(&session, &room, &id);
            self.inner.connection.within(CALL_TIMEOUT, found).await
        }
        .boxed()
    }

    fn events_up_to<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        id: &'a MatrixEventId,
    ) -> BoxFuture<'a, Result<Vec<MatrixEventId>, MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let found = rooms::up_to(session.caller(), &room, &id);
            self.inner.connection.within(CALL_TIMEOUT, found).await
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
            let session = self.inner.connection.client()?;
            session.files().fetch(&file.source, max, sink).await
        }
        .boxed()
    }

    fn ensure_room<'a>(&'a self, spec: &'a RoomSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            let (inner, session) = (&self.inner, self.inner.connection.client()?);
            let logins = inner.logins_with(&session);
            let ensured = inner.rooms.ensure(session.caller(), inner.team(&logins), spec, false);
            let room = inner.connection.within(ROOM_TIMEOUT, ensured).await?;
            Ok(MatrixRoomId(room.to_string()))
        }
        .boxed()
    }

    fn update_room<'a>(&'a self, room: &'a MatrixRoomId, spec: &'a RoomSpec) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let (inner, session, room) = (&self.inner, self.inner.connection.client()?, room_id(room)?);
            let logins = inner.logins_with(&session);
            let updated = inner
                .rooms
                .update(session.caller(), inner.team(&logins), &room, spec, false);
            inner.connection.within(ROOM_TIMEOUT, updated).await
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
        async move { self.put(room, speaker, txn, content, None).await }.boxed()
    }

    fn send_at<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        txn: &'a TxnId,
        content: &'a RoomContent,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<MatrixEventId, MatrixError>> {
        async move { self.put(room, speaker, txn, content, Some(at)).await }.boxed()
    }

    fn find_sent<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<Option<MatrixEventId>, MatrixError>> {
        async move {
            let (session, room) = (self.inner.connection.client()?, room_id(room)?);
            let logins = self.inner.logins();
            let found = sending::find_sent(&session, &logins, &room, txn);
            self.inner.connection.within(CALL_TIMEOUT, found).await
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
            let session = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            // As our own user, who may also redact what a customer's user sent.
            let redacted = rooms::redact(session.caller(), &room, &id, txn);
            self.inner.connection.within(CALL_TIMEOUT, redacted).await
        }
        .boxed()
    }

    fn pin<'a>(&'a self, room: &'a MatrixRoomId, id: &'a MatrixEventId) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let pinned = rooms::pin(session.caller(), &room, &id);
            self.inner.connection.within(CALL_TIMEOUT, pinned).await
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
            let session = self.inner.connection.client()?;
            let (room, id) = (room_id(room)?, event_id(id)?);
            let mark = async {
                if let Some(reader) = reader {
                    let ghost = session.ghost(reader)?;
                    let caller = Caller::Service(session.acting_as(&ghost));
                    match rooms::mark_read(caller, &room, &id).await {
                        // They have no user yet, or are not in the room: they have read without ever writing.
                        Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_) | Fault::Gone(_)) => {}
                        done => return done,
                    }
                }
                rooms::mark_read(session.caller(), &room, &id).await
            };
            self.inner.connection.within(CALL_TIMEOUT, mark).await
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
            let (session, room) = (self.inner.connection.client()?, room_id(room)?);
            let tell = async {
                if let Some(customer) = customer {
                    let ghost = session.ghost(customer)?;
                    let caller = Caller::Service(session.acting_as(&ghost));
                    match rooms::type_in(caller, &room, is_typing).await {
                        // They have no user yet, or are not in the room.
                        Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_) | Fault::Gone(_)) => {}
                        done => return done,
                    }
                }
                rooms::type_in(session.caller(), &room, is_typing).await
            };
            self.inner.connection.within(CALL_TIMEOUT, tell).await
        }
        .boxed()
    }

    fn is_ours(&self, user: &MatrixUserId) -> bool {
        let session = self.inner.connection.client();
        session.is_ok_and(|session| session.is_ours(user.as_str())) || self.inner.logins().has(user.as_str())
    }

    fn has_ghosts(&self) -> bool {
        true
    }

    fn wants_avatar<'a>(
        &'a self,
        customer: CustomerId,
        address: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let wants = self.inner.ghosts.wants_avatar(&session, customer, address);
            self.inner.connection.within(CALL_TIMEOUT, wants).await
        }
        .boxed()
    }

    fn set_avatar<'a>(
        &'a self,
        customer: CustomerId,
        avatar: Option<&'a Avatar>,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let session = self.inner.connection.client()?;
            let set = self.inner.ghosts.set_avatar(&session, customer, avatar);
            self.inner.connection.within(CALL_TIMEOUT, set).await
        }
        .boxed()
    }

    fn set_team<'a>(
        &'a self,
        invite: &'a [MatrixUserId],
        exclude: &'a [MatrixUserId],
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            let (inner, session) = (&self.inner, self.inner.connection.client()?);
            let logins = inner.logins_with(&session);
            let set = inner
                .rooms
                .set_team(session.caller(), inner.team(&logins), invite, exclude);
            inner.connection.within(ROOM_TIMEOUT, set).await
        }
        .boxed()
    }

    fn own_homeserver(&self) -> Option<&dyn OwnHomeserver> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.inner.connection.close();
        }
        .boxed()
    }
}
