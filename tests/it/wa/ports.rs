//! Who else on this host can reach what the browser and its driver listen on (rule 29).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use testbed::quick;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::PATIENCE;
use super::desk::Desk;

/// User id of nobody.
const NOBODY: &str = "65534";

/// Ports that programs with this folder among their arguments are told to open.
fn ports_of(folder: &Path) -> BTreeSet<u16> {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    let ours: Vec<String> = commands.filter(|command| command.contains(folder)).collect();
    let arguments = ours.iter().flat_map(|command| command.split('\0'));
    let ports = arguments.filter_map(|argument| {
        let port = argument.strip_prefix("--remote-debugging-port=");
        port.or_else(|| argument.strip_prefix("--port="))
    });
    ports.map(|port| port.parse().unwrap()).collect()
}

async fn reaches(port: u16, user: &str) -> bool {
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--clear-groups", "bash", "-c", &script]);
    command.output().await.unwrap().status.success()
}

/// Tables of the packet filter that name one of these ports.
async fn tables(ports: &BTreeSet<u16>) -> Vec<String> {
    let listed = Command::new("/usr/sbin/nft")
        .args(["list", "tables"])
        .output()
        .await
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let of_ports = |line: &&str| ports.iter().any(|port| line.ends_with(&format!("_{port}")));
    listed.lines().filter(of_ports).map(str::to_owned).collect()
}

#[tokio::test]
async fn other_users_reach_neither_browser_nor_driver() {
    if quick() {
        return;
    }
    let desk = Desk::start().await;
    desk.until("a code", |session| session.qr.clone()).await;
    let ports = ports_of(&desk.options.profile);
    if let Err(why) = crm::wa::can_shut_ports().await {
        // Where we may not, they start nevertheless, on ports that the kernel chooses.
        assert_eq!(ports, BTreeSet::from([0]), "{why}");
        return desk.end().await;
    }
    assert_eq!(ports.len(), 2, "{ports:?}");
    for port in &ports {
        assert!(
            TcpStream::connect(("127.0.0.1", *port)).await.is_ok(),
            "{port} is open to us"
        );
        assert!(!reaches(*port, NOBODY).await, "{port} is open to nobody");
        assert!(reaches(*port, "0").await, "{port} is closed to root");
    }
    assert_eq!(tables(&ports).await.len(), 2);
    desk.end().await;
    let gone = async {
        while !tables(&ports).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, gone).await.is_ok(), "{:?}", tables(&ports).await);
}
