//! `crm send`.

use crm::contract::Event;
use crm::domain::message::{Failure, MessageState};
use crm::domain::pacing::{WaitReason, Waiting};
use crm::domain::{Clock as _, MessageId};
use crm::store::StoreError;
use futures_util::FutureExt;
use serde_json::json;

use super::rig::Shell;
use crate::api::app::App;
use crate::rig::until;

const TO: &str = "+447700900123";

/// WhatsApp has told something of a message.
async fn set_state(app: &App, id: i64, state: MessageState, failure: Option<Failure>) {
    app.store
        .write((failure, id, state), |tx, (failure, id, state)| {
            async move {
                let changed = tx.messages().set_state(MessageId(*id), *state, failure.clone()).await?;
                tx.emit(Event::message_state(&changed));
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
        .unwrap();
}

/// Waits until the message is queued, then lets it become what it is to become.
async fn becomes(app: &App, state: MessageState, failure: Option<Failure>) {
    let mut head = app.store.head();
    loop {
        if app.store.messages().get(MessageId(1)).await.unwrap().is_some() {
            return set_state(app, 1, state, failure).await;
        }
        head.changed().await.unwrap();
    }
}

/// rule 27 and 28.
#[tokio::test]
async fn send_exit_code_follows_message_state() {
    let failure = |code: &str| Failure {
        code: code.to_owned(),
        detail: "this and that; do so".to_owned(),
    };
    for (wait, state, why, code) in [
        ("sent", MessageState::Sent, None, 0),
        ("sent", MessageState::Read, None, 0),
        ("delivered", MessageState::Delivered, None, 0),
        ("read", MessageState::Read, None, 0),
        ("sent", MessageState::Failed, Some(failure("not_on_whatsapp")), 3),
        ("sent", MessageState::Failed, Some(failure("expired")), 1),
        ("read", MessageState::Unknown, Some(failure("unclear")), 8),
        ("delivered", MessageState::Sent, None, 124),
    ] {
        let app = App::start().await;
        let shell = Shell::of(&app);
        let arguments = ["send", TO, "hello", "--wait", wait, "--timeout", "2s", "-o", "json"];
        let (ended, ()) = tokio::join!(shell.run(&arguments), becomes(&app, state, why));
        assert_eq!(ended.code, Some(code), "{state}: {ended:?}");
        let told = ended.json();
        assert_eq!((&told["id"], &told["state"]), (&json!(1), &json!(state)), "{ended:?}");
        app.stop().await;
    }
}

/// Waits until so many followers are connected.
async fn followed(app: &App, followers: u64) {
    until("the follower connects", async || {
        let status = app.json("/api/v1/status").await;
        (status["api"]["websockets"] == followers).then_some(())
    })
    .await;
}

/// It follows the events, however many there are, and reads the message once.
#[tokio::test]
async fn waiting_send_reads_its_message_once() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let arguments = ["send", TO, "hello", "--wait", "read", "--timeout", "25s", "-o", "json"];
    let travels = async {
        followed(&app, 1).await;
        for state in [MessageState::Sending, MessageState::Sent, MessageState::Delivered] {
            set_state(&app, 1, state, None).await;
        }
        // Another message of the conversation is not the one that is waited for.
        let other = json!({ "conversation_id": 1, "content": "another" });
        assert_eq!(app.post("/api/v1/messages", &other).await.status(), 202);
        set_state(&app, 2, MessageState::Read, None).await;
        set_state(&app, 1, MessageState::Read, None).await;
    };
    let (ended, ()) = tokio::join!(shell.run(&arguments), travels);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = ended.json();
    assert_eq!((&told["id"], &told["state"]), (&json!(1), &json!("read")), "{ended:?}");
    let metrics = app.get("/metrics").await.text().await.unwrap();
    let reads = "crm_http_requests_total{method=\"GET\",route=\"/api/v1/messages/{id}\",status=\"200\"} 1\n";
    assert!(metrics.contains(reads), "{metrics}");
    app.stop().await;
}

/// What happens while the server is away is found when it is back.
#[tokio::test]
async fn waiting_send_outlasts_server_restart() {
    for while_away in [true, false] {
        let app = App::start().await;
        let shell = Shell::of(&app);
        let arguments = [
            "send",
            TO,
            "hello",
            "--wait",
            "delivered",
            "--timeout",
            "28s",
            "-o",
            "json",
        ];
        let sending = shell.command(&arguments).spawn().unwrap();
        followed(&app, 1).await;
        let app = app
            .restart(|app| async move {
                let state = if while_away {
                    MessageState::Delivered
                } else {
                    MessageState::Sent
                };
                set_state(&app, 1, state, None).await;
                app
            })
            .await;
        if !while_away {
            followed(&app, 1).await;
            set_state(&app, 1, MessageState::Delivered, None).await;
        }
        let ended: super::rig::Ended = sending.wait_with_output().await.unwrap().into();
        assert_eq!(
            (ended.code, &ended.json()["state"]),
            (Some(0), &json!("delivered")),
            "{ended:?}"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn send_before_login_names_crm_login() {
    let app = App::start().await;
    let account = app.account;
    app.store
        .write(account, |tx, &account| {
            async move {
                tx.accounts()
                    .set_session(account, crm::domain::session::SessionState::LoggedOut, None)
                    .await
            }
            .boxed()
        })
        .await
        .unwrap();
    let ended = Shell::of(&app).run(&["send", TO, "hello", "--timeout", "3s"]).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("crm login"), "{}", ended.err);
    app.stop().await;
}

#[tokio::test]
async fn text_from_stdin_with_key_is_sent_once() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let arguments = [
        "send",
        TO,
        "-",
        "--wait",
        "queued",
        "--idempotency-key",
        "order-7",
        "-q",
    ];
    let first = shell.told(&arguments, "two\nlines\n").await;
    assert_eq!((first.code, first.out.as_str()), (Some(0), "1\n"), "{first:?}");
    let again = shell.told(&arguments, "two\nlines\n").await;
    assert_eq!(again.out, "1\n");
    let other = shell.told(&arguments, "another").await;
    assert_eq!(other.code, Some(2), "{other:?}");
    let message = app.store.messages().get(MessageId(1)).await.unwrap().unwrap();
    assert_eq!(message.content, "two\nlines");
    assert_eq!(
        message.author.unwrap().origin,
        Some(crm::domain::message::Origin::Shell)
    );
    app.stop().await;
}

#[tokio::test]
async fn recipient_by_name_must_be_unambiguous() {
    let app = App::start().await;
    app.inbound("Ada Lovelace", "+447700900123", "hello").await;
    app.inbound("Bob", "+447700900124", "hello").await;
    app.inbound("bob", "+447700900125", "hello").await;
    let shell = Shell::of(&app);
    let send = async |to: &str| shell.run(&["send", to, "hi", "--wait", "queued", "-o", "json"]).await;
    assert_eq!(send("ada lovelace").await.code, Some(0));
    let ambiguous = send("Bob").await;
    assert_eq!(ambiguous.code, Some(2), "{ambiguous:?}");
    assert!(ambiguous.err.contains("customer:2, customer:3"), "{}", ambiguous.err);
    assert_eq!(send("customer:3").await.code, Some(0));
    assert_eq!(send("conversation:1").await.code, Some(0));
    assert_eq!(send("Ada").await.code, Some(3), "a part of a name is no name");
    app.stop().await;
}

/// rule 8: a reason and a time; nobody waits in the shell for the morning.
#[tokio::test]
async fn send_in_quiet_hours_says_so_at_once() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let until = crm::clock::SystemClock.now().plus(std::time::Duration::from_hours(8));
    let waits = async {
        let mut head = app.store.head();
        while app.store.messages().get(MessageId(1)).await.unwrap().is_none() {
            head.changed().await.unwrap();
        }
        let waiting = Waiting {
            reason: WaitReason::QuietHours,
            until,
        };
        app.store
            .write(waiting, |tx, &waiting| {
                async move {
                    let told = tx.pace().set_waiting(MessageId(1), waiting).await?;
                    tx.emit(Event::message_state(&told.unwrap()));
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
            .unwrap();
    };
    let begun = std::time::Duration::from_secs(25);
    let send = tokio::time::timeout(
        begun,
        shell.run(&["send", TO, "hello", "--timeout", "60s", "-o", "json"]),
    );
    let (ended, ()) = tokio::join!(send, waits);
    let ended = ended.expect("it does not wait until its time is up");
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert_eq!(ended.json()["waiting"]["reason"], "quiet_hours");
    assert!(
        ended.err.contains(&until.to_string()) && ended.err.contains("CRM_WHATSAPP_QUIET_HOURS"),
        "{ended:?}"
    );
    app.stop().await;
}

/// Nobody has got it, and it does not go out by itself.
#[tokio::test]
async fn held_send_is_not_sent() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let held = async {
        followed(&app, 1).await;
        let waiting = Waiting {
            reason: WaitReason::Separated,
            until: App::now(),
        };
        app.store
            .write(waiting, |tx, &waiting| {
                async move {
                    let state = MessageState::Held;
                    let held = tx.messages().set_for_later(MessageId(1), state, waiting).await?;
                    tx.emit(Event::message_held(&held));
                    Ok::<_, StoreError>(())
                }
                .boxed()
            })
            .await
            .unwrap();
    };
    let arguments = ["send", TO, "hello", "--timeout", "25s", "-o", "json"];
    let (ended, ()) = tokio::join!(shell.run(&arguments), held);
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert_eq!(ended.json()["state"], "held");
    for said in ["message 1 is held, because the merge", "crm message release 1"] {
        assert!(ended.err.contains(said), "{ended:?}");
    }
    app.stop().await;
}

/// The upload has a key of its own, made of that of the message.
#[tokio::test]
async fn file_goes_out_under_longest_key() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    std::fs::write(shell.folder.path().join("note.txt"), "hello").unwrap();
    let key = "k".repeat(255);
    let key = ["--idempotency-key", &key, "--wait", "queued", "-q"];
    for _ in 0..2 {
        let sent = shell
            .ok(&[&["send", TO, "--file", "note.txt"], &key[..]].concat())
            .await;
        assert_eq!(sent.out, "1\n");
    }
    app.stop().await;
}

/// A text is not an option, and options stand before and after it.
#[tokio::test]
async fn text_that_begins_with_dash_is_sent() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    for text in ["-5 \u{b0}C today", "-o yes", "--hello there", "-\u{2013}"] {
        let arguments = ["send", TO, text, "--wait", "queued", "-o", "json"];
        shell.ok(&arguments).await;
        let listed = app.json("/api/v1/conversations/1/messages?order=desc&limit=1").await;
        assert_eq!(listed["data"][0]["content"], text);
    }
    shell
        .ok(&[
            "send", TO, "--poll", "-20 %?", "--option", "- yes", "--option", "- no", "--wait", "queued",
        ])
        .await;
    shell.ok(&["customer", "rename", "1", "-Ada-"]).await;
    shell
        .ok(&["customer", "edit", "1", "--status", "-new", "--name", "- Ada -"])
        .await;
    let ada = app.json("/api/v1/customers/1").await;
    assert_eq!((&ada["name"], &ada["status"]), (&json!("- Ada -"), &json!("-new")));
    shell.ok(&["agent", "add", "Bob", "--signature", "-- Bob"]).await;
    shell
        .ok(&["label", "create", "vip", "--description", "- the best"])
        .await;
    app.stop().await;
}

#[tokio::test]
async fn number_without_plus_is_suggested() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let ended = shell.run(&["send", "5511987654321", "hi"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("+5511987654321"), "{ended:?}");
    let ended = shell.run(&["send", "+44 (0)7700 900123", "hi"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(app.json("/api/v1/customers").await["data"], json!([]));
    app.stop().await;
}

/// The name beside it that another export would use is left alone.
#[tokio::test]
async fn export_uses_no_fixed_name_beside_its_file() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    let folder = shell.folder.path();
    std::fs::write(folder.join("all.csv.part"), "another's").unwrap();
    let from = ["--from", "2020-01-01", "--until", "2100-01-01"];
    let arguments = ["export", "messages", "--format", "csv", "--out", "all.csv"];
    shell.ok(&[&arguments[..], &from].concat()).await;
    assert!(
        std::fs::read(folder.join("all.csv"))
            .unwrap()
            .starts_with(b"\xef\xbb\xbf")
    );
    assert_eq!(
        std::fs::read_to_string(folder.join("all.csv.part")).unwrap(),
        "another's"
    );
    app.stop().await;
}

#[tokio::test]
async fn audit_is_listed() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    shell.ok(&["key", "list"]).await;
    let rows = shell.ok(&["audit", "-o", "json"]).await.json();
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .any(|row| row["action"] == "GET /api/v1/keys"),
        "{rows}"
    );
    app.stop().await;
}

/// The zone that counts is that of the person who types, not the server's. `NOW` is 14:13 UTC on 2026-09-21.
#[tokio::test]
async fn date_of_audit_is_midnight_of_callers_zone() {
    let app = App::start().await;
    for (zone, from, listed) in [
        // There it is 04:13 on the 22nd.
        ("<+14>-14", "2026-09-22", true),
        ("<+14>-14", "2026-09-23", false),
        ("UTC0", "2026-09-21", true),
        ("UTC0", "2026-09-22", false),
        // There it is 23:13 on the 20th.
        ("<-15>15", "2026-09-20", true),
        ("<-15>15", "2026-09-21", false),
    ] {
        let shell = Shell::of(&app).with("TZ", zone);
        shell.ok(&["key", "list"]).await;
        for (option, listed) in [("--from", listed), ("--until", !listed)] {
            let rows = shell.ok(&["audit", option, from, "-o", "json"]).await.json();
            assert_eq!(!rows.as_array().unwrap().is_empty(), listed, "{zone} {option} {from}");
        }
    }
    app.stop().await;
}

/// Each command that takes a text reads `-` from standard input.
#[tokio::test]
async fn dash_as_text_reads_standard_input() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    let later = ["send", "customer:1", "hi", "--at", "in 2h", "-o", "json"];
    let id = shell.ok(&later).await.json()["id"].to_string();
    let told = async |arguments: &[&str]| {
        let ended = shell.told(&[arguments, &["-o", "json"]].concat(), "two\nlines\n").await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.json()
    };
    assert_eq!(told(&["message", "edit", &id, "-"]).await["content"], "two\nlines");
    assert_eq!(told(&["conversation", "note", "1", "-"]).await["content"], "two\nlines");
    assert_eq!(
        told(&["template", "create", "greeting", "-"]).await["body"],
        "two\nlines"
    );
    app.stop().await;
}
