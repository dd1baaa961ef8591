//! Who may speak to customers from a room.

use crm::domain::Clock;
use crm::domain::agent::AgentSource;
use crm::domain::matrix::RoomEventKind;
use crm::store::StoreError;

use super::Rig;

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

/// An agent who leaves the configuration is put out of the rooms at the next start.
#[tokio::test]
async fn agent_out_of_configuration_leaves_rooms() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.settle().await;
    crm::bridge::reconcile_agents(&rig.program.store, &["@bea:test".into()])
        .await
        .unwrap();
    rig.settle().await;
    let room = rig.run.matrix.room();
    assert_eq!(rig.run.matrix.excluded(&room), ["@ada:test".into()]);
}

/// The table decides, also after a restart with a configuration that still names the agent.
#[tokio::test]
async fn deactivated_agent_reaches_no_customer() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let ada = rig.program.store.agents().list().await.unwrap()[0].id;
    rig.program
        .store
        .write::<_, _, StoreError, _>(ada, |tx, &ada| {
            Box::pin(async move { tx.agents().deactivate(ada, AgentSource::Person).await })
        })
        .await
        .unwrap();
    let now = rig.run.clock.now();
    rig.run.matrix.happens("@ada:test", text("one"), now);
    rig.settle().await;
    rig.restart().await;
    rig.run.matrix.happens("@ada:test", text("two"), now);
    rig.settle().await;
    assert_eq!(rig.messages().await.len(), 1, "the customer's alone");
    assert!(rig.run.matrix.notices().is_empty(), "a stranger is not answered");
}
