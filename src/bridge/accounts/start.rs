//! Puts the bridge's workers to work.

use std::sync::Arc;

use crate::bridge::core::Core;
use crate::bridge::core::reader::Reader;
use crate::bridge::core::registry::Line;
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
    let stopping = tasks.stopping();
    let vanishing = Vanishing::new(core.driving(id, fence), id);
    tasks.spawn("vanishing", vanishing.run(stopping.clone()));
    tasks.spawn("inbound", inbound.run(stopping.clone()));
    tasks.spawn("relay to WhatsApp", relay.run(stopping.clone()));
    tasks.spawn("media", fetching.run(stopping.clone()));
    tasks.spawn("profile pictures", portraits.run(stopping.clone()));
    tasks.spawn("import of history", importer.run(stopping.clone()));
    tasks.spawn("reading", finish(reading.run(stopping)));
    Line {
        id,
        name,
        port,
        reader,
        resynced,
        syncs,
    }
}

/// Starts the workers of the rooms, where there is a homeserver, and gives the desk that the faces hold. Workers end when the
/// supervisor stops.
pub fn start(core: &Core, switchboard: &Switchboard, matrix: Option<Arc<dyn Matrix>>, supervisor: &Supervisor) -> Desk {
    let desk = switchboard.desk(matrix.as_ref().map(|matrix| matrix.status()));
    if let Some(matrix) = matrix {
        let stopping = supervisor.stopping();
        let inbound = RoomInbound::new(core.clone(), matrix.clone(), desk.clone());
        supervisor.spawn("rooms inbound", finish(inbound.run(stopping.clone())));
        supervisor.spawn(
            "relay to rooms",
            finish(RoomRelay::new(core.clone(), matrix).run(stopping)),
        );
    }
    desk
}

async fn finish(worker: impl Future<Output = ()>) -> anyhow::Result<()> {
    worker.await;
    Ok(())
}
