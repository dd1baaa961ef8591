//! The outside gateway's requests.

use serde_json::{Value, json};

use super::{NOW, pointer, post, told};
use crate::api::app::App;

/// Nothing that a later repetition could change: the gateway has the session.
#[tokio::test]
async fn gateway_account_has_no_session_to_ask_for() {
    let app = App::start().await;
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "hello", "A1")).await;
    let (status, problem) = post(&app, "/api/v1/accounts/gateway/sync", &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    let (status, _) = post(&app, "/api/v1/accounts/gateway/login", &json!({})).await;
    assert_eq!(status, 409);
    assert_eq!(app.get("/api/v1/accounts/gateway/session").await.status(), 409);
    app.stop().await;
}

#[tokio::test]
async fn inbox_takes_message_once_by_its_id() {
    let app = App::start().await;
    let hello = told("447700900101", "Ada", "hello", "false_447700900101@c.us_3EB0A1");
    let (status, message) = post(&app, "/messages/inbox", &hello).await;
    let expected = json!({
        "id": 1, "customer_id": 1, "direction": "inbound", "content": "hello", "timestamp": NOW, "ack": null,
        "whatsapp_id": "false_447700900101@c.us_3EB0A1",
    });
    assert_eq!((status, &message), (200, &expected));
    // The same id is the same message, however its sender is written.
    for phone in [
        "+447700900101",
        "447700900101@c.us",
        "447700900101:3@s.whatsapp.net",
        "98765432109876@lid",
    ] {
        let again = told(phone, "Ada", "hello", "false_447700900101@c.us_3EB0A1");
        assert_eq!(
            post(&app, "/messages/inbox", &again).await,
            (200, expected.clone()),
            "{phone}"
        );
    }
    assert_eq!(app.json("/messages/1").await, json!([expected]));
    let (_, next) = post(
        &app,
        "/messages/inbox",
        &told("+44 7700 900101", "Ada L.", "again", "A2"),
    )
    .await;
    assert_eq!(next["customer_id"], 1, "one person in every form");
    let (_, hidden) = post(
        &app,
        "/messages/inbox",
        &told("98765432109876@lid", "Eve", "hello", "A3"),
    )
    .await;
    assert_eq!(hidden["customer_id"], 2);
    let summary = app.json("/customers/summary").await;
    assert_eq!(summary[0]["phone"], Value::Null);
    assert_eq!(
        (&summary[1]["name"], &summary[1]["unread_count"]),
        (&"Ada L.".into(), &2.into())
    );
    app.stop().await;
}

/// Senders choose their ids: a copied one must not swallow what somebody else wrote (rule 12).
#[tokio::test]
async fn copied_id_at_gateway_stores_both_messages() {
    let app = App::start().await;
    let inbox = async |phone: &str, content: &str, id: &str| {
        let (status, message) = post(&app, "/messages/inbox", &told(phone, "", content, id)).await;
        assert_eq!(status, 200, "{message}");
        (message["id"].clone(), message["content"].clone())
    };
    let mallory = inbox("447700900101", "mine", "COPY1").await;
    let victim = inbox("447700900102", "help", "COPY1").await;
    assert_eq!(victim.1, "help");
    assert_ne!(victim.0, mallory.0);
    // Each repeat is answered with the message of its own sender, in each form of their number.
    for _ in 0..2 {
        assert_eq!(inbox("447700900101@c.us", "mine", "COPY1").await, mallory);
        assert_eq!(inbox("+447700900102", "help", "COPY1").await, victim);
    }
    // A LID that was not seen before may be anybody's: only an equal text makes it a repeat.
    let hidden = inbox("98765432109876@lid", "me too", "COPY1").await;
    assert_eq!(hidden.1, "me too");
    assert_eq!(inbox("98765432109876@lid", "me too", "COPY1").await, hidden);
    assert_eq!(inbox("98765432109877@lid", "help", "COPY1").await, victim);
    // Nor is another number another form of one that is known.
    let copied = inbox("447700900103", "help", "COPY1").await;
    assert_ne!(copied.0, victim.0);
    app.stop().await;
}

#[tokio::test]
async fn parallel_repeats_of_message_make_one() {
    let app = App::start().await;
    let posts = (0..8).map(|_| async {
        let hello = told("447700900101", "Ada", "hello", "A1");
        post(&app, "/messages/inbox", &hello).await
    });
    let answers = futures_util::future::join_all(posts).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(app.json("/customers/summary").await[0]["unread_count"], 1);
    app.stop().await;
}

#[tokio::test]
async fn gateway_account_is_made_without_browser() {
    let app = App::start().await;
    assert_eq!(app.json("/api/v1/accounts").await["data"].as_array().unwrap().len(), 1);
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "hello", "A1")).await;
    let account = app.json("/api/v1/accounts/gateway").await;
    assert_eq!(
        (&account["kind"], &account["state"]),
        (&"gateway".into(), &"ready".into())
    );
    let ready = app.json("/readyz").await;
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["whatsapp"][1]["kind"], "gateway");
    // It is the account of its messages, and of no other's.
    let message = app.json("/api/v1/messages/1").await;
    assert_eq!(message["account_id"], account["id"]);
    assert_eq!(message["author"]["name"], "Ada");
    let (status, problem) = post(&app, "/api/v1/accounts/gateway/login", &json!({})).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("conflict")));
    // A number without a conversation still goes out by the only account that can send.
    let (status, sent) = post(
        &app,
        "/api/v1/messages",
        &json!({ "to": "+447700900102", "content": "x" }),
    )
    .await;
    assert_eq!((status, &sent["account_id"]), (202, &app.account.0.into()));
    app.stop().await;
}

#[tokio::test]
async fn gateway_conversation_refuses_answers() {
    let app = App::start().await;
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "hello", "A1")).await;
    let refused = async |path: &str, body: Value| {
        let (status, problem) = post(&app, path, &body).await;
        assert_eq!((status, problem["code"].as_str()), (409, Some("conflict")), "{path}");
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("cannot be answered from here yet"), "{detail}");
    };
    refused("/messages/send", json!({ "customer_id": 1, "content": "hi" })).await;
    refused("/api/v1/messages", json!({ "conversation_id": 1, "content": "hi" })).await;
    let to = json!({ "to": "+447700900101", "account": "gateway", "content": "hi" });
    refused("/api/v1/messages", to).await;
    // A customer who writes to an account of ours as well is answered there.
    app.inbound("Ada", "+447700900101", "hello?").await;
    let (status, sent) = post(&app, "/messages/send", &json!({ "customer_id": 1, "content": "hi" })).await;
    assert_eq!(status, 200, "{sent}");
    let history = app.json("/messages/1").await;
    let contents: Vec<_> = history.as_array().unwrap().iter().map(|row| &row["content"]).collect();
    assert_eq!(contents, ["hello", "hello?", "hi"], "of all accounts");
    app.stop().await;
}

#[tokio::test]
async fn inbox_takes_times_of_gateways() {
    let app = App::start().await;
    for (number, time, expected) in [
        (1, json!(1_789_999_000), "2026-09-21T13:56:40.000Z"),
        (2, json!(1_789_999_000_123_i64), "2026-09-21T13:56:40.123Z"),
        (3, json!("2026-09-21T13:56:40"), "2026-09-21T13:56:40.000Z"),
        (4, json!("2026-09-21T15:56:40.5+02:00"), "2026-09-21T13:56:40.500Z"),
        (5, json!(1_790_000_060), "2026-09-21T14:14:20.000Z"),
    ] {
        let mut body = told("447700900101", "Ada", "hello", &format!("T{number}"));
        body["timestamp"] = time;
        let (status, message) = post(&app, "/messages/inbox", &body).await;
        assert_eq!((status, message["timestamp"].as_str()), (200, Some(expected)));
    }
    app.stop().await;
}

#[tokio::test]
async fn wrong_inbox_is_refused_with_pointer() {
    let app = App::start().await;
    let good = told("447700900101", "Ada", "hello", "A1");
    for (field, value, expected) in [
        ("phone", json!(""), "/phone"),
        ("phone", json!("Ada"), "/phone"),
        ("phone", json!("120363041234567890@g.us"), "/phone"),
        ("phone", json!(447_700_900_101_i64), "/phone"),
        ("whatsapp_id", json!(""), "/whatsapp_id"),
        ("whatsapp_id", json!("a".repeat(256)), "/whatsapp_id"),
        ("whatsapp_id", json!("a\0"), "/whatsapp_id"),
        ("timestamp", json!("2026-09-22T14:13:20Z"), "/timestamp"),
        ("timestamp", json!(1_900_000_000), "/timestamp"),
        ("timestamp", json!("soon"), "/timestamp"),
        ("timestamp", json!(0), "/timestamp"),
        ("timestamp", json!(-5), "/timestamp"),
        ("timestamp", json!("0001-01-01T00:00:00Z"), "/timestamp"),
        ("timestamp", json!("2008-12-31T23:59:59Z"), "/timestamp"),
        ("timestamp", json!(1e300), "/timestamp"),
        ("content", json!("a".repeat(70_000)), "/content"),
        ("content", json!("a\0b"), "/content"),
        ("media", json!("x"), "/media"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, problem) = post(&app, "/messages/inbox", &body).await;
        assert_eq!((status, pointer(&problem)), (422, expected), "{problem}");
    }
    let mut huge = good.clone();
    huge["timestamp"] = json!(1e300);
    let (_, problem) = post(&app, "/messages/inbox", &huge).await;
    assert!(
        !problem["detail"].as_str().unwrap().contains("before 1970"),
        "{problem}"
    );
    let group = told("120363041234567890@g.us", "Ada", "hello", "A1");
    let (_, problem) = post(&app, "/messages/inbox", &group).await;
    assert!(problem["detail"].as_str().unwrap().contains("group"), "{problem}");
    let mut bare = good.clone();
    bare.as_object_mut().unwrap().remove("phone");
    assert_eq!(post(&app, "/messages/inbox", &bare).await.0, 422);
    assert_eq!(app.json("/customers/summary").await, json!([]), "nothing was stored");
    // A gateway may not know the name, and a picture may have no text.
    let nameless = json!({ "phone": "447700900101", "name": null, "content": "", "whatsapp_id": "A9" });
    let (status, message) = post(&app, "/messages/inbox", &nameless).await;
    assert_eq!(
        (status, message["content"].as_str()),
        (200, Some("[message without text]"))
    );
    app.stop().await;
}

#[tokio::test]
async fn ack_reaches_only_messages_of_its_own_account() {
    let app = App::start().await;
    // A message of an account of ours, under an id that a gateway might give.
    let customer = app.inbound("Ada", "+447700900101", "hello").await.customer_id.unwrap();
    post(
        &app,
        "/messages/send",
        &json!({ "customer_id": customer, "content": "hi" }),
    )
    .await;
    let ack = json!({ "whatsapp_id": "IN1", "ack": 3 });
    assert_eq!(
        post(&app, "/messages/ack", &ack).await,
        (202, ack),
        "it waits for its message"
    );
    assert!(
        app.json("/messages/1")
            .await
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["ack"].is_null())
    );
    // A customer's own message has no delivery state.
    let (_, message) = post(&app, "/messages/inbox", &told("447700900102", "Bob", "hello", "B1")).await;
    let read = json!({ "whatsapp_id": "B1", "ack": 3 });
    assert_eq!(post(&app, "/messages/ack", &read).await, (200, message));
    for (field, value) in [
        ("ack", json!("3")),
        ("whatsapp_id", json!("")),
        ("state", json!("read")),
    ] {
        let mut body = json!({ "whatsapp_id": "B1", "ack": 3 });
        body[field] = value;
        let (status, problem) = post(&app, "/messages/ack", &body).await;
        assert_eq!((status, pointer(&problem)), (422, format!("/{field}").as_str()));
    }
    app.stop().await;
}

/// A gateway's message is a message like any other: words of opt-out count.
#[tokio::test]
async fn gateway_message_opts_customer_out() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900101", "hello").await;
    post(&app, "/messages/inbox", &told("447700900101", "Ada", "STOP", "A1")).await;
    let (status, problem) = post(&app, "/messages/send", &json!({ "customer_id": 1, "content": "hi" })).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("opted_out")));
    app.stop().await;
}

/// An account called `gateway` that this server drives takes nothing of others.
#[tokio::test]
async fn account_of_ours_takes_nothing_from_gateway() {
    let app = App::start().await;
    app.post("/api/v1/accounts", &json!({ "name": "gateway" })).await;
    let (status, problem) = post(&app, "/messages/inbox", &told("447700900101", "Ada", "hello", "A1")).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("conflict")));
    app.stop().await;
}

/// A number that means nothing would wait for a day and then be nothing.
#[tokio::test]
async fn ack_out_of_range_is_refused() {
    let app = App::start().await;
    for ack in [5, 99, i32::MAX] {
        let (status, problem) = post(&app, "/messages/ack", &json!({ "whatsapp_id": "A1", "ack": ack })).await;
        assert_eq!((status, pointer(&problem)), (422, "/ack"), "{problem}");
    }
    for ack in [-1, 0, 1, 2, 3, 4] {
        let told = json!({ "whatsapp_id": format!("A{ack}"), "ack": ack });
        assert_eq!(post(&app, "/messages/ack", &told).await.0, 202, "{ack}");
    }
    app.stop().await;
}
