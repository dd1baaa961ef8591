//! A server whose process may not make a file larger: every write to a file fails, as with a quota that is used up or a
//! disk that fails. And one whose file system becomes read-only, or slow.

use std::path::Path;
use std::process::Command;

use futures_util::future::join_all;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::Value;
use tempfile::TempDir;

use super::rig::Shell;
use super::serving::Served;

/// Sets the largest file that the server may make, in bytes.
fn limit_files(served: &Served, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(served.pid()).unwrap());
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

async fn accepted(shell: &Shell, text: &str) -> Value {
    let send = ["send", "+447700900123", text, "--wait", "queued", "-o", "json"];
    shell.ok(&send).await.json()
}

/// The server's log is on that disk too, so it cannot be written either.
#[tokio::test]
async fn failing_disk_refuses_writes_and_ends_nothing() {
    let served = Served::start(Shell::bare().with("CRM_LOG", "debug")).await;
    let shell = &served.shell;
    let before = accepted(shell, "before").await;
    limit_files(&served, Some(0));
    for _ in 0..3 {
        let refused = shell
            .run(&["send", "+447700900123", "meanwhile", "--wait", "queued"])
            .await;
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert!(refused.err.contains("the disk fails"), "{refused:?}");
    }
    std::fs::write(shell.folder.path().join("list.bin"), vec![7; 100_000]).unwrap();
    let upload = shell.run(&["send", "+447700900123", "--file", "list.bin"]).await;
    assert!(upload.err.contains("no space is left for media"), "{upload:?}");
    let status = shell.ok(&["status", "-o", "json"]).await.json();
    assert_eq!(status["database"]["state"], "unwritable");
    let doctor = shell.run(&["doctor", "-o", "json"]).await.json();
    let finding = doctor
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["check"] == "database");
    assert_eq!(finding.unwrap()["verdict"], "failed", "{doctor}");
    shell.ok(&["customer", "list"]).await;

    limit_files(&served, None);
    let after = accepted(shell, "after").await;
    let (shell, code) = served.end().await;
    assert_eq!(code, Some(0));
    let served = Served::start(shell).await;
    let kept = served.shell.ok(&["export", "messages"]).await.lines();
    let kept: Vec<&Value> = kept.iter().map(|message| &message["id"]).collect();
    assert_eq!(kept, [&before["id"], &after["id"]], "what was refused is not there");
    served.end().await;
}

/// Calls of the C library that write, with a disk between that changes while the server runs.
struct Shim(TempDir);

impl Shim {
    fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cli/disk_shim.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("shim.so"))
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(built.expect("cc builds the shim").success());
        Self(folder)
    }

    fn around(&self, shell: Shell) -> Shell {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        shell.with("LD_PRELOAD", &path("shim.so")).with("DISK_SHIM", &path(""))
    }

    fn set(&self, state: &str, on: bool) {
        let file = self.0.path().join(state);
        if on {
            std::fs::write(file, "").unwrap();
        } else {
            std::fs::remove_file(file).unwrap();
        }
    }
}

async fn ids_of_export(shell: &Shell) -> Vec<i64> {
    let kept = shell.ok(&["export", "messages"]).await.lines();
    kept.iter().map(|message| message["id"].as_i64().unwrap()).collect()
}

/// As Linux makes it of a disk with errors, under programs that have files open.
#[tokio::test]
async fn read_only_disk_is_told_and_overcome() {
    let shim = Shim::build();
    let served = Served::start(shim.around(Shell::bare())).await;
    let shell = &served.shell;
    let before = accepted(shell, "before").await;
    shim.set("read-only", true);
    let send = ["send", "+447700900123", "meanwhile", "--wait", "queued"];
    let refused = shell.run(&send).await;
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.err.contains("read-only"), "{refused:?}");
    let status = shell.ok(&["status", "-o", "json"]).await.json();
    assert_eq!(status["database"]["state"], "unwritable");
    assert_eq!(ids_of_export(shell).await, [before["id"].as_i64().unwrap()]);

    shim.set("read-only", false);
    let after = accepted(shell, "after").await;
    let key = std::fs::read_to_string(shell.data_dir().join("admin.key")).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let readyz = format!("{}/readyz", served.url());
    let ready = http.get(readyz).bearer_auth(key.trim()).send().await.unwrap();
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(ready["database"]["state"], "ready");
    let (shell, _) = served.end_with(Signal::KILL).await;
    let served = Served::start(shell).await;
    let kept = [before["id"].as_i64().unwrap(), after["id"].as_i64().unwrap()];
    assert_eq!(ids_of_export(&served.shell).await, kept);
    served.end().await;
}

#[tokio::test]
async fn slow_disk_loses_nothing_over_a_kill() {
    let shim = Shim::build();
    let served = Served::start(shim.around(Shell::bare())).await;
    let shell = &served.shell;
    shim.set("slow", true);
    let texts: Vec<String> = (0..12).map(|n| format!("text {n}")).collect();
    let sent = join_all(texts.iter().map(|text| accepted(shell, text))).await;
    let status = shell.ok(&["status", "-o", "json"]).await.json();
    assert_eq!(status["database"]["state"], "ready");
    let (shell, _) = served.end_with(Signal::KILL).await;
    let served = Served::start(shell).await;
    let mut ids: Vec<i64> = sent.iter().map(|message| message["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids_of_export(&served.shell).await, ids);
    served.end().await;
}
