//! Puts the bridge's workers to work.

use std::sync::Arc;

use crate::bridge::core::lanes::Lanes;
use crate::bridge::core::reader::Reader;
use crate::bridge::core::registry::Line;
use crate::bridge::core::{Core, worker};
use crate::bridge::desk::Desk;
use crate::bridge::history::{Importer, Vanishing};
use crate::bridge::inbound::Inbound;
use crate::bridge::media::{Fetching, Portraits};
use crate::bridge::outbound::{Reading, WhatsAppRelay};
use crate::bridge::rooms::{RoomInbound, RoomRelay};
use crate::domain::AccountId;
use crate::domain::matrix::Matrix;
use crate::domain::whatsapp::WhatsApp;
use crate::store::Fence;
use crate::supervisor::Supervisor;

use super::linking::Linking;
use super::manager::Switchboard;

/// An account to be driven.
pub(crate) struct Drive {
    pub id: AccountId,
    pub name: String,
    pub port: Arc<dyn WhatsApp>,
    /// Under which lease this process drives it.
    pub fence: Fence,
}

/// Starts the workers of one account, in tasks that end when `tasks` stops.
pub(crate) fn drive(core: &Core, account: Drive, tasks: &Supervisor) -> Line {
    let Drive { id, name, port, fence } = account;
    let core = core.of_account(&name);
    let reader = Reader::default();
    let driving = core.driving(id, fence);
    let inbound = Inbound::new(driving.clone(), id, port.clone(), reader.clone());
    let resynced = inbound.resynced();
    let fetching = Fetching::new(driving.clone(), id, port.clone());
    let portraits = Portraits::new(driving.clone(), id, port.clone());
    let relay = WhatsAppRelay::new(driving.clone(), id, port.clone(), reader.clone(), resynced.clone());
    let importer = Importer::new(driving, id, port.clone(), resynced.clone(), inbound.quiet());
    let syncs = inbound.syncs();
    let reading = Reading::new(core.clone(), port.clone(), reader.clone());
    let linking = Linking::new(core.driving(id, fence), id, port.clone());
    let link_failed = linking.failed();
    let stopping = tasks.stopping();
    let vanishing = Vanishing::new(core.driving(id, fence), id);
    tasks.spawn("vanishing", worker::run(vanishing, stopping.clone()));
    tasks.spawn("linking", worker::run(linking, stopping.clone()));
    tasks.spawn("inbound", worker::run(inbound, stopping.clone()));
    tasks.spawn("relay to WhatsApp", worker::run(relay, stopping.clone()));
    let fetching = Lanes::new(fetching, tasks);
    tasks.spawn("media", worker::run(fetching, stopping.clone()));
    tasks.spawn("profile pictures", worker::run(portraits, stopping.clone()));
    tasks.spawn("import of history", worker::run(importer, stopping.clone()));
    tasks.spawn("reading", worker::run(reading, stopping));
    Line {
        id,
        name,
        port,
        reader,
        resynced,
        syncs,
        link_failed,
    }
}

/// Starts the workers of the rooms, where there is a homeserver, and gives the desk that the faces hold. Workers end when the
/// supervisor stops; one that is lost is started again.
pub fn start(core: &Core, switchboard: &Switchboard, matrix: Option<Arc<dyn Matrix>>, supervisor: &Supervisor) -> Desk {
    let desk = switchboard.desk(matrix.as_ref().map(|matrix| matrix.status()));
    if let Some(matrix) = matrix {
        let stopping = supervisor.stopping();
        let (parts, stop) = ((core.clone(), matrix.clone(), desk.clone()), stopping.clone());
        supervisor.spawn_kept("rooms inbound", move || {
            let (core, matrix, desk) = parts.clone();
            worker::run(RoomInbound::new(core, matrix, desk), stop.clone())
        });
        let (relay, tasks) = (RoomRelay::new(core.clone(), matrix), supervisor.clone());
        supervisor.spawn_kept("relay to rooms", move || {
            worker::run(Lanes::new(relay.clone(), &tasks), stopping.clone())
        });
    }
    desk
}
