//! Following the journal over the WebSocket, from a cursor and with reconnects: for `crm tail`, `--watch`, and every command
//! that waits for something.

pub mod tail;
pub mod watch;

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use tokio::time::{Instant, Interval, sleep_until, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::{self, Client};
use super::terminal::output::plain;
use super::{Exit, Fault, exit};
use crate::contract::{ClientFrame, EventFrame, FilterRequest, Identify, RawJson, ServerFrame};
use crate::domain::Seq;

/// Interval of our heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// Time without any frame after which the server counts as gone. It pings every 30 s.
const SILENCE: Duration = Duration::from_secs(75);
/// First and last pause before a reconnect; it doubles each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// Which failures to connect a follower outlasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// None: a server that cannot be reached is an error.
    Never,
    /// An unreachable server, once a connection has stood.
    Connected,
    /// Every one; the caller has a deadline.
    Always,
}

/// News that a follower tells.
#[derive(Debug)]
pub enum News {
    /// The connection stands, for the first time or again. Every event of before has been told.
    Connected,
    /// An event.
    Event(EventFrame<String>),
    /// Events before this one are no longer kept. The events from it on follow.
    Pruned(Seq),
    /// The connection is lost, or could not be made. The next call connects again.
    Lost,
}

/// Follower of the journal.
pub struct Follower {
    client: Client,
    filter: FilterRequest<String>,
    patience: Patience,
    /// Last event that was told.
    cursor: Option<i64>,
    link: Option<Link>,
    /// Time of the next attempt to connect.
    next_attempt: Instant,
    pause: Duration,
    has_connected: bool,
    /// Time after which [`Self::until`] reads its resource again without an event.
    reads_every: Option<Duration>,
}

/// A connection.
struct Link {
    socket: Socket,
    heartbeat: Interval,
    /// Time of the last frame.
    heard_at: Instant,
}

type Socket = WebSocketStream<reqwest::Upgraded>;
type Received = Option<Result<Message, Error>>;

impl Follower {
    /// Creates a follower of the events after `since`, or of those from the first connection on.
    pub fn new(client: &Client, filter: FilterRequest<String>, since: Option<i64>, patience: Patience) -> Self {
        Self {
            client: client.clone(),
            filter,
            patience,
            cursor: since,
            link: None,
            next_attempt: Instant::now(),
            pause: BACK_OFF.0,
            has_connected: false,
            reads_every: None,
        }
    }

    /// Lets [`Self::until`] read its resource again after this time as well, for what may change without an event that this key
    /// is told.
    #[must_use]
    pub const fn reading_every(mut self, time: Duration) -> Self {
        self.reads_every = Some(time);
        self
    }

    /// Waits for the next news. May be cancelled at any moment.
    pub async fn next(&mut self) -> anyhow::Result<News> {
        loop {
            let Some(link) = &mut self.link else {
                sleep_until(self.next_attempt).await;
                match self.connect().await {
                    Ok(link) => self.link = Some(link),
                    Err(error) => return self.failed(error),
                }
                continue;
            };
            let received = tokio::select! {
                received = timeout_at(link.heard_at + SILENCE, link.socket.next()) => received.unwrap_or_default(),
                _ = link.heartbeat.tick() => {
                    let heartbeat = message("heartbeat", self.cursor, ())?;
                    if link.socket.send(heartbeat).await.is_err() {
                        return Ok(self.lost());
                    }
                    continue;
                }
            };
            link.heard_at = Instant::now();
            if let Some(news) = self.take(received)? {
                return Ok(news);
            }
        }
    }

    /// Reads a resource whenever the connection stands anew, and takes the data of each event for its newer state, until
    /// `take` returns true. The filter has to select events with the resource as their data.
    pub async fn until(
        mut self,
        path: &str,
        mut take: impl FnMut(RawJson) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let mut read_at = Instant::now();
        loop {
            // A lost connection is read anew once it stands again.
            let due = self.link.as_ref().and(self.reads_every).map(|every| read_at + every);
            let news = tokio::select! {
                news = self.next() => Some(news?),
                () = reached(due) => None,
            };
            let state = match news {
                Some(News::Event(event)) => event.d,
                Some(News::Pruned(_) | News::Lost) => continue,
                Some(News::Connected) | None => match self.client.get(path).await {
                    Ok(state) => {
                        read_at = Instant::now();
                        state
                    }
                    // The connection is made anew for the sake of the pause.
                    Err(error) => {
                        self.failed(error)?;
                        continue;
                    }
                },
            };
            if take(state)? {
                return Ok(());
            }
        }
    }

    /// Returns the news that a frame brings.
    fn take(&mut self, received: Received) -> anyhow::Result<Option<News>> {
        let text = match received {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => {
                return match refused(frame.as_ref()) {
                    None => Ok(Some(self.lost())),
                    Some(fault) => self.failed(fault.into()).map(Some),
                };
            }
            Some(Ok(_)) => return Ok(None),
            Some(Err(_)) | None => return Ok(Some(self.lost())),
        };
        let frame = ServerFrame::<String>::parse(&text)
            .context("the server sent a frame that this version cannot read; is it another version?")?;
        Ok(match frame {
            Some(ServerFrame::Event(event)) => {
                self.cursor = Some(event.s.0);
                Some(News::Event(event))
            }
            Some(ServerFrame::Ready { d }) if self.cursor.is_none() => {
                self.cursor = Some(d.seq.0);
                Some(News::Connected)
            }
            Some(ServerFrame::Resumed { .. }) => Some(News::Connected),
            Some(ServerFrame::ResyncRequired { d }) => {
                self.cursor = Some(d.oldest.0 - 1);
                self.leave(Duration::ZERO);
                Some(News::Pruned(d.oldest))
            }
            Some(ServerFrame::Reconnect { d }) => {
                self.leave(Duration::from_millis(d.after_ms));
                Some(News::Lost)
            }
            _ => None,
        })
    }

    /// Opens the WebSocket over the HTTP client, so that proxy and key settings are the same, and identifies us.
    async fn connect(&mut self) -> anyhow::Result<Link> {
        let request = self
            .client
            .request(Method::GET, "/api/v1/ws")
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, generate_key())
            .header(header::SEC_WEBSOCKET_PROTOCOL, "crm.v1.json");
        let response = client::send_expecting(request, StatusCode::SWITCHING_PROTOCOLS).await?;
        let upgraded = response.upgrade().await.context("opening the WebSocket")?;
        let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await;
        let identify = Identify {
            token: None,
            resume_from: self.cursor,
            filter: Some(self.filter.clone()),
        };
        // If the connection is lost already, the next read says so.
        let _ = socket.send(message("identify", None, identify)?).await;
        self.has_connected = true;
        self.pause = BACK_OFF.0;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.reset();
        Ok(Link {
            socket,
            heartbeat,
            heard_at: Instant::now(),
        })
    }

    /// Outlasts an error if the patience is enough for it.
    fn failed(&mut self, error: anyhow::Error) -> anyhow::Result<News> {
        let outlasts = match self.patience {
            Patience::Never => false,
            Patience::Connected => self.has_connected && exit::code(&error) == Exit::Unreachable,
            Patience::Always => true,
        };
        if outlasts {
            tracing::debug!("connecting again: {error:#}");
            Ok(self.lost())
        } else {
            Err(error)
        }
    }

    fn lost(&mut self) -> News {
        self.leave(self.pause);
        self.pause = (self.pause * 2).min(BACK_OFF.1);
        News::Lost
    }

    fn leave(&mut self, pause: Duration) {
        self.link = None;
        self.next_attempt = Instant::now() + pause;
    }
}

/// Waits until this time; for ever if there is none.
async fn reached(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Returns a filter for these types of events.
pub fn events(types: &[&str]) -> FilterRequest<String> {
    FilterRequest {
        types: Some(types.iter().map(|&kind| kind.to_owned()).collect()),
        ..FilterRequest::default()
    }
}

fn message(op: &str, s: Option<i64>, d: impl Serialize) -> anyhow::Result<Message> {
    let frame = ClientFrame {
        op: op.to_owned(),
        id: None,
        s,
        t: (),
        d,
    };
    Ok(Message::text(serde_json::to_string(&frame)?))
}

/// Returns the error that a close code means. Five codes end the command, because a new connection would be closed for the
/// same reason: 4004 (key refused), 4007 (sequence number in the future), 4012 (unknown protocol version), 4013 (wrong
/// filter) and 4014 (scope missing). After every other code the client connects again.
fn refused(frame: Option<&CloseFrame>) -> Option<Fault> {
    let frame = frame?;
    let exit = match u16::from(frame.code) {
        4007 => Exit::Usage,
        4004 => return Some(Fault::new(Exit::Failed, client::KEY_REFUSED)),
        4012 | 4014 => Exit::Failed,
        4013 => Exit::NotFound,
        _ => return None,
    };
    Some(Fault::new(exit, plain(&frame.reason)))
}
