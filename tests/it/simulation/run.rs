//! One run: a seed decides who does what when, what goes wrong and where the program is killed. In the end everything is
//! brought to rest, and the run tells what it has seen.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crm::bridge::{
    AccountHandle, Core, Desk, DeskSpaces, DeskWorker, Importer, Inbound, Lanes, ManagementRoom, MediaFetcher, Policy,
    Progress, Random, ReadReceiptWorker, ReadReceipts, RoomFiles, RoomRelay, SendCommand, WhatsAppRelay, Worker as _,
    reconcile_agents,
};
use crm::domain::media::MediaState;
use crm::domain::moving::LoginKind;
use crm::domain::whatsapp::WhatsApp;
use crm::domain::{Clock as _, MatrixEventId, MessageId, WaMessageId};
use crm::store::{StatementLog, Store, StoreError};
use crm::supervisor::Supervisor;
use futures_util::FutureExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use super::clock::VirtualClock;
use super::desk::DeskLife;
use super::gate::{Gate, Gated};
use super::homeserver::logins::Places;
use super::homeserver::{FakeMatrix, agent};
use super::setup::{account, open, policy};
use super::told::{self, LoggedIn, Told};
use super::world::FakeWhatsApp;

pub(super) const CHATS: usize = 3;
/// Actions in one life: most that goes wrong needs few, and short lives are many.
const ACTIONS: std::ops::RangeInclusive<u32> = 8..=36;
/// Those of [`Program`] that have steps.
const WORKERS: u32 = 9;
/// Those of them that have several pieces in hand.
const ROOM_RELAY: u32 = 2;
const FETCHING: u32 = 6;
const ROOM_FILES: u32 = 8;
/// The one that has steps in the tests of its own room alone.
const MANAGEMENT: u32 = WORKERS;
/// The one that has steps where customers have users of their own.
const SPACES: u32 = WORKERS + 1;
/// What a crash takes away is gone by then.
const PATIENCE: Duration = Duration::from_secs(30);
/// Work to rest: more than any run needs; one that does not come to rest in these is stuck.
const MAX_ROUNDS: usize = 3000;

pub struct Run {
    pub clock: VirtualClock,
    pub gate: Gate,
    pub whatsapp: FakeWhatsApp,
    pub matrix: FakeMatrix,
    pub rng: StdRng,
    pub crashes: u32,
    /// What customers wrote, by chat.
    pub written: Vec<Vec<WaMessageId>>,
    /// What was accepted for sending from a face, by chat: an answer was given.
    pub accepted: Vec<(usize, MessageId)>,
    /// What agents wrote in rooms.
    pub agents: Vec<MatrixEventId>,
    pub policy: Policy,
    /// Whether the management room's worker works.
    pub managed: bool,
    /// Login at the homeserver, where it can be another one in the next life; and whether a bot's rooms are encrypted.
    pub login: Option<(LoginKind, bool)>,
    pub places: Places,
    /// How much is free where media are stored.
    pub free: Arc<AtomicU64>,
    /// In lives of a desk: what people there did.
    pub desk: Option<DeskLife>,
    /// What a face asked for and has no answer to: it asks again.
    pub(super) asked: Option<SendCommand>,
    /// Its database, and who is told of what it does there.
    pub url: String,
    pub statements: Option<StatementLog>,
    /// Where files are kept.
    pub(super) files: PathBuf,
    seed: u64,
    pub(super) requests: u32,
}

/// The program: everything that a crash takes away.
pub struct Program {
    pub store: Store,
    pub desk: Desk,
    pub core: Core,
    inbound: Inbound,
    importer: Importer,
    relay: WhatsAppRelay,
    reading: ReadReceiptWorker,
    at_desk: DeskWorker,
    told: Told,
    room_relay: Lanes<Gated<RoomRelay>>,
    room_files: Lanes<Gated<RoomFiles>>,
    fetching: Lanes<Gated<MediaFetcher>>,
    management: ManagementRoom,
    spaces: DeskSpaces,
    /// What the relay and the fetching have in hand.
    tasks: Supervisor,
}

impl Run {
    /// A new life on a database of its own, a copy of an empty one.
    pub fn new(seed: u64, empty: &[u8], folder: &Path) -> Self {
        let clock = VirtualClock::new();
        std::fs::write(folder.join(format!("{seed}.db")), empty).unwrap();
        let gate = Gate::open();
        Self {
            whatsapp: FakeWhatsApp::new(seed ^ 0x5741, CHATS, clock.clone(), gate.clone()),
            matrix: FakeMatrix::new(seed ^ 0x4d58, clock.clone(), gate.clone()),
            rng: StdRng::seed_from_u64(seed),
            crashes: 0,
            written: vec![vec![]; CHATS],
            accepted: vec![],
            agents: vec![],
            policy: policy(),
            managed: false,
            login: None,
            places: Places::default(),
            free: Arc::new(AtomicU64::new(u64::MAX)),
            desk: None,
            asked: None,
            url: format!("sqlite://{}/{seed}.db", folder.display()),
            statements: None,
            files: folder.join(format!("{seed}.db-media")),
            clock,
            gate,
            seed,
            requests: 0,
        }
    }

    /// Removes the run's database.
    pub fn remove(&self) {
        let path = self.url.trim_start_matches("sqlite://");
        for file in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm")] {
            let _ = std::fs::remove_file(file);
        }
        let _ = std::fs::remove_dir_all(&self.files);
    }

    pub async fn start(&self) -> Program {
        let clock = Arc::new(self.clock.clone());
        let store = open(&self.url, self.statements.as_ref(), self.clock.clone()).await;
        let account = account(&store).await;
        reconcile_agents(&store, &[agent()]).await.unwrap();
        // Whoever sends receipts in a test is asked; nobody is told that they do not.
        store
            .write::<_, _, StoreError, _>(agent(), |tx, user| {
                Box::pin(async move { tx.rooms().mark_receipts_told(user).await })
            })
            .await
            .unwrap();
        let (known, policy) = (told::know(&store, self.login).await, self.policy.clone());
        let random = Random::seeded(self.seed + u64::from(self.crashes) * 1_000_003);
        let core = Core::new(store.clone(), self.vault(), clock, random, policy)
            .await
            .unwrap();
        let whatsapp: Arc<dyn WhatsApp> = Arc::new(self.whatsapp.clone());
        let logged_in = LoggedIn::new(&core, (&self.matrix, &self.places), known);
        let matrix = logged_in.port.clone();
        let (reader, tasks) = (ReadReceipts::default(), Supervisor::new());
        let inbound = Inbound::new(core.clone(), account, whatsapp.clone(), reader.clone());
        let line = AccountHandle {
            id: account,
            name: "default".into(),
            port: whatsapp.clone(),
            reader: reader.clone(),
            resynced: inbound.resynced(),
            syncs: inbound.syncs(),
            link_failed: watch::Sender::new(None),
        };
        let desk = Desk::new(core.clone(), vec![line], None);
        Program {
            relay: WhatsAppRelay::new(
                core.clone(),
                account,
                whatsapp.clone(),
                reader.clone(),
                inbound.resynced(),
            ),
            importer: Importer::new(
                core.clone(),
                account,
                whatsapp.clone(),
                inbound.resynced(),
                inbound.quiet(),
            ),
            at_desk: DeskWorker::new(core.clone()),
            reading: ReadReceiptWorker::new(core.clone(), whatsapp.clone(), reader),
            fetching: Lanes::new(
                Gated(MediaFetcher::new(core.clone(), account, whatsapp), self.gate.clone()),
                &tasks,
            ),
            told: logged_in.told(&core, &desk),
            management: ManagementRoom::new(core.clone(), matrix.clone(), desk.clone()),
            spaces: DeskSpaces::new(core.clone(), matrix.clone()),
            room_files: Lanes::new(
                Gated(RoomFiles::new(core.clone(), matrix.clone()), self.gate.clone()),
                &tasks,
            ),
            room_relay: Lanes::new(Gated(RoomRelay::new(core.clone(), matrix), self.gate.clone()), &tasks),
            tasks,
            store,
            desk,
            core,
            inbound,
        }
    }

    /// A new life, on a database of its own into which a backup was read; the world outside is the same.
    pub async fn restore(&mut self, backup: &[u8]) -> Program {
        self.url = self.url.replace(".db", ".restored.db");
        self.files.set_extension("restored.db-media");
        let store = open(&self.url, None, self.clock.clone()).await;
        store.load(backup).await.unwrap();
        store.close().await;
        self.start().await
    }

    /// Random actions, then rest. Returns the program as it stands then.
    pub async fn play(&mut self) -> Program {
        self.whatsapp.world.lock().unwrap().with_media = true;
        let mut program = self.start().await;
        // The first login: what comes from now on is no history.
        self.step(&mut program, 0).await.expect("no crash is planned");
        while program.store.settings().cursor("matrix.sync").await.unwrap().is_none() {
            self.step(&mut program, 3).await.expect("no crash is planned");
        }
        for _ in 0..self.rng.random_range(ACTIONS) {
            match self.rng.random_range(0..100) {
                0..25 => self.gate.crash_after(self.rng.random_range(0..12)),
                25..60 => self.gate.crash_in_wait(self.rng.random_range(0..24)),
                _ => {}
            }
            if self.act(&mut program).await || self.gate.has_crashed() {
                program = Box::pin(self.restart(program)).await;
            }
            self.gate.disarm();
        }
        self.rest(&mut program).await;
        program
    }

    async fn restart(&mut self, program: Program) -> Program {
        self.crashes += 1;
        self.bury(program).await;
        let program = self.start().await;
        self.what_the_page_forgot_is_stored(&program).await;
        program
    }

    /// What was in hand goes with the program that was killed, and nothing of it is left when the next one begins to work.
    pub async fn bury(&self, program: Program) {
        let (store, tasks) = (program.store.clone(), program.tasks.clone());
        drop(program);
        assert!(tasks.shutdown(PATIENCE).await, "what was in hand is gone");
        store.abandon().await;
        self.gate.revive();
    }

    /// Invariant 4: the page is told that it may forget an event once that is committed, and not before.
    async fn what_the_page_forgot_is_stored(&self, program: &Program) {
        let forgotten = self.whatsapp.world.lock().unwrap().forgotten.clone();
        let account = account(&program.store).await;
        let lost = program.store.messages().unknown_of(account, &forgotten).await.unwrap();
        assert!(lost.is_empty(), "acked and not stored: {lost:?}");
    }

    /// One random action. Tells whether the program was killed in it.
    async fn act(&mut self, program: &mut Program) -> bool {
        let choice = self.rng.random_range(0..100);
        match choice {
            0..14 => {
                let chat = self.rng.random_range(0..CHATS);
                let id = self.whatsapp.customer_writes(chat);
                self.written[chat].push(id);
                false
            }
            14..20 if self.desk.is_some() && self.rng.random_bool(0.4) => {
                self.command();
                false
            }
            14..20 if self.desk.is_some() => self.request(program).await,
            14..20 if self.rng.random_bool(0.3) => {
                let room = self.rng.random_range(0..CHATS);
                match self.rng.random_range(0..8) {
                    0..3 => self.matrix.agent_looks(room),
                    3..6 => self.matrix.agent_reacts(room, "✅"),
                    6 => self.matrix.agent_reacts(room, "✋"),
                    _ => self.matrix.agent_reacts(room, "🔁"),
                }
                false
            }
            14..20 => {
                let room = self.rng.random_range(0..CHATS);
                let body = format!("agent {}", self.agents.len());
                let wrote = if self.rng.random_range(0..4) == 0 {
                    self.matrix.agent_sends_file(room, &body)
                } else {
                    self.matrix.agent_writes(room, &body)
                };
                self.agents.extend(wrote);
                false
            }
            20..23 if self.desk.is_some() => self.decide(program).await,
            20..27 => self.request(program).await,
            27..32 => {
                self.clock.advance(Duration::from_secs(self.rng.random_range(1..40)));
                false
            }
            32 => {
                self.clock.advance(Duration::from_mins(self.rng.random_range(10..50)));
                false
            }
            33 => {
                self.clock.set_back(Duration::from_secs(self.rng.random_range(1..120)));
                false
            }
            34..36 => {
                self.whatsapp.reload_unseen();
                self.look_perhaps();
                false
            }
            36..39 => {
                let online = self.rng.random_bool(0.5);
                self.whatsapp.set_online_unseen(online);
                self.look_perhaps();
                false
            }
            39 => {
                let up = self.rng.random_bool(0.5);
                self.matrix.set_up(up);
                false
            }
            40 => {
                let link = self.rng.random_bool(0.7);
                if link {
                    self.whatsapp.link();
                } else {
                    self.whatsapp.unlink();
                }
                false
            }
            41..50 => {
                self.whatsapp.progress(false);
                false
            }
            50..53 => {
                self.whatsapp.repeat_an_event();
                false
            }
            53..55 => true,
            55..58 => {
                self.whatsapp.look();
                false
            }
            _ => {
                let worker = choice % WORKERS;
                let killed = self.step(program, worker).await.is_none();
                // What was begun goes on while others take their steps, or until some of it is done.
                let waits = !killed && self.rng.random_bool(0.5);
                killed || (waits && self.one_ended(program, worker).await.is_none())
            }
        }
    }

    /// The session learns of a change at once, or some time later.
    fn look_perhaps(&mut self) {
        if self.rng.random_bool(0.5) {
            self.whatsapp.look();
        }
    }

    /// One step of one worker; `None` when the program was killed in it.
    pub async fn step(&self, program: &mut Program, worker: u32) -> Option<Progress> {
        let step: futures_util::future::BoxFuture<'_, Result<Progress, StoreError>> = match worker {
            0 => program.inbound.step().boxed(),
            1 => program.relay.step().boxed(),
            ROOM_RELAY => program.room_relay.step().boxed(),
            3 => program.told.step().boxed(),
            4 => program.importer.step().boxed(),
            FETCHING => program.fetching.step().boxed(),
            7 => program.at_desk.step().boxed(),
            ROOM_FILES => program.room_files.step().boxed(),
            MANAGEMENT => program.management.step().boxed(),
            SPACES => program.spaces.step().boxed(),
            _ => program.reading.step().boxed(),
        };
        self.gate.watch(step).await.map(Result::unwrap)
    }

    /// Waits until a piece that a worker has in hand has ended; `None` when the program was killed meanwhile.
    async fn one_ended(&self, program: &Program, worker: u32) -> Option<()> {
        match worker {
            ROOM_RELAY => self.gate.watch(program.room_relay.one_ended()).await,
            FETCHING => self.gate.watch(program.fetching.one_ended()).await,
            ROOM_FILES => self.gate.watch(program.room_files.one_ended()).await,
            _ => Some(()),
        }
    }

    /// One step of every worker. Tells whether any found something to do; `None` when the program was killed in it.
    async fn round(&self, program: &mut Program) -> Option<bool> {
        let mut worked = false;
        let spaces = self.matrix.rooms.lock().unwrap().has_ghosts.then_some(SPACES);
        let others = self.managed.then_some(MANAGEMENT).into_iter().chain(spaces);
        for worker in (0..WORKERS).chain(others) {
            match self.step(program, worker).await? {
                Progress::Worked => worked = true,
                Progress::Busy => {
                    self.one_ended(program, worker).await?;
                    worked = true;
                }
                Progress::Idle => {}
            }
        }
        Some(worked)
    }

    /// Lets every worker work until none finds anything to do; the world outside stands still.
    pub async fn work(&self, program: &mut Program) {
        let killed = self.work_until_killed(program).await;
        assert!(!killed, "no crash is planned");
    }

    /// As [`Self::work`]; tells whether the program was killed in it.
    pub async fn work_until_killed(&self, program: &mut Program) -> bool {
        for _ in 0..MAX_ROUNDS {
            match self.round(program).await {
                None => return true,
                Some(true) => {}
                Some(false) => return false,
            }
        }
        panic!("the workers never rest: {:?}", program.store.outbox().counts().await);
    }

    /// The world outside does all that it can meanwhile.
    pub async fn settle(&self, program: &mut Program) {
        for _ in 0..5 {
            self.work(program).await;
            self.whatsapp.progress(true);
        }
    }

    /// Everything works again, and all that is under way comes to its end.
    async fn rest(&mut self, program: &mut Program) {
        self.whatsapp.world.lock().unwrap().faults = 0;
        self.matrix.rooms.lock().unwrap().faults = 0;
        self.matrix.set_up(true);
        self.whatsapp.set_online(true);
        self.whatsapp.link();
        while self.asked.is_some() {
            self.request(program).await;
        }
        let mut quiet = 0;
        for _ in 0..MAX_ROUNDS {
            let worked = self.round(program).await.expect("no crash is planned");
            self.whatsapp.progress(true);
            let waits = program
                .store
                .outbox()
                .counts()
                .await
                .unwrap()
                .iter()
                .any(|count| count.waiting > 0);
            let media = program.store.media().count().await.unwrap();
            let waits = waits || media.contains_key(&MediaState::Pending);
            let later = self.clock.now().plus(Duration::from_hours(2));
            let asked = program.store.questions().expired(later, 1).await.unwrap();
            quiet = if worked || waits || !asked.is_empty() {
                0
            } else {
                quiet + 1
            };
            if quiet > 2 {
                return;
            }
            if !worked {
                // What nobody answers is given up.
                let pause = if asked.is_empty() { 5 } else { 120 };
                self.clock.advance(Duration::from_secs(pause));
            }
        }
        panic!(
            "seed {}: the run does not come to rest: {:?}",
            self.seed,
            program.store.outbox().counts().await
        );
    }
}
