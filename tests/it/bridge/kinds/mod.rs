//! Kinds of messages and what goes on in them, told oddly, twice, too late or about nothing.

mod disappearing;

use std::time::Duration;

use crm::contract::{EventType, MessageView};
use crm::domain::details::{Details, Location, Poll, Quote};
use crm::domain::matrix::RoomContent;
use crm::domain::message::{Direction, Kind, Message};
use crm::domain::whatsapp::{PageEvent, WaMessage, WaReaction, WaVote};
use crm::domain::{Clock, Timestamp, WaMessageId, WaUserId};

use super::Rig;

impl Rig {
    /// Something that the page tells of the first customer, now.
    fn told(&self, id: &str, kind: Kind, content: &str, details: Details) -> WaMessage {
        let now = self.run.clock.now();
        WaMessage {
            kind,
            details: details.into_option(),
            ..self.run.whatsapp.message(0, id, content, now)
        }
    }

    fn tell(&self, message: WaMessage) {
        self.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    }

    async fn stored(&self, id: &str) -> Message {
        let id = WaMessageId::from(id);
        let all = self.messages().await;
        all.into_iter()
            .find(|message| message.whatsapp_id.as_ref() == Some(&id))
            .expect("it is stored")
    }

    async fn quarantined(&self) -> u64 {
        self.program.store.quarantine().count().await.unwrap()
    }
}

fn poll() -> Details {
    Details {
        poll: Some(Poll {
            question: "When?".into(),
            options: vec!["nine".into(), "ten".into()],
            selectable: 1,
            votes: vec![],
            ids: vec![],
        }),
        ..Details::default()
    }
}

fn vote(of: &WaMessage, options: &[&str], at: i64) -> PageEvent {
    PageEvent::Voted {
        target: of.key(),
        vote: WaVote {
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            from_me: false,
            contact: of.contact.clone(),
            sender: WaUserId::from(""),
            at: Timestamp::from_seconds(at),
        },
    }
}

/// An older vote never replaces a newer one.
#[tokio::test]
async fn newest_vote_counts_once() {
    let mut rig = Rig::new().await;
    let asked = rig.told("POLL", Kind::Poll, "[poll: When?] nine · ten", poll());
    rig.tell(asked.clone());
    for event in [
        vote(&asked, &["nine"], 10),
        vote(&asked, &["nine"], 10),
        vote(&asked, &["ten"], 12),
        vote(&asked, &["nine"], 11),
    ] {
        rig.run.whatsapp.event(event);
    }
    rig.settle().await;
    let votes = rig.stored("POLL").await.details.unwrap().poll.unwrap().votes;
    assert_eq!(votes.len(), 1, "{votes:?}");
    assert_eq!(votes[0].options, ["ten"]);
    assert_eq!(
        rig.events(EventType::MessagePoll).await.len(),
        2,
        "told when it was news"
    );

    rig.run.whatsapp.event(vote(&asked, &[], 20));
    rig.run.whatsapp.event(vote(&asked, &["nine"], 19));
    rig.settle().await;
    let votes = rig.stored("POLL").await.details.unwrap().poll.unwrap().votes;
    assert!(votes[0].options.is_empty(), "a vote that was taken back stays so");
    let lines = rig.run.matrix.notices();
    assert!(lines.iter().any(|line| line.contains("voted for: ten")), "{lines:?}");
}

fn reaction(of: &WaMessage, emoji: &str, at: i64) -> PageEvent {
    PageEvent::Reacted {
        target: of.key(),
        reaction: WaReaction {
            emoji: emoji.into(),
            from_me: false,
            contact: of.contact.clone(),
            sender: WaUserId::from(""),
            at: Timestamp::from_seconds(at),
        },
    }
}

/// What is taken back may arrive after that.
#[tokio::test]
async fn withdrawal_told_first_outlasts_older_vote_and_reaction() {
    let mut rig = Rig::new().await;
    let asked = rig.told("POLL", Kind::Poll, "[poll: When?] nine · ten", poll());
    rig.tell(asked.clone());
    for event in [
        vote(&asked, &[], 20),
        vote(&asked, &["nine"], 19),
        vote(&asked, &[], 25),
        vote(&asked, &["ten"], 24),
        reaction(&asked, "", 20),
        reaction(&asked, "👍", 19),
    ] {
        rig.run.whatsapp.event(event);
    }
    rig.settle().await;
    let stored = rig.stored("POLL").await;
    assert_eq!(stored.shown_reactions().count(), 0);
    let votes = stored.details.unwrap().poll.unwrap().votes;
    assert!(votes.iter().all(|vote| vote.options.is_empty()), "{votes:?}");
    let told = [EventType::MessagePoll, EventType::MessageReaction];
    assert!(rig.events(told[0]).await.is_empty() && rig.events(told[1]).await.is_empty());
    let lines = rig.run.matrix.notices();
    assert!(!lines.iter().any(|line| line.contains("removed")), "{lines:?}");

    rig.run.whatsapp.event(vote(&asked, &["ten"], 30));
    for (emoji, at) in [("🎉", 30), ("", 40), ("👍", 35)] {
        rig.run.whatsapp.event(reaction(&asked, emoji, at));
    }
    rig.settle().await;
    let stored = rig.stored("POLL").await;
    assert_eq!(stored.shown_reactions().count(), 0, "the newest word counts");
    assert_eq!(stored.details.unwrap().poll.unwrap().votes[0].options, ["ten"]);
    assert_eq!(rig.events(EventType::MessageReaction).await.len(), 2);
}

/// The page tells our own reaction, and we store it as well, with the name of who asked for it.
#[tokio::test]
async fn same_reaction_told_again_is_as_last_event_says() {
    let mut rig = Rig::new().await;
    let asked = rig.told("POLL", Kind::Poll, "[poll: When?] nine · ten", poll());
    rig.tell(asked.clone());
    for at in [30, 31] {
        rig.run.whatsapp.event(reaction(&asked, "🎉", at));
    }
    rig.settle().await;
    let stored = rig.stored("POLL").await;
    assert_eq!(stored.reactions[0].at, Timestamp::from_seconds(31));
    let told = rig.events(EventType::MessageReaction).await;
    let view = serde_json::to_value(MessageView::from(stored)).unwrap();
    assert_eq!(told.last().unwrap()["reactions"], view["reactions"]);
    let shown = rig
        .run
        .matrix
        .newest(|content| matches!(content, RoomContent::Poll { .. }));
    assert_eq!(rig.run.matrix.ticks(&shown), ["🎉"]);
}

/// The vote that is told again has another time, and no line of its own in the room.
#[tokio::test]
async fn same_vote_told_again_is_as_last_event_says() {
    let mut rig = Rig::new().await;
    let asked = rig.told("POLL", Kind::Poll, "[poll: When?] nine · ten", poll());
    rig.tell(asked.clone());
    for at in [30, 31] {
        rig.run.whatsapp.event(vote(&asked, &["nine"], at));
    }
    rig.settle().await;
    let told = rig.events(EventType::MessagePoll).await;
    let view = serde_json::to_value(MessageView::from(rig.stored("POLL").await)).unwrap();
    assert_eq!(told.last().unwrap()["details"], view["details"]);
    assert_eq!(told.len(), 2);
}

/// Rule 13. What follows is stored.
#[tokio::test]
async fn event_about_unknown_message_is_quarantined() {
    let mut rig = Rig::new().await;
    let unknown = rig.told("NOWHERE", Kind::Poll, "", poll());
    rig.run.whatsapp.event(vote(&unknown, &["nine"], 10));
    rig.run.whatsapp.event(PageEvent::Reacted {
        target: unknown.key(),
        reaction: WaReaction {
            emoji: "👍".into(),
            from_me: false,
            contact: unknown.contact.clone(),
            sender: WaUserId::from(""),
            at: rig.run.clock.now(),
        },
    });
    rig.run.whatsapp.event(PageEvent::Moved {
        target: unknown.key(),
        location: somewhere(1.0),
        at: rig.run.clock.now(),
    });
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.quarantined().await, 3);
    assert_eq!(rig.messages().await.len(), 1, "what follows is stored");
}

fn somewhere(latitude: f64) -> Location {
    Location {
        latitude,
        longitude: 2.0,
        name: None,
        address: None,
        live_until: Some(Timestamp(1_900_000_000_000)),
    }
}

#[tokio::test]
async fn live_location_moves_in_its_message() {
    let mut rig = Rig::new().await;
    let details = Details {
        location: Some(Location {
            name: Some("The van".into()),
            ..somewhere(1.0)
        }),
        ..Details::default()
    };
    let shared = rig.told("LIVE", Kind::Location, "[live location: 1.00000, 2.00000]", details);
    rig.tell(shared.clone());
    rig.settle().await;
    let at = rig.run.clock.now();
    for (latitude, at) in [(1.5, at), (1.5, at), (9.0, at.minus(Duration::from_mins(1)))] {
        rig.run.whatsapp.event(PageEvent::Moved {
            target: shared.key(),
            location: somewhere(latitude),
            at,
        });
    }
    rig.settle().await;
    let all = rig.messages().await;
    assert_eq!(all.len(), 1, "no new message");
    let place = all[0].details.clone().unwrap().location.unwrap();
    assert_eq!((place.latitude, place.name.as_deref()), (1.5, Some("The van")));
    assert_eq!(
        rig.events(EventType::MessageEdited).await.len(),
        1,
        "neither twice nor back"
    );
}

#[tokio::test]
async fn reply_to_unknown_message_keeps_quote() {
    let mut rig = Rig::new().await;
    let quote = |id: &str| Details {
        quote: Some(Quote {
            whatsapp_id: WaMessageId::from(id),
            name: Some("Ada".into()),
            content: Some("the old one".into()),
            is_status: false,
        }),
        ..Details::default()
    };
    rig.tell(rig.told("FIRST", Kind::Text, "first", Details::default()));
    for (id, quoted) in [("R1", "NOWHERE"), ("R2", "FIRST")] {
        rig.tell(WaMessage {
            quoted: Some(WaMessageId::from(quoted)),
            ..rig.told(id, Kind::Text, id, quote(quoted))
        });
    }
    rig.settle().await;
    let (lost, found) = (rig.stored("R1").await, rig.stored("R2").await);
    assert_eq!(lost.reply_to, None);
    assert_eq!(
        lost.details.unwrap().quote.unwrap().content.as_deref(),
        Some("the old one")
    );
    assert_eq!(
        (found.reply_to, found.details),
        (Some(rig.stored("FIRST").await.id), None)
    );
    // The room shows the words where it has no event to reply to.
    let texts = rig.run.matrix.texts();
    let shown = |body: &str| texts.iter().any(|text| text.ends_with(body));
    assert!(shown(": > Ada: the old one\nR1"), "{texts:?}");
    assert!(shown(": R2"), "{texts:?}");
}

/// A message from before the room is no event there; a status is in no conversation.
#[tokio::test]
async fn reply_shows_words_that_room_lacks() {
    let mut rig = Rig::new().await;
    let long = "the blue one? ".repeat(40);
    let details = Details {
        quote: Some(Quote {
            whatsapp_id: WaMessageId::from("STATUS"),
            name: Some("You (phone)".into()),
            content: Some(long),
            is_status: true,
        }),
        ..Details::default()
    };
    rig.tell(WaMessage {
        quoted: Some(WaMessageId::from("STATUS")),
        ..rig.told("S1", Kind::Text, "lovely", details)
    });
    rig.settle().await;
    let texts = rig.run.matrix.texts();
    let shown = texts.last().unwrap();
    assert!(
        shown.contains("> ~You (phone) (status): the blue one? the blue one?"),
        "{shown}"
    );
    assert!(shown.ends_with("…\nlovely") && shown.len() < 300, "{shown}");
}

/// The message is no history, so somebody is called for it.
#[tokio::test]
async fn impossible_time_counts_as_now() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let now = rig.run.clock.now();
    for (id, at) in [
        ("ZERO", Timestamp(0)),
        ("BEFORE", Timestamp(-5_000_000_000_000)),
        ("AHEAD", now.plus(Duration::from_hours(24 * 400))),
        ("FAR", Timestamp(i64::MAX)),
    ] {
        rig.tell(WaMessage {
            timestamp: at,
            ..rig.told(id, Kind::Text, id, Details::default())
        });
    }
    rig.settle().await;
    for id in ["ZERO", "BEFORE", "AHEAD", "FAR"] {
        let stored = rig.stored(id).await;
        assert!(!stored.backfilled, "{id}: somebody is called for it");
        let off = stored.timestamp.since(now).max(now.since(stored.timestamp));
        assert!(off < Duration::from_hours(1), "{id}: {}", stored.timestamp);
    }
    // A clock of theirs that runs a little ahead is left alone.
    let soon = Timestamp(rig.run.clock.now().plus(Duration::from_mins(20)).0 / 1000 * 1000);
    rig.tell(WaMessage {
        timestamp: soon,
        ..rig.told("SOON", Kind::Text, "soon", Details::default())
    });
    rig.settle().await;
    assert_eq!(rig.stored("SOON").await.timestamp, soon);
}

#[tokio::test]
async fn only_missed_call_notice_is_unread() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let notice = |word: &str| Details {
        notice: Some(word.to_owned()),
        ..Details::default()
    };
    rig.tell(rig.told("N1", Kind::System, "The number has changed", notice("number_changed")));
    rig.tell(WaMessage {
        from_me: true,
        ..rig.told(
            "N2",
            Kind::System,
            "You let messages disappear",
            notice("timer_changed"),
        )
    });
    rig.tell(rig.told("N3", Kind::System, "[notice: odd]", notice("odd")));
    rig.tell(rig.told("N4", Kind::System, "Missed call", notice("call_missed")));
    rig.settle().await;
    for id in ["N1", "N2", "N3", "N4"] {
        assert_eq!(rig.stored(id).await.direction, Direction::Inbound, "{id}");
    }
    let conversation = rig.stored("N1").await.conversation_id;
    let unread = rig
        .program
        .store
        .conversations()
        .get(conversation)
        .await
        .unwrap()
        .unwrap()
        .unread_count;
    assert_eq!(unread, 2, "the first text and the call");
    let lines = rig.run.matrix.texts();
    let shown = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        (shown("number has changed"), shown("disappear"), shown("Missed call")),
        (1, 1, 1)
    );
    assert_eq!(shown("odd"), 0, "{lines:?}");
}

#[tokio::test]
async fn hundreds_of_votes_of_one_voter_count_once() {
    let mut rig = Rig::new().await;
    let first = rig.told("POLL", Kind::Poll, "[poll]", poll());
    rig.tell(first.clone());
    for at in 0..300 {
        rig.run
            .whatsapp
            .event(vote(&first, &[if at % 2 == 0 { "nine" } else { "ten" }], at));
    }
    rig.settle().await;
    let votes = rig.stored("POLL").await.details.unwrap().poll.unwrap().votes;
    assert_eq!((votes.len(), votes[0].options[0].as_str()), (1, "ten"));
    assert_eq!(rig.quarantined().await, 0);
}
