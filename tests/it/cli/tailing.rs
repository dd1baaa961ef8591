//! `crm tail`.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::rig::{PATIENCE, Shell};
use crate::api::app::App;

/// rule 27.
#[tokio::test]
async fn tail_prints_one_event_per_line_until_idle() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "one").await;
    app.inbound("Bob", "+447700900124", "two").await;
    let shell = Shell::of(&app);
    let lines = shell
        .ok(&["tail", "--since", "0", "--idle", "200ms", "-o", "ndjson"])
        .await
        .lines();
    insta::assert_json_snapshot!(lines[0]);
    assert_eq!(lines.len(), 2);
    let later = shell
        .ok(&["tail", "--since", "1", "--idle", "200ms", "-o", "ndjson"])
        .await
        .lines();
    assert_eq!(later.len(), 1);
    assert_eq!(later[0]["seq"], 2);
    let one = shell
        .ok(&["tail", "--since", "0", "--idle", "200ms", "--conversation", "1"])
        .await
        .out;
    assert!(one.contains("Ada: one") && !one.contains("two"), "{one}");
    assert_eq!(shell.ok(&["tail", "--idle", "100ms"]).await.out, "", "from now on");
    app.stop().await;
}

#[tokio::test]
async fn tail_resumes_after_server_restart() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "before").await;
    let shell = Shell::of(&app);
    let mut tail = shell
        .command(&["tail", "--since", "0", "-o", "ndjson"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .expect("a line comes");
        serde_json::from_str::<serde_json::Value>(&line.unwrap().unwrap()).unwrap()["data"]["content"].clone()
    };
    assert_eq!(next().await, "before");
    let app = app
        .restart(|app| async move {
            // Nobody listens while this is written.
            app.inbound("Ada", "+447700900123", "meanwhile").await;
            app
        })
        .await;
    assert_eq!(next().await, json!("meanwhile"));
    app.inbound("Ada", "+447700900123", "after").await;
    assert_eq!(next().await, "after");
    tail.kill().await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), app.stop()).await.unwrap();
}

#[tokio::test]
async fn quiet_tail_prints_numbers_and_csv_is_refused() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "one").await;
    app.inbound("Bob", "+447700900124", "two").await;
    let shell = Shell::of(&app);
    let quiet = shell.ok(&["tail", "--since", "0", "--idle", "200ms", "-q"]).await;
    assert_eq!(quiet.out, "1\n2\n");
    let csv = shell
        .run(&["tail", "--since", "0", "--idle", "200ms", "-o", "csv"])
        .await;
    assert_eq!((csv.code, csv.out.as_str()), (Some(2), ""), "{csv:?}");
    assert!(csv.err.contains("-o ndjson"), "{csv:?}");
    app.stop().await;
}
