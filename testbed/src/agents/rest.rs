//! Actions of an agent that need no client of its own: plain requests to the homeserver with the agent's access token.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::agent::Agent;

const REQUEST: Duration = Duration::from_secs(30);
/// Lifetime of a typing notice, in milliseconds.
const TYPING_MS: u64 = 20_000;

/// A room to create.
#[derive(Clone, Copy, Debug)]
pub struct NewRoom<'a> {
    pub name: &'a str,
    pub encrypted: bool,
    /// Ids of the users to invite.
    pub invite: &'a [&'a str],
}

impl Agent {
    /// Creates a private room and returns its id.
    pub async fn create_room(&self, room: NewRoom<'_>) -> Result<String> {
        let encryption = json!({
            "type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"},
        });
        let state = if room.encrypted { vec![encryption] } else { Vec::new() };
        let body = json!({
            "name": room.name, "preset": "private_chat", "invite": room.invite, "initial_state": state,
        });
        let made = self.request(Method::POST, &["createRoom"], Some(body)).await?;
        Ok(made["room_id"]
            .as_str()
            .context("the homeserver names no room")?
            .to_owned())
    }

    /// Invites a user.
    pub async fn invite(&self, room_id: &str, user_id: &str) -> Result<()> {
        let body = json!({"user_id": user_id});
        self.request(Method::POST, &["rooms", room_id, "invite"], Some(body))
            .await
            .map(drop)
    }

    /// Joins a room, by its id or alias.
    pub async fn join(&self, room: &str) -> Result<()> {
        self.request(Method::POST, &["join", room], Some(json!({})))
            .await
            .map(drop)
    }

    /// Leaves a room.
    pub async fn leave(&self, room_id: &str) -> Result<()> {
        self.request(Method::POST, &["rooms", room_id, "leave"], Some(json!({})))
            .await
            .map(drop)
    }

    /// Redacts an event.
    pub async fn redact(&self, room_id: &str, event_id: &str) -> Result<()> {
        let transaction = format!("redact-{event_id}");
        self.request(
            Method::PUT,
            &["rooms", room_id, "redact", event_id, &transaction],
            Some(json!({})),
        )
        .await
        .map(drop)
    }

    /// Sends a read receipt for the event, and so for all before it.
    pub async fn read(&self, room_id: &str, event_id: &str) -> Result<()> {
        self.request(
            Method::POST,
            &["rooms", room_id, "receipt", "m.read", event_id],
            Some(json!({})),
        )
        .await
        .map(drop)
    }

    /// Starts or stops a typing notice.
    pub async fn typing(&self, room_id: &str, typing: bool) -> Result<()> {
        let body = json!({"typing": typing, "timeout": TYPING_MS});
        self.request(Method::PUT, &["rooms", room_id, "typing", self.user_id()], Some(body))
            .await
            .map(drop)
    }

    /// Returns the content of one state event; JSON null if there is none.
    pub async fn state(&self, room_id: &str, kind: &str, key: &str) -> Result<Value> {
        let state = self.all_state(room_id).await?;
        let found = state
            .into_iter()
            .find(|event| event["type"] == kind && event["state_key"] == key);
        Ok(found.map_or(Value::Null, |mut event| event["content"].take()))
    }

    /// Returns all state events of the room.
    pub async fn all_state(&self, room_id: &str) -> Result<Vec<Value>> {
        let state = self.request(Method::GET, &["rooms", room_id, "state"], None).await?;
        Ok(serde_json::from_value(state)?)
    }

    /// Returns a user's membership as the homeserver has it: `join`, `invite`, `leave`, `ban`, or none.
    pub async fn membership(&self, room_id: &str, user_id: &str) -> Result<Option<String>> {
        let member = self.state(room_id, "m.room.member", user_id).await?;
        Ok(member["membership"].as_str().map(str::to_owned))
    }

    /// Returns the ids of the rooms in a space.
    pub async fn space_children(&self, space_id: &str) -> Result<Vec<String>> {
        let state = self.all_state(space_id).await?;
        let children = state
            .into_iter()
            .filter(|event| event["type"] == "m.space.child" && event["content"]["via"].is_array());
        Ok(children
            .filter_map(|event| event["state_key"].as_str().map(str::to_owned))
            .collect())
    }

    /// Returns a space and what is in it, as far as this agent may see it: its rooms, the spaces inside, and their rooms.
    pub async fn hierarchy(&self, space_id: &str) -> Result<Vec<Value>> {
        let path = ["v1", "rooms", space_id, "hierarchy"];
        let found = self.request_below(Method::GET, &path, None).await?;
        Ok(serde_json::from_value(found["rooms"].clone())?)
    }

    /// Sends a request to the client-server API. `path` is below `/_matrix/client/v3`; each of its segments is escaped.
    pub async fn request(&self, method: Method, path: &[&str], body: Option<Value>) -> Result<Value> {
        self.request_below(method, &[&["v3"], path].concat(), body).await
    }

    async fn request_below(&self, method: Method, path: &[&str], body: Option<Value>) -> Result<Value> {
        let mut address = reqwest::Url::parse(&self.homeserver)?;
        address
            .path_segments_mut()
            .ok()
            .context("the homeserver's address has no path")?
            .clear();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.extend(["_matrix", "client"]).extend(path);
        }
        let client = reqwest::Client::builder().timeout(REQUEST).no_proxy().build()?;
        let mut request = client
            .request(method.clone(), address)
            .bearer_auth(&self.login.access_token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        if !status.is_success() {
            bail!("{method} {}: {status} {answer}", path.join("/"));
        }
        Ok(answer)
    }
}
