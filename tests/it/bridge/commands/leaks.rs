//! Leaks: ways to write a note, a command, a reply to one and a thread in one, made from a table and a seed. Nothing of
//! them ever reaches the customer's phone, and what is for the customer does, once.

use std::time::Duration;

use crm::bridge::{Answered, NewNote};
use crm::domain::matrix::{RoomContent, RoomEventKind, SentFile};
use crm::domain::media::FileKind;
use crm::domain::message::{Author, Origin};
use crm::domain::{Clock as _, MatrixEventId, Role};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{ADA, text};
use crate::bridge::Rig;

/// Ways that each life plays.
const WAYS: usize = 60;
/// Lives; together they play 200 ways and more.
const LIVES: u64 = 5;

/// Texts that stay inside wherever they are written. `{}` is the secret.
const COMMANDS: &[&str] = &[
    "!note {}",
    "!note\n{}\nand more",
    "!Note {}",
    "\u{200b}!note {}",
    " \n !note {}",
    "\u{feff}\u{2060}!NOTE {}",
    "\u{ff01}note {}",
    "!\u{fe0f}note {}",
    "! note {}",
    "!note {}",
    "!notes: {}",
    "!! {}",
    "!{}",
    "!help {}",
    "!close {}",
    "!close because {}",
    "!snooze {}",
    "!snooze tomorrow {}",
    "!assign {}",
    "!label {}",
    "!label +{}",
    "!label -vip {}",
    "!name {}\n!send",
    "!template {}",
    "!template hello {}",
    "!template hello field={}",
    "!send-at {}",
    "!send-at never {}",
    "!send-at 2020-01-01 {}",
    "!new {}",
    "!new 12 {}",
    "!merge {}",
    "!release {}",
    "!cancel {}",
    "!history {}",
    "!send {}",
    "!retry {}",
    "!status {}",
    "!customer {}",
    "*!note {}*",
    "*!note* {}",
    "**!note {}**",
    "`!note {}`",
    "```!note {}```",
    "_!close_ {}",
    "> !note {}",
    "- !note {}",
    "1. !note {}",
    "# !note {}",
    "\u{3164}!note {}",
    "\u{2800}\u{e0101}!note {}",
    "\u{fe57}note {}",
    "!send-at in 2m !note {}",
    "!send-at in 2m\n!close {}",
    "!new +447700900778 !note {}",
];
/// Texts that stay inside because of what they answer.
const ANSWERS: &[&str] = &[
    "{}",
    "yes, {}",
    "> {}\n\nwhat a pity",
    "*{}*",
    "{}\n!send",
    "¡{}!",
    "\u{200b}{}",
    ".note {}",
];

/// Reactions to it: commands, and others.
const REACTIONS: &[&str] = &["🔁", "✅", "✋🏽", "💤", "👍", "❤\u{fe0f}", "INSIDE"];

/// Something that stays inside, and may be answered.
struct Inside {
    event: MatrixEventId,
}

fn document(body: &str, reply_to: Option<&MatrixEventId>) -> RoomEventKind {
    let file = SentFile {
        source: body.to_owned(),
        name: Some("INSIDE.txt".to_owned()),
        mimetype: Some("text/plain".to_owned()),
        caption: Some(body.to_owned()),
        kind: FileKind::Document,
    };
    RoomEventKind::File {
        file: Box::new(file),
        reply_to: reply_to.cloned(),
    }
}

struct Life {
    rig: Rig,
    rng: StdRng,
    inside: Vec<Inside>,
    /// Events that the customer has or wrote.
    talk: Vec<MatrixEventId>,
    secrets: usize,
    expected: Vec<String>,
}

impl Life {
    async fn begin(seed: u64) -> Self {
        let rig = Rig::of_customer().await;
        rig.agent("Bea", Role::Manager).await;
        rig.promote(Role::Manager).await;
        let shown = rig
            .run
            .matrix
            .newest(|content| matches!(content, RoomContent::Text { .. }));
        Self {
            rig,
            rng: StdRng::seed_from_u64(seed),
            inside: vec![],
            talk: vec![shown],
            secrets: 0,
            expected: vec![],
        }
    }

    fn secret(&mut self, way: &str) -> String {
        self.secrets += 1;
        way.replace("{}", &format!("INSIDE{}", self.secrets))
    }

    /// Writes something that stays inside, in a thread or not, as a reply or not: a text, or a document with it as its
    /// bytes and caption.
    fn write(&mut self, body: &str, thread: Option<&MatrixEventId>, reply_to: Option<&MatrixEventId>) -> MatrixEventId {
        if self.rng.random_bool(0.2) {
            return self.write_kind(document(body, reply_to), thread);
        }
        self.write_kind(text(body, reply_to), thread)
    }

    fn write_kind(&mut self, what: RoomEventKind, thread: Option<&MatrixEventId>) -> MatrixEventId {
        let sender = if self.rng.random_bool(0.5) { ADA } else { "@bea:test" };
        let (matrix, now) = (&self.rig.run.matrix, self.rig.run.clock.now());
        match thread {
            Some(root) => matrix.happens_in_thread(sender, root, what),
            None => matrix.happens(sender, what, now),
        }
    }

    fn any_inside(&mut self) -> Option<MatrixEventId> {
        self.inside.choose(&mut self.rng).map(|inside| inside.event.clone())
    }

    fn any_talk(&mut self) -> MatrixEventId {
        self.talk
            .choose(&mut self.rng)
            .expect("the customer has written")
            .clone()
    }

    /// One way; everything that follows is done, or waits.
    async fn play(&mut self) {
        let inside = self.any_inside();
        match (self.rng.random_range(0..14), inside) {
            // A command or note, also where it answers something.
            (0..4, answered) => {
                let way = *COMMANDS.choose(&mut self.rng).unwrap();
                let body = self.secret(way);
                let answered = match self.rng.random_range(0..4) {
                    0 => answered,
                    1 => Some(self.any_talk()),
                    _ => None,
                };
                let is_thread = self.rng.random_bool(0.5);
                let event = match &answered {
                    Some(root) if is_thread => self.write(&body, Some(root), None),
                    other => self.write(&body, None, other.as_ref()),
                };
                self.inside.push(Inside { event });
            }
            // An answer to something that stays inside: reply, thread, both, crosswise.
            (4..8, Some(answered)) => {
                let way = *ANSWERS.choose(&mut self.rng).unwrap();
                let body = self.secret(way);
                let talk = self.any_talk();
                let other = self.any_inside();
                let event = match self.rng.random_range(0..5) {
                    0 | 1 => self.write(&body, None, Some(&answered)),
                    2 => self.write(&body, Some(&answered), None),
                    3 => self.write(&body, Some(&answered), Some(&talk)),
                    _ => self.write(&body, Some(&talk), other.as_ref().or(Some(&answered))),
                };
                self.inside.push(Inside { event });
            }
            // What the bot says is answered too.
            (8, _) if self.rng.random_bool(0.3) => {
                self.rig.settle().await;
                let event = self
                    .rig
                    .run
                    .matrix
                    .newest(|content| matches!(content, RoomContent::Card { of: None, .. }));
                self.inside.push(Inside { event });
            }
            (8, _) => {
                self.rig.settle().await;
                let matrix = &self.rig.run.matrix;
                if !matrix.notices().is_empty() {
                    let event = matrix.newest_notice("");
                    self.inside.push(Inside { event });
                }
            }
            (12..14, Some(of)) => {
                let key = (*REACTIONS.choose(&mut self.rng).unwrap()).to_owned();
                let event = self.write_kind(RoomEventKind::Reaction { of, key }, None);
                self.inside.push(Inside { event });
            }
            // A colleague's note from elsewhere.
            (9, _) => {
                let content = self.secret("{}");
                let new = NewNote {
                    conversation: self.rig.conversation().await.id,
                    content,
                    author: Author {
                        origin: Some(Origin::Shell),
                        name: "Bob".to_owned(),
                    },
                    idempotency: None,
                };
                assert!(matches!(self.rig.program.desk.note(new).await, Ok(Answered::New(_))));
            }
            // The rest goes to the customer.
            _ => {
                self.secrets += 1;
                let body = format!("OUTSIDE{}", self.secrets);
                let talk = self.any_talk();
                let event = match self.rng.random_range(0..4) {
                    0 => self.write_kind(text(&body, Some(&talk)), None),
                    1 => self.write_kind(text(&body, None), Some(&talk)),
                    2 => self.write_kind(text(&body, Some(&talk)), Some(&talk)),
                    _ => self.write_kind(text(&body, None), None),
                };
                self.expected.push(body);
                self.rig.settle().await;
                self.talk.push(event);
            }
        }
        match self.rng.random_range(0..10) {
            0 => self.rig.restart().await,
            // So that the homeserver has to be asked.
            1 => {
                let now = self.rig.run.clock.now().plus(Duration::from_secs(1));
                self.rig.settle().await;
                self.rig.program.store.internal_events().prune(now).await.unwrap();
            }
            2..7 => self.rig.settle().await,
            _ => {}
        }
    }
}

#[tokio::test]
async fn nothing_internal_reaches_customer() {
    let mut ways = 0;
    for seed in 0..LIVES {
        let mut life = Box::pin(Life::begin(seed)).await;
        for _ in 0..WAYS {
            life.play().await;
        }
        life.rig.settle().await;
        ways += life.secrets;
        let phones: Vec<String> = {
            let world = life.rig.run.whatsapp.world.lock().unwrap();
            let ours = world
                .chats
                .iter()
                .flat_map(|chat| chat.on_page.iter().filter(|told| told.from_me));
            ours.map(|told| told.text.clone()).collect()
        };
        assert!(
            !phones.iter().any(|text| text.contains("INSIDE")),
            "seed {seed}: {phones:?}"
        );
        assert_eq!(
            phones, life.expected,
            "seed {seed}: what is for the customer arrives, once, in order"
        );
        let crossed = life.rig.run.whatsapp.world.lock().unwrap().changes.len();
        assert_eq!(crossed, 0, "seed {seed}: no reaction to what stays inside");
        let stored = life.rig.messages().await;
        assert!(
            !stored
                .iter()
                .any(|message| message.content.contains("INSIDE") || message.media.is_some()),
            "seed {seed}"
        );
    }
    assert!(ways >= 200, "{ways} ways");
}

/// An event that cannot be looked up may be anything.
#[tokio::test]
async fn answer_to_unknown_event_is_not_sent() {
    let mut rig = Rig::of_customer().await;
    let unknown = MatrixEventId::from("$nowhere");
    let told = rig.answer_in_reply("a reply", Some(&unknown)).await;
    assert!(told.starts_with("Not sent: what this answers"), "{told}");
    rig.run
        .matrix
        .happens_in_thread(ADA, &unknown, text("in a thread", None));
    rig.settle().await;
    assert!(rig.phone().is_empty());
}

/// What waited for its key or its room is looked at as everything else.
#[tokio::test]
async fn late_key_leaks_no_answer_to_note() {
    let mut rig = Rig::of_customer().await;
    let note = rig.agent_says(ADA, "!note INSIDE", None).await;
    let late = rig
        .run
        .matrix
        .happens_in_thread(ADA, &note, RoomEventKind::Undecryptable);
    rig.settle().await;
    rig.run.matrix.decrypts(&late, "INSIDE too");
    rig.patience().await;
    assert_eq!(rig.notes().await, ["INSIDE", "INSIDE too"]);
    assert!(rig.phone().is_empty());
}
