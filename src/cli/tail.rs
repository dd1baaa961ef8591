//! `crm tail`: prints the journal's events, one a line, without end. Reconnects by itself and resumes from its cursor.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::client::{self, Client};
use super::terminal::output::{Output, note, plain};
use super::{Exit, Fault, Format, Shell};
use crate::contract::{ClientFrame, EventFrame, FilterRequest, Identify, JournalEvent, MentionView, ServerFrame};
use crate::domain::ConversationId;
use crate::domain::mentions;

/// Interval of our heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// Time without any frame after which the server counts as gone. It pings every 30 s.
const SILENCE: Duration = Duration::from_secs(75);
/// First and last pause before a reconnect; it doubles each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// Follow events as they happen
#[derive(Debug, Args)]
pub struct Tail {
    /// Start with the events after this number; 0 is from the beginning
    #[arg(long, value_name = "SEQ")]
    since: Option<i64>,
    /// End after this long without an event
    #[arg(long, value_name = "TIME", value_parser = crate::config::duration)]
    idle: Option<Duration>,
    /// Only events of this type; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only events of this conversation; may be given several times
    #[arg(long = "conversation", value_name = "ID")]
    conversations: Vec<i64>,
    /// Only events of this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

type Socket = WebSocketStream<reqwest::Upgraded>;

/// Reason for leaving a connection.
enum Left {
    /// No event for as long as `--idle` says.
    Idle,
    /// The connection broke; resume from the cursor.
    Lost,
    /// Resume from the cursor after this pause.
    Restart(Duration),
}

impl Tail {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let mut output = shell.output();
        let format = shell.options.output.unwrap_or_default();
        let mut cursor = self.since;
        let mut connected = false;
        let mut pause = BACK_OFF.0;
        loop {
            let left = match connect(&client).await {
                Ok(socket) => {
                    connected = true;
                    pause = BACK_OFF.0;
                    self.follow(socket, &mut cursor, format, &mut output).await?
                }
                Err(error) if connected && super::exit::code(&error) == Exit::Unreachable => Left::Lost,
                Err(error) => return Err(error),
            };
            match left {
                Left::Idle => return Ok(Exit::Ok),
                Left::Restart(after) => sleep(after).await,
                Left::Lost => {
                    sleep(pause).await;
                    pause = (pause * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    async fn follow(
        &self,
        mut socket: Socket,
        cursor: &mut Option<i64>,
        format: Format,
        output: &mut Output,
    ) -> anyhow::Result<Left> {
        let identify = Identify {
            token: None,
            resume_from: *cursor,
            filter: Some(self.filter()),
        };
        if socket.send(message("identify", None, identify)?).await.is_err() {
            return Ok(Left::Lost);
        }
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.reset();
        // `--idle` is measured only after the replay.
        let mut quiet_since = None;
        loop {
            let quiet_ends = self
                .idle
                .zip(quiet_since)
                .map(|(idle, since): (_, Instant)| since + idle);
            let message = tokio::select! {
                message = timeout(SILENCE, socket.next()) => message,
                _ = heartbeat.tick() => {
                    if socket.send(message("heartbeat", *cursor, ())?).await.is_err() {
                        return Ok(Left::Lost);
                    }
                    continue;
                }
                () = until(quiet_ends) => return Ok(Left::Idle),
            };
            let text = match message {
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Close(frame)))) => return closed(frame.as_ref()),
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(_)) | None) | Err(_) => return Ok(Left::Lost),
            };
            let frame = ServerFrame::<String>::parse(&text)
                .context("the server sent a frame that this version cannot read; is it another version?")?;
            match frame {
                Some(ServerFrame::Event(event)) => {
                    *cursor = Some(event.s.0);
                    quiet_since = quiet_since.map(|_| Instant::now());
                    print(event, format, output)?;
                }
                Some(ServerFrame::Ready { d }) if cursor.is_none() => {
                    *cursor = Some(d.seq.0);
                    quiet_since = Some(Instant::now());
                }
                Some(ServerFrame::Resumed { .. }) => quiet_since = Some(Instant::now()),
                Some(ServerFrame::ResyncRequired { d }) => {
                    note(&format!(
                        "Events before {} are no longer kept; what came since then follows.",
                        d.oldest
                    ));
                    *cursor = Some(d.oldest.0 - 1);
                    return Ok(Left::Restart(Duration::ZERO));
                }
                Some(ServerFrame::Reconnect { d }) => {
                    return Ok(Left::Restart(Duration::from_millis(d.after_ms)));
                }
                _ => {}
            }
        }
    }

    /// Returns the filter. Types are sent unchecked, because only the server knows which ones it has.
    fn filter(&self) -> FilterRequest<String> {
        let conversations = self.conversations.iter().copied().map(ConversationId);
        FilterRequest {
            types: (!self.types.is_empty()).then(|| self.types.clone()),
            conversation_ids: (!self.conversations.is_empty()).then(|| conversations.collect()),
            account: self.account.clone(),
        }
    }
}

fn message(op: &str, s: Option<i64>, d: impl Serialize) -> anyhow::Result<Message> {
    let frame = ClientFrame {
        op: op.to_owned(),
        id: None,
        s,
        d,
    };
    Ok(Message::text(serde_json::to_string(&frame)?))
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Opens the WebSocket over the HTTP client, so that proxy and key settings are the same.
async fn connect(client: &Client) -> anyhow::Result<Socket> {
    let request = client
        .request(Method::GET, "/api/v1/ws")
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
        .header(header::SEC_WEBSOCKET_PROTOCOL, "crm.v1.json");
    let response = client::send_expecting(request, StatusCode::SWITCHING_PROTOCOLS).await?;
    let upgraded = response.upgrade().await.context("opening the WebSocket")?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}

/// Maps a close code to an exit code. Five codes end the command, because a new connection would be closed for the same
/// reason: 4004 (key refused), 4007 (sequence number in the future), 4012 (unknown protocol version), 4013 (wrong
/// filter) and 4014 (scope missing). After every other code the client connects again.
fn closed(frame: Option<&CloseFrame>) -> anyhow::Result<Left> {
    let Some(frame) = frame else {
        return Ok(Left::Lost);
    };
    let exit = match u16::from(frame.code) {
        4007 => Exit::Usage,
        4004 | 4012 | 4014 => Exit::Failed,
        4013 => Exit::NotFound,
        _ => return Ok(Left::Lost),
    };
    Err(Fault::new(exit, plain(&frame.reason)).into())
}

/// Fields of an event's data that a line for people shows. All are optional, because events of every version have to
/// parse.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    author: Option<Named>,
    name: Option<String>,
    content: Option<String>,
    details: Option<ShownDetails>,
    state: Option<String>,
}

/// People who are mentioned in the content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShownDetails {
    mentions: Vec<MentionView>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

fn print(frame: EventFrame<String>, format: Format, output: &mut Output) -> anyhow::Result<()> {
    if format != Format::Table {
        return output.event(&JournalEvent::from(frame));
    }
    let shown: Shown = frame.d.parse().unwrap_or_default();
    let who = shown
        .author
        .map(|author| author.name)
        .or(shown.name)
        .unwrap_or_default();
    let mentioned = shown.details.unwrap_or_default().mentions;
    let people = mentioned
        .iter()
        .map(|mention| (mention.user.as_str(), mention.name.as_deref()));
    let content = shown.content.unwrap_or_default();
    let what = mentions::with_names(&content, &people).replace('\n', " ");
    let line = format!(
        "{:>6}  {}  {:<20}  {:<10}  {who}{}{what}",
        frame.s.to_string(),
        frame.at,
        frame.t,
        shown.state.unwrap_or_default(),
        if who.is_empty() || what.is_empty() { "" } else { ": " },
    );
    output.raw(plain(&line).trim_end())
}
