//! Who answers customers: the table alone, with the configuration reconciled into it.

use crm::bridge::{Reconciled, reconcile_agents};
use crm::domain::agent::{Agent, AgentSource, Deactivated};
use crm::domain::{AgentId, MatrixUserId, Role};
use crm::store::{Store, StoreError};
use futures_util::FutureExt;

use crate::store::database::databases::{BEGIN, Database, on_each_database};
use crate::store::database::raw;

on_each_database! {
    configured_agents_are_added_once,
    agent_removed_from_config_stops_answering,
    /// What a person decided outlasts the configuration.
    deactivated_agent_stays_deactivated,
    persons_agent_outlasts_configuration,
    agent_of_older_row_is_reconciled,
}

fn users(names: &[&str]) -> Vec<MatrixUserId> {
    names.iter().map(|name| MatrixUserId(format!("@{name}:x"))).collect()
}

async fn reconcile(store: &Store, names: &[&str]) -> Reconciled {
    reconcile_agents(store, &users(names)).await.unwrap()
}

async fn deactivate(store: &Store, id: AgentId) -> Result<(), StoreError> {
    store
        .write(id, |tx, &id| {
            async move { tx.agents().deactivate(id, AgentSource::Person).await }.boxed()
        })
        .await
}

async fn answers(store: &Store, name: &str) -> bool {
    let user = users(&[name]).remove(0);
    store
        .write(user, |tx, user| {
            async move { tx.agents().is_answering(user).await }.boxed()
        })
        .await
        .unwrap()
}

async fn configured_agents_are_added_once(database: Database) {
    let store = database.open().await;
    let added = reconcile(&store, &["ada", "ben", "ada"]).await;
    assert_eq!(added.added, users(&["ada", "ben"]));
    assert_eq!(reconcile(&store, &["ada", "ben"]).await, Reconciled::default());
    let agents = store.agents().list().await.unwrap();
    let ada = Agent {
        id: agents[0].id,
        name: "ada".into(),
        matrix_user: Some("@ada:x".into()),
        role: Role::Agent,
        accounts: None,
        signature: None,
        time_zone: None,
        created_at: BEGIN,
        source: AgentSource::Config,
        deactivated: None,
    };
    assert_eq!((agents.len(), &agents[0]), (2, &ada));
    assert_eq!(store.agents().answering().await.unwrap(), users(&["ada", "ben"]));
    assert!(answers(&store, "ada").await && !answers(&store, "eve").await);
    store.close().await;
}

async fn agent_removed_from_config_stops_answering(database: Database) {
    let store = database.open().await;
    reconcile(&store, &["ada", "ben"]).await;
    assert_eq!(reconcile(&store, &["ben"]).await.left, users(&["ada"]));
    assert_eq!(reconcile(&store, &["ben"]).await, Reconciled::default(), "told once");
    assert!(!answers(&store, "ada").await);
    let end = Deactivated {
        at: BEGIN,
        by: AgentSource::Config,
    };
    assert_eq!(store.agents().list().await.unwrap()[0].deactivated, Some(end));
    assert_eq!(reconcile(&store, &["ada", "ben"]).await.back, users(&["ada"]));
    assert!(answers(&store, "ada").await);
    store.close().await;
}

async fn deactivated_agent_stays_deactivated(database: Database) {
    let store = database.open().await;
    reconcile(&store, &["ada"]).await;
    let ada = store.agents().list().await.unwrap()[0].id;
    deactivate(&store, ada).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            reconcile(&store, &["ada"]).await.kept_out,
            users(&["ada"]),
            "told each time"
        );
        assert!(!answers(&store, "ada").await);
    }
    assert_eq!(reconcile(&store, &[]).await, Reconciled::default());
    assert_eq!(
        reconcile(&store, &["ada"]).await.kept_out,
        users(&["ada"]),
        "nor by leaving"
    );
    let missing = deactivate(&store, AgentId(99)).await;
    assert!(
        matches!(missing, Err(StoreError::Missing { what: "agent" })),
        "{missing:?}"
    );
    store.close().await;
}

async fn persons_agent_outlasts_configuration(database: Database) {
    let store = database.open().await;
    let user = users(&["ada"]).remove(0);
    store
        .write(user, |tx, user| {
            async move { tx.agents().add(user, "Ada", AgentSource::Person).await }.boxed()
        })
        .await
        .unwrap();
    for named in [&["ada"][..], &[]] {
        assert_eq!(reconcile(&store, named).await, Reconciled::default());
        assert!(answers(&store, "ada").await);
    }
    store.close().await;
}

async fn agent_of_older_row_is_reconciled(database: Database) {
    let store = database.open().await;
    raw::execute(
        &database,
        "INSERT INTO agents (name, matrix_user, created_at) VALUES ('ada', '@ada:x', 0)",
    )
    .await;
    assert_eq!(reconcile(&store, &["ada"]).await, Reconciled::default());
    assert!(answers(&store, "ada").await);
    assert_eq!(reconcile(&store, &[]).await.left, users(&["ada"]));
    store.close().await;
}
