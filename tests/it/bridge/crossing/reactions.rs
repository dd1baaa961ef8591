//! A customer's reactions where customers have users of their own.

use std::time::Duration;

use crm::domain::matrix::{RoomContent, RoomEventKind, Speaker};
use crm::domain::whatsapp::{PageEvent, WaContact, WaMessage, WaReaction};
use crm::domain::{Clock as _, MatrixEventId, WaUserId};

use super::{ADA, react, text};
use crate::bridge::Rig;
use crate::simulation::homeserver::What;

impl Rig {
    async fn with_ghosts() -> Self {
        let mut rig = Box::pin(Self::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true)).await;
        Box::pin(rig.met()).await;
        rig
    }

    /// The page tells a message with the reactions that it has now, as a comparison does, and all that follows.
    async fn found_with_reactions(&mut self, message: &WaMessage, emojis: &[&str]) {
        let of_customer = |emoji: &&str| WaReaction {
            emoji: (*emoji).into(),
            from_me: false,
            contact: WaContact::default(),
            sender: WaUserId::from("them"),
            at: self.run.clock.now(),
        };
        let found = WaMessage {
            reactions: Some(emojis.iter().map(of_customer).collect()),
            ..message.clone()
        };
        self.run.whatsapp.event(PageEvent::Message(Box::new(found)));
        self.settle().await;
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

/// The customer reacted while no page listened.
#[tokio::test]
async fn reaction_found_by_comparison_is_shown() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (told, event) = rig.shows("X1", "three cakes").await;
    for emojis in [&["👍"][..], &["🎉"], &["🎉"], &[]] {
        rig.found_with_reactions(&told, emojis).await;
        assert_eq!(rig.run.matrix.ticks(&event), emojis);
    }
    // So was the message.
    let told = rig.run.whatsapp.message(0, "X2", "and a pie", rig.run.clock.now());
    rig.found_with_reactions(&told, &["👍"]).await;
    let event = rig.run.matrix.event_of_text("and a pie");
    assert_eq!(rig.run.matrix.ticks(&event), ["👍"]);
    assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
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

/// The agent sees a message whose event is not stored: the kill came between the homeserver's answer and our commit.
#[tokio::test]
async fn reaction_to_message_of_killed_show_crosses() {
    let mut met_in_time = 0;
    for passages in 0..40 {
        let mut rig = Rig::new().await;
        rig.met().await;
        rig.run.whatsapp.customer_writes(0);
        rig.run.gate.crash_after(passages);
        if !rig.run.work_until_killed(&mut rig.program).await {
            break;
        }
        let is_shown = rig.run.matrix.texts().len() == 2;
        let of = rig
            .run
            .matrix
            .newest(|content| matches!(content, RoomContent::Text { .. }));
        rig.run.clock.advance(Duration::from_secs(1));
        if is_shown {
            met_in_time += 1;
            let thumb = RoomEventKind::Reaction {
                of: of.clone(),
                key: "👍".to_owned(),
            };
            rig.run.matrix.happens(ADA, thumb, rig.run.clock.now());
        }
        rig.start_killed_anew().await;
        rig.run.gate.disarm();
        rig.take_in_rooms().await;
        for _ in 0..2 {
            rig.settle().await;
            rig.run.clock.advance(Duration::from_secs(3));
        }
        rig.settle().await;
        let crossed = if is_shown { vec![react("👍")] } else { vec![] };
        assert_eq!(rig.changes(), crossed, "after {passages}");
        assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
    }
    assert!(
        met_in_time > 0,
        "no kill came while the message was shown and not stored"
    );
}

/// What the agent writes next does not wait for ever behind it.
#[tokio::test]
async fn reaction_to_message_that_stays_unknown_is_answered() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.customer_writes(0);
    rig.run.matrix.lose_next_answer_of_a_send();
    rig.work().await;
    let of = rig
        .run
        .matrix
        .newest(|content| matches!(content, RoomContent::Text { .. }));
    rig.reacts(ADA, &of, "👍").await;
    rig.in_room(ADA, text("and thank you")).await;
    assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
    rig.run.clock.advance(Duration::from_secs(62));
    rig.settle().await;
    assert!(rig.message("and thank you").await.state.is_with_whatsapp());
    // The room is told in its order: behind the message that it has, which is tried again then.
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices.len() == 1 && notices[0].starts_with("Not sent: I do not know any more"),
        "{notices:?}"
    );
    assert!(rig.changes().is_empty(), "{:?}", rig.changes());
}
