//! The stand-in is believed as far as independent clients work on it unmodified: each test here runs one file of
//! `testbed/clients/test` in Node, which drives the page with wa-js or whatsapp-web.js in a real Chromium.

use std::path::Path;
use std::process::Command;

use testbed::servers::{chromium, node, npm_ci};

/// Runs a client's test file against a stand-in that it starts for itself.
async fn run(file: &str, layout: &str) {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    npm_ci(&clients).await.expect("the clients can be installed");
    let status = Command::new(node().expect("Node is installed"))
        .args(["--test", "--test-reporter=spec"])
        .arg(clients.join("test").join(file))
        .current_dir(&clients)
        .env("STANDIN_BIN", env!("CARGO_BIN_EXE_standin"))
        .env("CHROMIUM", chromium().expect("Chromium is installed"))
        .env("KEY_LAYOUT", layout)
        .status()
        .expect("Node starts");
    assert!(
        status.success(),
        "{file} failed with the {layout} layout of message keys"
    );
}

#[tokio::test]
async fn wa_js_sends_and_receives_with_old_keys() {
    run("wajs-messages.test.mjs", "old").await;
}
