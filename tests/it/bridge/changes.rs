//! Changes of messages that are written: within their time, at any moment of a send, and when nobody heard of them.

use std::time::Duration;

use crm::bridge::{Refusal, Revision};
use crm::domain::MessageId;
use crm::domain::message::{Author, Kind, Origin};

use super::Rig;

impl Rig {
    async fn revise(&self, id: MessageId, revision: Revision) -> Result<(), Refusal> {
        let author = Author {
            origin: Some(Origin::Shell),
            name: "owner".into(),
        };
        self.program.desk.revise(id, revision, author).await.map(|_| ())
    }

    /// Refused, and why.
    async fn too_late(&self, id: MessageId, revision: Revision) -> bool {
        let refused = self.revise(id, revision).await;
        matches!(refused, Err(Refusal::Conflict(why)) if why.contains("too old"))
    }
}

#[tokio::test]
async fn an_edit_or_a_deletion_past_its_time_is_refused_and_an_emoji_is_not() {
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
