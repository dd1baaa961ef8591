//! Several servers on one database.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm::bridge::{Refusal, Source as _};
use crm::domain::AccountId;
use crm::domain::account::Account;
use crm::domain::session::SessionState;
use crm::store::StoreError;

use super::accounts::{PATIENCE, Server, Silent};

impl Server {
    async fn stored(&self, id: AccountId) -> Account {
        self.store.accounts().get(id).await.unwrap().unwrap()
    }

    /// Takes an account from whoever drives it, as if that server were gone.
    async fn take_away(&self, id: AccountId) {
        let fence = self.store.accounts().lease(id).await.unwrap().unwrap().fence;
        let released = self
            .store
            .write::<_, _, StoreError, _>((id, fence), |tx, &(id, fence)| {
                Box::pin(async move { tx.accounts().release_lease(id, fence).await })
            });
        assert!(released.await.unwrap());
    }

    /// Forgets the last heartbeat of a server.
    async fn hears_no_more_of(&self, folder: &Path) {
        let folder = folder.display().to_string();
        let ended = self.store.write::<_, _, StoreError, _>(folder, |tx, folder: &String| {
            Box::pin(async move { tx.accounts().end_heartbeat(folder).await })
        });
        ended.await.unwrap();
    }
}

/// Rule 26. Two servers with data folders of their own on one database: each drives what the other does not, neither speaks for the
/// other's accounts, and one takes over what the other has let go of.
#[tokio::test]
async fn second_server_leaves_driven_account_alone() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = Arc::new(Silent::default());
    let one = Server::start(folder.path(), &source).await;
    let shared = one.add("default").await;
    one.manager.open_all().await.unwrap();
    let before = one.store.accounts().get(shared.id).await.unwrap().unwrap();

    let theirs = Arc::new(Silent::default());
    let two = Server::on(folder.path(), other.path(), &theirs, HashMap::new(), |_| Some(true)).await;
    let sales = two.add("sales").await;
    two.manager.open_all().await.unwrap();
    assert_eq!(*theirs.opened.lock().unwrap(), ["sales"]);
    let after = two.store.accounts().get(shared.id).await.unwrap().unwrap();
    assert_eq!((after.state, after.detail), (before.state, before.detail));

    // A server that nobody knows to run: its account is down, which is told with what to do, and the others start.
    let third = tempfile::tempdir().unwrap();
    let rest = Arc::new(Silent::default());
    let three = Server::on(folder.path(), third.path(), &rest, HashMap::new(), |_| Some(false)).await;
    three.add("third").await;
    three.manager.open_all().await.unwrap();
    assert_eq!(*rest.opened.lock().unwrap(), ["third"]);
    let down = three.store.accounts().get(sales.id).await.unwrap().unwrap();
    assert_eq!(down.state, SessionState::Failed);
    assert!(down.detail.unwrap().contains("crm account release"));

    one.manager.release_all().await;
    one.stop().await;
    two.manager.bring_about(shared.id).await.unwrap();
    assert_eq!(*theirs.opened.lock().unwrap(), ["sales", "default"]);
    two.stop().await;
    three.stop().await;
}

/// Rule 26. The request may reach any server; the one that has the browser unlinks the device and deletes the profile.
#[tokio::test]
async fn account_driven_elsewhere_is_removed_by_its_driver() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = Arc::new(Silent::default());
    let one = Server::start(folder.path(), &source).await;
    let (sales, late) = (one.add("sales").await, one.add("late").await);
    one.manager.open_all().await.unwrap();
    source.link("sales", "+447700900002");
    source.link("late", "+447700900003");
    one.until_state(sales.id, SessionState::Offline).await;
    let theirs = Arc::new(Silent::default());
    let two = Server::on(folder.path(), other.path(), &theirs, HashMap::new(), |_| Some(true)).await;
    two.desk.remove_account(sales.id, false).await.unwrap();
    let refused = two.manager.bring_about(sales.id).await.unwrap_err();
    assert!(
        matches!(refused.downcast_ref(), Some(StoreError::LeaseElsewhere { .. })),
        "{refused:?}"
    );
    assert_eq!(two.stored(sales.id).await.removed_at, None);
    one.manager.bring_about(sales.id).await.unwrap();
    let gone = one.stored(sales.id).await;
    assert!(gone.removed_at.is_some() && gone.detail.is_none(), "{gone:?}");
    assert_eq!(*source.port("sales").ended.lock().unwrap(), ["unlinked", "closed"]);
    assert!(!source.has_profile("sales"));

    // Its driver was taken for gone: it ends what it has when it sees that the account was removed.
    two.take_away(late.id).await;
    two.desk.remove_account(late.id, false).await.unwrap();
    two.manager.bring_about(late.id).await.unwrap();
    assert!(two.stored(late.id).await.removed_at.is_some());
    one.run().await;
    let ended = async {
        while source.has_profile("late") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!(*source.port("late").ended.lock().unwrap(), ["unlinked", "closed"]);
    one.stop().await;
    two.stop().await;
}

/// Rule 26. A process of another host cannot be seen here; its heartbeat can.
#[tokio::test]
async fn server_on_another_host_leaves_state_alone() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = Arc::new(Silent::default());
    let one = Server::start(folder.path(), &source).await;
    let sales = one.add("sales").await;
    one.manager.open_all().await.unwrap();
    let before = one.stored(sales.id).await;
    let theirs = Arc::new(Silent::default());
    let two = Server::on(folder.path(), other.path(), &theirs, HashMap::new(), |_| None).await;
    two.manager.open_all().await.unwrap();
    let after = two.stored(sales.id).await;
    assert_eq!((after.state, after.detail), (before.state, before.detail));
    let refused = two.desk.release_account(sales.id).await;
    assert!(
        matches!(&refused, Err(Refusal::Conflict(why)) if why.contains("stop that first")),
        "{refused:?}"
    );

    two.hears_no_more_of(folder.path()).await;
    two.manager.open_all().await.unwrap();
    let down = two.stored(sales.id).await;
    assert_eq!(down.state, SessionState::Failed);
    assert!(down.detail.unwrap().contains("crm account release"));
    two.desk.release_account(sales.id).await.unwrap();
    two.manager.bring_about(sales.id).await.unwrap();
    assert_eq!(*theirs.opened.lock().unwrap(), ["sales"]);
    one.stop().await;
    two.stop().await;
}
