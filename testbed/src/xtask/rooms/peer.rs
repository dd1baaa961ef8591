//! The peer: a plain loop of requests, as a script of somebody who has an application service and no program would make
//! them. It makes what the program makes in a room, and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use testbed::servers::Synapse;

const REQUEST: Duration = Duration::from_mins(2);
const TOKEN: &str = "peer-of-the-measurement";
const US: &str = "@peer:localhost";
const TAPS: [&str; 3] = ["✋", "✅", "💤"];

/// Registration of the peer, which is pushed nothing.
pub fn registration() -> Value {
    json!({
        "id": "peer", "url": null, "as_token": TOKEN, "hs_token": "unused", "sender_localpart": "peer",
        "rate_limited": false,
        "namespaces": {
            "users": [{"exclusive": true, "regex": "@peer_.*:localhost"}],
            "aliases": [{"exclusive": false, "regex": "#peer_.*:localhost"}],
        },
    })
}

/// The script, with its Space.
pub struct Script {
    client: Client,
    base: String,
    space: String,
    sent: AtomicUsize,
}

/// A room of the script's, and the user who speaks in it.
pub struct Room {
    id: String,
    ghost: String,
}

impl Script {
    /// Makes the Space.
    pub async fn start(synapse: &Synapse) -> Result<Self> {
        let mut script = Self {
            client: Client::builder().timeout(REQUEST).no_proxy().build()?,
            base: format!("{}/_matrix/client/v3", synapse.url()),
            space: String::new(),
            sent: AtomicUsize::new(0),
        };
        let space = json!({"preset": "private_chat", "name": "Peers", "creation_content": {"type": "m.space"}});
        script.space = script.create(space).await?;
        Ok(script)
    }

    /// Makes a customer's user and their room with its card, invites the agent, and lets the user write.
    pub async fn room(&self, number: usize, agent: &str, text: &str) -> Result<Room> {
        let name = format!("peer_{number}");
        let ghost = format!("@{name}:localhost");
        let user = json!({"type": "m.login.application_service", "username": name, "inhibit_login": true});
        self.send(Method::POST, &["register"], US, user).await?;
        let shown = json!({"displayname": format!("Peer {number}")});
        self.send(Method::PUT, &["profile", &ghost, "displayname"], &ghost, shown)
            .await?;
        let id = self
            .create(json!({
                "preset": "private_chat", "name": format!("Peer {number}"), "topic": "+44 77 · open · nobody",
                "room_alias_name": format!("peer_{number}"), "invite": [ghost, agent],
            }))
            .await?;
        self.send(Method::POST, &["rooms", &id, "join"], &ghost, json!({}))
            .await?;
        let child = json!({"via": ["localhost"]});
        self.send(
            Method::PUT,
            &["rooms", &self.space, "state", "m.space.child", &id],
            US,
            child,
        )
        .await?;
        let room = Room { id, ghost };
        self.write(&room, text).await?;
        let card = self
            .event(&room.id, US, "m.room.message", text_of(&format!("card {number}")))
            .await?;
        for key in TAPS {
            let tap = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": card, "key": key}});
            self.event(&room.id, US, "m.reaction", tap).await?;
        }
        let pins = json!({"pinned": [card]});
        self.send(
            Method::PUT,
            &["rooms", &room.id, "state", "m.room.pinned_events", ""],
            US,
            pins,
        )
        .await?;
        Ok(room)
    }

    /// Sends a text as the room's user.
    pub async fn write(&self, room: &Room, text: &str) -> Result<()> {
        self.event(&room.id, &room.ghost, "m.room.message", text_of(text))
            .await
            .map(drop)
    }

    async fn event(&self, room: &str, user: &str, kind: &str, content: Value) -> Result<String> {
        let transaction = self.sent.fetch_add(1, Ordering::Relaxed).to_string();
        let sent = self
            .send(Method::PUT, &["rooms", room, "send", kind, &transaction], user, content)
            .await?;
        Ok(sent["event_id"].as_str().context("an event without its id")?.to_owned())
    }

    async fn create(&self, room: Value) -> Result<String> {
        let made = self.send(Method::POST, &["createRoom"], US, room).await?;
        Ok(made["room_id"].as_str().context("a room without its id")?.to_owned())
    }

    async fn send(&self, method: Method, path: &[&str], user: &str, body: Value) -> Result<Value> {
        let mut address = Url::parse_with_params(&self.base, [("user_id", user)])?;
        address
            .path_segments_mut()
            .ok()
            .context("the homeserver's address has no path")?
            .extend(path);
        let request = self.client.request(method, address).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        if !status.is_success() {
            bail!("{}: {status} {answer}", path.join("/"));
        }
        Ok(answer)
    }
}

fn text_of(text: &str) -> Value {
    json!({"msgtype": "m.text", "body": text})
}
