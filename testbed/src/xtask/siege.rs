//! `cargo xtask siege`: a release build under siege for minutes, beside ordinary work. Fails if the server's memory, its
//! answers to ordinary clients, its readiness or what it accepted leaves its bounds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};
use testbed::memory::resident;
use testbed::servers::{Folder, Launch, Process, Signal, find, free_port};
use testbed::siege::{Forces, Ordinary, Tally, Target, Work, hold, pelt, seed};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::section::section;
use super::server::{release_or, until_alive};

const CUSTOMERS: u64 = 10_000;
const MESSAGES: u64 = 100_000;
/// Bytes of the medium that clients stop reading.
const MEDIUM_BYTES: usize = 32 << 20;
/// Largest resident memory of the server above what it takes at rest, in bytes.
const MAX_GROWTH: u64 = 256 << 20;
/// Greatest 99th percentile of ordinary requests, as a multiple of that at rest.
const MAX_SLOWDOWN: u32 = 5;
/// A 99th percentile at rest below this counts as this: what the machine's scheduler adds is not the server's.
const FLOOR: Duration = Duration::from_millis(10);
/// Share of the siege's time for which the work at rest is measured, and its bounds.
const REST_SHARE: u32 = 10;
const REST: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(1));
/// Time between the first attack and the first measurement: the connections are all made by then.
const GATHER: Duration = Duration::from_secs(5);
/// Interval between two looks at the memory.
const LOOK: Duration = Duration::from_millis(500);
/// Time between the end of the siege and the last look at the memory.
const CALM: Duration = Duration::from_secs(10);
/// Milliseconds since 1970 of the newest message before the siege.
const NOW: i64 = 1_790_000_000_000;

/// Plays the siege against a program; without one, a release build of this repository is built.
pub async fn run(program: Option<PathBuf>, time: Duration) -> Result<()> {
    let program = release_or(program).await?;
    let files = raise_open_files();
    let needed = Forces::FULL.half_sent + Forces::FULL.sockets + 4 * Forces::FULL.stalled + 500;
    ensure!(
        files >= needed as u64,
        "this process may open {files} files and the siege needs {needed}; raise the limit (`ulimit -Hn`)"
    );
    let server = section("start", Besieged::start(&program)).await?;
    let outcome = section("siege", server.besiege(time)).await?;
    println!("{}", outcome.table());
    let broken = outcome.broken();
    ensure!(broken.is_empty(), "bounds are broken:\n  {}", broken.join("\n  "));
    Ok(())
}

/// Raises the limit of open files as far as it goes. Returns it.
fn raise_open_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// A server with a filled database, no browser and no homeserver.
struct Besieged {
    process: Process,
    target: Target,
    _folder: Folder,
}

impl Besieged {
    async fn start(program: &Path) -> Result<Self> {
        let folder = Folder::new("siege")?;
        let data = folder.path().join("data");
        let address: SocketAddr = format!("127.0.0.1:{}", free_port()?).parse()?;
        let launch = Launch::new("crm", program, folder.path())
            .without_variables("CRM_")
            .variable("XDG_CONFIG_HOME", folder.path().join("none"))
            .variable("CRM_DATA_DIR", &data)
            .variable("CRM_LISTEN", address.to_string())
            .variable("CRM_WHATSAPP_BROWSER", "/nowhere/chromium")
            .arguments(["serve"])
            .ended_by(Signal::TERM);
        let url = format!("http://{address}");
        // Once to make the tables.
        let mut process = launch.start()?;
        until_alive(&mut process, &url).await?;
        ensure!(process.end(), "the server does not end:\n{}", process.last_words());
        fill(&data.join("crm.db"), folder.path(), (CUSTOMERS, MESSAGES)).await?;
        let mut process = launch.start()?;
        until_alive(&mut process, &url).await?;
        let key = std::fs::read_to_string(data.join("admin.key"))?.trim().to_owned();
        let target = Target::new(address, &key, MEDIUM_BYTES).await?;
        Ok(Self {
            process,
            target,
            _folder: folder,
        })
    }

    async fn besiege(&self, time: Duration) -> Result<Outcome> {
        let pid = self.process.pid();
        let ordinary = Ordinary::new(&self.target, (CUSTOMERS, MESSAGES))?;
        let rest = (time / REST_SHARE).clamp(REST.0, REST.1);
        // Warms caches and connections.
        ordinary.work(REST.0 / 2).await;
        eprintln!("    at rest for {rest:?}");
        let at_rest = ordinary.work(rest).await;
        let start = resident(pid)?;
        let (tally, end, peak) = (
            Arc::new(Tally::default()),
            CancellationToken::new(),
            AtomicU64::new(start),
        );
        eprintln!("    under siege for {time:?}");
        let attackers = [0, 1].map(|part| {
            let (target, tally, end) = (self.target.clone(), Arc::clone(&tally), end.clone());
            on_thread(async move {
                match part {
                    0 => hold(&target, Forces::FULL, &tally, &end).await,
                    _ => pelt(&target, Forces::FULL, &tally, &end).await,
                }
            })
        });
        let watch = async {
            loop {
                peak.fetch_max(resident(pid).unwrap_or(0), Ordering::Relaxed);
                sleep(LOOK).await;
            }
        };
        let work = async {
            sleep(GATHER).await;
            ordinary.work(time).await
        };
        let besieged = tokio::select! {
            work = work => work,
            never = watch => never,
        };
        let garbage = tally.garbage.load(Ordering::Relaxed);
        end.cancel();
        for attacker in attackers {
            attacker.await??;
        }
        let (accepted, lost) = ordinary.lost().await?;
        sleep(CALM).await;
        Ok(Outcome {
            at_rest,
            besieged,
            memory: [start, peak.into_inner(), resident(pid)?],
            rate: garbage / (GATHER + time).as_secs().max(1),
            accepted,
            lost,
            tally,
        })
    }
}

/// Runs a future on a thread of its own, which is one core's worth of attackers at most.
fn on_thread(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<Result<()>> {
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(work);
        Ok(())
    })
}

/// Fills the database of a server that does not run with so many customers and messages.
pub async fn fill(database: &Path, folder: &Path, (customers, messages): (u64, u64)) -> Result<()> {
    let statements = folder.join("seed.sql");
    std::fs::write(&statements, seed(customers, messages, NOW))?;
    let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())";
    let python = find(&["python3"], &[], "python3")?;
    let status = tokio::process::Command::new(python)
        .args(["-c", script])
        .args([database, &statements])
        .status()
        .await?;
    ensure!(status.success(), "the database could not be filled: {status}");
    Ok(())
}

/// Result of a siege.
struct Outcome {
    at_rest: Work,
    besieged: Work,
    /// Resident memory of the server at rest, at most, and afterwards.
    memory: [u64; 3],
    /// Garbage requests per second.
    rate: u64,
    accepted: usize,
    lost: Vec<i64>,
    tally: Arc<Tally>,
}

impl Outcome {
    /// Returns the bounds that are broken.
    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let [start, peak, _] = self.memory;
        if peak > start + MAX_GROWTH {
            broken.push(format!(
                "memory grew by {} MiB; {} at most",
                (peak - start) >> 20,
                MAX_GROWTH >> 20
            ));
        }
        for (what, rest, siege) in [
            ("reads", &self.at_rest.reads, &self.besieged.reads),
            ("sends", &self.at_rest.sends, &self.besieged.sends),
        ] {
            let (bound, p99) = (MAX_SLOWDOWN * percentile(rest, 99).max(FLOOR), percentile(siege, 99));
            if p99 > bound {
                broken.push(format!("{what}: p99 {p99:.1?}; {bound:.1?} at most"));
            }
        }
        let mut count = |what: &str, found: &[String]| {
            if let Some(first) = found.first() {
                broken.push(format!("{} {what}, first: {first}", found.len()));
            }
        };
        count("ordinary requests failed", &self.besieged.failed);
        count("times not ready", &self.besieged.unready);
        if !self.lost.is_empty() || self.accepted == 0 {
            broken.push(format!(
                "{} of {} accepted messages are lost",
                self.lost.len(),
                self.accepted
            ));
        }
        broken
    }

    fn table(&self) -> String {
        let mut rows = Vec::new();
        let [start, peak, end] = self.memory.map(|bytes| format!("{} MiB", bytes >> 20));
        for (what, of) in [("at rest", &self.at_rest), ("under siege", &self.besieged)] {
            for (kind, taken) in [("reads", &of.reads), ("sends", &of.sends)] {
                let [p50, p99] = [50, 99].map(|percent| percentile(taken, percent));
                rows.push((
                    format!("{kind} {what}, {}", taken.len()),
                    format!("p50 {p50:.1?}, p99 {p99:.1?}"),
                ));
            }
        }
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        let Tally {
            half_sent,
            sockets,
            refused,
            stalled,
            garbage,
            answered,
            unconnected,
        } = &*self.tally;
        for (what, value) in [
            ("memory at rest", start),
            ("memory at most", peak),
            ("memory afterwards", end),
            ("garbage requests per second", self.rate.to_string()),
            ("garbage requests", of(garbage)),
            ("answers to them", of(answered)),
            ("half-sent requests opened", of(half_sent)),
            ("unidentified WebSockets opened", of(sockets)),
            ("of which refused", of(refused)),
            ("streams opened and not read", of(stalled)),
            ("connections that failed", of(unconnected)),
            ("ready, times", self.besieged.ready.to_string()),
            ("not ready, times", self.besieged.unready.len().to_string()),
            ("ordinary requests that failed", self.besieged.failed.len().to_string()),
            ("messages accepted", self.accepted.to_string()),
            ("of which lost", self.lost.len().to_string()),
        ] {
            rows.push((what.to_owned(), value));
        }
        let lines = rows.iter().map(|(what, value)| format!("| {what} | {value} |\n"));
        format!("\n| what | |\n|---|---|\n{}", lines.collect::<String>())
    }
}

/// Returns the percentile by the nearest rank.
fn percentile(taken: &[Duration], percent: usize) -> Duration {
    let mut sorted = taken.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
