//! Messages that go into another chat.

use std::time::Duration;

use crm::domain::MessageId;
use crm::domain::Timestamp;
use crm::domain::details::{ContactCard, Details, Location, Mention, Poll, PollVote};
use crm::domain::media::MediaState;
use crm::domain::message::{Direction, Kind, Message, MessageState};
use crm::store::{Inserted, NewMedia, NewMessage, StoreError};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::app::{App, NOW};
use crate::cli::rig::Shell;
use crate::desk::{posted, refused};
use crate::rig::files::png;
use crate::ws::client::Client;

const TO: &str = "+447700900199";

/// A customer's message of any kind, in the conversation of another one.
async fn heard(app: &App, beside: &Message, kind: Kind, content: &str, details: Option<Details>) -> MessageId {
    let input = (beside.conversation_id, kind, content.to_owned(), details);
    let stored = app.store.write(input, |tx, (conversation, kind, content, details)| {
        async move {
            let conversation = tx.conversations().get(*conversation).await?.unwrap();
            let state = MessageState::Received;
            let new = NewMessage {
                details: details.clone(),
                ..NewMessage::of(&conversation, Direction::Inbound, *kind, content, NOW, state)
            };
            let (Inserted::New(message) | Inserted::Existing(message)) = tx.messages().insert(new).await?;
            Ok::<_, StoreError>(message.id)
        }
        .boxed()
    });
    stored.await.unwrap()
}

fn path(id: impl std::fmt::Display) -> String {
    format!("/api/v1/messages/{id}/forward")
}

#[tokio::test]
async fn text_goes_to_another_customer_as_new_send() {
    let app = App::start().await;
    let asked = app.inbound("Ada", "+447700900123", "Where is order 17?").await;
    let forward = async |key: &str| {
        let request = app
            .request(Method::POST, &path(asked.id))
            .header("Idempotency-Key", key);
        request.json(&json!({ "to": TO })).send().await.unwrap()
    };
    let answer = forward("F1").await;
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let message: Value = answer.json().await.unwrap();
    assert_eq!(location, format!("/api/v1/messages/{}", message["id"]));
    for (field, value) in [
        ("content", json!("Where is order 17?")),
        ("kind", json!("text")),
        ("direction", json!("outbound")),
        ("state", json!("queued")),
        ("forwarded_from", json!(asked.id)),
        ("details", json!({ "forwarded_from": asked.id })),
    ] {
        assert_eq!(message[field], value, "{field}");
    }
    assert_ne!(message["conversation_id"], json!(asked.conversation_id));
    let again = forward("F1").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), message);
    assert_ne!(forward("F2").await.json::<Value>().await.unwrap()["id"], message["id"]);
    // The same key for another message is another request.
    let other = app.inbound("Ada", "+447700900123", "Or 18?").await;
    let other = app
        .request(Method::POST, &path(other.id))
        .header("Idempotency-Key", "F1");
    assert_eq!(other.json(&json!({ "to": TO })).send().await.unwrap().status(), 422);
    app.stop().await;
}

#[tokio::test]
async fn every_kind_that_can_be_sent_is_forwarded() {
    let app = App::start().await;
    let beside = app.inbound("Ada", "+447700900123", "hello").await;
    let group_text = Details {
        mentions: vec![Mention {
            user: "9001".into(),
            name: Some("Bob".to_owned()),
        }],
        ..Details::default()
    };
    let place = Details {
        location: Some(Location {
            latitude: 51.5,
            longitude: -0.25,
            name: Some("Market".to_owned()),
            address: None,
            live_until: Some(NOW),
        }),
        ..Details::default()
    };
    let card = |name: &str| ContactCard {
        name: name.to_owned(),
        vcard: format!("BEGIN:VCARD\nFN:{name}\nEND:VCARD"),
    };
    let cards = Details {
        contacts: vec![card("Bob"), card("Cyd")],
        ..Details::default()
    };
    let poll = Details {
        poll: Some(Poll {
            question: "When?".to_owned(),
            options: vec!["a".to_owned(), "b".to_owned()],
            selectable: 1,
            votes: vec![PollVote {
                from_me: false,
                sender: None,
                name: "Ada".to_owned(),
                options: vec!["a".to_owned()],
                at: NOW,
            }],
            ids: vec![],
        }),
        ..Details::default()
    };
    for (kind, content, details, expected, field) in [
        (Kind::Text, "@9001 please", Some(group_text), "@Bob please", json!(null)),
        (
            Kind::Location,
            "[live location: x]",
            Some(place),
            "[location: Market; 51.50000, -0.25000]",
            json!({ "location": { "latitude": 51.5, "longitude": -0.25, "name": "Market" } }),
        ),
        (
            Kind::Contact,
            "[contacts: x]",
            Some(cards),
            "[contacts: Bob; Cyd]",
            json!({ "contacts": [card("Bob"), card("Cyd")] }),
        ),
        (
            Kind::Poll,
            "[poll: x]",
            Some(poll),
            "[poll: When?] a · b",
            json!({ "poll": { "question": "When?", "options": ["a", "b"], "selectable": 1, "votes": [] } }),
        ),
    ] {
        let id = heard(&app, &beside, kind, content, details).await;
        let sent = posted(&app, &path(id), &json!({ "to": TO })).await;
        assert_eq!((&sent["kind"], &sent["content"]), (&json!(kind), &json!(expected)));
        for (name, value) in field.as_object().into_iter().flatten() {
            assert_eq!(&sent["details"][name], value, "{kind}");
        }
        assert_eq!(sent["details"]["forwarded_from"], json!(id), "{kind}");
    }
    let upload = app.request(Method::POST, "/api/v1/media?filename=a.png").body(png());
    let media: Value = upload.send().await.unwrap().json().await.unwrap();
    for (caption, kind) in [("The menu", "image"), ("", "image"), ("x", "document")] {
        let file = json!({ "to": TO, "content": caption, "media": { "id": media["id"], "kind": kind } });
        let first = posted(&app, "/api/v1/messages", &file).await;
        let of = json!({ "conversation_id": beside.conversation_id });
        let sent = posted(&app, &path(&first["id"]), &of).await;
        assert_eq!(
            (&sent["kind"], &sent["content"], &sent["media"]["id"]),
            (&first["kind"], &first["content"], &media["id"])
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn message_without_content_is_not_forwarded() {
    let app = App::start().await;
    let beside = app.inbound("Ada", "+447700900123", "hello").await;
    let once = Details {
        view_once: true,
        ..Details::default()
    };
    let deleted = heard(&app, &beside, Kind::Text, "never mind", None).await;
    app.store
        .write(deleted, |tx, &id| {
            async move { tx.messages().set_deleted(id, NOW).await.map(|_| ()) }.boxed()
        })
        .await
        .unwrap();
    let notice = heard(&app, &beside, Kind::System, "[number changed]", None).await;
    let unknown = heard(&app, &beside, Kind::Unknown, "[order: Cakes]", None).await;
    let once = heard(&app, &beside, Kind::Image, "[view-once image]", Some(once)).await;
    let nowhere = heard(&app, &beside, Kind::Location, "[location: x]", None).await;
    for (id, why) in [
        (deleted, "was deleted"),
        (notice, "is a notice"),
        (unknown, "forward it on the phone"),
        (once, "viewed once"),
        (nowhere, "cannot be sent"),
    ] {
        let (status, code, problem) = refused(app.post(&path(id), &json!({ "to": TO })).await).await;
        assert_eq!((status, code.as_str()), (422, "invalid_body"), "{why}");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    let image = heard(&app, &beside, Kind::Image, "[image]", None).await;
    app.store
        .write(image, |tx, &id| {
            async move {
                let new = NewMedia {
                    account: None,
                    state: MediaState::Pending,
                    wanted: false,
                    mimetype: "image/png".to_owned(),
                    sniffed: None,
                    size: Some(10),
                    sha256: None,
                    promised_sha256: None,
                    filename: None,
                    detail: None,
                };
                let media = tx.media().insert(&new).await?;
                tx.media().attach(id, &media).await.map(|_| ())
            }
            .boxed()
        })
        .await
        .unwrap();
    let (status, code, problem) = refused(app.post(&path(image), &json!({ "to": TO })).await).await;
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(
        problem["detail"].as_str().unwrap().contains("fetch it first"),
        "{problem}"
    );
    for (body, status) in [
        (json!({}), 422),
        (json!({ "to": TO, "customer_id": 1 }), 422),
        (json!({ "to": TO, "content": "mine" }), 422),
        (json!({ "conversation_id": 99 }), 404),
    ] {
        assert_eq!(app.post(&path(beside.id), &body).await.status(), status, "{body}");
    }
    assert_eq!(app.post(&path(999), &json!({ "to": TO })).await.status(), 404);
    app.stop().await;
}

/// Guard, opt-out, time and visibility are those of every send.
#[tokio::test]
async fn forwarded_message_passes_what_every_send_passes() {
    let mut app = App::start().await;
    let ada = app.inbound("Ada", "+447700900123", "one").await;
    let ben = app.inbound("Ben", TO, "two").await;
    let of = ben.conversation_id;
    let newer = app.inbound("Ben", TO, "three").await;
    let guarded = json!({ "conversation_id": of, "seen_up_to": ben.id });
    let (status, code, _) = refused(app.post(&path(ada.id), &guarded).await).await;
    assert_eq!((status, code.as_str()), (409, "overtaken"));
    for body in [
        json!({ "conversation_id": of, "seen_up_to": newer.id }),
        json!({ "conversation_id": of, "seen_up_to": ben.id, "force": true }),
    ] {
        posted(&app, &path(ada.id), &body).await;
    }
    let at = NOW.plus(Duration::from_hours(1));
    let later = posted(&app, &path(ada.id), &json!({ "conversation_id": of, "send_at": at })).await;
    assert_eq!((&later["state"], &later["send_at"]), (&json!("scheduled"), &json!(at)));
    let past = json!({ "conversation_id": of, "send_at": Timestamp(NOW.0 - 1) });
    assert_eq!(app.post(&path(ada.id), &past).await.status(), 422);
    posted(
        &app,
        &format!("/api/v1/customers/{}/opt-out", ben.customer_id.unwrap()),
        &json!({}),
    )
    .await;
    let (status, code, _) = refused(app.post(&path(ada.id), &json!({ "conversation_id": of })).await).await;
    assert_eq!((status, code.as_str()), (409, "opted_out"));

    // Neither end may be of an account that the key does not see.
    let other: Value = posted(&app, "/api/v1/accounts", &json!({ "name": "other" })).await;
    let default = std::mem::replace(&mut app.account, crm::domain::AccountId(other["id"].as_i64().unwrap()));
    let cyd = app.inbound("Cyd", "+447700900155", "four").await;
    app.account = default;
    let bound = json!({ "name": "bound", "scope": "send", "accounts": ["other"] });
    let bound = posted(&app, "/api/v1/keys", &bound).await;
    let bound = bound["key"].as_str().unwrap();
    let ask = async |id: MessageId, body: Value| {
        let request = app.bare(Method::POST, &path(id)).bearer_auth(bound);
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    let own = json!({ "conversation_id": cyd.conversation_id });
    assert_eq!(ask(ada.id, own.clone()).await, 404);
    assert_eq!(
        ask(cyd.id, json!({ "conversation_id": ada.conversation_id })).await,
        404
    );
    assert_eq!(ask(cyd.id, own).await, 202);
    app.stop().await;
}

/// Others' words have no signature.
#[tokio::test]
async fn agents_forward_by_socket_and_shell_unsigned() {
    let app = App::start().await;
    let ada = app.inbound("Ada", "+447700900123", "one").await;
    posted(&app, "/api/v1/agents", &json!({ "name": "Eve", "signature": "Eve" })).await;
    let key = json!({ "name": "eve's", "scope": "send", "agent_id": 1 });
    let key = posted(&app, "/api/v1/keys", &key).await["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut client = Client::greeted(&app).await;
    client.say(&json!({ "op": "identify", "d": { "token": key } })).await;
    assert_eq!(client.frame().await["op"], "ready");
    let d = json!({ "message_id": ada.id, "to": TO, "idempotency_key": "k" });
    let first = client.command("forward", &json!(1), d.clone()).await;
    assert_eq!(
        (&first["status"], &first["d"]["content"], &first["d"]["forwarded_from"]),
        (&json!(202), &json!("one"), &json!(ada.id)),
        "{first}"
    );
    let again = client.command("forward", &json!(2), d).await;
    assert_eq!(
        (&again["idempotent_replayed"], &again["d"]),
        (&json!(true), &first["d"])
    );
    let wrong = client
        .command("forward", &json!(3), json!({ "message_id": 99, "to": TO }))
        .await;
    assert_eq!(wrong["status"], 404);

    let shell = Shell::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", &key);
    let id = ada.id.to_string();
    let sent = shell.ok(&["message", "forward", &id, TO, "-o", "json"]).await.json();
    assert_eq!(
        (&sent["content"], &sent["forwarded_from"]),
        (&json!("one"), &json!(ada.id))
    );
    let nobody = shell.run(&["message", "forward", &id, "Nobody"]).await;
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    app.stop().await;
}
