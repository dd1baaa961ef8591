//! The work of ordinary clients: reading lists and history, sending, and asking whether the server is ready.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::Target;

/// Clients that work at the same time.
const CLIENTS: u64 = 4;
/// Interval between two requests of one client.
const EVERY: Duration = Duration::from_millis(40);
/// One in so many requests of a client sends a message.
const SENDS: u64 = 20;
/// Interval between two questions whether the server is ready.
const READY_EVERY: Duration = Duration::from_secs(1);
/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ordinary clients of a server.
pub struct Ordinary {
    http: Client,
    url: String,
    key: String,
    /// Number of conversations and of messages that there are.
    rows: (u64, u64),
    sent: AtomicU64,
    accepted: Mutex<Vec<(i64, String)>>,
}

/// Measured work of some time.
#[derive(Debug, Default)]
pub struct Work {
    /// Time to answer of each read.
    pub reads: Vec<Duration>,
    /// Time to answer of each send.
    pub sends: Vec<Duration>,
    /// Requests that were not answered as they should be, and how.
    pub failed: Vec<String>,
    /// How often the server said that it is ready, and what it said else.
    pub ready: u64,
    /// Answers of `/readyz` that were not that.
    pub unready: Vec<String>,
}

impl Ordinary {
    /// Creates clients of a server with so many conversations and messages, whose ids begin at 1.
    pub fn new(target: &Target, rows: (u64, u64)) -> Result<Self> {
        Ok(Self {
            http: Client::builder().no_proxy().timeout(PATIENCE).build()?,
            url: format!("http://{}", target.address),
            key: target.key.clone(),
            rows,
            sent: AtomicU64::new(0),
            accepted: Mutex::default(),
        })
    }

    /// Works for this long.
    pub async fn work(&self, time: Duration) -> Work {
        let end = Instant::now() + time;
        let clients = join_all((0..CLIENTS).map(|client| self.client(client, end)));
        let (parts, (ready, unready)) = tokio::join!(clients, self.watch(end));
        let mut all = Work {
            ready,
            unready,
            ..Work::default()
        };
        for part in parts {
            all.reads.extend(part.reads);
            all.sends.extend(part.sends);
            all.failed.extend(part.failed);
        }
        all
    }

    async fn client(&self, client: u64, end: Instant) -> Work {
        let mut work = Work::default();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in client.. {
            ticks.tick().await;
            let begin = Instant::now();
            if begin >= end {
                break;
            }
            let done = if number % SENDS == 0 {
                let done = self.send().await;
                work.sends.push(begin.elapsed());
                done
            } else {
                let done = self.read(number).await;
                work.reads.push(begin.elapsed());
                done
            };
            if let Err(error) = done {
                work.failed.push(format!("{error:#}"));
            }
        }
        work
    }

    async fn read(&self, number: u64) -> Result<()> {
        let (conversations, messages) = self.rows;
        let path = match number % 4 {
            0 => "/api/v1/conversations?limit=50".to_owned(),
            1 => format!(
                "/api/v1/conversations/{}/messages?limit=50",
                1 + number * 7 % conversations
            ),
            2 => "/api/v1/customers?limit=50".to_owned(),
            _ => format!("/api/v1/messages/{}", 1 + number * 13 % messages),
        };
        let (status, _) = self.get(&path).await?;
        ensure!(status == StatusCode::OK, "{path}: {status}");
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>)> {
        let asked = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let answer = asked.send().await.with_context(|| path.to_owned())?;
        let status = answer.status();
        Ok((status, answer.bytes().await.with_context(|| path.to_owned())?.into()))
    }

    /// Sends a text, and remembers it if it is accepted.
    async fn send(&self) -> Result<()> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let text = format!("ordinary text {number}");
        let body = json!({ "conversation_id": 1 + number % self.rows.0, "content": text });
        let asked = self.http.post(format!("{}/api/v1/messages", self.url));
        let answer = asked
            .bearer_auth(&self.key)
            .json(&body)
            .send()
            .await
            .context("a send")?;
        let (status, said) = (answer.status(), answer.bytes().await?);
        ensure!(
            status == StatusCode::ACCEPTED,
            "a send: {status}: {}",
            String::from_utf8_lossy(&said)
        );
        let said: Value = serde_json::from_slice(&said)?;
        let id = said["id"].as_i64().context("a message without an id")?;
        self.accepted
            .lock()
            .map_err(|_| anyhow::anyhow!("a client has panicked"))?
            .push((id, text));
        Ok(())
    }

    /// Asks each second whether the server is ready.
    async fn watch(&self, end: Instant) -> (u64, Vec<String>) {
        let (mut ready, mut unready) = (0, Vec::new());
        while Instant::now() < end {
            match timeout(PATIENCE, self.get("/readyz")).await {
                Ok(Ok((StatusCode::OK, _))) => ready += 1,
                Ok(Ok((status, said))) => unready.push(format!("{status}: {}", String::from_utf8_lossy(&said))),
                Ok(Err(error)) => unready.push(format!("{error:#}")),
                Err(_) => unready.push("no answer".to_owned()),
            }
            sleep(READY_EVERY).await;
        }
        (ready, unready)
    }

    /// Returns how many messages were accepted, and which of them are not there.
    pub async fn lost(&self) -> Result<(usize, Vec<i64>)> {
        let accepted = self
            .accepted
            .lock()
            .map_err(|_| anyhow::anyhow!("a client has panicked"))?
            .clone();
        let mut lost = Vec::new();
        for (id, text) in &accepted {
            let (status, said) = self.get(&format!("/api/v1/messages/{id}")).await?;
            let message: Value = serde_json::from_slice(&said).unwrap_or_default();
            if status != StatusCode::OK || message["content"] != **text {
                lost.push(*id);
            }
        }
        Ok((accepted.len(), lost))
    }
}
