//! Times in which the database takes no writes.

use std::sync::Arc;
use std::time::Duration;

use crm::bridge::{Core, OutageWatch, Random};
use crm::domain::message::MessageState;
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

/// Rule 3. Nothing can be stored between the logout and the scan: a message that is looked up in vain in the new device may
/// have left by the old one.
#[tokio::test]
async fn login_during_database_outage_is_a_new_login() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.send(0, "once").await;
    rig.work().await;
    let sent = rig.message("once").await;
    assert_eq!(sent.state, MessageState::Sending);
    let store = rig.program.store.clone();
    let before = store.accounts().get(sent.account_id).await.unwrap().unwrap();

    let database = rig.folder.path().join("1.db");
    let away = rig.folder.path().join("away.db");
    std::fs::rename(&database, &away).unwrap();
    let refused = store.check_writable().await;
    assert!(matches!(refused, Err(StoreError::Gone(_))), "{refused:?}");
    rig.run.whatsapp.unlink();
    rig.run.whatsapp.link();
    std::fs::rename(&away, &database).unwrap();
    rig.settle().await;
    let after = store.accounts().get(sent.account_id).await.unwrap().unwrap();
    assert_eq!(after.login, before.login + 1);
    assert_eq!(rig.message("once").await.state, MessageState::Unknown);
    let accepted = rig.run.whatsapp.world.lock().unwrap().accepted.clone();
    assert!(
        accepted.iter().all(|id| Some(id) != sent.whatsapp_id.as_ref()),
        "not sent again: {accepted:?}"
    );
}
