//! Chats and authors that are no customers: oneself, bots. And members of groups, whom WhatsApp names by number and by LID.

use std::time::Duration;

use crm::contract::EventType;
use crm::domain::conversation::ChatKind;
use crm::domain::customer::Identity;
use crm::domain::details::{Details, Poll};
use crm::domain::matrix::RoomContent;
use crm::domain::message::{Kind, Message};
use crm::domain::whatsapp::{PageEvent, WaContact, WaGroup, WaMessage, WaParticipant, WaReaction, WaVote};
use crm::domain::{ChatId, Clock, Timestamp, WaMessageId, WaUserId};
use crm::store::{ConversationFilter, CustomerFilter, PageRequest};

use super::Rig;
use crate::simulation::world::{OWN_LID, OWN_PHONE};

const GROUP: &str = "120363@g.us";
const BY_NUMBER: &str = "447700900123@c.us";
const BY_LID: &str = "9001@lid";

fn number() -> Identity {
    Identity::phone(&"+447700900123".parse().unwrap())
}

fn lid() -> Identity {
    Identity::lid("9001")
}

fn known_by(identities: &[Identity]) -> WaContact {
    WaContact {
        identities: identities.to_vec(),
        saved_name: None,
        push_name: Some("Bob".into()),
    }
}

impl Rig {
    fn tells(&self, event: PageEvent) {
        self.run.whatsapp.event(event);
    }

    /// Something in a direct chat with these ids.
    fn direct(&self, chat: &str, identities: &[Identity], id: &str, from_me: bool) -> WaMessage {
        WaMessage {
            chat: ChatId::from(chat),
            contact: known_by(identities),
            from_me,
            ..self.run.whatsapp.message(0, id, id, self.run.clock.now())
        }
    }

    /// Something that a member of the group wrote.
    fn in_group(&self, id: &str, sender: &str, identities: &[Identity]) -> WaMessage {
        WaMessage {
            chat: ChatId::from(GROUP),
            chat_kind: ChatKind::Group,
            chat_name: Some("Bakers".into()),
            contact: known_by(identities),
            sender: WaUserId::from(sender),
            ..self.run.whatsapp.message(0, id, id, self.run.clock.now())
        }
    }

    fn wrote(&self, message: &WaMessage) {
        self.tells(PageEvent::Message(Box::new(message.clone())));
    }

    fn reacted(&self, to: &WaMessage, emoji: &str, sender: &str, identities: &[Identity], at: i64) {
        self.tells(PageEvent::Reacted {
            target: to.key(),
            reaction: WaReaction {
                emoji: emoji.into(),
                from_me: false,
                contact: known_by(identities),
                sender: WaUserId::from(sender),
                at: Timestamp::from_seconds(at),
            },
        });
    }

    async fn only(&self) -> Message {
        let mut all = self.messages().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    async fn kept_back(&self) -> u64 {
        self.program.store.quarantine().count().await.unwrap()
    }
}

/// Neither the notes nor what happens to them, by number or by LID.
#[tokio::test]
async fn chat_with_oneself_is_not_stored() {
    let mut rig = Rig::new().await;
    let own = Identity::phone(&OWN_PHONE.parse().unwrap());
    let digits = format!("{}@c.us", OWN_PHONE.trim_start_matches('+'));
    let by_lid = format!("{OWN_LID}@lid");
    for (chat, ids, id) in [
        (digits.as_str(), vec![own.clone()], "NOTE1"),
        (by_lid.as_str(), vec![Identity::lid(OWN_LID)], "NOTE2"),
        (by_lid.as_str(), vec![Identity::lid(OWN_LID), own], "NOTE3"),
    ] {
        let note = rig.direct(chat, &ids, id, true);
        rig.wrote(&note);
        rig.reacted(&note, "👍", "", &ids, 10);
        rig.tells(PageEvent::Edited {
            target: note.key(),
            content: "pin 1234".into(),
            at: note.timestamp,
        });
        rig.tells(PageEvent::Ack {
            chat: note.chat.clone(),
            ids: vec![note.id.clone()],
            ack: 3,
        });
        // The page has it, so an event about it could fetch it.
        rig.run.whatsapp.world.lock().unwrap().stored.push(note);
    }
    rig.settle().await;
    assert!(rig.messages().await.is_empty());
    let store = &rig.program.store;
    let nobody = CustomerFilter::default();
    let customers = store.customers().page(PageRequest::first(9), &nobody).await;
    assert!(customers.unwrap().data.is_empty());
    let all = ConversationFilter::default();
    let conversations = store.conversations().page(PageRequest::first(9), all).await;
    assert!(conversations.unwrap().data.is_empty());
    for kind in [
        EventType::MessageState,
        EventType::MessageReceived,
        EventType::CustomerCreated,
    ] {
        assert!(rig.events(kind).await.is_empty(), "{kind:?}");
    }
    assert!(rig.run.matrix.texts().is_empty());
    assert_eq!(rig.kept_back().await, 0);
}

#[tokio::test]
async fn chat_with_oneself_is_not_recovered() {
    let mut rig = Rig::new().await;
    rig.run.whatsapp.world.lock().unwrap().chats[0].phone = OWN_PHONE.parse().unwrap();
    let now = rig.run.clock.now();
    rig.run.whatsapp.stood_before(0, "NOTE", "pin 1234", now);
    rig.run.whatsapp.reload();
    rig.settle().await;
    assert!(rig.messages().await.is_empty());
}

#[tokio::test]
async fn group_message_of_bot_has_author() {
    let mut rig = Rig::new().await;
    let bot = WaMessage {
        contact: WaContact {
            push_name: Some("Meta AI".into()),
            ..WaContact::default()
        },
        ..rig.in_group("LIST", "867051314767696@bot", &[])
    };
    rig.wrote(&bot);
    rig.wrote(&bot);
    rig.settle().await;
    assert_eq!(rig.only().await.author.unwrap().name, "Meta AI");
    assert_eq!(rig.kept_back().await, 0);
    let texts = rig.run.matrix.texts();
    assert_eq!(texts, ["Meta AI: LIST"]);
}

/// The LID becomes known between two tellings.
#[tokio::test]
async fn group_message_under_number_and_lid_is_one() {
    let mut rig = Rig::new().await;
    rig.wrote(&rig.in_group("A", BY_NUMBER, &[number()]));
    rig.settle().await;
    rig.wrote(&rig.in_group("A", BY_LID, &[lid(), number()]));
    rig.wrote(&rig.in_group("A", BY_LID, &[lid()]));
    rig.settle().await;
    rig.only().await;
    // The same id of another member is another message.
    rig.wrote(&rig.in_group("A", "9002@lid", &[Identity::lid("9002")]));
    rig.settle().await;
    assert_eq!(rig.messages().await.len(), 2);
}

/// The group's members tell what the event does not.
#[tokio::test]
async fn member_list_joins_number_and_lid() {
    let mut rig = Rig::new().await;
    rig.wrote(&rig.in_group("A", BY_LID, &[lid()]));
    rig.settle().await;
    rig.tells(PageEvent::Group(Box::new(WaGroup {
        chat: ChatId::from(GROUP),
        name: None,
        participants: Some(vec![WaParticipant {
            user: WaUserId::from(BY_LID),
            contact: known_by(&[lid(), number()]),
            from_me: false,
            is_admin: false,
        }]),
    })));
    rig.settle().await;
    rig.wrote(&rig.in_group("A", BY_NUMBER, &[number()]));
    rig.settle().await;
    rig.only().await;
}

#[tokio::test]
async fn reaction_under_other_id_replaces_and_removes() {
    let mut rig = Rig::new().await;
    let asked = rig.in_group("A", "9002@lid", &[Identity::lid("9002")]);
    rig.wrote(&asked);
    rig.reacted(&asked, "👍", BY_NUMBER, &[number()], 10);
    rig.settle().await;
    assert_eq!(rig.only().await.reactions.len(), 1);
    rig.reacted(&asked, "🎉", BY_LID, &[lid(), number()], 11);
    rig.settle().await;
    let reactions = rig.only().await.reactions;
    assert_eq!((reactions.len(), reactions[0].emoji.as_str()), (1, "🎉"));
    rig.reacted(&asked, "", BY_NUMBER, &[lid(), number()], 12);
    rig.settle().await;
    let shown = rig.only().await.reactions;
    assert!(shown.iter().all(|reaction| reaction.emoji.is_empty()), "{shown:?}");
    let told_at_once = WaMessage {
        reactions: Some(
            [("👍", BY_NUMBER, 20), ("🎉", BY_LID, 21)]
                .map(|(emoji, sender, at)| WaReaction {
                    emoji: emoji.into(),
                    from_me: false,
                    contact: known_by(&[lid(), number()]),
                    sender: WaUserId::from(sender),
                    at: Timestamp::from_seconds(at),
                })
                .into(),
        ),
        ..asked
    };
    rig.wrote(&told_at_once);
    rig.settle().await;
    assert_eq!(rig.only().await.reactions.len(), 1);
}

#[tokio::test]
async fn vote_under_other_id_counts_once() {
    let mut rig = Rig::new().await;
    let poll = Details {
        poll: Some(Poll {
            question: "When?".into(),
            options: vec!["A".into(), "B".into()],
            selectable: 1,
            votes: vec![],
            ids: vec![],
        }),
        ..Details::default()
    };
    let asked = WaMessage {
        kind: Kind::Poll,
        details: Some(poll),
        ..rig.in_group("POLL", "9002@lid", &[Identity::lid("9002")])
    };
    rig.wrote(&asked);
    for (option, sender, ids, at) in [
        ("A", BY_NUMBER, vec![number()], 10),
        ("B", BY_LID, vec![lid(), number()], 11),
    ] {
        rig.tells(PageEvent::Voted {
            target: asked.key(),
            vote: WaVote {
                options: vec![option.into()],
                from_me: false,
                contact: known_by(&ids),
                sender: WaUserId::from(sender),
                at: Timestamp::from_seconds(at),
            },
        });
    }
    rig.settle().await;
    let votes = rig.only().await.details.unwrap().poll.unwrap().votes;
    assert_eq!(votes.len(), 1, "{votes:?}");
    assert_eq!(votes[0].options, ["B"]);
}

/// The page finds a member's older message by its full key only.
#[tokio::test]
async fn reaction_to_older_group_message_fetches_it() {
    let mut rig = Rig::new().await;
    let older = WaMessage {
        timestamp: rig.run.clock.now().minus(Duration::from_hours(1)),
        ..rig.in_group("OLDER", BY_LID, &[lid()])
    };
    rig.run.whatsapp.world.lock().unwrap().stored.push(older.clone());
    rig.reacted(&older, "👍", "9002@lid", &[Identity::lid("9002")], 10);
    rig.settle().await;
    let stored = rig.only().await;
    assert_eq!(stored.whatsapp_id, Some(WaMessageId::from("OLDER")));
    assert_eq!(stored.reactions.len(), 1);
    assert_eq!(rig.kept_back().await, 0);
}

/// It was taken back while nobody listened: the page's search does not show that.
#[tokio::test]
async fn missed_removal_of_group_reaction_is_found() {
    let mut rig = Rig::new().await;
    let asked = rig.in_group("A", BY_LID, &[lid()]);
    rig.wrote(&asked);
    rig.reacted(&asked, "👍", "9002@lid", &[Identity::lid("9002")], 10);
    rig.settle().await;
    assert_eq!(rig.only().await.reactions.len(), 1);
    let now = WaMessage {
        reactions: Some(vec![]),
        ..asked
    };
    rig.run.whatsapp.world.lock().unwrap().stored.push(now);
    rig.run.whatsapp.reload();
    rig.settle().await;
    assert!(rig.only().await.reactions.is_empty());
    assert_eq!(
        rig.run.matrix.notices(),
        ["Bob reacted with 👍", "Bob removed their reaction"]
    );
}

/// The line names who did it.
#[tokio::test]
async fn deletion_by_admin_names_admin() {
    let mut rig = Rig::new().await;
    // As the adapter names them: a member, ourselves on the phone, and a member who would like to be us.
    let admins = ["Eve", "You (phone)", "~You (phone)"];
    for (id, admin) in ["A", "B", "C"].into_iter().zip(admins) {
        let said = rig.in_group(id, BY_LID, &[lid()]);
        rig.wrote(&said);
        rig.settle().await;
        rig.tells(PageEvent::Deleted {
            target: said.key(),
            at: rig.run.clock.now(),
            by: Some(admin.into()),
        });
        rig.settle().await;
    }
    let deleted = rig.messages().await.into_iter();
    let mut named: Vec<_> = deleted
        .map(|message| message.details.unwrap().deleted_by.unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["Eve", "You (phone)", "~You (phone)"]);
    let lines = admins.map(|admin| format!("{admin} deleted this for everyone"));
    assert_eq!(rig.run.matrix.notices(), lines);
}

/// The labels under which texts stand in rooms, with the texts, in order.
fn labelled(rig: &Rig) -> Vec<(String, String)> {
    rig.run.matrix.sent(|speaker, content| match content {
        RoomContent::Text { body, .. } => Some((speaker.label().unwrap_or_default(), body.clone())),
        _ => None,
    })
}

/// Nobody speaks in WhatsApp's name, and WhatsApp itself does.
#[tokio::test]
async fn only_notice_speaks_as_whatsapp() {
    let mut rig = Rig::new().await;
    let who = WaContact {
        push_name: Some("WhatsApp".into()),
        ..known_by(&[number()])
    };
    let notice = |word: &str| {
        Some(Details {
            notice: Some(word.to_owned()),
            ..Details::default()
        })
    };
    let in_group = |id: &str, kind, details| WaMessage {
        contact: who.clone(),
        kind,
        details,
        ..rig.in_group(id, BY_NUMBER, &[number()])
    };
    rig.wrote(&in_group("in group", Kind::Text, None));
    rig.wrote(&WaMessage {
        contact: WaContact::default(),
        sender: WaUserId::from(""),
        ..in_group("told in group", Kind::System, notice("member_joined"))
    });
    rig.wrote(&in_group("call in group", Kind::System, notice("call_missed")));
    let direct = |id: &str, kind, details| WaMessage {
        contact: who.clone(),
        kind,
        details,
        ..rig.direct(BY_NUMBER, &[number()], id, false)
    };
    rig.wrote(&direct("alone", Kind::Text, None));
    rig.wrote(&direct("told alone", Kind::System, notice("number_changed")));
    rig.settle().await;
    let mut labelled = labelled(&rig);
    labelled.sort_by(|one, other| one.1.cmp(&other.1));
    let expected = [
        ("~WhatsApp", "alone"),
        ("~WhatsApp", "call in group"),
        ("~WhatsApp", "in group"),
        ("WhatsApp", "told alone"),
        ("WhatsApp", "told in group"),
    ];
    assert_eq!(
        labelled,
        expected.map(|(label, text)| (label.to_owned(), text.to_owned()))
    );
}

/// The chat of the first customer hangs: the others are compared, live events are stored, and what was written before the
/// chat could be read again is found, though later messages of it are stored.
#[tokio::test]
async fn chat_that_cannot_be_read_delays_no_other() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.run.whatsapp.set_online(false);
    rig.work().await;
    let hidden = rig.run.whatsapp.customer_writes(0);
    let found = rig.run.whatsapp.customer_writes(1);
    let hangs = rig.run.whatsapp.world.lock().unwrap().chats[0].id.clone();
    rig.run.whatsapp.world.lock().unwrap().unreadable.push(hangs);
    // Beyond the overlap of two comparisons.
    rig.run.clock.advance(Duration::from_mins(5));
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    let is_stored = async |rig: &Rig, id: &WaMessageId| {
        let stored = rig.messages().await;
        stored.iter().any(|message| message.whatsapp_id.as_ref() == Some(id))
    };
    assert!(is_stored(&rig, &found).await, "the other chat was compared");
    let live = rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert!(is_stored(&rig, &live).await, "live events are stored");
    assert!(!is_stored(&rig, &hidden).await);
    // A crash forgets nothing of it.
    rig.restart().await;
    for _ in 0..2 {
        rig.run.clock.advance(Duration::from_mins(11));
        rig.settle().await;
    }
    let told = |rig: &Rig, what: &str| rig.run.matrix.notices().iter().filter(|one| one.contains(what)).count();
    assert_eq!(told(&rig, "cannot read 1 chat (conversation"), 1);
    rig.run.whatsapp.world.lock().unwrap().unreadable.clear();
    rig.run.clock.advance(Duration::from_mins(11));
    rig.settle().await;
    assert!(is_stored(&rig, &hidden).await, "read back to where it may be missing");
    assert_eq!(rig.messages().await.len(), 4, "each once");
    assert_eq!(told(&rig, "all chats can be read again"), 1);
}

/// An event about a message of such a chat is put aside, and the events behind it are stored.
#[tokio::test]
async fn stray_of_unreadable_chat_holds_up_nothing() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let hangs = rig.run.whatsapp.world.lock().unwrap().chats[0].id.clone();
    rig.run.whatsapp.world.lock().unwrap().unreadable.push(hangs);
    let unknown = rig
        .run
        .whatsapp
        .message(0, "UNKNOWN", "never told", rig.run.clock.now());
    rig.reacted(&unknown, "👍", BY_NUMBER, &[number()], 10);
    rig.run.whatsapp.customer_writes(1);
    for _ in 0..4 {
        rig.work().await;
    }
    assert_eq!(rig.messages().await.len(), 2);
    assert_eq!(rig.kept_back().await, 1);
}
