//! What we do meanwhile, by REST: everything that can be sent, replies, changes and deletions of what we sent, emojis under what
//! customers wrote. A request that gets no answer is made again under its key until it gets one.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom as _, IndexedRandom as _};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use testbed::standin::AttachmentKind;

use super::matter::Matter;
use super::{CHANGES, EMOJIS, REPLIES};
use crate::rig::crm::Crm;
use crate::rig::until;
use crate::torture::{Measure, writers};

/// A message that was accepted.
#[derive(Clone, Debug)]
pub struct Sent {
    /// To which customer.
    pub who: usize,
    pub id: i64,
    pub matter: Matter,
    /// What it says by now, as a text or under a medium.
    pub text: String,
    pub deleted: bool,
}

/// What was accepted of us.
#[derive(Debug, Default)]
pub struct Done {
    pub sent: Vec<Sent>,
    pub changes: usize,
    /// Our emoji under a customer's message, by its row's id.
    pub emojis: BTreeMap<i64, String>,
}

pub struct Api {
    url: String,
    key: String,
    client: Client,
}

impl Api {
    pub fn of(crm: &Crm) -> Self {
        Self {
            url: crm.url.clone(),
            key: crm.admin_key(),
            client: Client::new(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/v1/{path}", self.url));
        request.bearer_auth(&self.key)
    }

    /// Until there is an answer that is none of a server that is just ending.
    async fn ask(&self, request: RequestBuilder) -> (u16, Value) {
        until("an answer by REST", async || {
            let answer = request.try_clone()?.send().await.ok()?;
            let status = answer.status();
            let body = answer.json().await.ok()?;
            (!status.is_server_error()).then_some((status.as_u16(), body))
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(self.request(Method::GET, path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The bytes of a medium.
    pub async fn bytes(&self, media: &Value) -> Vec<u8> {
        let answer = self.request(Method::GET, &format!("media/{media}")).send().await;
        answer.unwrap().bytes().await.unwrap().to_vec()
    }

    /// A conversation's messages in their order.
    pub async fn conversation(&self, id: &Value) -> Vec<Value> {
        let mut rows = vec![];
        let mut after = String::new();
        loop {
            let mut page = self.get(&format!("conversations/{id}/messages?limit=200{after}")).await;
            rows.append(page["data"].as_array_mut().unwrap());
            match page["next_cursor"].as_str() {
                Some(cursor) if page["has_more"] == true => after = format!("&after={cursor}"),
                _ => return rows,
            }
        }
    }

    /// Hands a file in, and sends.
    async fn send(&self, conversation: &Value, matter: &Matter, reply_to: Option<&Value>, key: &str) -> i64 {
        let media = match matter {
            Matter::Medium(medium) => {
                let name = medium.filename.as_deref().unwrap_or("file");
                let upload = self.request(Method::POST, &format!("media?filename={}", name.replace(' ', "%20")));
                let (status, media) = self.ask(upload.body(medium.bytes.clone())).await;
                assert_eq!(status, 201, "{media}");
                Some(media["id"].clone())
            }
            _ => None,
        };
        let mut body = matter.body(media.as_ref());
        body["conversation_id"] = conversation.clone();
        if let Some(id) = reply_to {
            body["reply_to"] = id.clone();
        }
        let request = self.request(Method::POST, "messages").header("Idempotency-Key", key);
        let (status, accepted) = self.ask(request.json(&body)).await;
        assert_eq!(status, 202, "{accepted}");
        accepted["id"].as_i64().unwrap()
    }

    /// Whether a change was accepted: what failed or is unknown cannot be changed.
    async fn change(&self, method: Method, path: &str, body: Value) -> bool {
        let (status, answer) = self.ask(self.request(method, path).json(&body)).await;
        assert!([202, 409].contains(&status), "{path}: {status} {answer}");
        status == 202
    }
}

pub async fn write(api: &Api, conversations: &[Value], measure: Measure, mut dice: StdRng) -> Done {
    let mut done = Done::default();
    for k in 0..measure.messages {
        let who = dice.random_range(0..conversations.len());
        let theirs = theirs(api, &conversations[who]).await;
        let matter = Matter::draw(&mut dice, k, &format!("out {k}"));
        let reply_to = theirs.choose(&mut dice).filter(|_| dice.random_bool(REPLIES));
        let key = format!("{}-{k}", measure.seed);
        let id = api.send(&conversations[who], &matter, reply_to, &key).await;
        done.sent.push(Sent {
            who,
            id,
            text: says(&matter),
            matter,
            deleted: false,
        });
        if dice.random_bool(CHANGES) {
            let changed = change(api, &mut done, who, &theirs, k, &mut dice).await;
            done.changes += usize::from(changed);
        }
        writers::pause(&mut dice).await;
    }
    done
}

/// The newest of a customer's messages that are not deleted.
async fn theirs(api: &Api, conversation: &Value) -> Vec<Value> {
    let page = api
        .get(&format!("conversations/{conversation}/messages?limit=20&order=desc"))
        .await;
    let rows = page["data"].as_array().into_iter().flatten();
    let rows = rows.filter(|row| row["direction"] == "inbound" && row["deleted_at"].is_null());
    rows.map(|row| row["id"].clone()).collect()
}

fn says(matter: &Matter) -> String {
    match matter {
        Matter::Text(text) => text.clone(),
        // A sticker, a voice note and the like say nothing.
        Matter::Medium(medium) if medium.kind != AttachmentKind::Sticker => medium.caption.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

async fn change(api: &Api, done: &mut Done, who: usize, theirs: &[Value], k: usize, dice: &mut StdRng) -> bool {
    let mut ours: Vec<&mut Sent> = done
        .sent
        .iter_mut()
        .filter(|one| one.who == who && !one.deleted)
        .collect();
    match dice.random_range(0..3) {
        0 => {
            ours.retain(|one| one.matter.is_text());
            let Some(text) = ours.choose_mut(dice) else {
                return false;
            };
            let new = format!("out, changed {k}");
            let path = format!("messages/{}", text.id);
            let taken = api.change(Method::PATCH, &path, json!({ "content": new })).await;
            if taken {
                text.text = new;
            }
            taken
        }
        1 => {
            let Some(one) = ours.choose_mut(dice) else { return false };
            one.deleted = api
                .change(Method::DELETE, &format!("messages/{}", one.id), json!({}))
                .await;
            one.deleted
        }
        _ => {
            let (Some(id), Some(emoji)) = (theirs.choose(dice), EMOJIS.choose(dice)) else {
                return false;
            };
            let path = format!("messages/{id}/reaction");
            let taken = api.change(Method::PUT, &path, json!({ "emoji": emoji })).await;
            if taken {
                done.emojis.insert(id.as_i64().unwrap(), (*emoji).to_owned());
            }
            taken
        }
    }
}
