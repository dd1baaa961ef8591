//! What a person does that needs no client of its own: plain requests to the homeserver under their token.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::agent::Agent;

const REQUEST: Duration = Duration::from_secs(30);
/// How long a typing notice lasts if it is not taken back.
const TYPING_MS: u64 = 20_000;

/// A room to make.
#[derive(Clone, Copy, Debug)]
pub struct NewRoom<'a> {
    pub name: &'a str,
    pub encrypted: bool,
    /// User ids.
    pub invite: &'a [&'a str],
}

impl Agent {
    /// Makes a private room and gives its id.
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

    pub async fn invite(&self, room_id: &str, user_id: &str) -> Result<()> {
        let body = json!({"user_id": user_id});
        self.request(Method::POST, &["rooms", room_id, "invite"], Some(body))
            .await
            .map(drop)
    }

    /// By id or by alias.
    pub async fn join(&self, room: &str) -> Result<()> {
        self.request(Method::POST, &["join", room], Some(json!({})))
            .await
            .map(drop)
    }

    pub async fn leave(&self, room_id: &str) -> Result<()> {
        self.request(Method::POST, &["rooms", room_id, "leave"], Some(json!({})))
            .await
            .map(drop)
    }

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

    /// Tells everyone that the agent has read the event and all before it.
    pub async fn read(&self, room_id: &str, event_id: &str) -> Result<()> {
        self.request(
            Method::POST,
            &["rooms", room_id, "receipt", "m.read", event_id],
            Some(json!({})),
        )
        .await
        .map(drop)
    }

    pub async fn typing(&self, room_id: &str, typing: bool) -> Result<()> {
        let body = json!({"typing": typing, "timeout": TYPING_MS});
        self.request(Method::PUT, &["rooms", room_id, "typing", self.user_id()], Some(body))
            .await
            .map(drop)
    }

    /// One state event's content; JSON null where there is none.
    pub async fn state(&self, room_id: &str, kind: &str, key: &str) -> Result<Value> {
        let state = self.all_state(room_id).await?;
        let found = state
            .into_iter()
            .find(|event| event["type"] == kind && event["state_key"] == key);
        Ok(found.map_or(Value::Null, |mut event| event["content"].take()))
    }

    /// Every state event of the room, whole.
    pub async fn all_state(&self, room_id: &str) -> Result<Vec<Value>> {
        let state = self.request(Method::GET, &["rooms", room_id, "state"], None).await?;
        Ok(serde_json::from_value(state)?)
    }

    /// A user's membership as the homeserver has it: `join`, `invite`, `leave`, `ban`, or nothing.
    pub async fn membership(&self, room_id: &str, user_id: &str) -> Result<Option<String>> {
        let member = self.state(room_id, "m.room.member", user_id).await?;
        Ok(member["membership"].as_str().map(str::to_owned))
    }

    /// The ids of the rooms in a space.
    pub async fn space_children(&self, space_id: &str) -> Result<Vec<String>> {
        let state = self.all_state(space_id).await?;
        let children = state
            .into_iter()
            .filter(|event| event["type"] == "m.space.child" && event["content"]["via"].is_array());
        Ok(children
            .filter_map(|event| event["state_key"].as_str().map(str::to_owned))
            .collect())
    }

    /// Any request of the client-server API, below `/_matrix/client/v3`; each segment of the path is escaped.
    pub async fn request(&self, method: Method, path: &[&str], body: Option<Value>) -> Result<Value> {
        let mut address = reqwest::Url::parse(&self.homeserver)?;
        address
            .path_segments_mut()
            .ok()
            .context("the homeserver's address has no path")?
            .clear();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.extend(["_matrix", "client", "v3"]).extend(path);
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
