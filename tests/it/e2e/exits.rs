//! However the server ends, no browser of ours is left, and what was linked stays linked.

use crate::rig::crm::processes_naming;
use crate::rig::customers::phone_shows;
use crate::rig::desk::{Desk, Plan};
use crate::rig::until;

/// rule 26.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_browser_survives_ctrl_c_or_kill() {
    let mut desk = Desk::ready(Plan::plain()).await;
    let before = desk.crm.browser_processes();
    assert!(!before.is_empty(), "the browser runs");

    desk.crm.kill_9();
    let data = desk.crm.data_dir().display().to_string();
    until("browser and driver to follow the server", async || {
        processes_naming(&data).is_empty().then_some(())
    })
    .await;
    desk.crm.serve().await;
    desk.crm.until_ready().await;
    let now = desk.crm.browser_processes();
    assert!(
        before.iter().all(|pid| !now.contains(pid)),
        "the old browser {before:?} is gone: {now:?}"
    );

    let customer = desk.standin.customer("Ada", "447700900131");
    desk.crm
        .json(&["send", "+447700900131", "still linked", "-o", "json"])
        .await;
    phone_shows(&customer, "still linked").await;

    let status = desk.crm.interrupt().await;
    assert!(status.success(), "{status}");
    until("no process names the profile", async || {
        desk.crm.browser_processes().is_empty().then_some(())
    })
    .await;
    let folder = desk.crm.folder().display().to_string();
    assert!(processes_naming(&folder).is_empty(), "nor a driver");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_server_on_data_folder_is_refused() {
    let desk = Desk::start(Plan::plain()).await;
    let second = desk.crm.run(&["serve"]).await;
    assert_eq!(
        second.status.code(),
        Some(7),
        "{}",
        String::from_utf8_lossy(&second.stderr)
    );
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&desk.crm.pid().to_string()), "it names the owner: {said}");
}
