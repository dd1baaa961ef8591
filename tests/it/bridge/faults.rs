//! A fault of one account is its own: the others go on, and it is driven again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crm::bridge::Source;
use crm::domain::AccountId;
use crm::domain::session::SessionState;
use crm::domain::whatsapp::WhatsApp;
use crm::store::{Holder, MessageFilter, StoreError};
use crm::supervisor::Supervisor;
use futures_util::{FutureExt as _, TryStreamExt as _};

use super::accounts::{PATIENCE, Server};
use crate::api::whatsapp::SilentWhatsApp;
use crate::simulation::clock::VirtualClock;
use crate::simulation::gate::Gate;
use crate::simulation::world::FakeWhatsApp;

/// Two accounts: `sick`, which says nothing and may break, and `well`, which hears its customers.
struct Two {
    sick: SilentWhatsApp,
    well: FakeWhatsApp,
    /// Whether the profile of `sick` cannot be opened.
    refuses: AtomicBool,
    opened: Mutex<Vec<String>>,
}

#[async_trait]
impl Source for Two {
    fn open(&self, account: &str, _tasks: &Supervisor) -> anyhow::Result<Arc<dyn WhatsApp>> {
        if account == "well" {
            return Ok(Arc::new(self.well.clone()));
        }
        anyhow::ensure!(!self.refuses.load(Ordering::SeqCst), "its profile is in use");
        self.opened.lock().unwrap().push(account.to_owned());
        Ok(Arc::new(self.sick.clone()))
    }

    fn has_profile(&self, _account: &str) -> bool {
        true
    }

    async fn forget(&self, _account: &str) -> std::io::Result<()> {
        Ok(())
    }
}

impl Two {
    fn new() -> Arc<Self> {
        let well = FakeWhatsApp::new(1, 1, VirtualClock::new(), Gate::open());
        well.world.lock().unwrap().faults = 0;
        Arc::new(Self {
            sick: SilentWhatsApp::new(),
            well,
            refuses: AtomicBool::new(false),
            opened: Mutex::default(),
        })
    }

    fn times_opened(&self) -> usize {
        self.opened.lock().unwrap().len()
    }

    fn sick_is(&self, state: SessionState) {
        self.sick.session.send_modify(|session| session.state = state);
    }
}

/// A server with both accounts; gives the id of `sick`.
async fn serve(folder: &std::path::Path, two: &Arc<Two>) -> (Server, AccountId) {
    let server = Server::start(folder, two).await;
    let sick = server.add("sick").await.id;
    server.add("well").await;
    server.run().await;
    (server, sick)
}

/// A customer writes to `well`, and it is stored.
async fn well_goes_on(server: &Server, two: &Two) {
    let id = two.well.customer_writes(0);
    let stored = async {
        loop {
            let messages = server.store.messages().stream(MessageFilter::default());
            let messages: Vec<_> = messages.try_collect().await.unwrap();
            if messages.iter().any(|message| message.whatsapp_id.as_ref() == Some(&id)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.expect("it is stored");
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let held = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, held).await.expect(what);
}

#[tokio::test]
async fn panic_in_one_account_restarts_that_account() {
    let folder = tempfile::tempdir().unwrap();
    let two = Two::new();
    let (server, sick) = serve(folder.path(), &two).await;
    well_goes_on(&server, &two).await;
    two.sick.panics.store(true, Ordering::SeqCst);
    two.sick_is(SessionState::Qr);
    server.until_state(sick, SessionState::Failed).await;
    let told = server
        .store
        .accounts()
        .get(sick)
        .await
        .unwrap()
        .unwrap()
        .detail
        .unwrap();
    assert!(told.contains("`inbound` panicked"), "{told}");
    well_goes_on(&server, &two).await;
    server.until_state(sick, SessionState::Qr).await;
    assert_eq!(two.times_opened(), 2, "driven again, once");
    assert_eq!(*two.sick.ended.lock().unwrap(), ["closed"], "its browser ends first");
    assert_eq!(server.supervisor.loss(), None);
    well_goes_on(&server, &two).await;
    server.stop().await;
}

#[tokio::test]
async fn lost_lease_stops_that_account_alone() {
    let folder = tempfile::tempdir().unwrap();
    let two = Two::new();
    let (server, sick) = serve(folder.path(), &two).await;
    let thief = Holder {
        folder: folder.path().display().to_string(),
        process: "thief".to_owned(),
    };
    let steal = server
        .store
        .write::<_, _, StoreError, _>((thief, sick), |tx, (thief, sick)| {
            async move { tx.accounts().take_lease(*sick, thief).await }.boxed()
        });
    steal.await.unwrap();
    two.sick_is(SessionState::Offline);
    until("it is driven again", || two.times_opened() == 2).await;
    server.until_state(sick, SessionState::Offline).await;
    assert_eq!(server.supervisor.loss(), None);
    well_goes_on(&server, &two).await;
    server.stop().await;
}

#[tokio::test]
async fn unopenable_account_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let two = Two::new();
    two.refuses.store(true, Ordering::SeqCst);
    let (server, sick) = serve(folder.path(), &two).await;
    well_goes_on(&server, &two).await;
    let account = server.store.accounts().get(sick).await.unwrap().unwrap();
    assert_eq!(account.state, SessionState::Failed);
    assert!(account.detail.unwrap().contains("its profile is in use"));
    two.refuses.store(false, Ordering::SeqCst);
    until("it is opened", || two.times_opened() == 1).await;
    two.sick_is(SessionState::Offline);
    server.until_state(sick, SessionState::Offline).await;
    server.stop().await;
}
