//! Ports that other users of this host cannot reach. Neither chromedriver nor Chromium's debugging port asks who connects
//! (rule 29): where we have the right to it, a table of the kernel's packet filter refuses all others but root. The right is
//! `CAP_NET_ADMIN`; the tables are made by `nft`.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::geteuid;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::runtime::Handle;

use super::environment;

/// Where `nft` is; last by the search path, which of an ordinary user often lacks the others.
const PROGRAMS: &[&str] = &["/usr/sbin/nft", "/sbin/nft", "nft"];
/// Ports to choose from, above those that the kernel gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 61_000..65_000;

/// A free port of this host, open to our user and to root alone until this is dropped.
#[derive(Debug)]
pub struct ShutPort {
    port: u16,
    table: String,
}

impl ShutPort {
    /// Chooses a port for a program of the profile, `role`, and shuts it before the program opens it. Deletes what an earlier
    /// run has left for the same. None where we have no right to it.
    pub async fn choose(profile: &Path, role: &str) -> Option<Self> {
        let inode = fs::metadata(profile).ok()?.ino();
        let prefix = format!("crm_{inode:x}_{role}_");
        let tables = nft(&["list", "tables"], "").await.ok()?;
        let mut script = String::new();
        for old in stale(&tables, &prefix) {
            script.push_str(&deletion(old));
        }
        let port = free_port(inode)?;
        let table = format!("{prefix}{port}");
        script.push_str(&rules(&table, port, geteuid().as_raw()));
        let made = nft(&["-f", "-"], &script).await;
        made.inspect_err(|error| tracing::debug!("the port {port} stays open to other users: {error}"))
            .ok()?;
        Some(Self { port, table })
    }

    /// Returns the port.
    pub const fn number(&self) -> u16 {
        self.port
    }
}

impl Drop for ShutPort {
    /// The program has ended, or ends now: whoever gets the port next may have other users.
    fn drop(&mut self) {
        // Not waited for: the runtime takes in its exit status. Without a runtime we end as well, and the next start does it.
        if Handle::try_current().is_ok()
            && let Ok(mut command) = command(&["delete", "table", "inet", &self.table])
        {
            let _ = command.spawn();
        }
    }
}

/// Returns whether ports can be shut to other users here, and if not, why.
pub async fn can_shut_ports() -> io::Result<()> {
    let probe = format!("crm_probe_{}", std::process::id());
    let mut script = rules(&probe, PORTS.end, geteuid().as_raw());
    script.push_str(&deletion(&probe));
    nft(&["-f", "-"], &script).await.map(drop)
}

/// Returns what makes a table that refuses connections of other users over the loopback interface, the only one on which
/// the programs listen.
fn rules(table: &str, port: u16, user: u32) -> String {
    format!(
        "table inet {table} {{\n\
         chain output {{\n\
         type filter hook output priority 0; policy accept;\n\
         oifname \"lo\" tcp dport {port} meta skuid != {{ 0, {user} }} reject with tcp reset\n\
         }}\n\
         }}\n"
    )
}

fn deletion(table: &str) -> String {
    format!("delete table inet {table}\n")
}

/// Returns the tables of a list that begin with `prefix`.
fn stale<'a>(tables: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let names = tables.lines().filter_map(|line| line.strip_prefix("table inet "));
    names.filter(move |name| name.starts_with(prefix))
}

/// Returns a port on which nobody listens. `seed`: where the search begins, so that two profiles begin elsewhere.
fn free_port(seed: u64) -> Option<u16> {
    let count = u64::from(PORTS.end - PORTS.start);
    (0..count).find_map(|step| {
        let port = PORTS.start + u16::try_from((seed.wrapping_mul(2) + step) % count).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(port)
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
    fn only_stale_tables_of_same_owner_are_found() {
        let tables = "table inet filter\ntable inet crm_1f_driver_61000\ntable inet crm_1f_browser_61001\n\
                      table ip crm_1f_driver_61002\ntable inet crm_1f0_driver_61003\n";
        let found: Vec<_> = stale(tables, "crm_1f_driver_").collect();
        assert_eq!(found, ["crm_1f_driver_61000"]);
    }

    #[test]
    fn taken_port_is_not_chosen() {
        let first = free_port(0).unwrap();
        assert!(PORTS.contains(&first));
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        assert_ne!(free_port(0).unwrap(), first);
    }
}
