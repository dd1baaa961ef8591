//! Commands that ask the server: what they print, and what their ends mean.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::rig::Shell;
use crate::api::app::App;

#[tokio::test]
async fn lists_are_printed_in_each_format() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    app.inbound("Bob", "+447700900124", "two\nlines").await;
    let shell = Shell::of(&app);
    insta::assert_snapshot!("table", shell.ok(&["customer", "list"]).await.out);
    insta::assert_snapshot!("csv", shell.ok(&["customer", "list", "-o", "csv"]).await.out);
    insta::assert_snapshot!("messages", shell.ok(&["message", "list", "2"]).await.out);
    insta::assert_snapshot!("one", shell.ok(&["customer", "view", "1"]).await.out);
    assert_eq!(shell.ok(&["customer", "list", "-q"]).await.out, "1\n2\n");
    let lines = shell.ok(&["customer", "list", "-o", "ndjson"]).await.lines();
    assert_eq!((lines.len(), &lines[1]["name"]), (2, &json!("Bob")));
    assert_eq!(
        shell
            .ok(&["customer", "list", "-o", "json"])
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        shell.ok(&["conversation", "read", "1", "-o", "json"]).await.json()["unread_count"],
        0
    );
    let first = shell.ok(&["customer", "list", "--limit", "1", "-q"]).await;
    assert_eq!(first.out, "1\n");
    assert!(first.err.contains("--all"), "nothing is cut silently: {}", first.err);
    assert_eq!(shell.ok(&["customer", "list", "--all", "-q"]).await.err, "");
    insta::assert_snapshot!("status", shell.ok(&["status"]).await.out);
    app.stop().await;
}

/// rule 31.
#[tokio::test]
async fn customer_text_commands_no_terminal_or_csv() {
    let app = App::start().await;
    app.inbound(
        "\u{1b}]0;owned\u{7}Eve",
        "+447700900123",
        "=cmd\u{1b}[2J\u{202e}\r\nnext",
    )
    .await;
    let shell = Shell::of(&app);
    for arguments in [
        &["customer", "list"][..],
        &["customer", "view", "1"],
        &["message", "list", "1"],
        &["message", "view", "1"],
        &["tail", "--since", "0", "--idle", "100ms"],
        &["conversation", "list"],
        &["customer", "list", "-q"],
    ] {
        let out = shell.ok(arguments).await.out;
        assert!(
            !out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']),
            "{arguments:?}: {out:?}"
        );
    }
    let csv = shell.ok(&["export", "messages", "--format", "csv"]).await.out;
    assert!(csv.contains("\"'=cmd"), "{csv}");
    app.stop().await;
}

#[tokio::test]
async fn exit_code_and_error_say_what_happened() {
    let app = App::start().await;
    let message = app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let id = message.id.to_string();
    for (arguments, code, said) in [
        (&["customer", "view", "9"][..], 3, "there is no customer 9"),
        (&["message", "list", "9"], 3, "there is no conversation 9"),
        (&["message", "retry", &id], 7, ""),
        (&["logout", "--account", "other"], 3, "there is no account other"),
        (&["send", "Nobody", "x"], 3, "there is no customer called Nobody"),
        (&["send", "07700 900123", "x"], 2, "+447700900123"),
        (&["send", "+447700900123", ""], 2, "the text is empty"),
        (&["tail", "--type", "message.eaten"], 3, "filter"),
        (&["tail", "--conversation", "9"], 3, "there is no conversation 9"),
        (&["tail", "--since", "99"], 2, "sequence"),
        (&["tail", "--timeout", "100ms"], 124, "timed out"),
        (&["key", "revoke", "99"], 3, "there is no key 99"),
        (&["export", "messages", "-o", "table"], 2, "ndjson or csv"),
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(
            ended.err.starts_with("crm: ") && ended.err.contains(said),
            "{arguments:?}: {ended:?}"
        );
        assert_eq!(ended.err.lines().count(), 1, "one line: {ended:?}");
    }
    let nobody = Shell::bare()
        .with("CRM_URL", "http://127.0.0.1:9")
        .with("CRM_API_KEY", "crm_x");
    assert_eq!(nobody.run(&["status"]).await.code, Some(6));
    let stranger = Shell::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", "crm_x");
    assert_eq!(stranger.run(&["status"]).await.code, Some(1));
    let keyless = Shell::bare().with("CRM_URL", &app.url);
    let keyless = keyless.run(&["status"]).await;
    assert!(
        keyless.code == Some(1) && keyless.err.contains("CRM_API_KEY"),
        "{keyless:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn unknown_key_or_variable_is_refused() {
    let shell = Shell::bare().with("CRM_WHATSAPP_REED", "never");
    let ended = shell.run(&["status"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("did you mean `CRM_WHATSAPP_READ`?"), "{}", ended.err);
    let shell = Shell::bare().with("CRM_TEST_QUICK", "1");
    std::fs::write(shell.folder.path().join("crm.toml"), "[matrix]\nagent = []").unwrap();
    let ended = shell.run(&["status"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("did you mean `matrix.agents`?"), "{}", ended.err);
}

#[tokio::test]
async fn closed_pipe_exits_0_and_ctrl_c_130() {
    let app = App::start().await;
    for n in 0..300 {
        app.inbound("Ada", "+447700900123", &format!("{n} {}", "x".repeat(1000)))
            .await;
    }
    let shell = Shell::of(&app);
    // More than a pipe holds, and nobody reads it.
    let mut export = shell.command(&["export", "messages"]).spawn().unwrap();
    drop(export.stdout.take());
    let ended: super::rig::Ended = export.wait_with_output().await.unwrap().into();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));

    let mut tail = shell
        .command(&["tail", "--since", "0"])
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(tail.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(tail.wait().await.unwrap().code(), Some(130));
    app.stop().await;
}

#[tokio::test]
async fn export_file_is_whole_or_absent() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    shell.ok(&["export", "messages", "-o", "csv", "--out", "all.csv"]).await;
    let text = std::fs::read_to_string(shell.folder.path().join("all.csv")).unwrap();
    assert!(
        text.starts_with("\u{feff}id,customer_id,") && text.lines().count() == 2,
        "{text}"
    );
    let absent = shell
        .run(&[
            "export",
            "messages",
            "--conversation",
            "1",
            "--out",
            "no/such/folder.ndjson",
        ])
        .await;
    assert_eq!(absent.code, Some(1));
    let files: Vec<_> = std::fs::read_dir(shell.folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["all.csv"]);
    app.stop().await;
}

#[tokio::test]
async fn doctor_finds_faults_and_lists_quarantine() {
    use futures_util::FutureExt as _;
    let app = App::start().await;
    app.store
        .write((), |tx, ()| {
            async move { tx.quarantine().add("whatsapp", None, b"nonsense", "not JSON").await }.boxed()
        })
        .await
        .unwrap();
    let shell = Shell::of(&app).with("CRM_MATRIX_HOMESERVER", "http://127.0.0.1:9");
    let ended = shell.run(&["doctor", "--replay", "-o", "json"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let findings = ended.json();
    let verdict = |check: &str| {
        let found = findings
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("{check} in {findings}"))["verdict"].clone()
    };
    assert_eq!(verdict("homeserver"), "failed");
    assert_eq!(verdict("server"), "ok");
    assert_eq!(verdict("quarantine"), "warning");
    assert_eq!(verdict("whatsapp"), "warning");
    assert!(shell.run(&["doctor"]).await.out.contains("not JSON"));
    app.stop().await;
}

/// Whoever asks for something learns that nobody did it; a refused key is not a server that rests.
#[tokio::test]
async fn doctor_that_could_not_do_as_told_fails() {
    let app = App::start().await;
    let nobody = Shell::bare()
        .with("CRM_URL", "http://127.0.0.1:9")
        .with("CRM_API_KEY", "crm_x");
    let stranger = Shell::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", "crm_x");
    for (shell, server) in [(nobody, "warning"), (stranger, "failed")] {
        let arguments = ["doctor", "--replay", "--confirm-clock", "-o", "json"];
        let ended = shell.run(&arguments).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let findings = ended.json();
        for (check, verdict) in [("server", server), ("replay", "failed"), ("clock", "failed")] {
            let found = findings.as_array().unwrap().iter().find(|one| one["check"] == check);
            let found = found.unwrap_or_else(|| panic!("{check} in {findings}"));
            assert_eq!(found["verdict"], verdict, "{found}");
            assert!(check == "server" || found["detail"].as_str().unwrap().contains("nothing was"));
        }
    }
    app.stop().await;
}

/// `-q` prints ids alone, so nothing where there are none.
#[tokio::test]
async fn quiet_prints_nothing_without_ids() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    shell.ok(&["template", "create", "greeting", "Hello"]).await;
    for arguments in [
        &["status", "-q"][..],
        &["outbox", "status", "-q"],
        &["conversation", "counts", "-q"],
        &["doctor", "-q"],
        &["template", "render", "greeting", "customer:1", "-q"],
    ] {
        assert_eq!(shell.run(arguments).await.out, "", "{arguments:?}");
    }
    assert_eq!(shell.ok(&["conversation", "list", "-q"]).await.out, "1\n");
    app.stop().await;
}
