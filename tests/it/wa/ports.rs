//! Access of other users of this host to what the browser and its driver listen on (rule 29).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use testbed::quick;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::PATIENCE;
use super::desk::{Desk, commands};

/// User id of nobody.
const NOBODY: &str = "65534";

/// Ports that programs with this folder among their arguments are told to open.
fn ports_of(folder: &Path) -> BTreeSet<u16> {
    let commands = commands(folder);
    let arguments = commands.iter().flat_map(|(_, command)| command.split('\0'));
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

async fn nft(arguments: &[&str]) -> String {
    let mut command = Command::new("/usr/sbin/nft");
    let output = command.args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the packet filter knows none of the ports.
async fn until_open(ports: &BTreeSet<u16>) {
    let open = async {
        loop {
            let rules = nft(&["list", "ruleset"]).await;
            if !ports.iter().any(|port| rules.contains(&port.to_string())) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = timeout(PATIENCE, open).await;
    assert!(waited.is_ok(), "{ports:?} stay shut");
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
    // What a killed process has shut is opened at a later start.
    let table = format!("crm_{}", rustix::process::geteuid().as_raw());
    let stale = 65_001;
    let element = format!("{{ {stale} comment \"1-7\" }}");
    nft(&["add", "element", "inet", &table, "ports", &element]).await;
    desk.end().await;
    until_open(&ports).await;
    let desk = Desk::start().await;
    desk.until("a code", |session| session.qr.clone()).await;
    until_open(&BTreeSet::from([stale])).await;
    desk.end().await;
}
