//! Several servers on one database.

use std::collections::HashMap;
use std::sync::Arc;

use crm::domain::session::SessionState;

use super::accounts::{Server, Silent};

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
    let two = Server::on(folder.path(), other.path(), &theirs, HashMap::new(), |_| true).await;
    let sales = two.add("sales").await;
    two.manager.open_all().await.unwrap();
    assert_eq!(*theirs.opened.lock().unwrap(), ["sales"]);
    let after = two.store.accounts().get(shared.id).await.unwrap().unwrap();
    assert_eq!((after.state, after.detail), (before.state, before.detail));

    // A server that nobody knows to run: its account is down, which is told with what to do, and the others start.
    let third = tempfile::tempdir().unwrap();
    let rest = Arc::new(Silent::default());
    let three = Server::on(folder.path(), third.path(), &rest, HashMap::new(), |_| false).await;
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
