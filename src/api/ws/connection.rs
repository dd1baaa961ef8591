//! One connection. Three tasks run at once until one of them ends it: reading what the client sends, following the
//! journal, and writing the frames of both.

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::SplitStream;
use futures_util::{SinkExt as _, StreamExt as _};
use prometheus_client::metrics::gauge::Gauge;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::feed::{Following, Line};
use super::frame::{self, Close, Heard, failed, length};
use super::identify::{Identified, Start, identify};
use super::queue::{Queue, write};
use super::seats::{Seat, WaitingSeat};
use super::{FIRST_FRAME_BYTES, command};
use crate::api::MAX_BODY_BYTES;
use crate::api::access::auth::Caller;
use crate::api::access::events::{are_whole, shown};
use crate::api::access::secret;
use crate::api::server::wire::{OverBudget, Wire};
use crate::api::state::ApiState;
use crate::contract::{Hello, Ready, Reconnect, Resumed, ResyncRequired, ServerFrame};
use crate::domain::Seq;
use crate::domain::message::Origin;

/// The frame by which a client says who it is.
const IDENTIFY: &str = "identify";

/// Delay before a client should reconnect after a restart, in milliseconds.
const RECONNECT_AFTER_MS: u64 = 1000;

/// A connection that has just been opened.
pub struct Connection {
    pub state: ApiState,
    pub place: Place,
    /// The face behind the connection, from its `User-Agent`.
    pub origin: Origin,
    /// Whether the client accepts our subprotocol; if not, the connection is closed with 4012.
    pub speaks_ours: bool,
    /// Wakes up when a key was revoked.
    pub revoked: watch::Receiver<u64>,
    pub wire: Wire,
}

/// Holder of the key that a connection was opened with.
pub enum Place {
    /// The holder of the key in the `Authorization` header.
    Identified(Caller, Seat),
    /// A client that has yet to say who it is.
    Waiting(WaitingSeat),
}

impl Connection {
    /// Runs the connection to its end, and counts it among the open ones meanwhile.
    pub async fn run(self, socket: WebSocket) {
        let _open = Open::new(self.state.metrics.sockets.clone());
        self.talk(socket).await;
    }

    async fn talk(self, socket: WebSocket) {
        let (slow_consumers, limits) = (self.state.metrics.slow_consumers.clone(), self.state.limits);
        let (wire, stopping) = (self.wire.clone(), self.state.supervisor.stopping());
        let (mut sink, mut stream) = socket.split();
        let (queue, queued) = Queue::new(limits);
        let mut writing = Box::pin(write(&mut sink, queued));
        let close = tokio::select! {
            close = self.converse(&mut stream, queue) => close,
            () = &mut writing => return,
        };
        let mut patience = limits.farewell;
        if close == Close::SlowConsumer {
            slow_consumers.inc();
            // Its end comes after what is on its way already, so the client has to read that first.
            patience = limits.slow_farewell;
        } else {
            // The queue's sender is dropped, so writing ends after the last frame. All queued frames have to be
            // sent: the client would not notice a hole in the middle.
            let _ = timeout(limits.farewell, &mut writing).await;
        }
        drop(writing);
        if close == Close::Gone {
            return;
        }
        // Read until the client closes: closing a socket that has unread bytes resets it, and our close frame would
        // be lost.
        let farewell = timeout(patience, async {
            sink.send(close.message()).await?;
            while stream.next().await.transpose()?.is_some() {}
            if close == Close::TooLarge {
                wire.drain().await;
            }
            Ok::<_, axum::Error>(())
        });
        let stopped = async {
            stopping.cancelled().await;
            tokio::time::sleep(limits.farewell).await;
        };
        tokio::select! {
            _ = farewell => {}
            () = stopped => {}
        }
    }

    async fn converse(self, stream: &mut SplitStream<WebSocket>, queue: Queue) -> Close {
        let Ok(session) = secret::new_session_id() else {
            return Close::Unknown;
        };
        if !self.speaks_ours {
            return Close::BadVersion;
        }
        let limits = self.state.limits;
        let heartbeat_ms = u64::try_from(limits.heartbeat.as_millis()).unwrap_or(u64::MAX);
        let hello = Hello {
            heartbeat_interval_ms: heartbeat_ms,
            session_id: session.clone(),
        };
        let Self {
            state,
            place,
            origin,
            revoked,
            wire,
            ..
        } = self;
        let stopping = state.supervisor.stopping();
        let result = tokio::select! {
            result = async {
                queue.push(ServerFrame::Hello { d: hello }).await?;
                let (client, _seat, first) = identified(&state, place, origin, stream).await?;
                wire.lift();
                Live { state: &state, session: &session, queue: &queue, revoked }.run(client, first, stream).await
            } => result,
            () = stopping.cancelled() => {
                let d = Reconnect { after_ms: RECONNECT_AFTER_MS };
                queue.push(ServerFrame::Reconnect { d }).await.and(Err(Close::Restart))
            }
        };
        match result {
            Err(close) => close,
            Ok(never) => match never {},
        }
    }
}

/// Waits for the client's first frame, and returns who it is with its place. A client whose key is in the header need not
/// identify itself: a first frame that says something else is returned as well, to be answered.
async fn identified(
    state: &ApiState,
    place: Place,
    origin: Origin,
    stream: &mut SplitStream<WebSocket>,
) -> Result<(Identified, Seat, Option<Heard>), Close> {
    let limits = state.limits;
    match place {
        Place::Identified(caller, seat) => {
            let first = timeout(limits.header_grace, next(stream, MAX_BODY_BYTES))
                .await
                .ok()
                .transpose()?;
            let (d, first) = match first {
                Some(Heard::Frame(frame)) if frame.op == IDENTIFY => (frame.d, None),
                first => (Value::Null, first),
            };
            let client = Box::pin(identify(state, d, Some(caller), origin)).await?;
            Ok((client, seat, first))
        }
        Place::Waiting(seat) => {
            let first = timeout(limits.identify, next(stream, FIRST_FRAME_BYTES));
            let frame = tokio::select! {
                frame = first => frame.map_err(|_| Close::TimedOut)??,
                () = seat.gave_way() => return Err(Close::TryLater),
            };
            let client = Box::pin(identify(state, data(frame)?, None, origin)).await?;
            let seat = seat.identified().ok_or(Close::TryLater)?;
            Ok((client, seat, None))
        }
    }
}

/// Returns the data of an `identify` frame.
fn data(frame: Heard) -> Result<Value, Close> {
    match frame {
        Heard::Frame(frame) if frame.op == IDENTIFY => Ok(frame.d),
        Heard::Frame(_) => Err(Close::NotIdentified),
        Heard::Wrong { .. } => Err(Close::Undecodable),
    }
}

/// Counts a connection while it is open.
struct Open(Gauge);

impl Open {
    fn new(sockets: Gauge) -> Self {
        sockets.inc();
        Self(sockets)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A connection whose client is identified.
struct Live<'a> {
    state: &'a ApiState,
    session: &'a str,
    queue: &'a Queue,
    revoked: watch::Receiver<u64>,
}

enum Never {}

impl Live<'_> {
    /// Follows the journal and listens, until the connection ends. `first`: a frame that the client has sent already.
    async fn run(
        self,
        client: Identified,
        first: Option<Heard>,
        stream: &mut SplitStream<WebSocket>,
    ) -> Result<Never, Close> {
        let ready = Ready {
            seq: client.range.head,
            oldest: client.range.oldest,
        };
        self.queue.push(ServerFrame::Ready { d: ready }).await?;
        let (cursor, replay_to) = match client.start {
            Start::Live => (client.range.head, None),
            Start::After(seq) => (seq, Some(client.range.head)),
            Start::TooOld => {
                self.resync_required(client.range.oldest).await?;
                (client.range.head, None)
            }
        };
        tokio::select! {
            end = self.follow(cursor, replay_to, &client) => end,
            end = self.listen(first, stream, &client.caller) => end,
            end = self.watch(&client.caller) => end,
        }
    }

    /// Sends the journal's events from `cursor` on, without end. Sends `resumed` when `replay_to` is reached.
    async fn follow(&self, cursor: Seq, mut replay_to: Option<Seq>, client: &Identified) -> Result<Never, Close> {
        let mut reader = self.state.feed.after(cursor);
        let mut filter = client.filter.clone();
        let mut replayed = 0_u64;
        if replay_to.is_some_and(|end| end <= cursor) {
            replay_to = None;
            self.resumed(replayed).await?;
        }
        loop {
            let lines = match reader.next().await.map_err(|error| failed(&error))? {
                Following::Lines(lines) => lines,
                Following::Lost { oldest } => {
                    self.resync_required(oldest).await?;
                    continue;
                }
            };
            for line in lines {
                let seq = line.seq;
                line.widen(&mut filter);
                if line.passes(&filter)
                    && let Some(message) = self.told(line, &client.caller).await?
                {
                    replayed += u64::from(replay_to.is_some());
                    self.queue.push_message(message).await?;
                    self.state.metrics.events_sent.inc();
                }
                if replay_to.is_some_and(|end| seq >= end) {
                    replay_to = None;
                    self.resumed(replayed).await?;
                }
            }
        }
    }

    /// Returns the frame of an event as the client gets to see it; `None` if they do not. Who sees everything gets the bytes
    /// that all share.
    async fn told(&self, line: Line, caller: &Caller) -> Result<Option<Message>, Close> {
        if are_whole(caller, line.kind()) {
            return Ok(Some(line.message()));
        }
        let event = line.event().map_err(|error| failed(&error))?;
        // Boxed, as all that reads the database here: an idle connection does not keep room for it.
        let event = Box::pin(shown(&self.state.store, caller, event)).await;
        let Some(event) = event.map_err(|error| failed(&error))? else {
            return Ok(None);
        };
        let text = frame::text(&ServerFrame::Event(event.into())).map_err(|error| failed(&error))?;
        Ok(Some(Message::Text(text)))
    }

    async fn resumed(&self, replayed: u64) -> Result<(), Close> {
        self.queue
            .push(ServerFrame::Resumed {
                d: Resumed { replayed },
            })
            .await
    }

    async fn resync_required(&self, oldest: Seq) -> Result<(), Close> {
        let d = ResyncRequired { oldest };
        self.queue.push(ServerFrame::ResyncRequired { d }).await
    }

    /// Executes the client's commands and answers its heartbeats.
    async fn listen(
        &self,
        mut first: Option<Heard>,
        stream: &mut SplitStream<WebSocket>,
        caller: &Caller,
    ) -> Result<Never, Close> {
        let mut asked = 0_u64;
        loop {
            let frame = match first.take() {
                Some(first) => Some(first),
                None => timeout(self.state.limits.silence, next_heard(stream, MAX_BODY_BYTES))
                    .await
                    .map_err(|_| Close::TimedOut)??,
            };
            let Some(frame) = frame else { continue };
            asked += 1;
            // Each request has an id of its own, as in REST; its beginning tells the session.
            let request = format!("{}-{asked}", self.session);
            let answer = match frame {
                Heard::Frame(frame) if frame.op == "heartbeat" => ServerFrame::HeartbeatAck { s: frame.s },
                Heard::Frame(frame) => {
                    let run = Box::pin(async {
                        // An agent may have another name by now.
                        let caller = self.still_valid(caller).await?;
                        Ok::<_, Close>(command::run(self.state, &caller, &request, frame).await)
                    });
                    let reply = run.await?.ok_or(Close::BadOp)?;
                    ServerFrame::Reply(reply.map_err(|error| failed(&error))?)
                }
                Heard::Wrong { id, problem } => {
                    let reply = command::refused(self.state, caller, id, problem, &request);
                    ServerFrame::Reply(reply.map_err(|error| failed(&error))?)
                }
            };
            self.queue.push(answer).await?;
        }
    }

    /// Pings the client at each heartbeat, and ends the connection when its key is no longer valid.
    async fn watch(&self, caller: &Caller) -> Result<Never, Close> {
        let heartbeat = self.state.limits.heartbeat;
        let mut ticks = interval_at(Instant::now() + heartbeat, heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut revoked = self.revoked.clone();
        let expired = caller.expiry(&*self.state.clock);
        tokio::pin!(expired);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.queue.push_message(Message::Ping(Vec::new().into())).await?,
                // The sender lives as long as the state, which we hold.
                _ = revoked.changed() => {}
                () = &mut expired => return Err(Close::AuthFailed),
            }
            self.still_valid(caller).await?;
        }
    }

    /// Returns the caller as they are named now. Ends the connection if its key is revoked or expired.
    async fn still_valid(&self, caller: &Caller) -> Result<Caller, Close> {
        let now = Box::pin(self.state.access().renewed(caller)).await;
        now.map_err(|error| failed(&error))?.ok_or(Close::AuthFailed)
    }
}

/// Returns the client's next frame, of at most `max` bytes.
async fn next(stream: &mut SplitStream<WebSocket>, max: usize) -> Result<Heard, Close> {
    loop {
        if let Some(heard) = next_heard(stream, max).await? {
            return Ok(heard);
        }
    }
}

/// Returns the client's next frame, or `None` for a ping or pong, which only show that it is alive.
async fn next_heard(stream: &mut SplitStream<WebSocket>, max: usize) -> Result<Option<Heard>, Close> {
    match stream.next().await {
        None | Some(Ok(Message::Close(_))) => Err(Close::Gone),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(message)) if length(&message) > max => Err(Close::TooLarge),
        Some(Ok(Message::Text(text))) => frame::read(&text).map(Some),
        Some(Ok(Message::Binary(_))) => Err(Close::Undecodable),
        Some(Err(error)) => Err(broken(&error)),
    }
}

/// Maps an error of the WebSocket to a close code.
fn broken(error: &axum::Error) -> Close {
    use tokio_tungstenite::tungstenite::Error;
    let inner = std::error::Error::source(error).and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::Capacity(_)) => Close::TooLarge,
        Some(Error::Io(error)) if is_over_budget(error) => Close::TooLarge,
        Some(Error::Utf8(_)) => Close::Undecodable,
        _ => Close::Gone,
    }
}

/// Returns whether the socket stopped reading because a frame was too large for a client without a key.
fn is_over_budget(error: &std::io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<OverBudget>)
}
