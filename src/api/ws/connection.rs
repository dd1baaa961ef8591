//! One connection. Three tasks run at once until one of them ends it: reading what the client sends, following the
//! journal, and writing the frames of both.

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use prometheus_client::metrics::gauge::Gauge;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::command;
use super::frame::{self, Close};
use super::identify::{Identified, Start, identify};
use super::limits::SocketLimits;
use crate::api::MAX_BODY_BYTES;
use crate::api::access::auth::Caller;
use crate::api::access::secret;
use crate::api::state::ApiState;
use crate::contract::{ClientFrame, Hello, Ready, Reconnect, Resumed, ResyncRequired, ServerFrame};
use crate::domain::Seq;
use crate::domain::message::Origin;
use crate::store::{EventFilter, Follower, Next};

/// Delay before a client should reconnect after a restart, in milliseconds.
const RECONNECT_AFTER_MS: u64 = 1000;

/// A connection that has just been opened.
pub struct Connection {
    pub state: ApiState,
    /// Holder of the key in the `Authorization` header, if there was one.
    pub caller: Option<Caller>,
    /// The face behind the connection, from its `User-Agent`.
    pub origin: Origin,
    /// Whether the client accepts our subprotocol; if not, the connection is closed with 4012.
    pub speaks_ours: bool,
}

/// Bounded queue of frames for the client.
struct Queue {
    frames: mpsc::Sender<Message>,
    limits: SocketLimits,
}

impl Queue {
    fn new(limits: SocketLimits) -> (Self, mpsc::Receiver<Message>) {
        let (frames, queued) = mpsc::channel(limits.queue_frames);
        (Self { frames, limits }, queued)
    }

    /// Queues a frame. If the queue stays full for longer than the limit, the client does not read, and the connection
    /// is closed.
    async fn push(&self, frame: ServerFrame) -> Result<(), Close> {
        self.push_message(frame::message(&frame).map_err(|error| failed(&error))?)
            .await
    }

    async fn push_message(&self, message: Message) -> Result<(), Close> {
        let queued = self.frames.send_timeout(message, self.limits.slow_after).await;
        queued.map_err(|_| Close::SlowConsumer)
    }
}

impl Connection {
    /// Runs the connection to its end, and counts it among the open ones meanwhile.
    pub async fn run(self, socket: WebSocket) {
        let _open = Open::new(self.state.metrics.sockets.clone());
        self.talk(socket).await;
    }

    async fn talk(self, socket: WebSocket) {
        let slow_consumers = self.state.metrics.slow_consumers.clone();
        let (mut sink, mut stream) = socket.split();
        let farewell = self.state.limits.farewell;
        let (queue, queued) = Queue::new(self.state.limits);
        let mut writing = Box::pin(write(&mut sink, queued));
        let close = tokio::select! {
            close = self.converse(&mut stream, queue) => close,
            () = &mut writing => return,
        };
        if close == Close::SlowConsumer {
            slow_consumers.inc();
        } else {
            // The queue's sender is dropped, so writing ends after the last frame. All queued frames have to be
            // sent: the client would not notice a hole in the middle.
            let _ = timeout(farewell, &mut writing).await;
        }
        drop(writing);
        if close != Close::Gone {
            // Read until the client closes: closing a socket that has unread bytes resets it, and our close frame
            // would be lost.
            let _ = timeout(farewell, async {
                sink.send(close.message()).await?;
                while stream.next().await.transpose()?.is_some() {}
                Ok::<_, axum::Error>(())
            })
            .await;
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
        let stopping = self.state.supervisor.stopping();
        let result = tokio::select! {
            result = async {
                queue.push(ServerFrame::Hello { d: hello }).await?;
                let identified = self.identified(stream).await?;
                Live { state: &self.state, session: &session, queue: &queue }.run(identified, stream).await
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

    async fn identified(&self, stream: &mut SplitStream<WebSocket>) -> Result<Identified, Close> {
        let limits = self.state.limits;
        let limit = if self.caller.is_some() {
            limits.header_grace
        } else {
            limits.identify
        };
        let d = match timeout(limit, next(stream)).await {
            Ok(frame) => match frame? {
                ClientFrame { op, d, .. } if op == "identify" => d,
                _ => return Err(Close::NotIdentified),
            },
            Err(_) if self.caller.is_some() => Value::Null,
            Err(_) => return Err(Close::TimedOut),
        };
        identify(&self.state, d, self.caller.clone(), self.origin).await
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
}

enum Never {}

impl Live<'_> {
    async fn run(&self, client: Identified, stream: &mut SplitStream<WebSocket>) -> Result<Never, Close> {
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
            end = self.follow(cursor, replay_to, &client.filter) => end,
            end = self.listen(stream, &client.caller) => end,
            end = self.watch(&client.caller) => end,
        }
    }

    /// Sends the journal's events from `cursor` on, without end. Sends `resumed` when `replay_to` is reached.
    async fn follow(&self, cursor: Seq, mut replay_to: Option<Seq>, filter: &EventFilter) -> Result<Never, Close> {
        let mut follower = Follower::new(&self.state.store, cursor);
        let mut replayed = 0_u64;
        if replay_to.is_some_and(|end| end <= cursor) {
            replay_to = None;
            self.resumed(replayed).await?;
        }
        loop {
            let events = match follower.next().await.map_err(|error| failed(&error))? {
                Next::Events(events) => events,
                Next::Lost { oldest } => {
                    self.resync_required(oldest).await?;
                    continue;
                }
            };
            for event in events {
                let seq = event.seq;
                if filter.takes(&event) {
                    replayed += u64::from(replay_to.is_some());
                    self.queue.push(ServerFrame::Event(event.into())).await?;
                    self.state.metrics.events_sent.inc();
                }
                if replay_to.is_some_and(|end| seq >= end) {
                    replay_to = None;
                    self.resumed(replayed).await?;
                }
            }
        }
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
    async fn listen(&self, stream: &mut SplitStream<WebSocket>, caller: &Caller) -> Result<Never, Close> {
        loop {
            let frame = timeout(self.state.limits.silence, next_heard(stream))
                .await
                .map_err(|_| Close::TimedOut)??;
            let Some(frame) = frame else { continue };
            let answer = if frame.op == "heartbeat" {
                ServerFrame::HeartbeatAck { s: frame.s }
            } else {
                let reply = command::run(self.state, caller, self.session, frame).await;
                let reply = reply.ok_or(Close::BadOp)?;
                ServerFrame::Reply(reply.map_err(|error| failed(&error))?)
            };
            self.queue.push(answer).await?;
        }
    }

    /// Pings the client at each heartbeat, and ends the connection when its key is no longer valid.
    async fn watch(&self, caller: &Caller) -> Result<Never, Close> {
        let heartbeat = self.state.limits.heartbeat;
        let mut ticks = interval_at(Instant::now() + heartbeat, heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.queue.push_message(Message::Ping(Vec::new().into())).await?;
            if !self
                .state
                .access()
                .is_still_valid(caller)
                .await
                .map_err(|error| failed(&error))?
            {
                return Err(Close::AuthFailed);
            }
        }
    }
}

/// Returns the client's next frame.
async fn next(stream: &mut SplitStream<WebSocket>) -> Result<ClientFrame, Close> {
    loop {
        if let Some(frame) = next_heard(stream).await? {
            return Ok(frame);
        }
    }
}

/// Returns the client's next frame, or `None` for a ping or pong, which only show that it is alive.
async fn next_heard(stream: &mut SplitStream<WebSocket>) -> Result<Option<ClientFrame>, Close> {
    match stream.next().await {
        None | Some(Ok(Message::Close(_))) => Err(Close::Gone),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(message)) if length(&message) > MAX_BODY_BYTES => Err(Close::TooLarge),
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).map(Some).map_err(|_| Close::Undecodable),
        Some(Ok(Message::Binary(_))) => Err(Close::Undecodable),
        Some(Err(error)) => Err(broken(&error)),
    }
}

fn length(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    }
}

/// Maps an error of the WebSocket to a close code.
fn broken(error: &axum::Error) -> Close {
    use tokio_tungstenite::tungstenite::Error;
    let inner = std::error::Error::source(error).and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::Capacity(_)) => Close::TooLarge,
        Some(Error::Utf8(_)) => Close::Undecodable,
        _ => Close::Gone,
    }
}

fn failed(error: &dyn std::fmt::Display) -> Close {
    tracing::error!("a WebSocket ends: {error}");
    Close::Unknown
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, mut queued: mpsc::Receiver<Message>) {
    while let Some(message) = queued.recv().await {
        if sink.feed(message).await.is_err() {
            return;
        }
        // Frames that are queued together are flushed together.
        if queued.is_empty() && sink.flush().await.is_err() {
            return;
        }
    }
    // A message may have been fed without a flush because another one was expected.
    let _ = sink.flush().await;
}
