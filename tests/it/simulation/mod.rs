//! The bridge without processes: both ports faked, time virtual, the store real. Each seed is one life of a desk with its
//! crashes, lost answers, doubled events and jumping clocks; the invariants are checked at its end. What plays is what runs: the
//! relay to the rooms has several pieces in hand here as there, each in a task. (So a seed decides everything but which of two
//! that ask the database at once is answered first.)

mod check;
pub mod clock;
pub mod desk;
pub mod gate;
pub mod homeserver;
pub mod media;
mod people;
mod requests;
pub mod run;
pub mod setup;
mod told;
mod whatsapp;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use check::Seen;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Seeds of one test run; `CRM_SIMULATION_SEEDS=from..to` plays others.
const SEEDS: std::ops::Range<u64> = 0..160;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("CRM_SIMULATION_SEEDS") else {
        return SEEDS;
    };
    let (from, to) = text.split_once("..").expect("CRM_SIMULATION_SEEDS is written from..to");
    from.parse().unwrap()..to.parse().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn play(seed: u64, empty: &[u8], folder: &Path, with_desk: bool) -> Seen {
    runtime().block_on(async {
        let mut life = run::Run::new(seed, empty, folder);
        if with_desk {
            life = life.with_desk();
        }
        let program = Box::pin(life.play()).await;
        let told = check::check(&life, &program).await;
        program.store.clone().close().await;
        life.remove();
        told
    })
}

/// Keeps this thread, and those of the databases that it opens, on one processor: they never work at the same time, and
/// waking each other across processors is half of what a life costs.
fn stay_on(cpu: usize) {
    let mut alone = CpuSet::new();
    alone.set(cpu);
    // Without it the run is slower, and the same.
    let _ = sched_setaffinity(None, &alone);
}

/// Invariants 1 to 6, and rule 2–4, 11, 12, 18, 20, 22, 23, 34.
#[test]
fn kill_anywhere_loses_and_doubles_nothing() {
    let total = play_all(seeds(), false);
    assert!(
        total.inbound > 100 && total.outbound > 100 && total.crashes > 10,
        "the runs have done something: {total:?}"
    );
}

/// Messages for later, decisions about them, and the guard.
#[test]
fn kill_anywhere_crosses_no_answer_of_the_desk() {
    let total = play_all(seeds(), true);
    assert!(
        total.held > 10 && total.planned > 50 && total.guarded > 10 && total.stopped > 2,
        "the desks have done something: {total:?}"
    );
}

fn play_all(seeds: std::ops::Range<u64>, with_desk: bool) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let empty = runtime().block_on(setup::empty_database(folder.path()));
    let cpus = sched_getaffinity(None).unwrap();
    let (left, total) = (Mutex::new(seeds.clone()), Mutex::new(Seen::default()));
    thread::scope(|scope| {
        for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| cpus.is_set(*cpu)) {
            let (left, total, empty, folder) = (&left, &total, &empty, folder.path());
            scope.spawn(move || {
                stay_on(cpu);
                while let Some(seed) = { left.lock().unwrap().next() } {
                    // What fails names its seed: `CRM_SIMULATION_SEEDS=7..8` plays it again.
                    let seen = catch_unwind(AssertUnwindSafe(|| play(seed, empty, folder, with_desk)));
                    let seen = seen.unwrap_or_else(|_| panic!("seed {seed} failed, see above"));
                    total.lock().unwrap().add(&seen);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!("seeds {seeds:?}: {total:?}");
    total
}
