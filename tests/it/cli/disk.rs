//! A server whose process may not make a file larger: every write to a file fails, as with a quota that is used up or a
//! disk that fails.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

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
