//! Logins, logouts and take-overs as wanted state: asked for at once, brought about by the account's worker, through a crash.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crm::domain::AccountId;
use crm::domain::session::SessionState;
use crm::domain::whatsapp::LoginMethod;
use crm::store::{StoreError, WorkFor};

use super::accounts::{PATIENCE, Server, Silent};
use crate::api::whatsapp::SilentWhatsApp;

/// Runs a server with one account, whose page has not told anything yet.
async fn running(folder: &Path) -> (Arc<Silent>, Server, AccountId) {
    let source = Arc::new(Silent::default());
    let server = Server::start(folder, &source).await;
    let account = server.add("default").await.id;
    server.run().await;
    (source, server, account)
}

/// Waits until nothing is wanted of the account's link.
async fn done(server: &Server, account: AccountId) {
    let done = async {
        while server.store.accounts().wanted_link(account).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, done).await.expect("it is brought about");
}

/// Waits until so many logins were begun.
async fn begun(port: &SilentWhatsApp, logins: usize) {
    let begun = async {
        while port.logins.lock().unwrap().len() < logins {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.expect("it is begun");
}

/// Asks for a login once the page is there, which does not end. It is accepted at once.
async fn log_in_and_hang(server: &Server, port: &SilentWhatsApp, account: AccountId) {
    port.stuck.store(true, Ordering::SeqCst);
    port.session.send_modify(|session| session.state = SessionState::Qr);
    let asked = server.desk.login(account, LoginMethod::Qr);
    tokio::time::timeout(PATIENCE, asked).await.expect("at once").unwrap();
    begun(port, 1).await;
}

/// A login that was asked for is done once the page is there.
#[tokio::test]
async fn requested_login_survives_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (source, server, account) = running(folder.path()).await;
    let port = source.port("default");
    log_in_and_hang(&server, &port, account).await;
    server.stop().await;

    port.stuck.store(false, Ordering::SeqCst);
    port.session
        .send_modify(|session| session.state = SessionState::Starting);
    let server = Server::start(folder.path(), &source).await;
    server.run().await;
    assert!(server.store.accounts().wanted_link(account).await.unwrap().is_some());
    port.session.send_modify(|session| session.state = SessionState::Qr);
    done(&server, account).await;
    assert_eq!(port.logins.lock().unwrap().len(), 2, "once more, and no more");
    server.stop().await;
}

/// A second pairing code would make the first one worthless that a person is typing.
#[tokio::test]
async fn late_wake_up_repeats_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let (source, server, account) = running(folder.path()).await;
    let port = source.port("default");
    log_in_and_hang(&server, &port, account).await;
    let woken = server.store.write(account, |tx, &account| {
        Box::pin(async move {
            tx.wake(WorkFor::Linking(account));
            Ok::<_, StoreError>(())
        })
    });
    woken.await.unwrap();
    for _ in 0..10 {
        server.store.accounts().wanted_link(account).await.unwrap();
    }
    port.stuck.store(false, Ordering::SeqCst);
    server.desk.login(account, LoginMethod::Qr).await.unwrap();
    done(&server, account).await;
    assert_eq!(port.logins.lock().unwrap().len(), 2, "each that was asked for, once");
    server.stop().await;
}

#[tokio::test]
async fn last_link_request_replaces_hanging_one() {
    let folder = tempfile::tempdir().unwrap();
    let (source, server, account) = running(folder.path()).await;
    source.link("default", "+447700900002");
    server.until_state(account, SessionState::Offline).await;
    let port = source.port("default");
    port.stuck.store(true, Ordering::SeqCst);
    server.desk.login(account, LoginMethod::Qr).await.unwrap();
    begun(&port, 1).await;
    port.stuck.store(false, Ordering::SeqCst);
    server.desk.logout(account).await.unwrap();
    done(&server, account).await;
    server.until_state(account, SessionState::LoggedOut).await;
    assert_eq!(*port.ended.lock().unwrap(), ["unlinked"]);
    // To whom nobody is linked there is nothing to unlink.
    server.desk.logout(account).await.unwrap();
    done(&server, account).await;
    server.stop().await;
}

#[tokio::test]
async fn failed_link_request_says_why_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (source, server, account) = running(folder.path()).await;
    let mut failed = server.desk.link_failed(account).await.unwrap();
    source
        .port("default")
        .session
        .send_modify(|session| session.state = SessionState::Conflict);
    server.desk.take_over(account).await.unwrap();
    let why = tokio::time::timeout(PATIENCE, failed.wait_for(Option::is_some));
    assert_eq!(why.await.unwrap().unwrap().as_deref(), Some("nobody is there"));
    done(&server, account).await;
    server.stop().await;
}
