//! Accounts that come and go while the server runs, and removals that are killed half-way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crm::bridge::{
    AccountManager, Answered, Core, Desk, Policy, Random, ReadMode, Refusal, SendCommand, SendFile, SendTo, Source,
};
use crm::clock::SystemClock;
use crm::contract::EventType;
use crm::domain::account::Account;
use crm::domain::history::HistoryDepth;
use crm::domain::matrix::RoomEventKind;
use crm::domain::media::{MediaRules, MediaState, SizeLimits};
use crm::domain::message::{Message, MessageState};
use crm::domain::outbox::Target;
use crm::domain::pacing::Pace;
use crm::domain::session::{Me, Session, SessionState};
use crm::domain::whatsapp::WhatsApp;
use crm::domain::{AccountId, Clock, MatrixUserId, MediaId, Seq};
use crm::store::{Holder, NewMedia, OpenOptions, Store, Synchronous};
use crm::supervisor::Supervisor;
use crm::vault::Vault;

use super::{Rig, owner};
use crate::api::whatsapp::SilentWhatsApp;
use crate::simulation::gate::Gate;

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Browsers that never say anything, each with a profile.
#[derive(Default)]
pub(super) struct Silent {
    ports: Mutex<BTreeMap<String, SilentWhatsApp>>,
    profiles: Mutex<BTreeSet<String>>,
    pub(super) opened: Mutex<Vec<String>>,
}

#[async_trait]
impl Source for Silent {
    fn open(&self, account: &str, _tasks: &Supervisor) -> anyhow::Result<Arc<dyn WhatsApp>> {
        self.opened.lock().unwrap().push(account.to_owned());
        self.profiles.lock().unwrap().insert(account.to_owned());
        Ok(Arc::new(self.port(account)))
    }

    fn has_profile(&self, account: &str) -> bool {
        self.profiles.lock().unwrap().contains(account)
    }

    async fn forget(&self, account: &str) -> std::io::Result<()> {
        tokio::task::yield_now().await;
        self.profiles.lock().unwrap().remove(account);
        Ok(())
    }
}

impl Silent {
    pub fn port(&self, account: &str) -> SilentWhatsApp {
        let mut ports = self.ports.lock().unwrap();
        ports
            .entry(account.to_owned())
            .or_insert_with(SilentWhatsApp::new)
            .clone()
    }

    /// A phone has scanned; the page has no connection, so that nothing goes out.
    pub fn link(&self, account: &str, phone: &str) {
        self.port(account).session.send_replace(Session {
            state: SessionState::Offline,
            me: Some(Me {
                phone: phone.parse().unwrap(),
                lid: None,
                name: None,
            }),
            ..Session::starting()
        });
    }
}

/// A server without faces.
pub(super) struct Server {
    pub store: Store,
    pub desk: Desk,
    pub(super) manager: Arc<AccountManager>,
    pub supervisor: Supervisor,
}

impl Server {
    pub async fn start(folder: &Path, source: &Arc<impl Source + 'static>) -> Self {
        Self::with(folder, source, HashMap::new()).await
    }

    /// Where some accounts have policies of their own.
    async fn with(folder: &Path, source: &Arc<impl Source + 'static>, policies: HashMap<String, Policy>) -> Self {
        Self::on(folder, folder, source, policies, |_| Some(false)).await
    }

    /// On the database of `folder`, from a data folder that may be another. `is_alive`: whose processes it knows to run.
    pub(super) async fn on(
        folder: &Path,
        own: &Path,
        source: &Arc<impl Source + 'static>,
        policies: HashMap<String, Policy>,
        is_alive: impl Fn(&Holder) -> Option<bool> + Send + Sync + 'static,
    ) -> Self {
        let url = format!("sqlite://{}", folder.join("crm.db").display());
        let options = OpenOptions {
            synchronous: Synchronous::Off,
            ..OpenOptions::new(&url)
        };
        let store = options.open(Arc::new(SystemClock)).await.unwrap();
        let vault = Vault::in_folder(&folder.join("media")).unwrap();
        let clock = Arc::new(SystemClock);
        let core = Core::new(store.clone(), vault, clock, Random::seeded(1), policy())
            .await
            .unwrap()
            .with_policies(policies)
            .knowing_holders(is_alive);
        let holder = Holder {
            folder: own.display().to_string(),
            process: "test".to_owned(),
        };
        let supervisor = Supervisor::new();
        let manager = AccountManager::new(core, source.clone(), holder, &supervisor);
        Self {
            store,
            desk: manager.desk(None),
            manager,
            supervisor,
        }
    }

    pub async fn run(&self) {
        self.manager.open_all().await.unwrap();
        let run = Arc::clone(&self.manager).run(self.supervisor.stopping());
        self.supervisor.spawn("manager", run);
    }

    pub async fn add(&self, name: &str) -> Account {
        match self.desk.add_account(name.parse().unwrap(), None).await.unwrap() {
            Answered::New(account) => account,
            Answered::Replayed(answer) => panic!("replayed: {answer:?}"),
        }
    }

    async fn send(&self, account: &str, content: &str) -> Result<Message, Refusal> {
        self.send_file(account, content, None).await
    }

    async fn send_file(&self, account: &str, content: &str, file: Option<MediaId>) -> Result<Message, Refusal> {
        let to = SendTo::Phone("+447700900123".parse().unwrap());
        let command = SendCommand {
            account: Some(account.to_owned()),
            file: file.map(|id| SendFile { id, kind: None }),
            ..SendCommand::of(to, content, owner())
        };
        match self.desk.send(command).await? {
            Answered::New(message) => Ok(message),
            Answered::Replayed(answer) => panic!("replayed: {answer:?}"),
        }
    }

    async fn until_gone(&self, id: AccountId) -> Account {
        let gone = async {
            loop {
                let account = self.store.accounts().get(id).await.unwrap().unwrap();
                if account.removed_at.is_some() {
                    return account;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the account goes")
    }

    /// Waits until the row says what the session says.
    pub async fn until_state(&self, id: AccountId, state: SessionState) {
        let reached = async {
            while self.store.accounts().get(id).await.unwrap().unwrap().state != state {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("the state is reached");
    }

    async fn events(&self) -> Vec<EventType> {
        let journal = self.store.journal().after(Seq(0), 10_000).await.unwrap();
        journal.into_iter().map(|event| event.kind).collect()
    }

    async fn times(&self, kind: EventType) -> usize {
        self.events().await.into_iter().filter(|other| *other == kind).count()
    }

    pub async fn stop(self) {
        assert!(self.supervisor.shutdown(PATIENCE).await);
        self.store.close().await;
    }
}

fn policy() -> Policy {
    Policy {
        matrix: true,
        owner: Some(MatrixUserId::from("@ada:test")),
        read: ReadMode::Never,
        read_delay: Duration::ZERO..=Duration::ZERO,
        spacing: Duration::ZERO..=Duration::ZERO,
        phone_region: None,
        hide_numbers: false,
        time_zone: jiff::tz::TimeZone::UTC,
        send_expires: None,
        pace: Pace::default(),
        media: MediaRules::default(),
        history: HistoryDepth::None,
    }
}

/// An account is added and removed while the server runs, and the other does not notice.
#[tokio::test]
async fn account_comes_and_goes_beside_another() {
    let folder = tempfile::tempdir().unwrap();
    let source = Arc::new(Silent::default());
    let server = Server::start(folder.path(), &source).await;
    let first = server.add("default").await;
    server.run().await;
    let sales = server.add("sales").await;
    assert!(matches!(
        server.desk.add_account("sales".parse().unwrap(), None).await,
        Err(Refusal::Conflict(_))
    ));
    let mut session = server.desk.session(sales.id).await.unwrap();
    assert_eq!(source.opened.lock().unwrap().as_slice(), ["default", "sales"]);

    source.link("sales", "+447700900002");
    server.until_state(sales.id, SessionState::Offline).await;
    let waiting = server.send("sales", "too late").await.unwrap();
    let kept = server.send("default", "in time").await.unwrap();
    server.desk.remove_account(sales.id, false).await.unwrap();
    assert!(
        matches!(server.send("sales", "much too late").await, Err(Refusal::Conflict(why)) if why.contains("sales")),
        "nothing is accepted any more"
    );
    let gone = server.until_gone(sales.id).await;
    assert_eq!((gone.detail, gone.state), (None, SessionState::LoggedOut));

    assert_eq!(*source.port("sales").ended.lock().unwrap(), ["unlinked", "closed"]);
    assert!(!source.has_profile("sales") && source.has_profile("default"));
    assert!(
        session
            .wait_for(|session| session.state == SessionState::LoggedOut)
            .await
            .is_ok()
    );
    let failed = server.store.messages().get(waiting.id).await.unwrap().unwrap();
    assert_eq!(failed.state, MessageState::Failed);
    assert_eq!(failed.failure.unwrap().code, "account_removed");
    let kept = server.store.messages().get(kept.id).await.unwrap().unwrap();
    assert_eq!(kept.state, MessageState::Queued);
    let counts = server.store.outbox().counts().await.unwrap();
    let whatsapp: Vec<_> = counts.iter().filter(|count| count.target == Target::WhatsApp).collect();
    assert!(
        matches!(whatsapp[..], [one] if one.account_id == first.id),
        "{whatsapp:?}"
    );
    assert!(source.port("default").ended.lock().unwrap().is_empty());
    assert!(server.desk.session(first.id).await.is_ok());
    let told = server.events().await;
    assert_eq!(told.last(), Some(&EventType::AccountRemoved), "{told:?}");
    assert_eq!(server.times(EventType::AccountAdded).await, 2);

    // Its number is free, its name brings it back.
    let back = server.add("sales").await;
    assert_eq!((back.id, back.phone.unwrap().as_str()), (sales.id, "+447700900002"));
    server.desk.session(back.id).await.unwrap();
    server.send("sales", "again").await.unwrap();
    server.stop().await;
}

/// A profile that is kept stays linked.
#[tokio::test]
async fn failed_unlink_is_reported_kept_profile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let source = Arc::new(Silent::default());
    let server = Server::start(folder.path(), &source).await;
    let (broken, kept) = (server.add("broken").await, server.add("kept").await);
    server.run().await;
    source.link("kept", "+447700900002");
    source.link("broken", "+447700900003");
    server.until_state(broken.id, SessionState::Offline).await;
    source.port("broken").session.send_modify(|session| {
        session.state = SessionState::Failed;
        session.detail = Some("no browser".to_owned());
    });
    server.desk.remove_account(broken.id, false).await.unwrap();
    server.desk.remove_account(kept.id, true).await.unwrap();
    let gone = server.until_gone(broken.id).await;
    assert!(gone.detail.unwrap().contains("Linked devices"));
    assert!(!source.has_profile("broken"));
    assert_eq!(server.until_gone(kept.id).await.detail, None);
    assert!(source.has_profile("kept"));
    assert_eq!(*source.port("kept").ended.lock().unwrap(), ["closed"]);
    server.stop().await;
}

#[tokio::test]
async fn account_policy_limits_its_files() {
    const MIB: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let generous = Policy {
        media: MediaRules {
            max: SizeLimits::of_all(300 * MIB),
            ..MediaRules::default()
        },
        send_expires: Some(Duration::from_hours(1)),
        ..policy()
    };
    let policies = HashMap::from([("sales".to_owned(), generous)]);
    let server = Server::with(folder.path(), &Arc::new(Silent::default()), policies).await;
    server.add("default").await;
    let sales = server.add("sales").await;
    assert_eq!(
        server.desk.largest_file(),
        300 * MIB,
        "what any of them takes may be handed in"
    );
    let file = |account: Option<AccountId>, state| NewMedia {
        account,
        state,
        wanted: false,
        mimetype: "application/pdf".to_owned(),
        sniffed: Some("application/pdf".to_owned()),
        size: Some(200 * MIB),
        sha256: Some("0".repeat(64)),
        promised_sha256: None,
        filename: None,
        detail: None,
    };
    let insert = async |new: NewMedia| {
        let insert = server.store.write::<_, _, crm::store::StoreError, _>(new, |tx, new| {
            Box::pin(async move { tx.media().insert(new).await })
        });
        insert.await.unwrap().id
    };
    let large = insert(file(None, MediaState::Stored)).await;
    let refused = server.send_file("default", "", Some(large)).await;
    assert!(matches!(refused, Err(Refusal::FileTooLarge { .. })), "{refused:?}");
    server.send_file("sales", "", Some(large)).await.unwrap();

    let pending = insert(file(Some(sales.id), MediaState::Pending)).await;
    server.desk.fetch_medium(pending).await.unwrap();
    server.desk.remove_account(sales.id, false).await.unwrap();
    let refused = server.desk.fetch_medium(pending).await;
    assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
    server.stop().await;
}

/// A crash in whatever wait: the next start finds in the row what is left to do.
#[tokio::test]
async fn killed_removal_is_finished_and_reported_once() {
    let mut killed = 0;
    for wait in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let source = Arc::new(Silent::default());
        let server = Server::start(folder.path(), &source).await;
        let (first, sales) = (server.add("default").await, server.add("sales").await);
        source.link("sales", "+447700900002");
        let one = server.send("sales", "one").await.unwrap();
        let two = server.send("sales", "two").await.unwrap();
        let store = server.store.clone();
        crm::bridge::begin_removal(&store, sales.id, false).await.unwrap();
        // As a server that was killed before leaves it.
        source.profiles.lock().unwrap().insert("sales".to_owned());
        let gate = Gate::open();
        gate.crash_in_wait(wait);
        let done = gate.watch(server.manager.bring_about(sales.id)).await;
        let finished = done.is_some();
        killed += usize::from(!finished);
        server.supervisor.stop();
        drop(server);
        store.abandon().await;

        let next = Server::start(folder.path(), &source).await;
        next.run().await;
        next.until_gone(sales.id).await;
        assert!(!source.has_profile("sales"), "killed after {wait} waits");
        for id in [one.id, two.id] {
            let message = next.store.messages().get(id).await.unwrap().unwrap();
            assert_eq!(message.failure.unwrap().code, "account_removed");
        }
        assert_eq!(
            next.times(EventType::MessageState).await,
            2,
            "killed after {wait} waits"
        );
        assert_eq!(
            next.times(EventType::AccountRemoved).await,
            1,
            "killed after {wait} waits"
        );
        assert!(next.desk.session(first.id).await.is_ok());
        next.stop().await;
        if finished {
            break;
        }
    }
    assert!(killed > 5, "it was killed {killed} times");
}

/// rule 7.
#[tokio::test]
async fn account_with_taken_number_stores_nothing() {
    let mut rig = Rig::begin(|run| run.whatsapp.link_phone("+447700900002")).await;
    let store = rig.program.store.clone();
    store
        .write::<_, _, crm::store::StoreError, _>((), |tx, ()| {
            Box::pin(async move {
                let other = tx.accounts().create("other").await?;
                tx.accounts()
                    .bind_phone(other.id, &"+447700900002".parse().unwrap())
                    .await
            })
        })
        .await
        .unwrap();
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    let account = store.accounts().by_name("default").await.unwrap().unwrap();
    assert_eq!((account.phone, account.watermark), (None, None));
    assert!(rig.messages().await.is_empty());
}

#[tokio::test]
async fn room_names_account_once_there_are_several() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let topics = |rig: &Rig| {
        let rooms = rig.run.matrix.rooms.lock().unwrap();
        rooms.topics.values().cloned().collect::<Vec<_>>()
    };
    let before = topics(&rig);
    assert!(
        matches!(&before[..], [one] if !one.contains("account")),
        "the only account needs no word: {before:?}"
    );
    rig.program
        .desk
        .add_account("sales".parse().unwrap(), None)
        .await
        .unwrap();
    rig.work().await;
    let after = topics(&rig);
    assert!(
        matches!(&after[..], [one] if one.contains("account default")),
        "{after:?}"
    );
    // What an agent writes where nothing can be sent any more is answered.
    let account = rig.program.store.accounts().by_name("default").await.unwrap().unwrap();
    rig.program.desk.remove_account(account.id, false).await.unwrap();
    let now = rig.run.clock.now();
    rig.run.matrix.happens(
        "@ada:test",
        RoomEventKind::Text {
            body: "too late".to_owned(),
            reply_to: None,
        },
        now,
    );
    rig.work().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.starts_with("Not sent: the account default was removed")),
        "{notices:?}"
    );
    assert!(rig.messages().await.iter().all(|message| message.content != "too late"));
}
