//! Errors in the words of the shell, and the exit codes that they mean.

use serde_json::json;

use super::rig::Shell;
use crate::api::app::App;

const TO: &str = "+447700900123";

/// An error names options, not fields of the API.
#[tokio::test]
async fn errors_name_options_not_fields() {
    let app = App::start().await;
    let seen = app.inbound("Ada", TO, "hello").await.id.to_string();
    app.inbound("Ada", TO, "hello again").await;
    let shell = Shell::of(&app);
    shell.ok(&["attribute", "create", "plan", "--choice", "free"]).await;
    for (arguments, code, said, unsaid) in [
        (&["customer", "rename", "1", ""][..], 2, "--reset", "null"),
        (&["customer", "edit", "1", "--name", " "], 2, "--reset", "null"),
        (
            &["customer", "edit", "1", "--set", "plan=gold"],
            2,
            "--unset plan",
            "null",
        ),
        (
            &["send", "conversation:1", "hi", "--seen-up-to", &seen],
            7,
            "--force",
            "`force`",
        ),
        (
            &["message", "forward", &seen, "conversation:1", "--seen-up-to", &seen],
            7,
            "--force",
            "`force`",
        ),
        (&["key", "rotate", "1", "--overlap", "60d"], 2, "30 days", "seconds"),
        (
            &["export", "customers", "--conversation", "1"],
            2,
            "--conversation",
            "field",
        ),
        (
            &["export", "customers", "--from", "2026-01-01", "--job"],
            2,
            "--from",
            "field",
        ),
        (&["customer", "view", "abc"], 2, "a whole number", "invalid digit"),
        (&["message", "cancel", ""], 2, "a whole number", "empty string"),
        (&["tail", "--conversation", "Ada"], 2, "a whole number", "invalid digit"),
        (
            &["customer", "list", "--limit", "0"],
            2,
            "1 or more",
            "18446744073709551615",
        ),
        (
            &["customer", "list", "--limit", "many"],
            2,
            "1 or more",
            "invalid digit",
        ),
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(
            ended.err.contains(said) && !ended.err.contains(unsaid),
            "{arguments:?}: {ended:?}"
        );
    }
    app.stop().await;
}

/// The exit code of what is not there is 3, wherever it is named.
#[tokio::test]
async fn named_thing_that_is_absent_is_not_found() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    for arguments in [
        &["customer", "list", "--label", "nope"][..],
        &["customer", "list", "--account", "nope"],
        &["conversation", "list", "--label", "nope"],
        &["conversation", "list", "--account", "nope"],
        &["conversation", "list", "--assignee", "nope"],
        &["key", "create", "shop", "--account", "nope"],
        &["key", "create", "shop", "--agent", "99"],
        &["agent", "add", "Bob", "--account", "nope"],
        &["send", TO, "hi", "--account", "nope"],
        &["send", TO, "hi", "--seen-up-to", "99999"],
        &["send", TO, "hi", "--reply-to", "99999"],
        &["send", TO, "--template", "nope"],
        &["export", "messages", "--account", "nope"],
        &["export", "messages", "--account", "nope", "--job"],
        &["sync", "--account", "nope"],
        &["tail", "--account", "nope"],
        &["customer", "merge", "1", "99"],
        &["conversation", "assign", "1", "99"],
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, Some(3), "{arguments:?}: {ended:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn restore_looks_at_file_before_database() {
    let shell = Shell::bare();
    let folder = shell.folder.path();
    std::fs::write(folder.join("hosts"), "localhost\n").unwrap();
    std::fs::write(folder.join("rows.ndjson"), "{\"id\":1}\n").unwrap();
    std::fs::write(folder.join("empty"), "").unwrap();
    for file in ["hosts", "rows.ndjson", "empty"] {
        let ended = shell.run(&["restore", file]).await;
        assert_eq!(ended.code, Some(2), "{file}: {ended:?}");
        assert!(
            ended.err.contains(file) && ended.err.contains("no backup") && ended.err.lines().count() == 1,
            "{file}: {ended:?}"
        );
        assert!(!shell.data_dir().join("crm.db").exists(), "{file}");
    }
}

#[tokio::test]
async fn restore_into_used_database_is_conflict() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    shell.ok(&["backup", "all.backup"]).await;
    shell.ok(&["restore", "all.backup"]).await;
    let again = shell.run(&["restore", "all.backup"]).await;
    assert_eq!(again.code, Some(7), "{again:?}");
    assert!(again.err.contains("not empty"), "{again:?}");
    app.stop().await;
}

/// Nobody knows the temporary file beside it.
#[tokio::test]
async fn unwritable_file_is_named_as_typed() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    for arguments in [
        &["backup", "nowhere/all.backup"][..],
        &["export", "messages", "--out", "nowhere/all.csv"],
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.err.contains("nowhere") && ended.err.contains("make it") && !ended.err.contains(".tmp"),
            "{ended:?}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn deletions_are_told() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    shell.ok(&["label", "create", "vip"]).await;
    shell.ok(&["attribute", "create", "plan"]).await;
    shell.ok(&["export", "messages", "--job"]).await;
    for (arguments, said) in [
        (&["label", "delete", "vip"][..], "vip"),
        (&["attribute", "delete", "plan"], "plan"),
        (&["export", "job", "cancel", "1"], "1"),
    ] {
        let told = shell.ok(arguments).await;
        assert_eq!((told.out.as_str(), told.err.lines().count()), ("", 1), "{told:?}");
        assert!(told.err.contains(said), "{told:?}");
    }
    app.stop().await;
}

/// A file that is there is not replaced unasked.
#[tokio::test]
async fn export_replaces_file_only_with_force() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    shell.ok(&["export", "messages", "--job"]).await;
    let file = shell.folder.path().join("all.ndjson");
    for arguments in [
        &["export", "messages"][..],
        &["export", "messages", "--job"],
        &["export", "job", "download", "1"],
    ] {
        std::fs::write(&file, "mine").unwrap();
        let refused = shell.run(&[arguments, &["--out", "all.ndjson"]].concat()).await;
        assert_eq!(refused.code, Some(7), "{refused:?}");
        assert!(
            refused.err.contains("all.ndjson") && refused.err.contains("--force"),
            "{refused:?}"
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
    // A server that writes exports is not part of these tests, so only the direct one is carried out.
    shell
        .ok(&["export", "messages", "--out", "all.ndjson", "--force"])
        .await;
    assert!(std::fs::read_to_string(&file).unwrap().contains("hello"));
    app.stop().await;
}

#[tokio::test]
async fn dash_as_file_is_standard_output() {
    let app = App::start().await;
    app.inbound("Ada", TO, "hello").await;
    let shell = Shell::of(&app);
    let exported = shell.ok(&["export", "messages", "--out", "-"]).await;
    assert_eq!(exported.lines()[0]["content"], json!("hello"));
    let backup = shell.ok(&["backup", "-"]).await;
    assert!(backup.out.contains("hello"), "{backup:?}");
    let files = std::fs::read_dir(shell.folder.path()).unwrap().count();
    assert_eq!(files, 0, "nothing is written beside it");
    app.stop().await;
}
