//! A short siege: what hostile, broken and slow clients do at once, beside ordinary work. It judges outcomes, not times;
//! `cargo xtask siege` measures.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database};
use testbed::memory::resident;
use testbed::siege::{Forces, Ordinary, Tally, Target, hold, pelt, seed};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::app::App;
use crate::cli::rig::Shell;
use crate::cli::serving::Served;

const FORCES: Forces = Forces {
    half_sent: 200,
    sockets: 300,
    stalled: 16,
    garbage: 500,
};
const CUSTOMERS: u64 = 200;
const MESSAGES: u64 = 10_000;
const TIME: Duration = Duration::from_secs(10);
/// Largest growth of the server's resident memory, in bytes; it is not optimised here.
const MAX_GROWTH: u64 = 256 << 20;

/// Runs attackers on a thread of their own, so that they do not hold up the ordinary clients.
fn on_thread(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work);
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn besieged_server_stays_ready_and_loses_nothing() {
    let served = Served::start(Shell::bare()).await;
    let data = served.shell.data_dir();
    let key = std::fs::read_to_string(data.join("admin.key")).unwrap();
    let (pid, address) = (
        served.pid(),
        served.url().trim_start_matches("http://").parse().unwrap(),
    );
    let database = Database::connect(format!("sqlite://{}", data.join("crm.db").display()))
        .await
        .unwrap();
    let statements = seed(CUSTOMERS, MESSAGES, App::now().0);
    database.execute_unprepared(&statements).await.unwrap();
    database.close().await.unwrap();
    let target = Target::new(address, key.trim(), 8 << 20).await.unwrap();
    let ordinary = Ordinary::new(&target, (CUSTOMERS, MESSAGES)).unwrap();
    let before = resident(pid).unwrap();

    let (tally, end) = (Arc::new(Tally::default()), CancellationToken::new());
    let attackers = [true, false].map(|holds| {
        let (target, tally, end) = (target.clone(), Arc::clone(&tally), end.clone());
        on_thread(async move {
            if holds {
                hold(&target, FORCES, &tally, &end).await;
            } else {
                pelt(&target, FORCES, &tally, &end).await;
            }
        })
    });
    let work = ordinary.work(TIME).await;
    let after = resident(pid).unwrap();
    end.cancel();
    for attacker in attackers {
        attacker.await.unwrap();
    }

    assert_eq!(work.unready, Vec::<String>::new());
    assert_eq!(work.failed, Vec::<String>::new());
    assert!(work.ready > 0 && !work.reads.is_empty());
    let (accepted, lost) = ordinary.lost().await.unwrap();
    assert!(accepted > 0 && lost.is_empty(), "{lost:?} of {accepted}");
    let growth = after.saturating_sub(before) >> 20;
    assert!(growth < MAX_GROWTH >> 20, "{growth} MiB");
    for (what, count) in [
        ("half-sent", &tally.half_sent),
        ("sockets", &tally.sockets),
        ("stalled", &tally.stalled),
        ("answered", &tally.answered),
    ] {
        assert!(count.load(Ordering::Relaxed) > 0, "{what}: {tally:?}");
    }
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0), "it ends in order, besieged as it was");
}
