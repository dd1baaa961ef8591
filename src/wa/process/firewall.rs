//! Ports that other users of this host cannot reach. Neither chromedriver nor Chromium's debugging port asks who connects
//! (rule 29): where we have the right to it, one rule of the kernel's packet filter refuses all others but root. The right is
//! `CAP_NET_ADMIN`; the rule and its set of ports are made by `nft`, in a table of our user's.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::geteuid;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::runtime::Handle;

use super::environment;
use super::id::ProcessId;

/// Where `nft` is; last by the search path, which of an ordinary user often lacks the others.
const PROGRAMS: &[&str] = &["/usr/sbin/nft", "/sbin/nft", "nft"];
/// Ports to choose from, above those that the kernel gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 61_000..65_000;

/// Attempts to shut a port: another process of ours may have opened a dead one's just before us, and then the kernel refuses
/// the whole change.
const ATTEMPTS: u32 = 3;

/// A free port of this host, open to our user and to root alone until this is dropped.
#[derive(Debug)]
pub struct ShutPort(u16);

impl ShutPort {
    /// Chooses a port for a program of the profile, and shuts it before the program opens it. Opens those that processes of
    /// ours have shut and did not live to open. None where we have no right to it.
    pub async fn choose(profile: &Path) -> Option<Self> {
        let seed = fs::metadata(profile).ok()?.ino();
        let mut attempt = 1;
        loop {
            match Self::shut(seed).await {
                Ok(shut) => return Some(shut),
                Err(error) if attempt == ATTEMPTS => {
                    tracing::debug!("the port stays open to other users: {error}");
                    return None;
                }
                Err(_) => attempt += 1,
            }
        }
    }

    async fn shut(seed: u64) -> io::Result<Self> {
        let table = table(geteuid().as_raw());
        // There is none before the first port.
        let listed = nft(&["-j", "list", "set", "inet", &table, "ports"], "").await;
        let shut = listed.map(|listed| owners(&listed)).unwrap_or_default();
        let (living, dead): (HashMap<_, _>, HashMap<_, _>) = shut.into_iter().partition(|(_, owner)| lives(owner));
        let mut script = base(&table);
        for port in dead.into_keys() {
            script.push_str(&element("delete", &table, port, ""));
        }
        let port = free_port(seed, |port| living.contains_key(&port));
        let port = port.ok_or_else(|| io::Error::other("no port is free"))?;
        let owner = ProcessId::of(std::process::id()).ok_or_else(|| io::Error::other("there is no /proc"))?;
        let comment = format!("comment \"{}\"", identity(&owner));
        script.push_str(&element("add", &table, port, &comment));
        nft(&["-f", "-"], &script).await.map(|_| Self(port))
    }

    /// Returns the port.
    pub const fn number(&self) -> u16 {
        self.0
    }
}

impl Drop for ShutPort {
    /// The program has ended, or ends now: whoever gets the port next may have other users.
    fn drop(&mut self) {
        let element = element("delete", &table(geteuid().as_raw()), self.0, "");
        // Not waited for: the runtime takes in its exit status. Without a runtime we end as well, and a later start does it.
        if Handle::try_current().is_ok()
            && let Ok(mut command) = command(&[element.trim_end()])
        {
            let _ = command.spawn();
        }
    }
}

/// Fails where ports cannot be shut to other users, and says why.
pub async fn can_shut_ports() -> io::Result<()> {
    let probe = format!("crm_probe_{}", std::process::id());
    let script = format!("{}delete table inet {probe}\n", base(&probe));
    nft(&["-f", "-"], &script).await.map(drop)
}

fn table(user: u32) -> String {
    format!("crm_{user}")
}

/// Returns what makes a table, or leaves it as it is: its rule refuses other users' connections to a set of ports over the
/// loopback interface, the only one on which the programs listen. One rule for all ports, because each costs every packet.
fn base(table: &str) -> String {
    let user = geteuid().as_raw();
    format!(
        "add table inet {table}\n\
         add set inet {table} ports {{ type inet_service; }}\n\
         add chain inet {table} output {{ type filter hook output priority 0; policy accept; }}\n\
         flush chain inet {table} output\n\
         add rule inet {table} output oifname \"lo\" tcp dport @ports meta skuid != {{ 0, {user} }} reject with tcp reset\n"
    )
}

fn element(change: &str, table: &str, port: u16, more: &str) -> String {
    format!("{change} element inet {table} ports {{ {port} {more} }}\n")
}

/// Returns the ports of a listed set, each with the process that has shut it.
fn owners(listed: &str) -> HashMap<u16, String> {
    let listed: Value = serde_json::from_str(listed).unwrap_or_default();
    let parts = listed["nftables"].as_array().into_iter().flatten();
    let elements = parts.flat_map(|part| part["set"]["elem"].as_array().into_iter().flatten());
    let owned = elements.filter_map(|element| {
        let element = &element["elem"];
        let port = element["val"].as_u64()?.try_into().ok()?;
        Some((port, element["comment"].as_str()?.to_owned()))
    });
    owned.collect()
}

/// Returns a process's identity on this boot, for the comment of its ports.
fn identity(process: &ProcessId) -> String {
    format!("{}-{}", process.pid, process.started)
}

fn lives(owner: &str) -> bool {
    let pid = owner.split_once('-').and_then(|(pid, _)| pid.parse().ok());
    let process = pid.and_then(ProcessId::of);
    process.is_some_and(|process| identity(&process) == owner)
}

/// Returns a port on which nobody listens and that `is_taken` does not know. `seed`: where the search begins, so that two
/// profiles begin elsewhere.
fn free_port(seed: u64, is_taken: impl Fn(u16) -> bool) -> Option<u16> {
    let count = u64::from(PORTS.end - PORTS.start);
    (0..count).find_map(|step| {
        let port = PORTS.start + u16::try_from((seed.wrapping_mul(2) + step) % count).ok()?;
        let is_free = !is_taken(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        is_free.then_some(port)
    })
}

async fn nft(arguments: &[&str], script: &str) -> io::Result<String> {
    let mut child = command(arguments)?.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes()).await?;
    }
    let output = child.wait_with_output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(why.lines().next().unwrap_or("nft failed").to_owned()))
}

fn command(arguments: &[&str]) -> io::Result<Command> {
    let program = PROGRAMS
        .iter()
        .find(|program| !program.starts_with('/') || Path::new(program).exists());
    let program = program.ok_or_else(|| io::Error::other("nft is not installed"))?;
    let mut command = Command::new(program);
    environment::clear(&mut command);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_of_dead_process_is_known_as_such() {
        let ours = identity(&ProcessId::of(std::process::id()).unwrap());
        let listed = serde_json::json!({"nftables": [{"metainfo": {}}, {"set": {"name": "ports", "elem": [
            {"elem": {"val": 61000, "comment": ours}}, {"elem": {"val": 61001, "comment": "1-7"}}, 61002,
        ]}}]});
        let owners = owners(&listed.to_string());
        assert_eq!(owners.len(), 2, "one without a comment is not of ours: {owners:?}");
        assert!(lives(&owners[&61_000]) && !lives(&owners[&61_001]));
    }

    #[test]
    fn taken_port_is_not_chosen() {
        let first = free_port(0, |_| false).unwrap();
        assert!(PORTS.contains(&first));
        assert_ne!(free_port(0, |port| port == first), Some(first));
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        assert_ne!(free_port(0, |_| false), Some(first));
    }
}
