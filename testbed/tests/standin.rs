//! The stand-in is believed as far as independent clients work on it unmodified: each test here runs one file of
//! `testbed/clients/test` in Node, which drives the page with wa-js or whatsapp-web.js in a real Chromium. Both layouts
//! of message keys are on the site, so both are run.

use std::path::Path;
use std::process::Stdio;

use testbed::quick;
use testbed::servers::{chromium, node, npm_ci};
use tokio::process::Command;
use tokio::sync::Semaphore;

/// How many browsers run at a time: more of them only slow each other down.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// Runs a client's test file, which starts stand-ins and browsers of its own.
async fn run(file: &str, layout: &str) {
    if quick() {
        return;
    }
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    npm_ci(&clients).await.expect("the clients can be installed");
    let _browser = BROWSERS.acquire().await.expect("the semaphore is never closed");
    let output = Command::new(node().expect("Node is installed"))
        .args(["--test", "--test-reporter=spec"])
        .arg(clients.join("test").join(file))
        .current_dir(&clients)
        .env("STANDIN_BIN", env!("CARGO_BIN_EXE_standin"))
        .env("CHROMIUM", chromium().expect("Chromium is installed"))
        .env("KEY_LAYOUT", layout)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("Node starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{file} with the {layout} layout of message keys:\n{said}"
    );
}

macro_rules! clients {
    ($($name:ident: $file:literal, $layout:literal;)*) => {
        $(#[tokio::test]
        async fn $name() {
            run($file, $layout).await;
        })*
    };
}

clients! {
    wa_js_finds_its_modules: "wajs-modules.test.mjs", "old";
    wa_js_finds_its_modules_with_new_keys: "wajs-modules.test.mjs", "new";
    wa_js_logs_in_and_out: "wajs-login.test.mjs", "old";
    wa_js_logs_in_and_out_with_new_keys: "wajs-login.test.mjs", "new";
    wa_js_sends_and_receives: "wajs-messages.test.mjs", "old";
    wa_js_sends_and_receives_with_new_keys: "wajs-messages.test.mjs", "new";
    wa_js_sends_and_fetches_files: "wajs-media.test.mjs", "old";
    wa_js_sends_and_fetches_files_with_new_keys: "wajs-media.test.mjs", "new";
    wa_js_exchanges_other_kinds: "wajs-kinds.test.mjs", "old";
    wa_js_exchanges_other_kinds_with_new_keys: "wajs-kinds.test.mjs", "new";
    wa_js_loses_nothing: "wajs-durable.test.mjs", "old";
    wa_js_loses_nothing_with_new_keys: "wajs-durable.test.mjs", "new";
    wa_js_writes_in_groups: "wajs-groups.test.mjs", "old";
    wa_js_writes_in_groups_with_new_keys: "wajs-groups.test.mjs", "new";
    wa_js_follows_people_who_change: "wajs-identity.test.mjs", "old";
    wa_js_follows_people_who_change_with_new_keys: "wajs-identity.test.mjs", "new";
    wa_js_sees_account_troubles: "wajs-troubles.test.mjs", "old";
    wa_js_sees_account_troubles_with_new_keys: "wajs-troubles.test.mjs", "new";
    wa_js_receives_history: "wajs-history.test.mjs", "old";
    wa_js_receives_history_with_new_keys: "wajs-history.test.mjs", "new";
    wa_js_serves_two_accounts: "wajs-accounts.test.mjs", "old";
    wa_js_serves_two_accounts_with_new_keys: "wajs-accounts.test.mjs", "new";
    wa_js_knows_people_by_number_and_lid: "wajs-people.test.mjs", "old";
    wa_js_knows_people_by_number_and_lid_with_new_keys: "wajs-people.test.mjs", "new";
    whatsapp_web_js_logs_in_and_out: "wwebjs-login.test.mjs", "old";
    whatsapp_web_js_logs_in_and_out_with_new_keys: "wwebjs-login.test.mjs", "new";
    whatsapp_web_js_sends_and_fetches_files: "wwebjs-media.test.mjs", "old";
    whatsapp_web_js_sends_files_with_new_keys: "wwebjs-media.test.mjs", "new";
    whatsapp_web_js_exchanges_other_kinds: "wwebjs-kinds.test.mjs", "old";
    whatsapp_web_js_exchanges_other_kinds_with_new_keys: "wwebjs-kinds.test.mjs", "new";
    whatsapp_web_js_sends_and_receives: "wwebjs.test.mjs", "old";
    whatsapp_web_js_partly_exchanges_with_new_keys: "wwebjs.test.mjs", "new";
    whatsapp_web_js_writes_in_groups: "wwebjs-groups.test.mjs", "old";
    whatsapp_web_js_partly_writes_in_groups_with_new_keys: "wwebjs-groups.test.mjs", "new";
}
