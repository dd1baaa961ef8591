//! The management room: who is in it, what may be done there, and the codes that it shows.

mod codes;
mod moves;

use std::time::Duration;

use crm::bridge::AgentEdit;
use crm::domain::matrix::{RoomContent, RoomEventKind};
use crm::domain::{AgentId, Clock as _, MatrixRoomId, Role};
use crm::store::{AuditFilter, PageRequest};

use super::Rig;
use crate::simulation::homeserver::What;

const ADA: &str = "@ada:test";

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

impl Rig {
    /// A desk whose management room's worker works, with Ada and a manager, Max.
    async fn managed() -> (Self, MatrixRoomId) {
        let mut rig = Box::pin(Self::with(|run| run.managed = true)).await;
        Box::pin(rig.met()).await;
        rig.agent("Max", Role::Manager).await;
        Box::pin(rig.settle()).await;
        let room = rig.run.matrix.room_called("_management").expect("the room is there");
        (rig, room)
    }

    /// Works until idle or killed; started anew then.
    async fn work_through_kill(&mut self) {
        if self.run.work_until_killed(&mut self.program).await {
            self.start_killed_anew().await;
        }
        self.run.gate.disarm();
    }

    /// Somebody writes in a room; returns what the bot says there then.
    async fn told_in(&mut self, room: &MatrixRoomId, sender: &str, body: &str) -> String {
        let before = self.notices_in(room).len();
        self.run.matrix.happens_in(room, sender, text(body));
        self.settle().await;
        self.notices_in(room).split_off(before).join("\n--\n")
    }

    /// The notices in a room that are not redacted, in order.
    fn notices_in(&self, room: &MatrixRoomId) -> Vec<String> {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let standing = rooms.log.iter().filter(|shown| shown.room == *room && !shown.redacted);
        let notices = standing.filter_map(|shown| match &shown.what {
            What::Bot {
                content: RoomContent::Notice { body, .. },
                ..
            } => Some(body.clone()),
            _ => None,
        });
        notices.collect()
    }

    async fn agent_of(&self, user: &str) -> AgentId {
        let agents = self.program.store.agents().list().await.unwrap();
        let found = agents
            .iter()
            .find(|agent| agent.matrix_user.as_ref() == Some(&user.into()));
        found.expect("an agent").id
    }

    async fn edit(&self, user: &str, edit: AgentEdit) {
        let id = self.agent_of(user).await;
        self.program.desk.edit_agent(id, edit).await.unwrap();
    }
}

/// Without managers there is no room; who becomes one is asked in, and who is one no more is put out.
#[tokio::test]
async fn members_follow_roles() {
    let mut rig = Box::pin(Rig::with(|run| run.managed = true)).await;
    Box::pin(rig.met()).await;
    assert_eq!(rig.run.matrix.room_called("_management"), None);
    rig.agent("Max", Role::Manager).await;
    rig.edit(
        ADA,
        AgentEdit {
            role: Some(Role::Admin),
            ..AgentEdit::default()
        },
    )
    .await;
    rig.settle().await;
    let room = rig.run.matrix.room_called("_management").unwrap();
    assert_eq!(rig.run.matrix.invited(&room), [ADA.into(), "@max:test".into()]);
    // Demoted, and limited to some accounts: codes of others would be seen.
    rig.edit(
        ADA,
        AgentEdit {
            role: Some(Role::Agent),
            ..AgentEdit::default()
        },
    )
    .await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), ["@max:test".into()]);
    assert_eq!(rig.run.matrix.excluded(&room), [ADA.into()]);
    rig.edit(
        "@max:test",
        AgentEdit {
            active: Some(false),
            ..AgentEdit::default()
        },
    )
    .await;
    rig.restart().await;
    rig.settle().await;
    assert!(rig.run.matrix.invited(&room).is_empty());
    assert_eq!(rig.run.matrix.excluded(&room), [ADA.into(), "@max:test".into()]);
}

#[tokio::test]
async fn former_matrix_user_leaves_management() {
    let (mut rig, room) = Rig::managed().await;
    let passed_on = AgentEdit {
        matrix_user: Some(Some("@max:elsewhere".to_owned())),
        ..AgentEdit::default()
    };
    rig.edit("@max:test", passed_on).await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), ["@max:elsewhere".into()]);
    assert_eq!(rig.run.matrix.excluded(&room), [ADA.into(), "@max:test".into()]);
}

/// Being in the room gives no right, and the role that one has now counts.
#[tokio::test]
async fn role_decides_commands_not_membership() {
    let (mut rig, room) = Rig::managed().await;
    for command in ["!login", "!logout", "!sync"] {
        let told = rig.told_in(&room, ADA, command).await;
        assert!(
            told.contains("your role (agent) does not allow this"),
            "{command}: {told}"
        );
    }
    let told = rig.told_in(&room, "@max:test", "!logout").await;
    assert!(told.starts_with("Unlinking default"), "{told}");
    let account = rig.program.store.accounts().present().await.unwrap()[0].id;
    assert!(
        rig.program
            .store
            .accounts()
            .wanted_link(account)
            .await
            .unwrap()
            .is_some()
    );
    rig.edit(
        "@max:test",
        AgentEdit {
            role: Some(Role::Agent),
            ..AgentEdit::default()
        },
    )
    .await;
    // Before the room is brought up to date.
    let told = rig.told_in(&room, "@max:test", "!sync").await;
    assert!(told.contains("your role (agent)"), "{told}");
    assert_eq!(rig.told_in(&room, "@stranger:test", "!sync").await, "");
    let page = PageRequest::first(10);
    let lines = rig
        .program
        .store
        .audit()
        .page(page, &AuditFilter::default())
        .await
        .unwrap()
        .data;
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.action.as_str(), line.subject.as_str()))
        .collect();
    assert_eq!(told, [("ROOM !logout", "/api/v1/accounts/default")]);
}

/// Talk among managers, commands about conversations, unknown commands and files: none goes anywhere.
#[tokio::test]
async fn nothing_in_management_room_reaches_customers() {
    let (mut rig, room) = Rig::managed().await;
    assert_eq!(rig.told_in(&room, "@max:test", "shall we close early?").await, "");
    for (command, answer) in [
        ("!frobnicate", "unknown command"),
        ("!close", "write it in the customer's room"),
        ("!new +447700900099 hello", "write it in the customer's room"),
        ("!note of mine", "write it in the customer's room"),
        ("!login default +44", "Not done: "),
        ("!login nobody", "there is no account of this name; there are: default"),
        ("!login", "the account default is linked (ready)"),
        ("!help", "!login [ACCOUNT] [+NUMBER]"),
        ("!status", "WhatsApp default: ready"),
    ] {
        let told = rig.told_in(&room, "@max:test", command).await;
        assert!(told.contains(answer), "{command}: {told}");
    }
    for what in [
        RoomEventKind::Unsupported("poll".to_owned()),
        RoomEventKind::Edit {
            of: "$0".into(),
            body: "edited".to_owned(),
        },
    ] {
        rig.run.matrix.happens_in(&room, "@max:test", what);
    }
    rig.settle().await;
    assert_eq!(rig.messages().await.len(), 1, "the customer's alone");
    let world = rig.run.whatsapp.world.lock().unwrap();
    assert!(
        world
            .chats
            .iter()
            .all(|chat| chat.on_page.iter().all(|told| !told.from_me))
    );
}

/// The owner who is no manager has a room of their own; managers are told in theirs. Each once, over a restart.
#[tokio::test]
async fn trouble_is_told_to_owner_and_managers() {
    let (mut rig, room) = Rig::managed().await;
    rig.run.whatsapp.unlink();
    rig.settle().await;
    rig.run.clock.advance(Duration::from_mins(2));
    rig.settle().await;
    rig.restart().await;
    rig.settle().await;
    let owners = rig.run.matrix.room_called("_trouble").unwrap();
    for room in [&room, &owners] {
        let told = rig.notices_in(room);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("WhatsApp (default) is qr"), "{told:?}");
    }
    rig.edit(
        ADA,
        AgentEdit {
            role: Some(Role::Manager),
            ..AgentEdit::default()
        },
    )
    .await;
    rig.run.whatsapp.link();
    rig.settle().await;
    assert_eq!(rig.notices_in(&room).last().unwrap(), "WhatsApp (default) works again.");
    assert_eq!(
        rig.notices_in(&owners).len(),
        1,
        "an owner who is a manager is told once"
    );
}

/// Messages that could not be sent are told in one line a minute, without their texts.
#[tokio::test]
async fn failed_sends_are_reported_together() {
    let (mut rig, room) = Rig::managed().await;
    rig.run.clock.advance(Duration::from_mins(2));
    rig.settle().await;
    rig.run.whatsapp.set_online(false);
    for body in ["secret one", "secret two"] {
        let now = rig.run.clock.now();
        rig.run.matrix.happens(ADA, text(body), now);
    }
    rig.work().await;
    rig.run.clock.advance(Duration::from_hours(25));
    rig.work().await;
    rig.run.whatsapp.set_online(true);
    rig.settle().await;
    rig.run.clock.advance(Duration::from_mins(2));
    rig.restart().await;
    rig.settle().await;
    let told: Vec<_> = rig
        .notices_in(&room)
        .into_iter()
        .filter(|notice| notice.contains("Not sent"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("Not sent: 2 messages (expired 2)."), "{told:?}");
    assert!(!told[0].contains("secret"));
}

/// A room that is gone is replaced, and what is told afterwards is told there.
#[tokio::test]
async fn gone_management_room_is_replaced() {
    let (mut rig, room) = Rig::managed().await;
    rig.run.matrix.put_out(&room);
    rig.settle().await;
    let fresh = rig.run.matrix.room_called("_management").unwrap();
    assert_ne!(fresh, room);
    assert!(rig.told_in(&fresh, "@max:test", "!status").await.contains("default"));
}

/// A comparison is answered where it was asked for, in the customer's room too.
#[tokio::test]
async fn sync_is_answered_with_its_result() {
    let (mut rig, room) = Rig::managed().await;
    let told = rig.told_in(&room, "@max:test", "!sync").await;
    assert!(
        told.contains("Comparing default") && told.contains("nothing was missed"),
        "{told}"
    );
    let customers = rig.messages().await[0].conversation_id;
    let customers = rig
        .program
        .store
        .rooms()
        .of_conversation(customers)
        .await
        .unwrap()
        .unwrap();
    let told = rig.told_in(&customers.room.unwrap(), "@max:test", "!sync").await;
    assert!(told.contains("nothing was missed"), "{told}");
}
