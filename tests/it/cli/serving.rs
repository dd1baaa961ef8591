//! `crm serve` without a browser: what it makes, keeps and refuses.

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::rig::{Ended, PATIENCE, Shell};
use crate::rig::files::png;
use testbed::servers::free_port;

/// A server that runs until it is told to end.
pub struct Served {
    pub shell: Shell,
    child: Child,
    pub url: String,
}

impl Served {
    pub async fn start(shell: Shell) -> Self {
        let port = free_port().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let shell = shell
            .with("CRM_LISTEN", &format!("127.0.0.1:{port}"))
            .with("CRM_WHATSAPP_BROWSER", "/nowhere/chromium");
        let log = std::fs::File::create(shell.folder.path().join("log")).unwrap();
        let mut child = shell
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let up = async {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            while http.get(format!("{url}/healthz")).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = up => {}
            end = child.wait() => panic!("the server ended: {end:?}: {}", log_of(&shell)),
            () = tokio::time::sleep(PATIENCE) => panic!("the server does not come up: {}", log_of(&shell)),
        }
        Self { shell, child, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ctrl-C.
    pub async fn end(self) -> (Shell, Option<i32>) {
        self.end_with(Signal::INT).await
    }

    pub async fn end_with(mut self, signal: Signal) -> (Shell, Option<i32>) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let end = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        (self.shell, end.expect("the server ends").unwrap().code())
    }
}

pub fn log_of(shell: &Shell) -> String {
    std::fs::read_to_string(shell.folder.path().join("log")).unwrap()
}

/// A bound that a person has set stays.
#[tokio::test]
async fn server_bounds_its_heaps_in_the_same_process() {
    let heaps = |served: &Served| {
        let environment = std::fs::read(format!("/proc/{}/environ", served.pid())).unwrap();
        let mut variables = environment.split(|byte| *byte == 0);
        let set = variables.find_map(|set| set.strip_prefix(b"MALLOC_ARENA_MAX="));
        set.map(|value| String::from_utf8(value.to_owned()).unwrap())
    };
    let served = Served::start(Shell::bare()).await;
    let processors = std::thread::available_parallelism().unwrap().to_string();
    assert_eq!(heaps(&served), Some(processors));
    served.end().await;
    let served = Served::start(Shell::bare().with("MALLOC_ARENA_MAX", "7")).await;
    assert_eq!(heaps(&served).as_deref(), Some("7"));
    assert_eq!(served.end().await.1, Some(0));
}

/// The server ends in order, and its key outlasts a restart.
#[tokio::test]
async fn server_makes_key_and_refuses_second() {
    let served = Served::start(Shell::bare()).await;
    let status = served.shell.ok(&["status", "-o", "json"]).await.json();
    assert_eq!(status["accounts"][0]["name"], "default");
    assert_eq!(status["matrix"]["state"], "off");

    let second: Ended = served.shell.run(&["serve"]).await;
    assert_eq!(second.code, Some(7), "{second:?}");
    assert!(
        second.err.contains(&format!("`crm serve` (process {})", served.pid())),
        "{}",
        second.err
    );
    let port = served.url.rsplit(':').next().unwrap();
    let elsewhere = served
        .shell
        .run(&["serve", "--data-dir", "other", "--listen", &format!("127.0.0.1:{port}")])
        .await;
    assert_eq!(elsewhere.code, Some(7), "{elsewhere:?}");
    assert!(elsewhere.err.contains("--listen"), "{}", elsewhere.err);
    let deaf = served.shell.run(&["login", "--url", "http://127.0.0.1:9"]).await;
    assert_eq!(deaf.code, Some(6), "a held folder and nobody who answers: {deaf:?}");

    let key = std::fs::read_to_string(served.shell.data_dir().join("admin.key")).unwrap();
    let (shell, code) = served.end().await;
    assert_eq!(code, Some(0), "{}", log_of(&shell));
    assert_eq!(shell.run(&["status"]).await.code, Some(6));

    // The same key opens the same data after a restart; a second start on it finds everything.
    let served = Served::start(shell).await;
    assert_eq!(
        std::fs::read_to_string(served.shell.data_dir().join("admin.key")).unwrap(),
        key
    );
    served.shell.ok(&["status"]).await;
    served.end().await;
}

/// Under the floor of free space a file is refused, and everybody who asks is told why.
#[tokio::test]
async fn upload_below_floor_is_refused_and_told() {
    let served = Served::start(Shell::bare().with("CRM_MEDIA_FREE_SPACE_FLOOR", "1000000GiB")).await;
    let shell = &served.shell;
    let file = shell.folder.path().join("offer.txt");
    std::fs::write(&file, "10 GBP").unwrap();
    let sent = shell
        .run(&[
            "send",
            "+447700900123",
            "--file",
            file.to_str().unwrap(),
            "--wait",
            "queued",
        ])
        .await;
    assert_eq!(sent.code, Some(1), "{sent:?}");
    assert!(sent.err.contains("free some space on the server"), "{sent:?}");
    shell.ok(&["send", "+447700900123", "a text", "--wait", "queued"]).await;
    let status = shell.ok(&["status", "-o", "json"]).await.json();
    assert_eq!(status["media"]["short"], true, "{status}");
    assert!(shell.ok(&["status"]).await.out.contains("none are fetched or taken"));
    let doctor = shell.run(&["doctor", "-o", "json"]).await.json();
    let finding = doctor
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == "media");
    assert_eq!(finding.unwrap()["verdict"], "warning", "{doctor}");
    let key = std::fs::read_to_string(shell.data_dir().join("admin.key")).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |path: &str| http.get(format!("{}{path}", served.url)).bearer_auth(key.trim());
    let ready: serde_json::Value = get("/readyz").send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&ready["ready"], &ready["media"]["short"]),
        (&true.into(), &true.into()),
        "{ready}"
    );
    let upload = http
        .post(format!("{}/api/v1/media", served.url))
        .bearer_auth(key.trim());
    let refused = upload.body("10 GBP").send().await.unwrap();
    assert_eq!(refused.status(), 507);
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "insufficient_storage");
    let photo = http
        .post(format!("{}/customers/photo", served.url))
        .bearer_auth(key.trim());
    let photo = photo.json(&serde_json::json!({
        "phone": "+447700900123",
        "photo_url": format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png())),
    }));
    assert_eq!(
        photo.send().await.unwrap().status(),
        507,
        "nor is a picture of a customer taken"
    );
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0));
}

/// rule 32: a text and a number that are sent stand in no log, whatever is logged.
#[tokio::test]
async fn text_number_and_key_are_never_logged() {
    let served = Served::start(Shell::bare().with("CRM_LOG", "debug")).await;
    let shell = &served.shell;
    let sent = ["send", "+447700900123", "canary-7f3a", "--wait", "queued"];
    shell.ok(&sent).await;
    shell.ok(&["tail", "--since", "0", "--idle", "100ms"]).await;
    shell.ok(&["customer", "list", "--search", "7700900123"]).await;
    shell.ok(&["export", "messages"]).await;
    let made = shell.ok(&["key", "create", "spare", "-o", "json"]).await.json();
    shell
        .run(&["login", "--phone", "+447700900123", "--timeout", "1s"])
        .await;
    let admin = std::fs::read_to_string(shell.data_dir().join("admin.key")).unwrap();
    let (shell, _) = served.end().await;
    let log = log_of(&shell);
    assert!(!log.is_empty());
    for secret in ["canary-7f3a", "7700900123", admin.trim(), made["key"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// rule 5.
#[tokio::test]
async fn live_backup_restores_with_outbox_parked() {
    let served = Served::start(Shell::bare()).await;
    served
        .shell
        .ok(&["send", "+447700900123", "not twice", "--wait", "queued"])
        .await;
    served.shell.ok(&["backup", "all.backup"]).await;
    assert_eq!(
        served.shell.run(&["backup", "all.backup"]).await.code,
        Some(7),
        "it is there already"
    );
    let running = served.shell.run(&["restore", "all.backup"]).await;
    assert_eq!(running.code, Some(7), "the server runs: {running:?}");
    let (shell, _) = served.end().await;
    let full = shell.run(&["restore", "all.backup"]).await;
    assert_eq!(full.code, Some(7), "{full:?}");
    assert!(full.err.contains("not empty"), "{}", full.err);

    let fresh = Shell::bare();
    let backup = shell.folder.path().join("all.backup");
    fresh.ok(&["restore", backup.to_str().unwrap()]).await;
    let served = Served::start(fresh).await;
    let outbox = served.shell.ok(&["outbox", "status", "-o", "json"]).await.json();
    assert_eq!(
        (&outbox["parked"], &outbox["waiting"][0]["waiting"]),
        (&true.into(), &1.into())
    );
    assert!(served.shell.ok(&["status"]).await.out.contains("crm outbox resume"));
    let outbox = served.shell.ok(&["outbox", "resume", "-o", "json"]).await.json();
    assert_eq!(outbox["parked"], false);
    let exported = served.shell.ok(&["export", "messages"]).await.lines();
    assert_eq!(exported[0]["content"], "not twice");
    served.end().await;
}

/// User id of `nobody`.
const NOBODY: u32 = 65_534;

/// Only root can start a program of another user; without it the test takes the host as it is. Where others can be shut out,
/// nothing is refused.
#[tokio::test]
async fn shared_host_is_refused_on_demand() {
    let neighbour = tokio::process::Command::new("sleep")
        .arg("120")
        .uid(NOBODY)
        .kill_on_drop(true)
        .spawn();
    let shell = Shell::bare().with("CRM_SHARED_HOST", "refuse");
    let told = shell.run(&["doctor", "-o", "json"]).await.json();
    let findings = told.as_array().unwrap();
    let finding = findings
        .iter()
        .find(|finding| finding["check"] == "neighbours")
        .unwrap();
    let is_shared = finding["verdict"] == "warning";
    if crm::wa::can_shut_ports().await.is_ok() {
        assert_eq!(finding["verdict"], "ok", "{finding}");
    } else {
        assert!(is_shared || neighbour.is_err(), "{finding}");
    }
    if is_shared {
        let refused = shell.run(&["serve"]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("other users of this host"), "{}", refused.err);
        assert!(refused.err.contains("CRM_SHARED_HOST=warn"), "{}", refused.err);
    } else {
        Served::start(shell).await.end().await;
    }
    let shell = Shell::bare().with("CRM_SHARED_HOST", "allow");
    let (shell, _) = Served::start(shell).await.end().await;
    assert!(!log_of(&shell).contains("other users of this host"));
}
