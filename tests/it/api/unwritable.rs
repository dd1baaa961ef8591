//! A database that takes no writes: what only reads is answered all the same, because that is when it is needed most.

use std::time::Duration;

use crm::contract::Scope;
use crm::domain::history::HistoryDepth;
use futures_util::FutureExt;
use reqwest::Method;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use tokio::time::{Instant, timeout};

use super::app::App;
use crate::cli::rig::Shell;

/// What each scope reads, beside what the scopes below it do.
const READS: &[(&str, Scope)] = &[
    ("/metrics", Scope::Read),
    ("/api/v1/status", Scope::Read),
    ("/api/v1/accounts", Scope::Read),
    ("/api/v1/accounts/default", Scope::Read),
    ("/api/v1/accounts/default/history", Scope::Read),
    ("/api/v1/accounts/default/sync", Scope::Read),
    ("/api/v1/outbox", Scope::Read),
    ("/api/v1/customers", Scope::Read),
    ("/api/v1/customers/1", Scope::Read),
    ("/api/v1/customers/1/identities", Scope::Read),
    ("/api/v1/customers/1/merges", Scope::Read),
    ("/api/v1/attributes", Scope::Read),
    ("/api/v1/conversations", Scope::Read),
    ("/api/v1/conversations/1", Scope::Read),
    ("/api/v1/conversations/1/messages", Scope::Read),
    ("/api/v1/messages/1", Scope::Read),
    ("/api/v1/me", Scope::Read),
    ("/api/v1/export/messages", Scope::Read),
    ("/api/v1/export/customers", Scope::Read),
    ("/api/v1/exports", Scope::Read),
    ("/api/v1/accounts/default/session", Scope::Manage),
    ("/api/v1/quarantine", Scope::Manage),
    ("/api/v1/keys", Scope::Admin),
    ("/api/v1/keys/1", Scope::Admin),
    ("/api/v1/audit", Scope::Admin),
    ("/api/v1/backup", Scope::Admin),
];

/// Longer than a read takes, shorter than the writer waits for a database that another program holds.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Another program's connection to the server's database.
async fn connect(app: &App) -> DatabaseConnection {
    let path = app.folder.path().join("crm.db");
    let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

/// Has every write refused from here on, as a full disk or a file that has become read-only would.
async fn refuse_writes(app: &App) {
    let connection = connect(app).await;
    let backend = connection.get_database_backend();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables = connection
        .query_all_raw(Statement::from_string(backend, tables))
        .await
        .unwrap();
    for table in tables {
        let table: String = table.try_get_by_index(0).unwrap();
        for change in ["INSERT", "UPDATE", "DELETE"] {
            let trigger = format!(
                "CREATE TRIGGER no_{change}_{table} BEFORE {change} ON {table} \
                 BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
            );
            connection.execute_unprepared(&trigger).await.unwrap();
        }
    }
    connection.close().await.unwrap();
}

/// A server that knows a customer, and a key of each scope.
async fn app() -> (App, Vec<(Scope, String)>) {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let account = app.account;
    // There is something to read at each path.
    app.store
        .write(account, |tx, &account| {
            async move {
                tx.history().ask(account, HistoryDepth::None).await?;
                tx.accounts().note_sync(account, 0).await
            }
            .boxed()
        })
        .await
        .unwrap();
    let mut keys = vec![];
    for scope in Scope::ALL {
        keys.push((*scope, app.key_of(*scope).await));
    }
    (app, keys)
}

async fn read_all(app: &App, keys: &[(Scope, String)]) {
    for (path, needed) in READS {
        let (_, key) = keys.iter().find(|(scope, _)| scope == needed).unwrap();
        let began = Instant::now();
        let answer = app.bare(Method::GET, path).bearer_auth(key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        answer.bytes().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(began.elapsed() < AT_ONCE, "{path}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn reads_need_no_writable_database() {
    let (app, keys) = app().await;
    let reader = app.key_of(Scope::Read).await;
    refuse_writes(&app).await;
    read_all(&app, &keys).await;
    let ready = app
        .bare(Method::GET, "/readyz")
        .bearer_auth(reader)
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), 200);
    let shell = Shell::of(&app);
    shell.ok(&["status"]).await;
    let doctor = shell.run(&["doctor", "-o", "json"]).await;
    let server = doctor.json().as_array().unwrap().clone();
    let server = server.into_iter().find(|finding| finding["check"] == "server").unwrap();
    assert_eq!(server["verdict"], "ok", "{doctor:?}");
    let replay = shell.run(&["doctor", "--replay", "-o", "json"]).await;
    assert!(
        replay.json().as_array().unwrap().len() > 3,
        "the other findings are told: {replay:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn reads_wait_for_no_writer() {
    let (app, keys) = app().await;
    let (_, key) = keys.iter().find(|(scope, _)| *scope == Scope::Read).unwrap();
    let other = connect(&app).await;
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    timeout(Duration::from_secs(30), read_all(&app, &keys)).await.unwrap();
    let (code, ready) = readyz(&app, key).await;
    assert_eq!(code, 503, "nothing can be written: {ready}");
    assert_eq!(ready["ready"], false);
    assert_eq!(ready["database"]["state"], "unwritable");
    assert!(ready["whatsapp"].is_array(), "the rest is told all the same: {ready}");
    other.execute_unprepared("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    assert_eq!(readyz(&app, key).await.0, 200);
    app.stop().await;
}

/// Asks whether the server is ready; the answer comes in time whatever holds the database.
async fn readyz(app: &App, key: &str) -> (u16, serde_json::Value) {
    let asked = app.bare(Method::GET, "/readyz").bearer_auth(key).send();
    let answer = timeout(Duration::from_secs(10), asked).await.unwrap().unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A client takes a backup and does not read it: a second one is told to wait, and everything else goes on.
#[tokio::test]
async fn second_backup_is_refused_others_go_on() {
    let (app, keys) = app().await;
    for _ in 0..200 {
        app.inbound("Ada", "+447700900123", &"x".repeat(60_000)).await;
    }
    let key = app.key_of(Scope::Admin).await;
    let backup = || app.bare(Method::GET, "/api/v1/backup").bearer_auth(&key).send();
    let stalled = backup().await.unwrap();
    assert_eq!(stalled.status(), 200);
    let second = backup().await.unwrap();
    assert_eq!(second.status(), 409);
    let problem: serde_json::Value = second.json().await.unwrap();
    assert!(
        problem["detail"].as_str().unwrap().contains("wait until it has ended"),
        "{problem}"
    );
    let (_, read) = keys.iter().find(|(scope, _)| *scope == Scope::Read).unwrap();
    let status = app.bare(Method::GET, "/api/v1/status").bearer_auth(read).send();
    assert_eq!(timeout(AT_ONCE, status).await.unwrap().unwrap().status(), 200);
    drop(stalled);
    app.stop().await;
}

/// What changes something is refused where it cannot be audited.
#[tokio::test]
async fn unaudited_change_is_refused() {
    let (app, _) = app().await;
    refuse_writes(&app).await;
    let revoke = app.request(Method::POST, "/api/v1/keys/1/revoke").send().await.unwrap();
    assert!(!revoke.status().is_success(), "{revoke:?}");
    app.stop().await;
}
