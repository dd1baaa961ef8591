//! The card of a room: made once, pinned, kept current at most once a minute; its reactions are commands.

use std::time::Duration;

use crm::contract::EventType;
use crm::domain::details::{Details, Mention};
use crm::domain::matrix::{RoomContent, RoomEventKind};
use crm::domain::whatsapp::PageEvent;
use crm::domain::{Clock as _, MatrixEventId, Role, Timestamp};

use super::ADA;
use crate::bridge::Rig;
use crate::simulation::homeserver::What;

impl Rig {
    /// Returns what each new card and each edit of one said, with its time, in order; and whether it is a new one.
    fn cards(&self) -> Vec<(Timestamp, bool, String)> {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let cards = rooms.log.iter().filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Card { body, of },
                ..
            } => Some((shown.at, of.is_none(), body.clone())),
            _ => None,
        });
        cards.collect()
    }

    fn card(&self) -> MatrixEventId {
        self.run
            .matrix
            .newest(|content| matches!(content, RoomContent::Card { of: None, .. }))
    }

    /// Waits until the card may change again, and gives what it says then.
    async fn card_says(&mut self) -> String {
        self.run.clock.advance(Duration::from_secs(61));
        self.settle().await;
        self.cards().pop().expect("a card").2
    }
}

#[tokio::test]
async fn card_is_made_once_and_kept_current() {
    let mut rig = Rig::of_customer().await;
    let cards = rig.cards();
    assert_eq!(cards.len(), 1, "at once: {cards:?}");
    assert!(
        cards[0].2.contains("+447700900000") && cards[0].2.contains("open, with nobody"),
        "{cards:?}"
    );
    assert!(
        cards[0].2.ends_with("✋ take · ✅ close · 💤 until tomorrow morning"),
        "{cards:?}"
    );
    let card = rig.card();
    let mut taps = rig.run.matrix.ticks(&card);
    taps.sort_unstable();
    assert_eq!(taps, ["✅", "✋", "💤"], "one tap gives each");
    let room = rig.run.matrix.room();
    assert_eq!(
        rig.run.matrix.rooms.lock().unwrap().pinned[&room],
        std::slice::from_ref(&card)
    );

    rig.promote(Role::Manager).await;
    for body in ["one", "two", "!label +vip", "!assign"] {
        rig.agent_says(ADA, body, None).await;
    }
    assert_eq!(rig.cards().len(), 1, "not yet");
    let said = rig.card_says().await;
    for part in ["with ada", "labels: vip", "ada (matrix): one", "ada (matrix): two"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(rig.cards().len(), 2, "all at once");
    rig.card_says().await;
    assert_eq!(rig.cards().len(), 2, "nothing has changed");
    rig.restart().await;
    rig.agent_says(ADA, "!close", None).await;
    let cards = rig.cards();
    assert!(
        cards.len() == 3 && cards[2].2.contains("closed"),
        "at once after a quiet minute: {cards:?}"
    );
    assert!(cards[1..].iter().all(|(_, is_new, _)| !is_new), "the same card");
    assert_eq!(rig.card(), card);
}

#[tokio::test]
async fn reactions_to_card_take_close_and_snooze() {
    let mut rig = Rig::of_customer().await;
    let card = rig.card();
    assert_eq!(rig.taps(ADA, &card, "✋🏿").await, "ada has this conversation now.");
    assert_eq!(rig.conversation().await.assignee.unwrap().name, "ada");
    assert_eq!(rig.taps(ADA, &card, "✅").await, "This conversation is closed now.");
    assert_eq!(rig.conversation().await.status.as_str(), "closed");
    assert!(
        rig.taps(ADA, &card, "💤\u{fe0f}")
            .await
            .starts_with("This conversation sleeps until ")
    );
    let asleep = rig.conversation().await;
    assert_eq!(asleep.status.as_str(), "snoozed");
    let ahead = asleep.snoozed_until.unwrap().since(rig.run.clock.now());
    assert!(ahead <= Duration::from_hours(34), "{ahead:?}");
    assert_eq!(rig.taps(ADA, &card, "👍").await, "", "it means nothing");
    // What was carried out goes, so that the next tap sets it anew.
    let standing = |rig: &Rig| {
        let rooms = rig.run.matrix.rooms.lock().unwrap();
        let reactions = rooms
            .log
            .iter()
            .filter(|shown| !shown.redacted)
            .filter_map(|shown| match &shown.what {
                What::Person {
                    what: RoomEventKind::Reaction { key, .. },
                    ..
                } => Some(key.clone()),
                _ => None,
            });
        reactions.collect::<Vec<_>>()
    };
    assert_eq!(standing(&rig), ["👍"]);
    let told = rig.answer_in_reply("thank you", Some(&card)).await;
    assert!(told.contains("this answers my card"), "{told}");
    assert!(rig.phone().is_empty() && rig.run.whatsapp.world.lock().unwrap().changes.is_empty());
    assert_eq!(rig.events(EventType::ConversationAssigned).await.len(), 1);
}

#[tokio::test]
async fn late_reaction_to_card_changes_nothing_unasked() {
    let mut rig = Rig::of_customer().await;
    let card = rig.card();
    let told = rig
        .taps_ago(ADA, &card, "✅", Duration::from_hours(1) + Duration::from_secs(1))
        .await;
    assert!(
        told.contains("closes the conversation") && told.contains("React ✅"),
        "{told}"
    );
    assert_eq!(rig.conversation().await.status.as_str(), "open");
    let question = rig.run.matrix.newest_notice("✅ arrived");
    assert_eq!(rig.taps(ADA, &question, "✅").await, "This conversation is closed now.");
    assert_eq!(rig.conversation().await.status.as_str(), "closed");
}

#[tokio::test]
async fn removed_card_is_made_again() {
    let mut rig = Rig::of_customer().await;
    let card = rig.card();
    let now = rig.run.clock.now();
    rig.run
        .matrix
        .happens(ADA, RoomEventKind::Redaction { of: card.clone() }, now);
    rig.settle().await;
    rig.card_says().await;
    assert_ne!(rig.card(), card);
    assert_eq!(rig.cards().iter().filter(|(_, is_new, _)| *is_new).count(), 2);
    assert_eq!(
        rig.taps(ADA, &rig.card(), "✅").await,
        "This conversation is closed now."
    );
}

/// It was restored from a backup that is older than the card.
#[tokio::test]
async fn card_that_homeserver_lost_is_made_again() {
    let mut rig = Rig::of_customer().await;
    let card = rig.card();
    rig.run.matrix.lose(&card);
    rig.agent_says(ADA, "!close", None).await;
    assert!(rig.card_says().await.contains("closed"));
    assert_ne!(rig.card(), card);
    assert_eq!(rig.taps(ADA, &rig.card(), "✋").await, "ada has this conversation now.");
    assert!(rig.card_says().await.contains("with ada"));
    assert_eq!(rig.cards().iter().filter(|(_, is_new, _)| *is_new).count(), 2);
    assert_eq!(rig.waiting().await, 0);
}

#[tokio::test]
async fn card_shows_no_number_that_is_hidden() {
    let mut rig = Rig::with(|run| run.policy.hide_numbers = true).await;
    rig.met().await;
    let cards = rig.cards();
    assert!(cards.len() == 1 && !cards[0].2.contains("7700900"), "{cards:?}");
}

/// WhatsApp's text has the digits of whom it mentions.
#[tokio::test]
async fn mention_is_name_in_card_and_history() {
    let mut rig = Rig::of_customer().await;
    let words = "@9001 and @90012 please";
    let mut told = rig.run.whatsapp.message(0, "MENTION", words, rig.run.clock.now());
    told.details = Some(Details {
        mentions: vec![Mention {
            user: "9001".into(),
            name: Some("Bob".into()),
        }],
        ..Details::default()
    });
    rig.run.whatsapp.event(PageEvent::Message(Box::new(told)));
    rig.settle().await;
    let card = rig.card_says().await;
    for told in [card, rig.answer_to("!history").await, rig.answer_to("!customer").await] {
        assert!(told.contains("Customer 00: @Bob and @90012 please"), "{told}");
    }
}

/// Also where they come from another face.
#[tokio::test]
async fn card_follows_labels_and_opt_out_of_customer() {
    let mut rig = Rig::of_customer().await;
    let desk = rig.program.desk.clone();
    let customer = rig.conversation().await.customer_id.unwrap();
    desk.opt_out(customer, "by phone".to_owned()).await.unwrap();
    let said = rig.card_says().await;
    assert!(said.contains("opted out"), "{said}");
    let vip = "vip".parse().unwrap();
    desk.put_customer_label(customer, vip, true, None).await.unwrap();
    let said = rig.card_says().await;
    assert!(said.contains("labels: vip"), "{said}");
}
