//! Codes for linking in the management room: shown while they hold, redacted afterwards, over crashes.

use std::time::Duration;

use crm::domain::MatrixRoomId;
use crm::domain::matrix::RoomContent;
use crm::domain::session::{PageStatus, SessionEvent};

use crate::bridge::Rig;
use crate::simulation::homeserver::What;

const MAX: &str = "@max:test";

impl Rig {
    /// How many codes stand in a room, and how many were ever shown.
    fn codes_in(&self, room: &MatrixRoomId) -> (usize, usize) {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let is_code = |content: &RoomContent| match content {
            RoomContent::File { file, .. } => file.mimetype == "image/png",
            RoomContent::Notice { body, .. } => body.starts_with("Pairing code"),
            _ => false,
        };
        let codes = rooms.log.iter().filter(|shown| {
            shown.room == *room && matches!(&shown.what, What::Bot { content, .. } if is_code(content))
        });
        let codes: Vec<_> = codes.collect();
        (codes.iter().filter(|shown| !shown.redacted).count(), codes.len())
    }

    fn page_shows(&self, code: &str) {
        let status = PageStatus {
            epoch: "2".to_owned(),
            full_ready: true,
            main: true,
            online: true,
            qr: Some(code.to_owned()),
            ..PageStatus::default()
        };
        self.run.whatsapp.session_happens(&SessionEvent::Page(status));
    }

    /// An account without a link, and a manager.
    async fn unlinked() -> (Self, MatrixRoomId) {
        let (mut rig, room) = Box::pin(Self::managed()).await;
        rig.run.whatsapp.unlink();
        rig.settle().await;
        (rig, room)
    }
}

/// One code at a time, each redacted when it is replaced, used or expired.
#[tokio::test]
async fn code_is_replaced_and_redacted_once_used() {
    let (mut rig, room) = Rig::unlinked().await;
    assert_eq!(rig.codes_in(&room), (0, 0), "nobody has asked");
    let told = rig.told_in(&room, MAX, "!login").await;
    assert!(told.starts_with("Linking default: the code appears here"), "{told}");
    assert_eq!(rig.codes_in(&room), (1, 1));
    rig.settle().await;
    assert_eq!(rig.codes_in(&room), (1, 1), "the same code is shown once");
    rig.page_shows("2@next");
    rig.settle().await;
    assert_eq!(rig.codes_in(&room), (1, 2));
    // A restart shows it anew, since it does not know any more which one stands there.
    rig.restart().await;
    rig.settle().await;
    assert_eq!(rig.codes_in(&room), (1, 3));
    rig.run.whatsapp.link();
    rig.settle().await;
    assert_eq!(rig.codes_in(&room), (0, 3));
    let linked = |rig: &Rig| {
        let told = rig.notices_in(&room);
        told.iter()
            .filter(|told| *told == "WhatsApp (default) is linked.")
            .count()
    };
    assert_eq!(linked(&rig), 1);
    rig.restart().await;
    rig.settle().await;
    assert_eq!(linked(&rig), 1, "told once");
}

#[tokio::test]
async fn expired_code_is_redacted_after_restart() {
    let (mut rig, room) = Rig::unlinked().await;
    rig.told_in(&room, MAX, "!login default").await;
    assert_eq!(rig.codes_in(&room), (1, 1));
    rig.run.clock.advance(Duration::from_mins(11));
    rig.restart().await;
    rig.settle().await;
    assert_eq!(rig.codes_in(&room), (0, 1));
    let told = rig.notices_in(&room);
    assert!(told.last().unwrap().contains("nobody used a code in time"), "{told:?}");
    // A code of another kind than was asked for is not shown.
    let told = rig.told_in(&room, MAX, "!login default +44 7700 900001").await;
    assert!(told.starts_with("Linking default"), "{told}");
    assert_eq!(rig.codes_in(&room), (0, 1));
    rig.run
        .whatsapp
        .session_happens(&SessionEvent::PairingCode("ABCD-EFGH".to_owned()));
    rig.settle().await;
    assert_eq!(rig.codes_in(&room), (1, 2));
    assert!(rig.notices_in(&room).iter().any(|told| told.contains("ABCD-EFGH")));
    rig.told_in(&room, MAX, "!logout").await;
    assert_eq!(rig.codes_in(&room), (0, 2), "taken back with the login");
}

/// Killed at each passage of the display: never more than one code stands, none in the end, and the end is told once.
#[tokio::test]
async fn kill_leaves_no_code_behind() {
    for passages in (0..42).step_by(3) {
        let (mut rig, room) = Box::pin(Rig::unlinked()).await;
        rig.run.matrix.happens_in(&room, MAX, super::text("!login"));
        rig.run.gate.crash_after(passages);
        Box::pin(rig.work_through_kill()).await;
        Box::pin(rig.settle()).await;
        assert_eq!(rig.codes_in(&room).0, 1, "after {passages}");
        rig.run.whatsapp.link();
        rig.run.gate.crash_after(passages);
        Box::pin(rig.work_through_kill()).await;
        Box::pin(rig.settle()).await;
        assert_eq!(rig.codes_in(&room).0, 0, "after {passages}");
        let told = rig.notices_in(&room);
        let ends = told.iter().filter(|told| *told == "WhatsApp (default) is linked.");
        assert_eq!(ends.count(), 1, "after {passages}: {told:?}");
    }
}
