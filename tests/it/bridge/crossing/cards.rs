//! Contact cards, mentions, thumbnails and disappearing messages between rooms and WhatsApp.

use std::time::Duration;

use crm::bridge::{DisappearingWorker, Progress, Worker as _};
use crm::domain::Clock as _;
use crm::domain::details::{ContactCard, Details, Mention};
use crm::domain::matrix::{RoomContent, RoomEventKind, SentFile};
use crm::domain::media::FileKind;
use crm::domain::message::Kind;
use crm::domain::shown::LinkTo;
use crm::domain::whatsapp::PageEvent;

use super::ADA;
use crate::bridge::Rig;

const BOB: &str = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nTEL:+44 7700 900999\nEND:VCARD";

fn file(bytes: &str, name: &str, caption: Option<&str>) -> RoomEventKind {
    RoomEventKind::File {
        file: Box::new(SentFile {
            source: bytes.to_owned(),
            name: Some(name.to_owned()),
            mimetype: Some("text/vcard".to_owned()),
            caption: caption.map(str::to_owned),
            kind: FileKind::Document,
        }),
        reply_to: None,
    }
}

#[tokio::test]
async fn customers_card_has_number_to_dial() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let line = "[contact: Bob, +44 7700 900999]";
    let mut told = rig.run.whatsapp.message(0, "CARD", line, rig.run.clock.now());
    told.kind = Kind::Contact;
    told.details = Some(Details {
        contacts: vec![ContactCard {
            name: "Bob".to_owned(),
            vcard: BOB.to_owned(),
        }],
        ..Details::default()
    });
    rig.run.whatsapp.event(PageEvent::Message(Box::new(told)));
    rig.settle().await;
    let links = rig.run.matrix.sent(|_, content| match content {
        RoomContent::Text { body, links, .. } if body == line => Some(links.clone()),
        _ => None,
    });
    let [links] = &links[..] else { panic!("{links:?}") };
    assert_eq!(links.len(), 1);
    assert_eq!(&line[links[0].range.clone()], "+44 7700 900999");
    assert_eq!(links[0].to, LinkTo::Number("+447700900999".to_owned()));
}

/// By their own user where they have one, else by name alone.
#[tokio::test]
async fn mentioned_customer_is_linked_to_own_user() {
    for has_ghosts in [true, false] {
        let mut rig = Rig::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = has_ghosts).await;
        rig.met().await;
        let customer = rig.messages().await[0].customer_id.unwrap();
        let user = rig.run.whatsapp.world.lock().unwrap().chats[0]
            .phone
            .digits()
            .to_owned();
        let words = format!("@{user} and @9001: *@{user}*");
        let mut told = rig.run.whatsapp.message(0, "MENTION", &words, rig.run.clock.now());
        let mention = |user: &str, name: &str| Mention {
            user: user.into(),
            name: Some(name.to_owned()),
        };
        told.details = Some(Details {
            mentions: vec![mention(&user, "Ada"), mention("9001", "Nobody")],
            ..Details::default()
        });
        rig.run.whatsapp.event(PageEvent::Message(Box::new(told)));
        rig.settle().await;
        let shown = "@Ada and @Nobody: *@Ada*";
        let links = rig.run.matrix.sent(|_, content| match content {
            RoomContent::Text { body, links, .. } if body == shown => Some(links.clone()),
            _ => None,
        });
        let [links] = &links[..] else { panic!("{links:?}") };
        let linked: Vec<&str> = links.iter().map(|link| &shown[link.range.clone()]).collect();
        assert_eq!(linked, if has_ghosts { vec!["@Ada", "@Ada"] } else { vec![] });
        assert!(links.iter().all(|link| link.to == LinkTo::Customer(customer)));
    }
}

#[tokio::test]
async fn agents_vcard_goes_out_as_contact() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.in_room(ADA, file(BOB, "Bob.vcf", Some("our baker"))).await;
    let sent = rig.message("[contact: Bob, +44 7700 900999]").await;
    assert_eq!((sent.kind, sent.media.is_none()), (Kind::Contact, true));
    assert_eq!(sent.details.unwrap().contacts[0].vcard, BOB);
    assert!(sent.state.is_with_whatsapp());
    let notices = rig.run.matrix.notices();
    assert!(
        matches!(&notices[..], [notice] if notice.starts_with("Sent without its caption")),
        "{notices:?}"
    );
    // What only says that it is a card is a document.
    rig.in_room(ADA, file("no card", "Eve.vcf", None)).await;
    let messages = rig.messages().await;
    assert_eq!(messages.last().unwrap().kind, Kind::Document);
}

impl Rig {
    /// The worker of disappearing messages does all that is due.
    async fn vanish(&mut self) {
        let account = self.messages().await[0].account_id;
        let mut worker = DisappearingWorker::new(self.program.core.clone(), account);
        while worker.step().await.unwrap() == Progress::Worked {}
        self.work().await;
    }
}

/// Its room loses it with each of its edits, at its time, and nothing is said.
#[tokio::test]
async fn disappearing_message_leaves_room_with_its_edits() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let mut told = rig.run.whatsapp.message(0, "GONE", "for an hour", rig.run.clock.now());
    told.details = Some(Details {
        expires_after_s: Some(3600),
        ..Details::default()
    });
    rig.run.whatsapp.event(PageEvent::Message(Box::new(told.clone())));
    rig.settle().await;
    let event = rig.run.matrix.event_of_text("for an hour");
    rig.run.whatsapp.event(PageEvent::Edited {
        target: told.key(),
        content: "for one hour".into(),
        at: rig.run.clock.now(),
    });
    rig.settle().await;
    let edit = rig
        .run
        .matrix
        .newest(|content| matches!(content, RoomContent::Edit { of, .. } if *of == event));
    rig.run.clock.advance(Duration::from_mins(59));
    rig.vanish().await;
    assert!(!rig.run.matrix.is_redacted(&event));
    rig.run.matrix.set_up(false);
    rig.run.clock.advance(Duration::from_mins(2));
    rig.vanish().await;
    rig.restart().await;
    rig.run.matrix.set_up(true);
    rig.settle().await;
    assert!(rig.run.matrix.is_redacted(&event) && rig.run.matrix.is_redacted(&edit));
    assert!(rig.run.matrix.notices().is_empty(), "{:?}", rig.run.matrix.notices());
}
