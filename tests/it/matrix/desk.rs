//! A desk: the bot under test with its folder, its loop of syncs, and what came of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crm::domain::matrix::{
    Matrix, MatrixError, MatrixState, MatrixStatus, ReadUpTo, RoomContent, RoomEvent, RoomEventKind, RoomMark,
    RoomSpec, Speaker, TxnId,
};
use crm::domain::moving::Logins;
use crm::domain::{CustomerId, MatrixEventId, MatrixRoomId};
use crm::matrix::{Bot, MatrixOptions, Password, SpaceOptions};
use crm::supervisor::Supervisor;
use testbed::agents::{Agent, Client};
use testbed::servers::Synapse;

pub const SOON: Duration = Duration::from_mins(1);
pub const PASSWORD: &str = "correct horse";

/// Everything that the loop of syncs has brought.
#[derive(Default)]
pub struct Seen {
    pub events: Vec<RoomEvent>,
    pub receipts: Vec<ReadUpTo>,
    pub since: Option<RoomMark>,
    /// Events that were taken in, as the database knows them; none for a bot, which gets each event once.
    pub taken: Option<HashSet<MatrixEventId>>,
}

pub struct Desk {
    pub bot: Bot,
    pub options: MatrixOptions,
    log: Arc<Mutex<Seen>>,
    supervisor: Supervisor,
    folder: Arc<tempfile::TempDir>,
}

impl Desk {
    /// A desk with a user of its own, `desk-<name>`, and its loop of syncs running.
    pub async fn open(synapse: &Synapse, name: &str) -> Self {
        let desk = Self::connect(options(synapse, name).await).await;
        desk.follow(None);
        desk
    }

    /// A desk that is connected and does not sync by itself.
    pub async fn connect((options, folder): (MatrixOptions, Arc<tempfile::TempDir>)) -> Self {
        let desk = Self::start(options, folder);
        desk.until_state(MatrixState::Ready).await;
        desk
    }

    /// A desk that may or may not come to be connected.
    pub fn start(options: MatrixOptions, folder: Arc<tempfile::TempDir>) -> Self {
        let supervisor = Supervisor::new();
        let bot = Bot::start(options.clone(), &supervisor).unwrap();
        Self {
            bot,
            options,
            log: Arc::default(),
            supervisor,
            folder,
        }
    }

    /// Ends everything in this process and starts it again from the folder; without a loop of syncs.
    pub async fn restart(self) -> Self {
        let (options, folder) = self.stop().await;
        Self::connect((options, folder)).await
    }

    /// Ends everything, and waits until the store is let go of.
    pub async fn stop(self) -> (MatrixOptions, Arc<tempfile::TempDir>) {
        let Self {
            bot,
            options,
            supervisor,
            folder,
            ..
        } = self;
        bot.close().await;
        assert!(supervisor.shutdown(SOON).await, "a task of the adapter did not end");
        drop(bot);
        until("the store to be closed", async || {
            let mut open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
            let in_folder = |file: std::fs::DirEntry| {
                std::fs::read_link(file.path()).is_ok_and(|path| path.starts_with(folder.path()))
            };
            (!open.any(in_folder)).then_some(())
        })
        .await;
        (options, folder)
    }

    /// Syncs from `since` until the end, as the bridge does.
    pub fn follow(&self, since: Option<RoomMark>) {
        self.log.lock().unwrap().since = since;
        follow(self.bot.clone(), &self.log, &self.supervisor);
    }

    pub fn look<T>(&self, see: impl FnOnce(&Seen) -> T) -> T {
        see(&self.log.lock().unwrap())
    }

    /// Waits until what the loop of syncs has brought holds something.
    pub async fn until<T>(&self, what: &str, see: impl Fn(&Seen) -> Option<T>) -> T {
        until(what, async || see(&self.log.lock().unwrap())).await
    }

    /// Waits for an agent's text.
    pub async fn until_text(&self, body: &str) -> RoomEvent {
        self.until(&format!("the text {body:?}"), |seen| {
            let wanted =
                |event: &&RoomEvent| matches!(&event.what, RoomEventKind::Text { body: text, .. } if text == body);
            seen.events.iter().find(wanted).cloned()
        })
        .await
    }

    pub async fn until_state(&self, state: MatrixState) -> MatrixStatus {
        let mut status = self.bot.status();
        let reached = tokio::time::timeout(SOON, status.wait_for(|status| status.state == state)).await;
        let Ok(reached) = reached.map(|reached| reached.unwrap().clone()) else {
            panic!("not {state} in time: {:?}", self.bot.status().borrow());
        };
        reached
    }

    /// Sends, trying again for as long as the homeserver is away, as the relay does.
    pub async fn say(&self, room: &MatrixRoomId, txn: &str, body: &str) -> MatrixEventId {
        let txn = TxnId(txn.to_owned());
        until(&format!("{body:?} to be sent"), async || {
            match self.bot.send(room, &ada(), &txn, &text(body)).await {
                Ok(event) => Some(event),
                Err(MatrixError::Unreachable { .. }) => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await
    }
}

/// Pulls from where the log ends until the end, as the bridge does.
pub fn follow(matrix: impl Matrix, log: &Arc<Mutex<Seen>>, supervisor: &Supervisor) {
    let (log, stopping) = (Arc::clone(log), supervisor.stopping());
    let follow = async move {
        loop {
            let since = log.lock().unwrap().since.clone();
            match matrix.pull(since.as_ref()).await {
                Ok(batch) => {
                    let mut log = log.lock().unwrap();
                    let mut events = batch.events;
                    if let Some(taken) = &mut log.taken {
                        events.retain(|event| taken.insert(event.id.clone()));
                    }
                    log.events.extend(events);
                    log.receipts.extend(batch.receipts);
                    log.since = Some(batch.mark);
                }
                Err(MatrixError::Unreachable { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let until_stopped = async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = follow => {}
        }
    };
    supervisor.spawn_short("follow", until_stopped);
}

/// Waits for a condition, with a look at it every few milliseconds.
pub async fn until<T>(what: &str, mut see: impl AsyncFnMut() -> Option<T>) -> T {
    let end = tokio::time::Instant::now() + SOON;
    loop {
        if let Some(seen) = see().await {
            return seen;
        }
        assert!(tokio::time::Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A new user `desk-<name>` with a folder.
pub async fn options(synapse: &Synapse, name: &str) -> (MatrixOptions, Arc<tempfile::TempDir>) {
    let user = format!("desk-{name}");
    synapse.register(&user, PASSWORD).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = MatrixOptions {
        homeserver: synapse.url(),
        user,
        password: Password::new(PASSWORD),
        agents: vec![],
        owner: None,
        encryption: true,
        folder: folder.path().join("matrix"),
        recovery_key: folder.path().join("recovery.key"),
        space: SpaceOptions {
            alias: format!("space-{name}"),
            name: format!("Customers of {name}"),
        },
        room_version: None,
        logins: Logins::default(),
    };
    (options, Arc::new(folder))
}

/// A new person at their client, `<name>`.
pub async fn person(synapse: &Synapse, client: Client, name: &str) -> Agent {
    synapse.register(name, PASSWORD).await.unwrap();
    Agent::start(client, &synapse.url(), name, PASSWORD).await.unwrap()
}

/// A customer.
pub fn ada() -> Speaker {
    Speaker::Customer {
        id: CustomerId(1),
        name: "Ada".to_owned(),
        avatar: None,
    }
}

/// What she writes.
pub fn text(body: &str) -> RoomContent {
    RoomContent::Text {
        body: body.to_owned(),
        reply_to: None,
        links: vec![],
    }
}

pub fn spec(alias: &str, invite: &[&Agent]) -> RoomSpec {
    RoomSpec {
        allow: vec![],
        exclude: vec![],
        creator: None,
        replaces: None,
        alias: alias.to_owned(),
        name: "Ada".to_owned(),
        topic: "+44 7700 900123".to_owned(),
        invite: invite.iter().map(|agent| agent.user_id().into()).collect(),
        direct: false,
        closed: false,
    }
}
