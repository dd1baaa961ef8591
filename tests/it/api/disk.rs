//! A disk that is full, or whose files are gone, under a running server: what is answered, and that everything goes on
//! once it is mended, without a restart and with nothing lost that was accepted.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};

use super::app::App;

/// Largest size of the database, in pages: some more than its tables take.
const PAGES: u32 = 400;
/// Characters of a text that needs room of its own.
const LONG: usize = 20_000;
/// Requests after which the cause is found.
const TRIES: usize = 10;

fn file(app: &App) -> PathBuf {
    app.folder.path().join("crm.db")
}

/// Another program's connection, which is not bounded.
async fn connect(app: &App) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("sqlite://{}", file(app).display()));
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

/// Sends a text; returns its status and the answer.
async fn send(app: &App, text: &str) -> (StatusCode, Value) {
    let answer = app
        .post("/api/v1/messages", &json!({ "to": "+447700900123", "content": text }))
        .await;
    (answer.status(), answer.json().await.unwrap())
}

async fn readyz(app: &App) -> (u16, Value) {
    let answer = app.get("/readyz").await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Checks that a write is refused, and that this is told with what to do. A read that was under way may have failed first, with
/// less to say; what is asked next finds the cause.
async fn check_refused(app: &App, advice: &str) {
    let mut problem = Value::Null;
    for _ in 0..TRIES {
        let (status, refused) = send(app, &"x".repeat(LONG)).await;
        assert_eq!(status, 503, "{refused}");
        assert_eq!(refused["code"], "unavailable");
        problem = refused;
        if problem["detail"].as_str().unwrap().contains(advice) {
            break;
        }
    }
    let (code, ready) = readyz(app).await;
    assert_eq!((code, &ready["ready"]), (503, &json!(false)), "{ready}");
    for told in [&problem["detail"], &ready["database"]["detail"]] {
        assert!(told.as_str().unwrap().contains(advice), "{told}");
    }
}

/// Checks that writes succeed, and that what was accepted before is there.
async fn check_recovered(app: &App, accepted: i64) {
    let (code, ready) = readyz(app).await;
    assert_eq!(
        (code, &ready["database"]),
        (200, &json!({ "state": "ready" })),
        "{ready}"
    );
    let (status, message) = send(app, &"y".repeat(LONG)).await;
    assert_eq!(status, 202, "{message}");
    app.json(&format!("/api/v1/messages/{accepted}")).await;
    assert_eq!(app.json("/api/v1/status").await["database"].get("detail"), None);
}

#[tokio::test]
async fn full_database_recovers_without_restart() {
    let app = App::in_pages(PAGES).await;
    let (_, first) = send(&app, "before").await;
    let other = connect(&app).await;
    let ballast = format!("CREATE TABLE ballast AS SELECT zeroblob({})", 4096 * u64::from(PAGES));
    other.execute_unprepared(&ballast).await.unwrap();
    check_refused(&app, "free some").await;
    assert_eq!(readyz(&app).await.1["database"]["state"], "unwritable");
    // Reads go on.
    let status = app.json("/api/v1/status").await;
    assert_eq!(status["database"]["state"], "unwritable");
    assert!(status["database"]["detail"].as_str().unwrap().contains("free some"));
    app.json("/api/v1/conversations/1/messages").await;
    other.execute_unprepared("DROP TABLE ballast").await.unwrap();
    check_recovered(&app, first["id"].as_i64().unwrap()).await;
    other.close().await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn moved_database_refuses_writes_until_it_is_back() {
    let app = App::start().await;
    let (_, first) = send(&app, "before").await;
    let away = app.folder.path().join("away.db");
    std::fs::rename(file(&app), &away).unwrap();
    check_refused(&app, "put it back").await;
    assert!(!file(&app).exists(), "no empty database takes its place");
    std::fs::rename(&away, file(&app)).unwrap();
    check_recovered(&app, first["id"].as_i64().unwrap()).await;
    app.stop().await;
}

#[tokio::test]
async fn deleted_or_replaced_database_takes_no_writes() {
    for replaced in [false, true] {
        let app = App::start().await;
        send(&app, "before").await;
        if replaced {
            let copy = app.folder.path().join("copy.db");
            std::fs::copy(file(&app), &copy).unwrap();
            std::fs::rename(&copy, file(&app)).unwrap();
        } else {
            std::fs::remove_file(file(&app)).unwrap();
        }
        check_refused(&app, "restore a backup").await;
        assert_eq!(file(&app).exists(), replaced);
        app.stop().await;
    }
}

/// A commit is in this file until it is copied into the database.
#[tokio::test]
async fn deleted_log_of_database_takes_no_writes() {
    let app = App::start().await;
    send(&app, "before").await;
    std::fs::remove_file(app.folder.path().join("crm.db-wal")).unwrap();
    check_refused(&app, "restore a backup").await;
    app.stop().await;
}

/// The driver's own words name files, tables and constraints.
#[tokio::test]
async fn refused_write_says_when_to_try_again() {
    let app = App::start().await;
    send(&app, "before").await;
    let other = connect(&app).await;
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let whom = json!({ "to": "+447700900123", "content": "held" });
    let refused = app.post("/api/v1/messages", &whom).await;
    assert_eq!(refused.status(), 503);
    let after = refused
        .headers()
        .get("retry-after")
        .map(|after| after.to_str().unwrap().to_owned());
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(after.as_deref(), Some("5"), "{problem}");
    assert_eq!(problem["retry_after_ms"], 5000);
    assert_eq!(problem["detail"], "the database does not answer just now; try again");
    other.execute_unprepared("ROLLBACK").await.unwrap();
    assert_eq!(app.post("/api/v1/messages", &whom).await.status(), 202);
    other.close().await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn missing_media_folder_refuses_uploads_until_it_is_back() {
    let app = App::start().await;
    let upload = async || {
        let request = app.request(Method::POST, "/api/v1/media?filename=list.bin");
        request.body(vec![7; 100_000]).send().await.unwrap()
    };
    let (media, away) = (app.folder.path().join("media"), app.folder.path().join("away"));
    std::fs::rename(&media, &away).unwrap();
    let refused = upload().await;
    assert_eq!(refused.status(), 503);
    let problem: Value = refused.json().await.unwrap();
    assert!(
        problem["detail"].as_str().unwrap().contains("check that it is there"),
        "{problem}"
    );
    assert!(
        !media.exists(),
        "files that are lost with the next mount are not written"
    );
    std::fs::rename(&away, &media).unwrap();
    assert_eq!(upload().await.status(), 201);
    app.stop().await;
}
