//! A customer's reactions where customers have users of their own.

use crm::domain::MatrixEventId;
use crm::domain::matrix::{RoomContent, Speaker};

use super::{ADA, text};
use crate::bridge::Rig;
use crate::simulation::homeserver::What;

impl Rig {
    async fn with_ghosts() -> Self {
        let mut rig = Box::pin(Self::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true)).await;
        Box::pin(rig.met()).await;
        rig
    }

    /// Reactions to an event that stand, each with whether the customer's own user shows it.
    fn standing(&self, event: &MatrixEventId) -> Vec<(String, bool)> {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let standing = rooms.log.iter().filter(|shown| !shown.redacted);
        let reactions = standing.filter_map(|shown| match &shown.what {
            What::Bot {
                speaker,
                content: RoomContent::Reaction { to, key },
                ..
            } if to == event => Some((key.clone(), matches!(speaker, Speaker::Customer { .. }))),
            _ => None,
        });
        reactions.collect()
    }
}

#[tokio::test]
async fn customers_reaction_is_their_own_users() {
    let mut rig = Rig::with_ghosts().await;
    let (told, event) = rig.shows("X1", "three cakes").await;
    for (emoji, standing) in [
        ("👍", vec![("👍".to_owned(), true)]),
        ("🎉", vec![("🎉".to_owned(), true)]),
        ("", vec![]),
    ] {
        rig.customer_reacts(&told, emoji);
        rig.settle().await;
        assert_eq!(rig.standing(&event), standing, "{emoji}");
    }
    let taken = rig.run.matrix.rooms.lock().unwrap().spaces.taken_back.clone();
    assert_eq!(taken.len(), 2);
    assert!(
        taken
            .iter()
            .all(|(_, speaker)| matches!(speaker, Speaker::Customer { name, .. } if name == "Customer 00"))
    );
    // The tick stays the desk's.
    let said = rig.in_room(ADA, text("four")).await;
    rig.settle().await;
    assert!(
        rig.standing(&said)
            .iter()
            .all(|(key, by_customer)| !by_customer && key.starts_with('✓'))
    );
}

/// Killed anywhere in it, the newest reaction alone stands, once.
#[tokio::test]
async fn kill_doubles_no_reaction_of_customers() {
    for passages in 0..10 {
        let mut rig = Rig::with_ghosts().await;
        let (told, event) = rig.shows("X1", "three cakes").await;
        rig.customer_reacts(&told, "👍");
        rig.settle().await;
        rig.customer_reacts(&told, "🎉");
        rig.run.gate.crash_after(passages);
        if rig.run.work_until_killed(&mut rig.program).await {
            rig.start_killed_anew().await;
        }
        rig.run.gate.disarm();
        rig.settle().await;
        assert_eq!(rig.standing(&event), [("🎉".to_owned(), true)], "after {passages}");
    }
}
