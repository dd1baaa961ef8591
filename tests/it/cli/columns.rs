//! Lists and views on a terminal of 80 columns, and off it.

use reqwest::Method;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use super::rig::Shell;
use crate::api::app::App;

const COLUMNS: usize = 80;

/// Every list and view, with whether it shows times.
const SHOWN: &[(&[&str], bool)] = &[
    (&["account", "list"], true),
    (&["agent", "list"], false),
    (&["audit"], true),
    (&["conversation", "counts"], false),
    (&["conversation", "list"], true),
    (&["conversation", "notes", "1"], true),
    (&["customer", "list"], true),
    (&["key", "list"], true),
    (&["label", "list"], false),
    (&["message", "list", "1"], true),
    (&["template", "list"], true),
    (&["agent", "view", "1"], true),
    (&["conversation", "view", "1"], true),
    (&["customer", "view", "1"], true),
    (&["label", "view", "vip"], true),
    (&["message", "view", "1"], true),
    (&["template", "view", "greeting"], true),
    (&["outbox", "status"], false),
    (&["status"], false),
];

/// Wide, right to left, joined and long.
const NAME: &str = "山田太郎 مرحبا بالعالم שָׁלוֹם 👩‍👩‍👧‍👦 e\u{301}e\u{301} Wolfeschlegelsteinhausenbergerdorff";

async fn desk() -> App {
    let app = App::start().await;
    for (name, phone) in [(NAME, "+447700900123"), ("Bob", "+447700900124")] {
        app.inbound(name, phone, &format!("{NAME}\n{}", "long ".repeat(60)))
            .await;
    }
    let long = format!("{NAME} {}", "x".repeat(150));
    for (path, body) in [
        (
            "agents",
            json!({ "name": "Ада Лавлейс", "matrix_user": "@a-rather-long-name:matrix.example.org" }),
        ),
        (
            "labels",
            json!({ "name": "vip", "color": "#ff8800", "description": long }),
        ),
        (
            "templates",
            json!({ "name": "greeting", "body": long, "description": "山田".repeat(30) }),
        ),
        ("conversations/1/notes", json!({ "content": long })),
        ("conversations/1/assign", json!({ "agent_id": 1 })),
        // The shell's clock is ahead of this server's.
        (
            "messages",
            json!({ "conversation_id": 1, "content": long, "send_at": in_two_hours() }),
        ),
    ] {
        let answer = app.post(&format!("/api/v1/{path}"), &body).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }
    let label = app
        .request(Method::PUT, "/api/v1/conversations/1/labels/vip")
        .json(&json!({}));
    assert!(label.send().await.unwrap().status().is_success());
    app
}

fn in_two_hours() -> String {
    use crm::domain::Clock as _;
    let soon = crm::clock::SystemClock.now().plus(std::time::Duration::from_mins(121));
    soon.to_string()
}

/// Cut, not wrapped: a row of a list is one line.
#[tokio::test]
async fn no_list_is_wider_than_its_terminal() {
    let app = desk().await;
    let shell = Shell::of(&app);
    for (arguments, has_times) in SHOWN {
        let shown = shell.on_terminal(arguments, COLUMNS).await;
        assert_eq!(shown.code, Some(0), "{arguments:?}: {shown:?}");
        for line in shown.out.lines() {
            assert!(
                line.width() <= COLUMNS,
                "{arguments:?}: {} columns: {line}",
                line.width()
            );
        }
        let is_list = arguments.contains(&"list") || arguments.contains(&"notes") || arguments == &["audit"];
        if is_list {
            let full = |line: &str| line.contains('T') && line.contains(":20.000Z");
            assert!(!shown.out.lines().any(full), "{arguments:?}: {}", shown.out);
        }
        // In a pipe nothing is cut, and times are absolute.
        let piped = shell.ok(arguments).await.out;
        assert_eq!(
            piped.contains("2026-09-21T14:13:20.000Z"),
            *has_times,
            "{arguments:?}: {piped}"
        );
        assert!(!piped.contains('…'), "{arguments:?}: {piped}");
        // Each look at the audit log is one more entry.
        if is_list && arguments != &["audit"] {
            assert_eq!(
                shown.out.lines().count(),
                piped.lines().count(),
                "{arguments:?}: {}",
                shown.out
            );
        }
    }
    let names = shell.on_terminal(&["customer", "list"], COLUMNS).await.out;
    assert!(
        names.contains("山田太郎") && names.contains('…') && names.contains("+447700900124"),
        "{names}"
    );
    let messages = shell.on_terminal(&["message", "list", "1"], COLUMNS).await.out;
    assert!(messages.contains("scheduled: in 2"), "{messages}");
    app.stop().await;
}

#[tokio::test]
async fn narrow_terminal_gets_narrow_lists() {
    let app = desk().await;
    let shell = Shell::of(&app);
    for columns in [40, 60, 200] {
        for (arguments, _) in SHOWN {
            let shown = shell.on_terminal(arguments, columns).await;
            for line in shown.out.lines() {
                assert!(line.width() <= columns, "{arguments:?} in {columns}: {line}");
            }
        }
    }
    app.stop().await;
}

/// Its end says what to do.
#[tokio::test]
async fn detail_is_wrapped_and_never_cut() {
    use futures_util::FutureExt as _;
    let app = App::start().await;
    let detail = format!(
        "the phone has unlinked this device; {} `crm login` links it again",
        "so ".repeat(30)
    );
    app.store
        .write((app.account, detail.clone()), |tx, (account, detail)| {
            async move {
                let state = crm::domain::session::SessionState::LoggedOut;
                tx.accounts().set_session(*account, state, Some(detail.as_str())).await
            }
            .boxed()
        })
        .await
        .unwrap();
    let shell = Shell::of(&app).with("CRM_MATRIX_HOMESERVER", "http://127.0.0.1:9");
    let close = |text: &str| text.replace(char::is_whitespace, "");
    for columns in [60, COLUMNS] {
        let accounts = shell.on_terminal(&["account", "list"], columns).await.out;
        // The date stands beside the first line of the detail.
        let read = close(&accounts).replace("2026-09-21", "");
        assert!(read.contains(&close(&detail)), "{accounts}");
        let doctor = shell.on_terminal(&["doctor"], columns).await.out;
        assert!(!doctor.contains('…') && doctor.contains("127.0.0.1:9"), "{doctor}");
        for line in accounts.lines().chain(doctor.lines()) {
            assert!(line.width() <= columns, "{columns}: {line}");
        }
    }
    let service = Shell::bare()
        .with("CRM_URL", "http://127.0.0.1:9")
        .with("CRM_MATRIX_MODE", "service")
        .with("CRM_MATRIX_AGENTS", "@ada:example.org")
        .with("CRM_MATRIX_HOMESERVER", "http://127.0.0.1:9");
    service.ok(&["matrix", "registration"]).await;
    let checked = service.on_terminal(&["matrix", "check"], 60).await.out;
    assert!(!checked.contains('…') && checked.contains("DETAIL"), "{checked}");
    app.stop().await;
}

/// Lists within a row are for people: without brackets, and no column where none has any.
#[tokio::test]
async fn list_in_cell_is_words_not_json() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let bare = shell.on_terminal(&["conversation", "list"], 120).await.out;
    assert!(!bare.contains("LABELS") && !bare.contains('['), "{bare}");
    let piped = shell.ok(&["conversation", "list"]).await.out;
    assert!(piped.contains("LABELS") && !piped.contains('['), "{piped}");
    shell.ok(&["conversation", "label", "1", "+new", "+vip"]).await;
    shell
        .ok(&["attribute", "create", "plan", "--choice", "free", "--choice", "pro"])
        .await;
    shell.ok(&["key", "create", "shop", "--account", "default"]).await;
    for (arguments, said) in [
        (&["conversation", "list"][..], "new, vip"),
        (&["conversation", "view", "1"], "new, vip"),
        (&["attribute", "list"], "free, pro"),
        (&["key", "list"], "read"),
    ] {
        for out in [
            shell.ok(arguments).await.out,
            shell.on_terminal(arguments, 120).await.out,
        ] {
            assert!(out.contains(said) && !out.contains(['[', '"']), "{arguments:?}: {out}");
        }
    }
    // Programs get it as it is.
    let csv = shell.ok(&["conversation", "list", "-o", "csv"]).await.out;
    assert!(csv.contains("[\"\"new\"\",\"\"vip\"\"]"), "{csv}");
    app.stop().await;
}

/// As many rows as there are targets and accounts.
#[tokio::test]
async fn outbox_is_table_for_people() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    assert!(shell.ok(&["outbox", "status"]).await.out.contains("nothing waits"));
    shell.ok(&["send", "+447700900123", "hi", "--wait", "queued"]).await;
    let shown = shell.ok(&["outbox", "status"]).await.out;
    let rows: Vec<&str> = shown.lines().collect();
    assert!(
        rows[0].trim().starts_with("TARGET") && rows[1].trim().starts_with("whatsapp") && !shown.contains('['),
        "{shown}"
    );
    let told = shell.ok(&["outbox", "status", "-o", "json"]).await.json();
    assert_eq!(told["waiting"][0]["waiting"], 1);
    app.stop().await;
}
