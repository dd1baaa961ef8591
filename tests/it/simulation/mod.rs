//! The bridge without processes: both ports faked, time virtual, the store real. Each seed is one life of a desk with its
//! crashes, lost answers, doubled events and jumping clocks; the invariants are checked at its end.

mod check;
mod clock;
mod gate;
mod homeserver;
pub mod run;
mod whatsapp;
mod world;

use std::path::Path;

use check::Seen;

/// Seeds of one test run; `CRM_SIMULATION_SEEDS=from..to` plays others.
const SEEDS: std::ops::Range<u64> = 0..40;
/// Actions in one life.
const ACTIONS: u32 = 120;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("CRM_SIMULATION_SEEDS") else {
        return SEEDS;
    };
    let (from, to) = text.split_once("..").expect("CRM_SIMULATION_SEEDS is written from..to");
    from.parse().unwrap()..to.parse().unwrap()
}

fn play(seed: u64, folder: &Path) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut life = run::Run::new(seed, folder);
        let program = life.play(ACTIONS).await;
        let told = check::check(&life, &program).await;
        program.store.clone().close().await;
        life.remove();
        told
    })
}

/// Invariants 1 to 6, and `RULES` 2–4, 11, 12, 18, 20, 22, 23, 34.
#[test]
fn nothing_is_lost_and_nothing_comes_twice_wherever_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut total = Seen::default();
    for seed in seeds() {
        // What fails names its seed: `CRM_SIMULATION_SEEDS=7..8` plays it again.
        let seen = std::panic::catch_unwind(|| play(seed, folder.path()));
        let seen = seen.unwrap_or_else(|_| panic!("seed {seed} failed, see above"));
        total.inbound += seen.inbound;
        total.outbound += seen.outbound;
        total.unknown += seen.unknown;
        total.crashes += seen.crashes;
    }
    println!("seeds {:?}: {total:?}", seeds());
    assert!(
        total.inbound > 100 && total.outbound > 100 && total.crashes > 10,
        "the runs have done something: {total:?}"
    );
}
