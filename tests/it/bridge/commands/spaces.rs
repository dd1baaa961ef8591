//! Sub-spaces: each conversation's room is in exactly one of them, as the desk has it.

use std::collections::BTreeSet;
use std::time::Duration;

use crm::bridge::AgentEdit;
use crm::domain::customer::Identity;
use crm::domain::matrix::RoomEventKind;
use crm::domain::{AgentId, Clock as _, MatrixRoomId, MatrixUserId, Role};

use super::Rig;
use crate::rig::files::png;

const ADA: &str = "@ada:test";
const BEA: &str = "@bea:test";

impl Rig {
    /// A desk with Ada and Bea, where customers have users of their own; the first customer has a room.
    async fn with_spaces() -> (Self, MatrixRoomId) {
        let mut rig = Box::pin(Self::with(|run| run.matrix.rooms.lock().unwrap().has_ghosts = true)).await;
        rig.agent("Bea", Role::Agent).await;
        Box::pin(rig.met()).await;
        let room = rig.run.matrix.room();
        (rig, room)
    }

    /// Ada writes in the first customer's room, and all follows.
    async fn ada_says(&mut self, body: &str) {
        self.ada_begins(body);
        Box::pin(self.settle()).await;
    }

    fn ada_begins(&mut self, body: &str) {
        let what = RoomEventKind::Text {
            body: body.to_owned(),
            reply_to: None,
        };
        self.run.matrix.happens(ADA, what, self.run.clock.now());
    }

    /// Works until idle or killed; started anew then.
    async fn work_through_crash(&mut self) {
        if self.run.work_until_killed(&mut self.program).await {
            self.program.store.clone().abandon().await;
            let killed = std::mem::replace(&mut self.program, self.run.start().await);
            self.run.bury(killed).await;
        }
        self.run.gate.disarm();
    }

    async fn id_of_agent(&self, user: &str) -> AgentId {
        let agents = self.program.store.agents().list().await.unwrap();
        let found = agents.iter().find(|agent| agent.matrix_user == Some(user.into()));
        found.expect("an agent").id
    }

    /// Who is invited into a sub-space, and who is put out.
    fn members(&self, name: &str) -> (BTreeSet<MatrixUserId>, BTreeSet<MatrixUserId>) {
        let rooms = self.run.matrix.rooms.lock().unwrap();
        let named = rooms.spaces.made.values().find(|spec| spec.name == name);
        let spec = named.unwrap_or_else(|| panic!("no {name}"));
        (
            spec.invite.iter().cloned().collect(),
            spec.exclude.iter().cloned().collect(),
        )
    }

    fn puts(&self) -> usize {
        self.run.matrix.rooms.lock().unwrap().spaces.puts
    }
}

fn users(names: &[&str]) -> BTreeSet<MatrixUserId> {
    names.iter().map(|name| (*name).into()).collect()
}

#[tokio::test]
async fn room_moves_between_sub_spaces_as_desk_has_it() {
    let (mut rig, room) = Rig::with_spaces().await;
    assert_eq!(rig.run.matrix.places(&room), ["Unassigned"]);
    assert_eq!(rig.puts(), 1, "a new room is taken out of nothing");
    for name in ["Unassigned", "Snoozed", "Closed"] {
        assert_eq!(rig.members(name), (users(&[ADA, BEA]), users(&[])), "{name}");
    }
    assert_eq!(rig.members("Mine (Bea)"), (users(&[BEA]), users(&[ADA])));
    for (said, place) in [
        ("!assign", "Mine (ada)"),
        ("!pending", "Mine (ada)"),
        ("!assign Bea", "Mine (Bea)"),
        ("!label -x", "Mine (Bea)"),
        ("!snooze 2h", "Snoozed"),
        ("!assign me", "Snoozed"),
        ("!reopen", "Mine (ada)"),
        ("!close", "Closed"),
        ("!assign nobody", "Closed"),
        ("!reopen", "Unassigned"),
        ("!snooze 2h", "Snoozed"),
    ] {
        let (before, puts) = (rig.run.matrix.places(&room), rig.puts());
        rig.ada_says(said).await;
        assert_eq!(rig.run.matrix.places(&room), [place], "{said}");
        let moves = if before == [place] { 0 } else { 2 };
        assert_eq!(rig.puts() - puts, moves, "{said}: two requests a move");
    }
    rig.run.clock.advance(Duration::from_hours(3));
    rig.settle().await;
    assert_eq!(rig.run.matrix.places(&room), ["Unassigned"], "it wakes");
    rig.ada_says("!close").await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(rig.run.matrix.places(&room), ["Unassigned"], "the customer opens it");
    let topic = |rig: &Rig| rig.run.matrix.rooms.lock().unwrap().topics[&room].clone();
    assert!(topic(&rig).ends_with("open"), "{}", topic(&rig));
    let label = crm::store::NewLabel {
        name: "vip".parse().unwrap(),
        color: None,
        description: None,
    };
    rig.program.desk.create_label(label, None).await.unwrap();
    rig.ada_says("!assign").await;
    rig.ada_says("!label +vip").await;
    assert!(topic(&rig).ends_with("open · ada · vip"), "{}", topic(&rig));
    rig.ada_says("!label -vip").await;
    assert!(topic(&rig).ends_with("open · ada"), "{}", topic(&rig));
}

#[tokio::test]
async fn many_changes_at_once_are_one_move() {
    let (mut rig, room) = Rig::with_spaces().await;
    let puts = rig.puts();
    for said in ["!assign", "!snooze 2h", "!reopen", "!assign Bea", "!close"] {
        rig.ada_begins(said);
    }
    rig.take_in_rooms().await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.places(&room), ["Closed"]);
    assert!(rig.puts() - puts <= 4, "{} requests", rig.puts() - puts);
}

#[tokio::test]
async fn agents_come_and_go_with_their_sub_space() {
    let (mut rig, room) = Rig::with_spaces().await;
    for said in ["!assign", "!assign Bea"] {
        rig.ada_says(said).await;
    }
    assert_eq!(rig.run.matrix.places(&room), ["Mine (Bea)"]);
    let bea = rig.id_of_agent(BEA).await;
    let gone = AgentEdit {
        active: Some(false),
        ..AgentEdit::default()
    };
    rig.program.desk.edit_agent(bea, gone).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.run.matrix.places(&room), ["Unassigned"], "nobody has it");
    for name in ["Unassigned", "Snoozed", "Closed"] {
        assert_eq!(rig.members(name), (users(&[ADA]), users(&[BEA])), "{name}");
    }
    assert_eq!(rig.members("Mine (Bea)"), (users(&[]), users(&[ADA, BEA])));
    let team = rig.run.matrix.rooms.lock().unwrap().spaces.team.clone();
    assert_eq!(team, Some((vec![ADA.into()], vec![BEA.into()])));
    rig.agent("Cyd", Role::Agent).await;
    rig.settle().await;
    assert_eq!(rig.members("Mine (Cyd)").0, users(&["@cyd:test"]));
    let back = AgentEdit {
        active: Some(true),
        ..AgentEdit::default()
    };
    rig.program.desk.edit_agent(bea, back).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.members("Mine (Bea)").0, users(&[BEA]));
    for said in ["!assign", "!assign Bea"] {
        rig.ada_says(said).await;
    }
    assert_eq!(rig.run.matrix.places(&room), ["Mine (Bea)"]);
}

/// An agent who is limited to some accounts is not in the Space, whose members may join the rooms of all.
#[tokio::test]
async fn limited_agent_is_not_in_space_of_all() {
    let (mut rig, _) = Rig::with_spaces().await;
    let bea = rig.id_of_agent(BEA).await;
    let limited = AgentEdit {
        accounts: Some(Some(vec![])),
        ..AgentEdit::default()
    };
    rig.program.desk.edit_agent(bea, limited).await.unwrap();
    rig.settle().await;
    let team = rig.run.matrix.rooms.lock().unwrap().spaces.team.clone();
    assert_eq!(team, Some((vec![ADA.into()], vec![BEA.into()])));
    assert_eq!(rig.members("Unassigned").0, users(&[ADA, BEA]));
}

/// Also out of the Space of one who is not on Matrix any more.
#[tokio::test]
async fn former_matrix_user_is_put_out_of_spaces() {
    let (mut rig, _) = Rig::with_spaces().await;
    let bea = rig.id_of_agent(BEA).await;
    for (user, here) in [(Some("@bob:test"), &["@bob:test"][..]), (None, &[])] {
        let edit = AgentEdit {
            matrix_user: Some(user.map(str::to_owned)),
            ..AgentEdit::default()
        };
        rig.program.desk.edit_agent(bea, edit).await.unwrap();
        rig.settle().await;
        let (invited, excluded) = rig.members("Mine (Bea)");
        assert_eq!(invited, users(here));
        assert!(excluded.contains(&BEA.into()), "{excluded:?}");
        let (_, excluded) = rig.members("Unassigned");
        assert!(excluded.contains(&BEA.into()), "{excluded:?}");
        let team = rig.run.matrix.rooms.lock().unwrap().spaces.team.clone().unwrap();
        assert!(team.1.contains(&BEA.into()), "{team:?}");
    }
}

/// Rooms from before an upgrade, or of a time as a bot, are put into sub-spaces by and by.
#[tokio::test]
async fn rooms_from_before_are_put_into_sub_spaces() {
    let mut rig = Rig::new().await;
    for customer in 0..3 {
        rig.run.whatsapp.customer_writes(customer);
    }
    rig.settle().await;
    rig.ada_says("!close").await;
    rig.run.matrix.rooms.lock().unwrap().has_ghosts = true;
    rig.restart().await;
    rig.settle().await;
    let rooms = rig.run.matrix.rooms.lock().unwrap().rooms.clone();
    let places: Vec<_> = rooms.iter().map(|(_, room)| rig.run.matrix.places(room)).collect();
    assert_eq!(places, [["Closed"], ["Unassigned"], ["Unassigned"]]);
}

#[tokio::test]
async fn sub_space_that_is_gone_is_made_again() {
    let (mut rig, room) = Rig::with_spaces().await;
    rig.run.whatsapp.customer_writes(1);
    rig.settle().await;
    let other = rig.run.matrix.room();
    rig.ada_says("!close").await;
    rig.run.matrix.purge_space("Unassigned");
    rig.ada_says("!reopen").await;
    rig.patience().await;
    assert_eq!(rig.run.matrix.places(&room), ["Unassigned"]);
    assert_eq!(
        rig.run.matrix.places(&other),
        ["Unassigned"],
        "with those that were in it"
    );
}

#[tokio::test]
async fn room_that_is_gone_leaves_its_sub_space() {
    let (mut rig, room) = Rig::with_spaces().await;
    rig.run.matrix.put_out(&room);
    rig.settle().await;
    assert_eq!(rig.run.matrix.places(&room), Vec::<String>::new());
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    let new = rig.run.matrix.room();
    assert_ne!(new, room);
    assert_eq!(rig.run.matrix.places(&new), ["Unassigned"]);
}

/// Killed at each passage of a move, with the next one wanted already when it is back.
#[tokio::test]
async fn kill_leaves_room_in_one_sub_space() {
    for passages in 0..24 {
        let (mut rig, room) = Rig::with_spaces().await;
        rig.ada_begins("!assign");
        rig.run.gate.crash_after(passages);
        Box::pin(rig.work_through_crash()).await;
        rig.ada_begins("!close");
        rig.run.gate.crash_after(passages / 2);
        Box::pin(rig.work_through_crash()).await;
        Box::pin(rig.settle()).await;
        assert_eq!(rig.run.matrix.places(&room), ["Closed"], "after {passages}");
    }
}

/// As a bot there are none: they would use up the homeserver's limit.
#[tokio::test]
async fn bot_makes_no_sub_spaces() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.ada_says("!close").await;
    let rooms = rig.run.matrix.rooms.lock().unwrap();
    assert!(rooms.spaces.made.is_empty() && rooms.spaces.puts == 0);
}

/// The room has its customer's picture, and is given it once.
#[tokio::test]
async fn room_has_picture_of_its_customer() {
    let (mut rig, room) = Rig::with_spaces().await;
    let phone = rig.run.whatsapp.world.lock().unwrap().chats[0].phone.clone();
    let set = rig.program.desk.set_photo(&Identity::phone(&phone), None, &png()).await;
    let address = set.unwrap().photo_url;
    rig.settle().await;
    let given = |rig: &Rig| rig.run.matrix.rooms.lock().unwrap().spaces.avatars.clone();
    assert_eq!(given(&rig), [(room, address)]);
    rig.restart().await;
    rig.ada_says("!pending").await;
    assert_eq!(given(&rig).len(), 1);
}
