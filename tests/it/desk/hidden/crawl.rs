//! With `hide_numbers`, agents get no number of a customer, wherever they look.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crm::api::{AccessRules, ROUTES};
use crm::contract::{Event, Scope};
use crm::domain::conversation::ChatKind;
use crm::domain::customer::{Identity, IdentitySource};
use crm::domain::details::{Details, Mention};
use crm::domain::group::Participant;
use crm::domain::message::{Author, Direction, Kind, MessageState};
use crm::domain::{WaMessageId, WaUserId};
use crm::store::{Contact, CustomerChange, Inserted, NewMessage, StoreError};
use futures_util::{FutureExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::app::{App, NOW};
use crate::ws::client::Client;

/// Customers, each with a number: half of them with no other name.
const CUSTOMERS: usize = 600;
/// Members of a group, each with a number.
const MEMBERS: usize = 400;

fn number(n: usize) -> String {
    format!("4477009{n:05}")
}

/// Stores a customer with a message, as the inbound path does.
async fn customer(app: &App, n: usize) {
    app.store
        .write((app.account, n), |tx, &(account, n)| {
            async move {
                let phone = format!("+{}", number(n)).parse().unwrap();
                let name = (n % 2 == 0).then(|| format!("Ada {n}"));
                let told = Contact::new(
                    &[Identity::phone(&phone)],
                    None,
                    name.as_deref(),
                    IdentitySource::WhatsApp,
                );
                let customer = tx.customers().meet(&told).await?.customer;
                tx.emit(Event::customer_created(&customer));
                let with_number = CustomerChange {
                    status: Some(format!("line {}", number(n))),
                    ..CustomerChange::default()
                };
                if n % 5 == 1 {
                    tx.customers().update(customer.id, &with_number).await?;
                }
                let resolved = tx
                    .conversations()
                    .resolve(account, Some(customer.id), None, ChatKind::Direct, &customer.name)
                    .await?;
                let conversation = resolved.conversation;
                let new = NewMessage {
                    whatsapp_id: Some(WaMessageId(format!("false_{}@c.us_3EB0{n}", number(n)))),
                    author: Some(Author {
                        origin: None,
                        name: customer.name.clone(),
                    }),
                    ..NewMessage::of(
                        &conversation,
                        Direction::Inbound,
                        Kind::Text,
                        "hello",
                        NOW,
                        MessageState::Received,
                    )
                };
                let (Inserted::New(message) | Inserted::Existing(message)) = tx.messages().insert(new).await?;
                tx.conversations().touch(conversation.id, message.id, NOW).await?;
                tx.emit(Event::message_received(&message));
                tx.emit(Event::conversation_updated(&conversation));
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
        .unwrap();
}

/// Stores a group whose members have numbers, a text that mentions one of them, and a notice that names one.
async fn group(app: &App) {
    app.store
        .write(app.account, |tx, &account| {
            async move {
                let chat = "120363000000000001@g.us".into();
                let resolved = tx
                    .conversations()
                    .resolve(account, None, Some(&chat), ChatKind::Group, "Team")
                    .await?;
                let conversation = resolved.conversation;
                let members: Vec<_> = (CUSTOMERS..CUSTOMERS + MEMBERS)
                    .map(|n| Participant {
                        user: WaUserId(number(n)),
                        name: format!("+{}", number(n)),
                        phone: Some(format!("+{}", number(n)).parse().unwrap()),
                        from_me: false,
                        is_admin: false,
                    })
                    .collect();
                tx.groups().set(conversation.id, &members).await?;
                for (n, member) in members.iter().enumerate() {
                    let (kind, content) = if n % 2 == 0 {
                        (Kind::Text, format!("ask @{}", member.user))
                    } else {
                        (Kind::System, format!("[{} was added]", member.name))
                    };
                    let new = NewMessage {
                        whatsapp_id: Some(WaMessageId(format!("G{n}"))),
                        sender: WaUserId(format!("{}@c.us", member.user)),
                        author: Some(Author {
                            origin: None,
                            name: member.name.clone(),
                        }),
                        details: (n % 4 == 0).then(|| Details {
                            mentions: vec![Mention {
                                user: member.user.clone(),
                                name: None,
                            }],
                            ..Details::default()
                        }),
                        ..NewMessage::of(
                            &conversation,
                            Direction::Inbound,
                            kind,
                            &content,
                            NOW,
                            MessageState::Received,
                        )
                    };
                    let (Inserted::New(message) | Inserted::Existing(message)) = tx.messages().insert(new).await?;
                    tx.conversations().touch(conversation.id, message.id, NOW).await?;
                    tx.emit(Event::message_received(&message));
                }
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
        .unwrap();
}

/// Returns the planted numbers in a text.
fn found(text: &str) -> Vec<String> {
    static PLANTED: LazyLock<BTreeSet<String>> = LazyLock::new(|| (0..CUSTOMERS + MEMBERS).map(number).collect());
    let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 12);
    let windows = runs.flat_map(|run| (0..=run.len() - 12).map(move |at| &run[at..at + 12]));
    windows
        .filter(|window| PLANTED.contains(*window))
        .map(str::to_owned)
        .collect()
}

struct Crawl<'a> {
    app: &'a App,
    key: String,
    looked: usize,
}

impl Crawl<'_> {
    async fn text(&mut self, path: &str) -> String {
        let answer = self
            .app
            .bare(Method::GET, path)
            .bearer_auth(&self.key)
            .send()
            .await
            .unwrap();
        self.looked += 1;
        let headers = format!("{:?}", answer.headers());
        assert_eq!(found(&headers), Vec::<String>::new(), "{path}");
        let text = answer.text().await.unwrap();
        let numbers = found(&text);
        assert!(
            numbers.is_empty(),
            "{path}: {} numbers, such as {}",
            numbers.len(),
            numbers[0]
        );
        text
    }

    /// Looks at a list to its end, and returns the ids in it.
    async fn list(&mut self, path: &str) -> Vec<i64> {
        let (mut ids, mut next) = (vec![], Some(path.to_owned()));
        while let Some(path) = next {
            let page: Value = serde_json::from_str(&self.text(&path).await).unwrap();
            ids.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(|row| row["id"].as_i64()),
            );
            let more = page["has_more"].as_bool().unwrap();
            let base = path.split("&after").next().unwrap();
            next = more.then(|| format!("{base}&after={}", page["next_cursor"].as_str().unwrap()));
        }
        ids
    }
}

#[tokio::test]
async fn agents_find_no_number_anywhere() {
    let app = App::ruled(AccessRules {
        hide_numbers: true,
        ..AccessRules::default()
    })
    .await;
    for n in 0..CUSTOMERS {
        customer(&app, n).await;
    }
    group(&app).await;
    let first = app.json("/api/v1/customers?limit=1").await;
    assert_eq!(found(&first.to_string()).len(), 1, "who manages sees them");

    app.post("/api/v1/agents", &json!({ "name": "Eve" })).await;
    let wanted = json!({ "name": "eve", "scope": "admin", "agent_id": 1 });
    let made: Value = app.post("/api/v1/keys", &wanted).await.json().await.unwrap();
    let key = made["key"].as_str().unwrap().to_owned();
    let mut crawl = Crawl {
        app: &app,
        key: key.clone(),
        looked: 0,
    };

    let customers = crawl.list("/api/v1/customers?limit=100&order=asc").await;
    assert_eq!(customers.len(), CUSTOMERS);
    let conversations = crawl.list("/api/v1/conversations?limit=100&order=asc").await;
    let mut messages = vec![];
    for id in &conversations {
        messages.extend(
            crawl
                .list(&format!("/api/v1/conversations/{id}/messages?limit=1000&order=asc"))
                .await,
        );
    }
    assert_eq!(messages.len(), CUSTOMERS + MEMBERS);
    // Every route that reads, with every id that there is for it.
    for (method, route, _) in ROUTES.iter().filter(|(method, ..)| *method == Method::GET) {
        let ids = match *route {
            route if is_left_out(route) => continue,
            route if route.contains("/customers/{id}") || route.contains("{customer_id}") => &customers[..],
            route if route.contains("/conversations/{id}") => &conversations,
            route if route.contains("/messages/{id}") => &messages,
            route => {
                crawl
                    .text(&route.replace("{id}", "1").replace("{name}", "default"))
                    .await;
                continue;
            }
        };
        for id in ids.iter().step_by(if method == Method::GET { 1 } else { 2 }) {
            let id = id.to_string();
            crawl
                .text(&route.replace("{id}", &id).replace("{customer_id}", &id))
                .await;
        }
    }
    for path in [
        "/api/v1/export/customers?format=csv",
        "/api/v1/export/customers?format=ndjson",
        "/api/v1/export/messages?format=csv",
        "/api/v1/export/messages?format=ndjson",
        "/customers/summary?limit=20",
        "/customers/summary",
    ] {
        assert!(crawl.text(path).await.len() > 1000, "{path}");
    }
    assert!(crawl.looked > 3000, "{}", crawl.looked);

    // Nor by search, digit by digit; names with digits are found.
    for search in ["447700900001", "+4477009", "00900", "hello%0A%2B447"] {
        let path = format!("/api/v1/customers?search={search}");
        assert!(crawl.list(&format!("{path}&limit=100")).await.is_empty(), "{search}");
    }
    assert_eq!(
        crawl.list("/api/v1/customers?search=ada%2010&limit=1000").await.len(),
        1 + 5
    );
    let by_number = app.json("/api/v1/customers?search=447700900001").await;
    assert_eq!(by_number["data"].as_array().unwrap().len(), 1, "who manages finds them");

    streams(&app, &key).await;
    // Answers to writes too, and their repeats.
    for _ in 0..2 {
        let sent = app.bare(Method::POST, "/api/v1/messages").bearer_auth(&key);
        let sent = sent
            .header("Idempotency-Key", "once")
            .json(&json!({ "to": format!("+{}", number(1)), "content": "hi" }));
        let sent = sent.send().await.unwrap();
        assert_eq!(sent.status(), 202);
        assert!(found(&sent.text().await.unwrap()).is_empty());
    }
    let renamed = app.bare(Method::PATCH, "/api/v1/customers/2").bearer_auth(&key);
    let renamed = renamed.json(&json!({ "status": "lead" })).send().await.unwrap();
    assert!(found(&renamed.text().await.unwrap()).is_empty());
    let reader = app.key_of(Scope::Send).await;
    let seen = app
        .bare(Method::GET, "/api/v1/customers/2")
        .bearer_auth(reader)
        .send()
        .await
        .unwrap();
    let seen: Value = seen.json().await.unwrap();
    assert_eq!(
        (&seen["phone"], &seen["name"]),
        (&Value::Null, &json!("Customer 2")),
        "a key below manage as well"
    );
    app.stop().await;
}

/// The journal from its beginning, on the WebSocket and both event streams.
async fn streams(app: &App, key: &str) {
    let head = app.json("/api/v1/status").await["database"]["head"].as_i64().unwrap();
    let mut client = Client::greeted(app).await;
    client
        .say(&json!({ "op": "identify", "d": { "token": key, "resume_from": 0 } }))
        .await;
    let mut told = 0;
    loop {
        let frame = client.frame().await;
        assert!(found(&frame.to_string()).is_empty(), "{frame}");
        told += usize::from(frame["t"].is_string());
        if frame["op"] == "resumed" {
            break;
        }
    }
    assert!(told > 2 * CUSTOMERS, "{told}");
    for path in ["/api/v1/events", "/messages/events/stream"] {
        let answer = app
            .bare(Method::GET, path)
            .bearer_auth(key)
            .header("Last-Event-ID", "0");
        let mut pieces = answer.send().await.unwrap().bytes_stream();
        let (mut text, last) = (String::new(), format!("id: {}\n", head - 1));
        // The last event of the group's messages is one that both tell.
        while !text.contains(&last) && text.matches("\ndata: ").count() < CUSTOMERS * 2 {
            text.push_str(std::str::from_utf8(&pieces.next().await.unwrap().unwrap()).unwrap());
        }
        assert!(found(&text).is_empty(), "{path}");
    }
}

/// Streams, which have no end; and the API's description, which is the same for everybody: its examples are numbers for drama, as
/// those that are planted here.
fn is_left_out(route: &str) -> bool {
    let is_description = ["/api/v1/docs", "/api/v1/openapi.json"].contains(&route);
    route.ends_with("/events") || route.ends_with("/stream") || is_description
}
