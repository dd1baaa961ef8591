//! One agent: the client's process, and the requests and replies exchanged with it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, PipeWriter, Read, Write as _};
use std::path::Path;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use super::content::Content;
use super::element_x;
use super::mirror::Mirror;
use super::wire::{Line, Login, Message, Reply, Request, Trust};
use crate::servers::{Folder, Launch, Process, node, npm_ci, python_environment};

/// Maximum time for a reply. A client retries a send for two minutes while the homeserver is down; nothing else takes
/// as long.
const REPLY: Duration = Duration::from_secs(150);

/// Implementation of Matrix that the agent uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// matrix-js-sdk, on which Element is built: with cross-signing and shields.
    Js,
    /// matrix-nio: an independent implementation of protocol and cryptography; without cross-signing.
    Nio,
    /// matrix-sdk-ui, the core of Element X: with sliding sync and shields.
    ElementX,
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Reply>>>>;

/// A person who has logged in. Their client joins every room that it is invited to.
#[derive(Debug)]
pub struct Agent {
    pub(super) homeserver: String,
    pub(super) login: Login,
    pub(super) mirror: watch::Receiver<Mirror>,
    next: AtomicU64,
    waiting: Waiting,
    // Closed before the process is killed, the folder under it removed last.
    input: Mutex<Input>,
    /// `None`: the client runs in a thread of ours.
    process: Option<Process>,
    folder: Folder,
}

impl Agent {
    /// Starts the client, logs in, and waits for the first sync.
    pub async fn start(client: Client, homeserver: &str, user: &str, password: &str) -> Result<Self> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
        let folder = Folder::new("agent")?;
        let launch = match client {
            Client::Js => {
                npm_ci(&scripts).await?;
                Some(Launch::new("matrix-js-sdk", node()?, folder.path()).arguments([scripts.join("js.mjs")]))
            }
            Client::Nio => {
                let python = python_environment().await?;
                Some(Launch::new("matrix-nio", python, folder.path()).arguments([scripts.join("nio_agent.py")]))
            }
            Client::ElementX => None,
        };
        let waiting = Waiting::default();
        let (process, input, mirror) = if let Some(launch) = launch {
            let (process, input, output) = launch.start_talking()?;
            (Some(process), Input::Process(input), read(output, waiting.clone()))
        } else {
            let ((requests, input), (output, lines)) = (std::io::pipe()?, std::io::pipe()?);
            element_x::start(requests, lines)?;
            (None, Input::Thread(input), read(output, waiting.clone()))
        };
        let nobody = Login {
            user_id: String::new(),
            device_id: String::new(),
            access_token: String::new(),
        };
        let mut agent = Self {
            homeserver: homeserver.to_owned(),
            login: nobody,
            mirror,
            next: AtomicU64::new(1),
            waiting,
            input: Mutex::new(input),
            process,
            folder,
        };
        let store = agent.folder.path().join("store");
        std::fs::create_dir(&store)?;
        let arguments = json!({
            "homeserver": homeserver, "user": user, "password": password, "auto_join": true, "store": store,
        });
        agent.login = agent.ask("start", arguments).await?;
        Ok(agent)
    }

    /// Returns the user's id, `@user:server`.
    pub fn user_id(&self) -> &str {
        &self.login.user_id
    }

    /// Returns the id of the client's device.
    pub fn device_id(&self) -> &str {
        &self.login.device_id
    }

    /// Reads what the client shows now.
    pub fn look<T>(&self, see: impl FnOnce(&Mirror) -> T) -> T {
        see(&self.mirror.borrow())
    }

    /// Sends an event, encrypted in an encrypted room, and returns its id. While the homeserver is down, the client
    /// retries with the same transaction id. Events of one agent to one room keep their order.
    pub async fn send(&self, room_id: &str, content: Content) -> Result<String> {
        let transaction_id = format!("{}-{}", self.login.device_id, self.next.fetch_add(1, Ordering::Relaxed));
        let Content { kind, content } = content;
        let arguments = json!({"room_id": room_id, "kind": kind, "content": content, "transaction_id": transaction_id});
        let sent: Value = self.ask("send", arguments).await?;
        Ok(sent["event_id"]
            .as_str()
            .context("the client names no event")?
            .to_owned())
    }

    /// Returns the room's whole timeline as the client has it, in the homeserver's order.
    pub async fn timeline(&self, room_id: &str) -> Result<Vec<Message>> {
        self.ask("timeline", json!({"room_id": room_id})).await
    }

    /// Returns what the client knows of another user's keys.
    ///
    /// # Errors matrix-nio does not support cross-signing.
    pub async fn trust(&self, user_id: &str) -> Result<Trust> {
        self.ask("trust", json!({"user_id": user_id})).await
    }

    async fn ask<T: DeserializeOwned>(&self, command: &str, arguments: Value) -> Result<T> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, answer);
        let mut line = serde_json::to_vec(&Request { id, command, arguments })?;
        line.push(b'\n');
        let written = self.input.lock().unwrap_or_else(PoisonError::into_inner).write(&line);
        written.with_context(|| self.gone(command))?;
        let reply = tokio::time::timeout(REPLY, answered)
            .await
            .with_context(|| format!("no answer to {command}"))?;
        let reply = reply.with_context(|| self.gone(command))?;
        match reply.error {
            Some(error) => bail!("{command}: {error}"),
            None => Ok(serde_json::from_value(reply.ok).with_context(|| format!("the answer to {command}"))?),
        }
    }

    fn gone(&self, command: &str) -> String {
        let said = self.process.as_ref().map(Process::last_words).unwrap_or_default();
        format!("the client ended at {command}:\n{said}")
    }
}

/// Where requests are written.
#[derive(Debug)]
enum Input {
    Process(ChildStdin),
    Thread(PipeWriter),
}

impl Input {
    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Process(input) => input.write_all(line),
            Self::Thread(input) => input.write_all(line),
        }
    }
}

/// Reads the client's lines on a thread of their own until it ends.
fn read(output: impl Read + Send + 'static, waiting: Waiting) -> watch::Receiver<Mirror> {
    let (mirror, seen) = watch::channel(Mirror::default());
    let follow = move || {
        let mut why = "its output ended".to_owned();
        for line in BufReader::new(output).lines() {
            match line
                .map_err(anyhow::Error::from)
                .and_then(|line| Ok(serde_json::from_str(&line)?))
            {
                Ok(Line::Reply(reply)) => {
                    let asker = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&reply.id);
                    asker.map(|asker| asker.send(reply));
                }
                Ok(line) => mirror.send_modify(|mirror| mirror.take(line)),
                Err(error) => {
                    why = format!("it said what is not understood: {error}");
                    break;
                }
            }
        }
        waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
        mirror.send_modify(|mirror| mirror.end(why));
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the process whose output it reads"
    )]
    std::thread::spawn(follow);
    seen
}
