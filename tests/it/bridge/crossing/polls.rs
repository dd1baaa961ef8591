//! Polls and votes between rooms and WhatsApp.

use crm::domain::details::{Details, Poll};
use crm::domain::matrix::{RoomContent, RoomEventKind, Speaker};
use crm::domain::message::Kind;
use crm::domain::whatsapp::{PageEvent, WaContact, WaMessage, WaVote};
use crm::domain::{Clock as _, MatrixEventId, WaUserId};

use super::{ADA, text};
use crate::bridge::Rig;

fn poll(options: &[&str], ids: &[&str]) -> Poll {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Poll {
        question: "When?".to_owned(),
        options: owned(options),
        selectable: 1,
        votes: vec![],
        ids: owned(ids),
    }
}

fn asks(options: &[&str], ids: &[&str]) -> RoomEventKind {
    RoomEventKind::Poll {
        poll: Box::new(poll(options, ids)),
        reply_to: None,
    }
}

impl Rig {
    /// A customer asks, and the room shows it.
    async fn customer_asks(&mut self) -> (WaMessage, MatrixEventId) {
        let mut told = self
            .run
            .whatsapp
            .message(0, "POLL", "[poll: When?] nine · ten", self.run.clock.now());
        told.kind = Kind::Poll;
        told.details = Some(Details {
            poll: Some(poll(&["nine", "ten"], &[])),
            ..Details::default()
        });
        self.run.whatsapp.event(PageEvent::Message(Box::new(told.clone())));
        self.settle().await;
        let event = self.run.matrix.newest(|content| {
            matches!(content, RoomContent::Poll { poll, .. }
                if poll.question == "When?" && poll.options == ["nine", "ten"] && poll.line == "[poll: When?] nine · ten")
        });
        (told, event)
    }

    fn vote(&self, of: &WaMessage, from_me: bool, options: &[&str]) -> WaVote {
        self.run.clock.advance(std::time::Duration::from_secs(1));
        WaVote {
            options: options.iter().map(|&option| option.to_owned()).collect(),
            from_me,
            contact: if from_me {
                WaContact::default()
            } else {
                of.contact.clone()
            },
            sender: WaUserId::from(""),
            at: self.run.clock.now(),
        }
    }

    async fn votes(&mut self, of: &WaMessage, from_me: bool, options: &[&str]) {
        let (target, vote) = (of.key(), self.vote(of, from_me, options));
        self.run.whatsapp.event(PageEvent::Voted { target, vote });
        self.settle().await;
    }

    /// The page tells a poll with the votes that it has now, as a comparison does, and all that follows.
    async fn found_with_votes(&mut self, poll: &WaMessage, votes: Vec<WaVote>) {
        let found = WaMessage {
            votes: Some(votes),
            ..poll.clone()
        };
        self.run.whatsapp.event(PageEvent::Message(Box::new(found)));
        self.settle().await;
    }

    /// Votes that users of ours have given to a poll.
    fn given(&self, poll: &MatrixEventId) -> Vec<Vec<String>> {
        self.run.matrix.sent(|speaker, content| match content {
            RoomContent::Vote { of, options } if of == poll => {
                assert!(matches!(speaker, Speaker::Customer { .. }), "{speaker:?}");
                Some(options.clone())
            }
            _ => None,
        })
    }
}

#[tokio::test]
async fn customers_poll_is_shown_and_votes_are_lines() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (told, event) = rig.customer_asks().await;
    rig.votes(&told, false, &["ten"]).await;
    rig.votes(&told, false, &[]).await;
    assert!(rig.given(&event).is_empty(), "the bot votes for nobody");
    assert_eq!(
        rig.run.matrix.notices(),
        ["Customer 00 voted for: ten", "Customer 00 removed their vote"]
    );
}

#[tokio::test]
async fn customers_own_user_votes_as_they_do() {
    let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true).await;
    rig.met().await;
    let (told, event) = rig.customer_asks().await;
    rig.votes(&told, false, &["ten"]).await;
    rig.votes(&told, false, &[]).await;
    assert_eq!(rig.given(&event), [vec!["1".to_owned()], vec![]]);
    rig.votes(&told, true, &["nine"]).await;
    let notices = rig.run.matrix.notices();
    assert!(
        matches!(&notices[..], [line] if line.ends_with("voted for: nine")),
        "{notices:?}"
    );
}

/// They voted while no page listened.
#[tokio::test]
async fn vote_found_by_comparison_is_told() {
    for has_ghosts in [false, true] {
        let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = has_ghosts).await;
        rig.met().await;
        let (told, event) = rig.customer_asks().await;
        let votes = vec![rig.vote(&told, false, &["ten"]), rig.vote(&told, true, &["nine"])];
        for _ in 0..2 {
            rig.found_with_votes(&told, votes.clone()).await;
        }
        let theirs = if has_ghosts { vec![vec!["1".to_owned()]] } else { vec![] };
        assert_eq!(rig.given(&event), theirs);
        let mut lines = rig.run.matrix.notices();
        assert!(lines.pop().is_some_and(|line| line.ends_with("voted for: nine")));
        let theirs = if has_ghosts {
            vec![]
        } else {
            vec!["Customer 00 voted for: ten"]
        };
        assert_eq!(lines, theirs);
    }
}

/// A vote names the options as the agent's own event does.
#[tokio::test]
async fn agents_poll_goes_out_and_takes_votes() {
    let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true).await;
    rig.met().await;
    let event = rig.in_room(ADA, asks(&["nine", "ten"], &["a1", "b2"])).await;
    let sent = rig.message("[poll: When?] nine · ten").await;
    assert_eq!(sent.kind, Kind::Poll);
    assert!(sent.state.is_with_whatsapp(), "{sent:?}");
    let mut told = rig.run.whatsapp.message(0, "x", "", rig.run.clock.now());
    told.id = sent.whatsapp_id.unwrap();
    told.from_me = true;
    rig.votes(&told, false, &["ten"]).await;
    assert_eq!(rig.given(&event), [vec!["b2".to_owned()]]);
}

#[tokio::test]
async fn poll_that_cannot_cross_is_answered() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let (_, theirs) = rig.customer_asks().await;
    let mut command = poll(&["a", "b"], &["1", "2"]);
    command.question = "!close".to_owned();
    for what in [
        asks(&["alone"], &["1"]),
        asks(&["twice", "twice"], &["1", "2"]),
        RoomEventKind::Poll {
            poll: Box::new(command),
            reply_to: None,
        },
        RoomEventKind::Vote { of: theirs.clone() },
        RoomEventKind::PollEnd { of: theirs },
        // The room's own poll.
        RoomEventKind::Vote { of: "$unknown".into() },
    ] {
        rig.in_room(ADA, what).await;
    }
    let notices = rig.run.matrix.notices();
    let begins = |notice: &String| notice.split_once(": ").unwrap().0.to_owned();
    let begins: Vec<String> = notices.iter().map(begins).collect();
    let not_sent = "Not sent".to_owned();
    assert_eq!(
        begins,
        [
            not_sent.clone(),
            not_sent.clone(),
            not_sent.clone(),
            not_sent,
            "Not closed for the customer".to_owned()
        ],
        "{notices:?}"
    );
    rig.in_room(ADA, text("after all that")).await;
    let world = rig.run.whatsapp.world.lock().unwrap();
    let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
    assert_eq!(
        ours.map(|told| told.text.as_str()).collect::<Vec<_>>(),
        ["after all that"]
    );
}

/// Keeps inside whatever answers something internal.
#[tokio::test]
async fn poll_that_answers_note_stays_inside() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let note = rig.in_room(ADA, text("!note who knows?")).await;
    let RoomEventKind::Poll { poll, .. } = asks(&["a", "b"], &["1", "2"]) else {
        unreachable!();
    };
    let reply = RoomEventKind::Poll {
        poll,
        reply_to: Some(note.clone()),
    };
    rig.in_room(ADA, reply).await;
    rig.run
        .matrix
        .happens_in_thread(ADA, &note, asks(&["a", "b"], &["1", "2"]));
    rig.settle().await;
    let world = rig.run.whatsapp.world.lock().unwrap();
    assert!(
        world.chats[0].on_page.iter().all(|told| !told.from_me),
        "nothing goes out"
    );
}
