//! Changes of messages that are written: within their time, at any moment of a send, and when nobody heard of them.

use std::time::Duration;

use crm::bridge::{Refusal, Revision};
use crm::domain::MessageId;
use crm::domain::message::{Author, Kind, Origin};

use tokio::sync::oneshot;

use super::Rig;

fn owner() -> Author {
    Author {
        origin: Some(Origin::Shell),
        name: "owner".into(),
    }
}

impl Rig {
    async fn revise(&self, id: MessageId, revision: Revision) -> Result<(), Refusal> {
        self.program.desk.revise(id, revision, owner()).await.map(|_| ())
    }

    /// Refused, and why.
    async fn too_late(&self, id: MessageId, revision: Revision) -> bool {
        let refused = self.revise(id, revision).await;
        matches!(refused, Err(Refusal::Conflict(why)) if why.contains("too old"))
    }
}

/// A reaction is never too late.
#[tokio::test]
async fn late_edit_or_deletion_is_refused() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let sent = rig.send(0, "shall we?").await.id;
    rig.settle().await;
    let edit = || Revision::Edit("shall we not?".into());
    rig.run.clock.advance(Duration::from_mins(14));
    rig.revise(sent, edit()).await.unwrap();
    rig.run.clock.advance(Duration::from_mins(2));
    assert!(rig.too_late(sent, edit()).await);
    rig.run.clock.advance(Duration::from_hours(59));
    rig.revise(sent, Revision::React("👍".into())).await.unwrap();
    rig.run.clock.advance(Duration::from_hours(1));
    assert!(rig.too_late(sent, Revision::Delete).await);
    rig.revise(sent, Revision::React("🎉".into())).await.unwrap();
    // Nothing of it holds up what comes after.
    rig.send(0, "and on we go").await;
    rig.settle().await;
    assert!(rig.message("and on we go").await.state.is_with_whatsapp());
    assert_eq!(rig.message("and on we go").await.kind, Kind::Text);
}

/// WhatsApp counts from when it had the message, which may have waited here for hours.
#[tokio::test]
async fn edit_is_timed_from_hand_over() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    let sent = rig.send(0, "two loafs").await.id;
    rig.run.clock.advance(Duration::from_hours(3));
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    rig.run.clock.advance(Duration::from_mins(14));
    rig.revise(sent, Revision::Edit("two loaves".into())).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.message("two loaves").await.id, sent);
    rig.run.clock.advance(Duration::from_mins(2));
    assert!(rig.too_late(sent, Revision::Edit("three".into())).await);
}

#[tokio::test]
async fn edit_during_chat_lookup_goes_out() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (here, reached) = oneshot::channel();
    let (go_on, told) = oneshot::channel();
    rig.run.whatsapp.world.lock().unwrap().choosing = Some((here, told));
    let sent = rig.send(0, "two loafs").await.id;
    let desk = rig.program.desk.clone();
    let change = async {
        reached.await.unwrap();
        let edit = Revision::Edit("two loaves".into());
        desk.revise(sent, edit, owner()).await.unwrap();
        go_on.send(()).unwrap();
    };
    tokio::join!(rig.settle(), change);
    let world = rig.run.whatsapp.world.lock().unwrap();
    let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
    let texts: Vec<&str> = ours.map(|told| told.text.as_str()).collect();
    assert_eq!(texts, ["two loaves"]);
}
