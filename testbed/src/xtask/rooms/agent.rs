//! Agent with very many rooms: the bare requests of a client that syncs, joins what it is invited to, and shows messages.
//! A client library would spend its own time on each room at each sync, which is not what is measured here.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use testbed::servers::Synapse;
use tokio::sync::watch;
use tokio::time::Instant;

/// Time for which a sync without news is held open, in milliseconds.
const HELD_MS: u64 = 20_000;
/// Maximum time for a request, above [`HELD_MS`].
const REQUEST: Duration = Duration::from_mins(2);
/// Number of invitations that are accepted at the same time.
const JOINS: usize = 4;

/// Every text that the agent's client shows.
type Shown = HashSet<String>;

/// A person's login, and what their client shows.
pub struct Agent {
    requests: Requests,
    pub user_id: String,
    shown: watch::Sender<Shown>,
}

struct Requests {
    client: Client,
    base: String,
    token: String,
}

impl Agent {
    /// Registers the user and logs in.
    pub async fn start(synapse: &Synapse, user: &str) -> Result<Self> {
        synapse.register(user, "many-rooms").await?;
        let client = Client::builder().timeout(REQUEST).no_proxy().build()?;
        let base = format!("{}/_matrix/client/v3", synapse.url());
        let body = json!({
            "type": "m.login.password", "password": "many-rooms",
            "identifier": {"type": "m.id.user", "user": user},
        });
        let login: Value = client
            .post(format!("{base}/login"))
            .json(&body)
            .send()
            .await?
            .json()
            .await?;
        let token = login["access_token"]
            .as_str()
            .context("the agent cannot log in")?
            .to_owned();
        Ok(Self {
            requests: Requests { client, base, token },
            user_id: synapse.user_id(user),
            shown: watch::channel(Shown::default()).0,
        })
    }

    /// Syncs and accepts invitations until it is dropped.
    pub async fn follow(&self) -> Result<()> {
        let filter = json!({
            "presence": {"types": []}, "account_data": {"types": []},
            "room": {
                "state": {"types": []}, "ephemeral": {"types": []}, "account_data": {"types": []},
                "timeline": {"limit": 50, "types": ["m.room.message"]},
            },
        });
        let (filter, mut since) = (filter.to_string(), None::<String>);
        loop {
            let mut query = vec![("filter", filter.clone()), ("timeout", HELD_MS.to_string())];
            query.extend(since.take().map(|since| ("since", since)));
            let news = self.requests.send(Method::GET, "sync", &query, None).await?;
            since = Some(
                news["next_batch"]
                    .as_str()
                    .context("a sync without its mark")?
                    .to_owned(),
            );
            self.shown.send_if_modified(|shown| show(shown, &news));
            let invited = news["rooms"]["invite"].as_object();
            let invited: Vec<&String> = invited.map(|rooms| rooms.keys().collect()).unwrap_or_default();
            for some in invited.chunks(JOINS) {
                let joins = some.iter().map(|room| self.join(room));
                futures_util::future::try_join_all(joins).await?;
            }
        }
    }

    async fn join(&self, room: &str) -> Result<()> {
        let path = format!("join/{room}");
        self.requests
            .send(Method::POST, &path, &[], Some(json!({})))
            .await
            .map(drop)
    }

    /// Waits until so many of the texts that `matches` chooses are shown. Returns the time of it.
    pub async fn until(&self, count: usize, matches: impl Fn(&str) -> bool, patience: Duration) -> Result<Instant> {
        let mut shown = self.shown.subscribe();
        let enough = |shown: &Shown| shown.iter().filter(|text| matches(text)).count() >= count;
        let waited = tokio::time::timeout(patience, shown.wait_for(enough)).await;
        if let Ok(shown) = waited {
            return shown.map(|_| Instant::now()).context("the agent's client has ended");
        }
        let there = self.shown.borrow().iter().filter(|text| matches(text)).count();
        bail!("{there} of {count} messages are shown after {patience:?}")
    }
}

fn show(shown: &mut Shown, news: &Value) -> bool {
    let mut changed = false;
    let rooms = news["rooms"]["join"].as_object();
    for of_room in rooms.into_iter().flat_map(|rooms| rooms.values()) {
        for event in of_room["timeline"]["events"].as_array().into_iter().flatten() {
            if let Some(text) = event["content"]["body"].as_str() {
                // A bot writes who speaks before what a customer says.
                let said = text.rsplit_once(": ").map_or(text, |(_, said)| said);
                changed |= shown.insert(said.to_owned());
            }
        }
    }
    changed
}

impl Requests {
    async fn send(&self, method: Method, path: &str, query: &[(&str, String)], body: Option<Value>) -> Result<Value> {
        let address = reqwest::Url::parse_with_params(&format!("{}/{path}", self.base), query)?;
        let mut request = self.client.request(method, address).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        if !status.is_success() {
            bail!("{path}: {status} {answer}");
        }
        Ok(answer)
    }
}
