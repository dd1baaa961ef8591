//! Requests that the description allows, and many that it does not, made up by schemathesis. `cargo xtask fuzz-api` makes
//! more of them.

use std::path::Path;

use crm::contract::Scope;
use reqwest::Method;
use serde_json::json;
use testbed::servers::{quick, schemathesis};

use crate::api::app::App;

/// Tells how many requests are made up for each operation.
const EXAMPLES: &str = "CRM_FUZZ_EXAMPLES";
/// As many in an ordinary run of the tests.
const FEW: &str = "2";
/// Checks that each answer has to pass.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method";
/// A part of the server may rest, such as an account that is not driven here; nothing else is a failure of the server.
const CONFIGURATION: &str = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", 503]\n\
                             [checks.negative_data_rejection]\nexpected-statuses = [\"4xx\", \"5xx\"]\n";
/// Streams, whose answers have no end; and what would take away the keys of the run itself.
const LEFT_OUT: [&str; 4] = [
    "/api/v1/events",
    "/messages/events/stream",
    "/api/v1/keys/{id}/revoke",
    "/api/v1/keys/{id}/rotate",
];

/// Some of everything, so that ids exist.
async fn seed(app: &App) {
    for number in 1..=4 {
        app.inbound("Ada", &format!("+44770090012{number}"), "hello").await;
    }
    for (path, body) in [
        ("/api/v1/messages", json!({ "to": "+447700900131", "content": "hello" })),
        ("/api/v1/agents", json!({ "name": "Ada" })),
        ("/api/v1/customers/1/merge", json!({ "with": 4 })),
    ] {
        let answer = app.post(path, &body).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }
    let upload = app
        .request(Method::POST, "/api/v1/media?filename=a.txt")
        .body("some text")
        .send();
    assert_eq!(upload.await.unwrap().status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_anything_are_as_described() {
    if quick() {
        return;
    }
    let program = schemathesis().await.unwrap();
    let app = App::start().await;
    std::fs::write(app.folder.path().join("schemathesis.toml"), CONFIGURATION).unwrap();
    seed(&app).await;
    let more = std::env::var(EXAMPLES).ok();
    let mut failed = vec![];
    for scope in [Scope::Read, Scope::Send, Scope::Manage, Scope::Admin] {
        let key = app.key_of(scope).await;
        if let Err(said) = ask(&program, &app, &key, more.as_deref()).await {
            failed.push(format!("with a key of scope {scope}:\n{said}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    app.stop().await;
}

async fn ask(program: &Path, app: &App, key: &str, more: Option<&str>) -> Result<(), String> {
    let phases = if more.is_some() {
        "examples,coverage,fuzzing"
    } else {
        "examples,fuzzing"
    };
    let left_out = LEFT_OUT.iter().flat_map(|path| ["--exclude-path", path]);
    let output = tokio::process::Command::new(program)
        .current_dir(app.folder.path())
        .args(["run", &format!("{}/api/v1/openapi.json", app.url)])
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .args(["--checks", CHECKS, "--phases", phases])
        .args(["--max-examples", more.unwrap_or(FEW), "--request-timeout", "20"])
        .args(["--generation-database", "none", "--suppress-health-check", "all"])
        .args(["--warnings", "off", "--no-color", "--continue-on-failure"])
        .args(left_out)
        .output()
        .await
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if more.is_some() {
        println!("{said}");
    }
    if output.status.success() { Ok(()) } else { Err(said) }
}
