//! `crm tail`: the journal's events, one a line, for as long as wanted. Reconnects by itself and goes on where it was.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::client::{self, Client};
use super::output::{Output, note, plain};
use super::{Exit, Fault, Format, Shell};

/// How often the server hears from us.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// Silence after which the server counts as gone (it pings every 30 s).
const SILENCE: Duration = Duration::from_secs(75);
/// Between two tries to reconnect: doubled each time, from the first to the last.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// Follow what happens
#[derive(Debug, Args)]
pub struct Tail {
    /// First all events after this number; 0 is from the beginning
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

/// Why a connection was left.
enum Left {
    /// Quiet for as long as was asked.
    Idle,
    /// The line broke; go on where we were.
    Lost,
    /// After this long, go on where we were.
    Restart(Duration),
}

impl Tail {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let mut output = shell.output();
        let format = shell.manner.output.unwrap_or_default();
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
        let identify = json!({ "op": "identify", "d": { "resume_from": cursor, "filter": self.filter() } });
        if socket.send(Message::text(identify.to_string())).await.is_err() {
            return Ok(Left::Lost);
        }
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.reset();
        // Replayed events come before the quiet is measured.
        let mut quiet_since = None;
        loop {
            let quiet_ends = self
                .idle
                .zip(quiet_since)
                .map(|(idle, since): (_, Instant)| since + idle);
            let message = tokio::select! {
                message = timeout(SILENCE, socket.next()) => message,
                _ = heartbeat.tick() => {
                    let beat = json!({ "op": "heartbeat", "s": cursor }).to_string();
                    if socket.send(Message::text(beat)).await.is_err() {
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
            let frame: Value = serde_json::from_str(&text).context("the server speaks another language than we do")?;
            match frame["op"].as_str().unwrap_or_default() {
                "event" => {
                    *cursor = frame["s"].as_i64().or(*cursor);
                    quiet_since = quiet_since.map(|_| Instant::now());
                    print(&frame, format, output)?;
                }
                "ready" if cursor.is_none() => {
                    *cursor = frame["d"]["seq"].as_i64();
                    quiet_since = Some(Instant::now());
                }
                "resumed" => quiet_since = Some(Instant::now()),
                "resync_required" => {
                    let oldest = &frame["d"]["oldest"];
                    note(&format!(
                        "Events before {oldest} are no longer kept; what came since then follows."
                    ));
                    *cursor = oldest.as_i64().map(|oldest| oldest - 1);
                    return Ok(Left::Restart(Duration::ZERO));
                }
                "reconnect" => {
                    let after = frame["d"]["after_ms"].as_u64().unwrap_or(1000);
                    return Ok(Left::Restart(Duration::from_millis(after)));
                }
                _ => {}
            }
        }
    }

    fn filter(&self) -> Value {
        let mut filter = json!({});
        if !self.types.is_empty() {
            filter["types"] = json!(self.types);
        }
        if !self.conversations.is_empty() {
            filter["conversation_ids"] = json!(self.conversations);
        }
        if let Some(account) = &self.account {
            filter["account"] = json!(account);
        }
        filter
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Opens the WebSocket over the HTTP client, so that both go the same way.
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

/// What a close code means to us (which may reconnect).
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

fn print(frame: &Value, format: Format, output: &mut Output) -> anyhow::Result<()> {
    if format == Format::Table {
        let d = &frame["d"];
        let who = d["author"]["name"].as_str().or(d["name"].as_str()).unwrap_or_default();
        let what = d["content"].as_str().unwrap_or_default().replace('\n', " ");
        let state = d["state"].as_str().unwrap_or_default();
        let line = format!(
            "{:>6}  {}  {:<20}  {state:<10}  {who}{}{what}",
            frame["s"].to_string(),
            frame["at"].as_str().unwrap_or_default(),
            frame["t"].as_str().unwrap_or_default(),
            if who.is_empty() || what.is_empty() { "" } else { ": " },
        );
        return output.raw(plain(&line).trim_end());
    }
    let event = json!({
        "seq": frame["s"],
        "at": frame["at"],
        "type": frame["t"],
        "account_id": frame["account_id"],
        "customer_id": frame["customer_id"],
        "conversation_id": frame["conversation_id"],
        "data": frame["d"],
    });
    output.raw(&event.to_string())
}
