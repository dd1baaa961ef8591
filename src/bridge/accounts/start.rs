//! Starts the bridge's workers.

use std::sync::Arc;

use tokio::sync::watch;

use crate::bridge::core::lanes::Lanes;
use crate::bridge::core::reader::ReadReceipts;
use crate::bridge::core::registry::AccountHandle;
use crate::bridge::core::worker::Worker;
use crate::bridge::core::{Core, worker};
use crate::bridge::desk::{Desk, DeskWorker, ExportWorker};
use crate::bridge::history::{DisappearingWorker, Importer};
use crate::bridge::inbound::Inbound;
use crate::bridge::media::{AvatarFetcher, MediaFetcher};
use crate::bridge::outbound::{AgentTyping, ReadReceiptWorker, WhatsAppRelay};
use crate::bridge::rooms::{
    CustomerTyping, DeskSpaces, ManagementRoom, Moving, OutageWatch, RoomFiles, RoomInbound, RoomMover, RoomRelay,
};
use crate::domain::AccountId;
use crate::domain::matrix::{Matrix, MatrixState, MatrixStatus};
use crate::domain::moving::{Login, Logins};
use crate::domain::whatsapp::WhatsApp;
use crate::store::{Fence, Holder};
use crate::supervisor::Supervisor;

use super::linking::Linking;
use super::manager::AccountManager;

/// An account that is about to start.
pub(crate) struct Drive {
    /// The account's row.
    pub id: AccountId,
    /// The account's name, which selects its policy.
    pub name: String,
    /// The account's connection to WhatsApp.
    pub port: Arc<dyn WhatsApp>,
    /// Fence of the lease under which this process runs it.
    pub fence: Fence,
}

/// Starts the workers of one account, in tasks that end when `tasks` stops. Returns the account's handle.
pub(crate) fn drive(core: &Core, account: Drive, tasks: &Supervisor) -> AccountHandle {
    let Drive { id, name, port, fence } = account;
    let core = core.of_account(&name);
    let reader = ReadReceipts::default();
    let driving = core.driving(id, fence);
    let inbound = Inbound::new(driving.clone(), id, Arc::clone(&port), reader.clone());
    let resynced = inbound.resynced();
    let fetcher = MediaFetcher::new(driving.clone(), id, Arc::clone(&port));
    let avatars = AvatarFetcher::new(driving.clone(), id, Arc::clone(&port));
    let relay = WhatsAppRelay::new(driving.clone(), id, Arc::clone(&port), reader.clone(), resynced.clone());
    let importer = Importer::new(driving, id, Arc::clone(&port), resynced.clone(), inbound.quiet());
    let syncs = inbound.syncs();
    let reading = ReadReceiptWorker::new(core.clone(), Arc::clone(&port), reader.clone());
    let linking = Linking::new(core.driving(id, fence), id, Arc::clone(&port));
    let link_failed = linking.failed();
    let disappearing =
        DisappearingWorker::new(core.driving(id, fence), id).hearing(Arc::clone(&port), resynced.clone());
    spawn(tasks, "disappearing messages", disappearing);
    spawn(tasks, "linking", linking);
    spawn(tasks, "inbound", inbound);
    spawn(tasks, "relay to WhatsApp", relay);
    spawn(tasks, "media", Lanes::new(fetcher, tasks));
    spawn(tasks, "avatars", avatars);
    spawn(tasks, "import of history", importer);
    spawn(tasks, "read receipts", reading);
    spawn(tasks, "agents who type", AgentTyping::new(core, id, Arc::clone(&port)));
    AccountHandle {
        id,
        name,
        port,
        reader,
        resynced,
        syncs,
        link_failed,
    }
}

/// Starts a worker, in a task that ends when `tasks` stops.
fn spawn(tasks: &Supervisor, name: &'static str, worker: impl Worker) {
    tasks.spawn(name, worker::run(worker, tasks.stopping()));
}

/// Starts a worker that is built anew of its parts whenever it is lost, in a task that ends when the supervisor stops.
fn keep<P, W: Worker>(supervisor: &Supervisor, name: &'static str, parts: P, build: impl Fn(P) -> W + Send + 'static)
where
    P: Clone + Send + 'static,
{
    let stopping = supervisor.stopping();
    supervisor.spawn_kept(name, move || worker::run(build(parts.clone()), stopping.clone()));
}

/// Starts the workers of the rooms, where this process keeps them, and returns the desk for the faces. The workers end
/// when the supervisor stops; a worker that is lost is started again.
pub fn start(core: &Core, manager: &AccountManager, kept: RoomsKept, supervisor: &Supervisor) -> Desk {
    let (rooms, status) = match kept {
        RoomsKept::Nowhere => (None, None),
        RoomsKept::Elsewhere(by) => (None, Some(elsewhere(&by))),
        RoomsKept::Here(logged_in) => {
            let rooms = Rooms::new(core, logged_in);
            let status = rooms.status();
            (Some(rooms), Some(status))
        }
    };
    let desk = manager.desk(status);
    let outages = OutageWatch::new(core.clone(), rooms.as_ref().map(|rooms| rooms.port.clone()));
    supervisor.spawn("outages of the database", outages.run(supervisor.stopping()));
    keep(supervisor, "desk", core.clone(), DeskWorker::new);
    keep(supervisor, "exports", core.clone(), ExportWorker::new);
    if let Some(rooms) = rooms {
        rooms.start(core, &desk, supervisor);
    }
    desk
}

/// Tells that another server keeps the rooms, and returns a receiver of the state that people see meanwhile.
fn elsewhere(by: &Holder) -> watch::Receiver<MatrixStatus> {
    let detail = format!(
        "another server ({}) keeps the rooms in Matrix, and shows there what this one receives. If it is gone for good, stop this \
         one, run `crm matrix release`, and start again",
        by.process
    );
    tracing::warn!("{detail}");
    let status = MatrixStatus {
        state: MatrixState::Elsewhere,
        detail: Some(detail),
        user: None,
    };
    watch::channel(status).1
}

/// Which process keeps the rooms.
pub enum RoomsKept {
    /// None: no homeserver is configured.
    Nowhere,
    /// Another server of the same database.
    Elsewhere(Holder),
    /// This one.
    Here(LoggedIn),
}

/// The logins at the homeserver.
pub struct LoggedIn {
    /// That which keeps the rooms.
    pub present: Arc<dyn Login>,
    /// That which kept them before, while they move.
    pub former: Option<Arc<dyn Login>>,
    /// Users that were known before this run.
    pub logins: Logins,
}

/// What the workers of the rooms have in common.
struct Rooms {
    present: Arc<dyn Login>,
    logins: Logins,
    moving: Option<Moving>,
    port: Arc<dyn Matrix>,
}

impl Rooms {
    fn new(core: &Core, logged_in: LoggedIn) -> Self {
        let LoggedIn {
            present,
            former,
            logins,
        } = logged_in;
        let begin = |former| Moving::new(core.clone(), present.clone(), former, logins.clone());
        let moving = former.map(begin);
        Self {
            port: match &moving {
                Some(moving) => moving.port(),
                None => present.clone(),
            },
            present,
            logins,
            moving,
        }
    }

    /// Returns a receiver of the state that people see.
    fn status(&self) -> watch::Receiver<MatrixStatus> {
        match &self.moving {
            Some(moving) => moving.status(),
            None => self.present.status(),
        }
    }

    fn start(self, core: &Core, desk: &Desk, supervisor: &Supervisor) {
        let Self {
            present,
            logins,
            moving,
            port: matrix,
        } = self;
        let shared = (core.clone(), matrix);
        let parts = (shared.clone(), desk.clone(), moving.clone());
        keep(
            supervisor,
            "rooms inbound",
            parts,
            |((core, matrix), desk, moving)| match moving {
                Some(moving) => RoomInbound::of_present(core, moving, desk),
                None => RoomInbound::new(core, matrix, desk),
            },
        );
        if let Some(moving) = moving.clone() {
            let parts = (core.clone(), moving, desk.clone());
            keep(
                supervisor,
                "rooms inbound of the former login",
                parts,
                |(core, moving, desk)| RoomInbound::of_former(core, moving, desk),
            );
        }
        let parts = (core.clone(), present, logins, moving);
        keep(
            supervisor,
            "moving of rooms",
            parts,
            |(core, present, logins, moving)| RoomMover::new(core, present, logins, moving),
        );
        let parts = (shared.clone(), desk.clone());
        keep(supervisor, "management room", parts, |((core, matrix), desk)| {
            ManagementRoom::new(core, matrix, desk)
        });
        keep(supervisor, "Spaces", shared.clone(), |(core, matrix)| {
            DeskSpaces::new(core, matrix)
        });
        let parts = (shared.clone(), supervisor.clone());
        keep(supervisor, "files of rooms", parts, |((core, matrix), tasks)| {
            Lanes::new(RoomFiles::new(core, matrix), &tasks)
        });
        keep(supervisor, "customers who type", shared.clone(), |(core, matrix)| {
            CustomerTyping::new(core, matrix)
        });
        let parts = (shared, supervisor.clone());
        keep(supervisor, "relay to rooms", parts, |((core, matrix), tasks)| {
            Lanes::new(RoomRelay::new(core, matrix), &tasks)
        });
    }
}
