//! Times in which the database takes no writes.

use std::sync::Arc;
use std::time::Duration;

use crm::bridge::{Core, OutageWatch, Random};
use crm::store::StoreError;

use crate::bridge::Rig;

/// The beginning cannot be queued, as nothing can be; the end is.
#[tokio::test]
async fn outage_and_its_end_are_reported_once() {
    let mut rig = Rig::new().await;
    let database = rig.folder.path().join("1.db");
    let away = rig.folder.path().join("away.db");
    let core = Core::new(
        rig.program.store.clone(),
        rig.run.vault(),
        Arc::new(rig.run.clock.clone()),
        Random::seeded(1),
        rig.run.policy.clone(),
    );
    let matrix = Arc::new(rig.run.matrix.clone());
    let mut watch = OutageWatch::new(core.await.unwrap(), Some(matrix));
    watch.look().await;
    let before = rig.run.matrix.notices().len();

    std::fs::rename(&database, &away).unwrap();
    for _ in 0..4 {
        watch.look().await;
        rig.run.clock.advance(Duration::from_secs(6));
    }
    let refused = rig.program.store.check_writable().await;
    assert!(matches!(refused, Err(StoreError::Gone(_))), "{refused:?}");
    let told = rig.run.matrix.notices().split_off(before);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("put it back"), "what to do: {told:?}");

    std::fs::rename(&away, &database).unwrap();
    watch.look().await;
    watch.look().await;
    rig.work().await;
    let told = rig.run.matrix.notices().split_off(before + 1);
    assert_eq!(told.len(), 1, "its end, once: {told:?}");
    assert!(told[0].contains("takes writes again"), "{told:?}");

    // Over in a moment.
    std::fs::rename(&database, &away).unwrap();
    watch.look().await;
    std::fs::rename(&away, &database).unwrap();
    watch.look().await;
    rig.work().await;
    assert_eq!(rig.run.matrix.notices().len(), before + 2);
}
