//! `--watch`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use super::rig::{Ended, PATIENCE, Shell};
use crate::api::app::App;

/// Lines of a running command.
struct Lines<R>(tokio::io::Lines<BufReader<R>>);

impl<R: AsyncRead + Unpin> Lines<R> {
    fn of(from: Option<R>) -> Self {
        Self(BufReader::new(from.unwrap()).lines())
    }

    async fn next(&mut self) -> String {
        let line = timeout(PATIENCE, self.0.next_line()).await.expect("a line comes");
        line.unwrap().expect("it has not ended")
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.next().await).unwrap()
    }
}

async fn interrupt(mut child: Child) -> Option<i32> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    timeout(PATIENCE, child.wait()).await.unwrap().unwrap().code()
}

/// Fetched once for many events, and never by itself within a second.
#[tokio::test]
async fn watched_list_is_printed_anew_after_changes() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let mut watching = shell
        .command(&["conversation", "list", "--watch", "-o", "json"])
        .spawn()
        .unwrap();
    let mut lines = Lines::of(watching.stdout.take());
    assert_eq!(lines.json().await[0]["last_message_id"], 1);
    let before = requests(&app).await;
    for n in 0..50 {
        app.inbound("Ada", "+447700900123", &format!("and {n}")).await;
    }
    app.inbound("Bob", "+447700900124", "hello").await;
    // The last messages of both: what is on the screen is all there is.
    loop {
        let list = lines.json().await;
        let newest = |name: &str| {
            let rows = list.as_array().unwrap();
            let row = rows.iter().find(|row| row["name"] == name);
            row.and_then(|row| row["last_message_id"].as_i64())
        };
        if (newest("Ada"), newest("Bob")) == (Some(51), Some(52)) {
            break;
        }
    }
    let fetched = requests(&app).await - before;
    assert!((1..10).contains(&fetched), "{fetched} fetches for 51 events");
    assert_eq!(interrupt(watching).await, Some(130));
    app.stop().await;
}

/// How often the list was fetched.
async fn requests(app: &App) -> u64 {
    let metrics = app.get("/metrics").await.text().await.unwrap();
    let line = "crm_http_requests_total{method=\"GET\",route=\"/api/v1/conversations\",status=\"200\"} ";
    let count = metrics.lines().find_map(|known| known.strip_prefix(line));
    count.map_or(0, |count| count.parse().unwrap())
}

/// In formats of several lines an empty line ends each list.
#[tokio::test]
async fn watched_rows_end_with_empty_line() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let mut watching = shell
        .command(&["customer", "list", "--watch", "-o", "ndjson"])
        .spawn()
        .unwrap();
    let mut lines = Lines::of(watching.stdout.take());
    assert_eq!(
        (lines.json().await["name"].clone(), lines.next().await),
        (json!("Ada"), String::new())
    );
    // Nobody cares for a label here.
    app.post("/api/v1/labels", &json!({ "name": "vip" })).await;
    app.inbound("Bob", "+447700900124", "hello").await;
    let names = [lines.json().await["name"].clone(), lines.json().await["name"].clone()];
    assert!(names.contains(&json!("Bob")), "{names:?}");
    assert_eq!(lines.next().await, "");
    assert_eq!(interrupt(watching).await, Some(130));
    app.stop().await;
}

/// What changes while the server is away is shown when it is back.
#[tokio::test]
async fn watch_outlasts_server_restart_and_says_so() {
    let app = App::start().await;
    let shell = Shell::of(&app);
    let mut watching = shell.command(&["customer", "list", "--watch", "-q"]).spawn().unwrap();
    let mut lines = Lines::of(watching.stdout.take());
    let mut notes = Lines::of(watching.stderr.take());
    assert_eq!(lines.next().await, "", "a list without rows");
    let app = app
        .restart(|app| async move {
            app.inbound("Ada", "+447700900123", "hello").await;
            app
        })
        .await;
    assert!(notes.next().await.contains("connecting again"));
    assert_eq!((lines.next().await.as_str(), lines.next().await.as_str()), ("1", ""));
    assert_eq!(interrupt(watching).await, Some(130));
    app.stop().await;
}

#[tokio::test]
async fn watch_on_terminal_is_drawn_in_place() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let mut watching = shell
        .terminal_command(&["customer", "list", "--watch"], 80)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = watching.stdout.take().unwrap();
    let mut seen = String::new();
    shown(&mut out, &mut seen, "Ada").await;
    assert!(seen.contains("\u{1b}[H") && !seen.contains("T14:13:20"), "{seen:?}");
    seen.clear();
    app.inbound("Bob", "+447700900124", "hello").await;
    shown(&mut out, &mut seen, "Bob").await;
    assert!(seen.starts_with("\u{1b}[H") && seen.contains("Ada"), "{seen:?}");
    // Ctrl-C, as the terminal sends it.
    let mut keyboard = watching.stdin.take().unwrap();
    keyboard.write_all(b"\x03").await.unwrap();
    let ended: Ended = timeout(PATIENCE, watching.wait_with_output())
        .await
        .unwrap()
        .unwrap()
        .into();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    app.stop().await;
}

/// Reads until a whole drawing has the word in it.
async fn shown(out: &mut (impl AsyncRead + Unpin), seen: &mut String, word: &str) {
    let mut piece = [0; 4096];
    while !(seen.contains(word) && seen.ends_with("\u{1b}[J")) {
        let read = timeout(PATIENCE, out.read(&mut piece))
            .await
            .expect("it is drawn")
            .unwrap();
        assert!(read > 0, "it has not ended: {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
}

#[tokio::test]
async fn watch_of_unreachable_server_is_error() {
    let shell = Shell::bare()
        .with("CRM_URL", "http://127.0.0.1:9")
        .with("CRM_API_KEY", "crm_x");
    for arguments in [
        &["status", "--watch"][..],
        &["account", "list", "--watch"],
        &["outbox", "status", "--watch"],
    ] {
        assert_eq!(shell.run(arguments).await.code, Some(6), "{arguments:?}");
    }
}
