//! Edits, deletions, reactions and places between rooms and WhatsApp, both ways.

mod bad_input;
mod cards;
mod delivery;
mod history;
mod names;
mod polls;
mod reactions;
mod typing;

use std::time::Duration;

use crm::bridge::Revision;
use crm::domain::details::{Details, Location};
use crm::domain::matrix::{RoomContent, RoomEventKind};
use crm::domain::message::Kind;
use crm::domain::whatsapp::{MessageChange, PageEvent, WaContact, WaMessage, WaReaction};
use crm::domain::{Clock as _, MatrixEventId, MessageId, WaUserId};

use super::{Rig, owner};
use crate::simulation::homeserver::{Shown, What};

const ADA: &str = "@ada:test";

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

impl Rig {
    /// A customer's message that the page can tell changes of, and the event that shows it.
    async fn shows(&mut self, id: &str, words: &str) -> (WaMessage, MatrixEventId) {
        let told = self.run.whatsapp.message(0, id, words, self.run.clock.now());
        self.run.whatsapp.event(PageEvent::Message(Box::new(told.clone())));
        self.settle().await;
        let event = self
            .run
            .matrix
            .newest(|content| matches!(content, RoomContent::Text { body, .. } if body == words));
        (told, event)
    }

    fn customer_reacts(&self, to: &WaMessage, emoji: &str) {
        self.run.clock.advance(Duration::from_secs(1));
        self.run.whatsapp.event(PageEvent::Reacted {
            target: to.key(),
            reaction: WaReaction {
                emoji: emoji.into(),
                from_me: false,
                contact: WaContact::default(),
                sender: WaUserId::from("them"),
                at: self.run.clock.now(),
            },
        });
    }

    /// Something that a person does in the room, and all that follows.
    async fn in_room(&mut self, sender: &str, what: RoomEventKind) -> MatrixEventId {
        let event = self.run.matrix.happens(sender, what, self.run.clock.now());
        self.settle().await;
        event
    }

    async fn reacts(&mut self, sender: &str, of: &MatrixEventId, key: &str) -> MatrixEventId {
        let (of, key) = (of.clone(), key.to_owned());
        self.in_room(sender, RoomEventKind::Reaction { of, key }).await
    }

    /// Changes that WhatsApp was asked for.
    fn changes(&self) -> Vec<MessageChange> {
        let world = self.run.whatsapp.world.lock().unwrap();
        world.changes.iter().map(|(_, change)| change.clone()).collect()
    }

    fn shown(&self, event: &MatrixEventId) -> Shown {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        rooms.log.iter().find(|shown| shown.id == *event).unwrap().clone()
    }

    /// New texts that the bot has given to an event.
    fn edits_of(&self, event: &MatrixEventId) -> Vec<String> {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let edits = rooms.log.iter().filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Edit { of, body },
                ..
            } if of == event => Some(body.clone()),
            _ => None,
        });
        edits.collect()
    }

    async fn id_of(&self, content: &str) -> MessageId {
        self.message(content).await.id
    }
}

fn react(emoji: &str) -> MessageChange {
    MessageChange::React(emoji.to_owned())
}

#[tokio::test]
async fn customers_edit_replaces_text_in_room() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (told, event) = rig.shows("X1", "three cakes").await;
    rig.run.whatsapp.event(PageEvent::Edited {
        target: told.key(),
        content: "*four* cakes".into(),
        at: rig.run.clock.now(),
    });
    rig.settle().await;
    assert_eq!(rig.edits_of(&event), ["*four* cakes"]);
    assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
}

/// The homeserver has lost the message, and what the customer writes next must not wait for what it refuses again and again.
#[tokio::test]
async fn refused_change_delays_nobody() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (told, event) = rig.shows("X1", "three cakes").await;
    rig.run.matrix.lose(&event);
    rig.customer_reacts(&told, "👍");
    rig.run.whatsapp.event(PageEvent::Edited {
        target: told.key(),
        content: "four cakes".into(),
        at: rig.run.clock.now(),
    });
    rig.run.whatsapp.customer_writes(0);
    for _ in 0..10 {
        rig.work().await;
        rig.run.clock.advance(Duration::from_secs(1));
    }
    let texts = rig.run.matrix.texts();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert_eq!(texts[2], "Customer 00: (edited) four cakes");
}

#[tokio::test]
async fn customers_deletion_empties_event_and_says_who() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (told, event) = rig.shows("X1", "never mind").await;
    rig.run.whatsapp.event(PageEvent::Deleted {
        target: told.key(),
        at: rig.run.clock.now(),
        by: None,
    });
    rig.settle().await;
    assert!(rig.shown(&event).redacted);
    assert_eq!(rig.run.matrix.notices(), ["Customer 00 deleted this for everyone"]);
}

/// One reaction a person, as it is now, also when nobody saw the steps between.
#[tokio::test]
async fn customers_reaction_is_shown_as_reaction() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (told, event) = rig.shows("X1", "all done").await;
    rig.customer_reacts(&told, "👍");
    rig.settle().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["👍"]);
    rig.run.matrix.set_up(false);
    for emoji in ["🎉", "", "❤️"] {
        rig.customer_reacts(&told, emoji);
        rig.work().await;
    }
    rig.run.matrix.set_up(true);
    rig.settle().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["❤️"]);
    rig.run.matrix.lose_next_answer_of_a_send();
    rig.customer_reacts(&told, "🙏");
    rig.settle().await;
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    assert_eq!(rig.run.matrix.ticks(&event), ["🙏"]);
    rig.customer_reacts(&told, "");
    rig.settle().await;
    assert!(rig.run.matrix.ticks(&event).is_empty());
    assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
    rig.let_cards_change().await;
    assert_eq!(rig.waiting().await, 0);
}

#[tokio::test]
async fn agents_reaction_crosses_and_is_taken_back() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (_, event) = rig.shows("X1", "all done").await;
    let first = rig.reacts(ADA, &event, "👍").await;
    assert_eq!(rig.changes(), [react("👍")]);
    assert!(rig.run.matrix.ticks(&event).is_empty(), "the bot does not repeat it");
    let second = rig.reacts(ADA, &event, "🎉").await;
    rig.in_room(ADA, RoomEventKind::Redaction { of: first }).await;
    assert_eq!(rig.changes(), [react("👍"), react("🎉")], "the newer one stays");
    rig.in_room(ADA, RoomEventKind::Redaction { of: second }).await;
    assert_eq!(rig.changes().last(), Some(&react("")));
    assert!(rig.message("all done").await.shown_reactions().next().is_none());
    assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
}

/// Rule 17. A homeserver may bring an event by a push and by a sync, in any order.
#[tokio::test]
async fn repeated_old_event_undoes_no_newer_one() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (_, event) = rig.shows("X1", "all done").await;
    let thumb = rig.reacts(ADA, &event, "👍").await;
    rig.reacts(ADA, &event, "🎉").await;
    let said = rig.in_room(ADA, text("ten pounds")).await;
    let edit = |body: &str| RoomEventKind::Edit {
        of: said.clone(),
        body: body.to_owned(),
    };
    let twelve = rig.in_room(ADA, edit("twelve pounds")).await;
    rig.in_room(ADA, edit("nine pounds")).await;
    let before = (rig.changes(), rig.run.matrix.notices());
    for old in [&said, &twelve, &thumb] {
        rig.run.matrix.repeats(old);
    }
    rig.settle().await;
    assert_eq!((rig.changes(), rig.run.matrix.notices()), before);
    assert_eq!(rig.message("nine pounds").await.content, "nine pounds");
}

#[tokio::test]
async fn reaction_that_cannot_cross_is_answered_or_ignored() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (_, event) = rig.shows("X1", "all done").await;
    rig.reacts("@stranger:test", &event, "👍").await;
    rig.reacts(ADA, &"$nothing".into(), "👍").await;
    rig.reacts(ADA, &event, "a word").await;
    let late = RoomEventKind::Reaction {
        of: event.clone(),
        key: "👍".to_owned(),
    };
    let before = rig.run.clock.now();
    rig.run.clock.advance(Duration::from_mins(61));
    rig.run.matrix.happens(ADA, late, before);
    rig.settle().await;
    assert!(rig.changes().is_empty(), "{:?}", rig.changes());
    let notices = rig.run.matrix.notices();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(
        notices.iter().all(|notice| notice.starts_with("Not sent: ")),
        "{notices:?}"
    );
}

#[tokio::test]
async fn agents_edit_crosses_before_and_after_send() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let event = rig.in_room(ADA, text("ten pounds")).await;
    let edit = |of: &MatrixEventId, body: &str| RoomEventKind::Edit {
        of: of.clone(),
        body: body.to_owned(),
    };
    rig.in_room(ADA, edit(&event, "twelve pounds")).await;
    assert_eq!(rig.changes(), [MessageChange::Edit("twelve pounds".to_owned())]);
    assert_eq!(rig.message("twelve pounds").await.kind, Kind::Text);
    rig.run.whatsapp.set_online(false);
    let waits = rig.in_room(ADA, text("and a cake")).await;
    rig.in_room(ADA, edit(&waits, "and two cakes")).await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let world = rig.run.whatsapp.world.lock().unwrap();
    let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
    let texts: Vec<&str> = ours.map(|told| told.text.as_str()).collect();
    assert_eq!(texts, ["twelve pounds", "and two cakes"]);
    assert_eq!(world.changes.len(), 1, "what waits is changed here");
}

/// Only one's own words change, and never into a command.
#[tokio::test]
async fn edit_that_may_not_cross_is_answered() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (_, theirs) = rig.shows("X1", "the customer's words").await;
    let ours = rig.in_room(ADA, text("my words")).await;
    let command = rig.in_room(ADA, text("!help")).await;
    rig.run.clock.advance(Duration::from_mins(1));
    for (of, body) in [
        (&theirs, "other words"),
        (&ours, "!note for us"),
        (&command, "hello"),
        (&"$unknown".into(), "hello"),
        (&ours, ""),
    ] {
        let (of, body) = (of.clone(), body.to_owned());
        rig.in_room(ADA, RoomEventKind::Edit { of, body }).await;
    }
    rig.run.clock.advance(Duration::from_mins(20));
    let late = RoomEventKind::Edit {
        of: ours.clone(),
        body: "too late".to_owned(),
    };
    rig.in_room(ADA, late).await;
    assert!(rig.changes().is_empty(), "{:?}", rig.changes());
    let notices = rig.run.matrix.notices().into_iter();
    let answers = notices.filter(|notice| notice.starts_with("Not changed for the customer: "));
    assert_eq!(answers.count(), 6, "{:?}", rig.run.matrix.notices());
}

/// What the shell changes, the room shows too.
#[tokio::test]
async fn change_from_elsewhere_is_shown_in_room() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.send(0, "from the shell").await;
    rig.settle().await;
    let event = rig.run.matrix.event_of_text("from the shell");
    let id = rig.id_of("from the shell").await;
    for revision in [Revision::React("🎉".into()), Revision::Edit("from the desk".into())] {
        rig.program.desk.revise(id, revision, owner()).await.unwrap();
        rig.settle().await;
    }
    assert_eq!(rig.edits_of(&event), ["from the desk"]);
    assert!(rig.run.matrix.ticks(&event).contains(&"🎉".to_owned()));
    rig.program.desk.revise(id, Revision::Delete, owner()).await.unwrap();
    rig.settle().await;
    assert!(rig.shown(&event).redacted);
}

#[tokio::test]
async fn place_crosses_both_ways() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let place = Location {
        latitude: 51.5,
        longitude: -0.125,
        name: Some("our shop".into()),
        address: None,
        live_until: None,
    };
    let mut told = rig.run.whatsapp.message(0, "X1", "[location]", rig.run.clock.now());
    told.kind = Kind::Location;
    told.details = Some(Details {
        location: Some(place.clone()),
        ..Details::default()
    });
    rig.run.whatsapp.event(PageEvent::Message(Box::new(told)));
    rig.settle().await;
    rig.run.matrix.newest(|content| {
        matches!(content, RoomContent::Place { latitude, longitude, body, .. }
            if (*latitude, *longitude) == (51.5, -0.125) && body == "[location]")
    });
    rig.in_room(ADA, RoomEventKind::Place { place, reply_to: None }).await;
    let sent = rig.message("[location: our shop; 51.50000, -0.12500]").await;
    assert_eq!(sent.kind, Kind::Location);
    assert!(sent.state.is_with_whatsapp(), "{sent:?}");
}
