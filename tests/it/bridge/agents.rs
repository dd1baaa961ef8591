//! Who may speak to customers from a room.

use std::time::Duration;

use crm::bridge::{AgentEdit, AgentRequest, Answered, Revision, SendCommand, SendTo};
use crm::domain::agent::AgentSource;
use crm::domain::matrix::RoomEventKind;
use crm::domain::message::{Author, Message, Origin};
use crm::domain::{AgentId, Clock, MatrixUserId, Role};
use crm::store::{AgentChange, StoreError};

use super::Rig;

fn text(body: &str) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: None,
    }
}

/// An agent who leaves the configuration is put out of the rooms at the next start.
#[tokio::test]
async fn agent_out_of_configuration_leaves_rooms() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.settle().await;
    crm::bridge::reconcile_agents(&rig.program.store, &["@bea:test".into()])
        .await
        .unwrap();
    rig.settle().await;
    let room = rig.run.matrix.room();
    assert_eq!(rig.run.matrix.excluded(&room), ["@ada:test".into()]);
}

/// Nobody is notified of a room that they are not in.
#[tokio::test]
async fn agent_of_configuration_is_asked_into_rooms() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    let [ada, cy] = ["@ada:test", "@cy:test"].map(MatrixUserId::from);
    for named in [vec![ada.clone()], vec![cy.clone(), ada.clone()], vec![cy.clone()]] {
        crm::bridge::reconcile_agents(&rig.program.store, &named).await.unwrap();
        rig.settle().await;
        let mut invited = rig.run.matrix.invited(&room);
        invited.sort_by_key(|user| named.iter().position(|other| other == user));
        assert_eq!(invited, named);
    }
    let both = [ada, cy];
    crm::bridge::reconcile_agents(&rig.program.store, &both).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), both, "back again");
}

/// A seat that was passed on, an account that was stolen: the Matrix user is no agent any more, though the agent is one.
#[tokio::test]
async fn former_matrix_user_is_put_out_of_rooms() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let room = rig.run.matrix.room();
    let ada = rig.program.store.agents().list().await.unwrap()[0].id;
    let change = async |rig: &mut Rig, user: Option<&str>| {
        let edit = AgentEdit {
            matrix_user: Some(user.map(str::to_owned)),
            ..AgentEdit::default()
        };
        rig.program.desk.edit_agent(ada, edit).await.unwrap();
        rig.settle().await;
        (rig.run.matrix.invited(&room), rig.run.matrix.excluded(&room))
    };
    let users = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<_>>();
    for (user, invited, excluded) in [
        (Some("@bob:test"), &["@bob:test"][..], &["@ada:test"][..]),
        (None, &[], &["@ada:test", "@bob:test"]),
        (Some("@cy:test"), &["@cy:test"], &["@ada:test", "@bob:test"]),
        // Who is one again is none of the former.
        (Some("@ada:test"), &["@ada:test"], &["@bob:test", "@cy:test"]),
    ] {
        let (is_invited, is_excluded) = change(&mut rig, user).await;
        assert_eq!((is_invited, is_excluded), (users(invited), users(excluded)), "{user:?}");
    }
    let bob = AgentRequest {
        name: "Bob".to_owned(),
        matrix_user: Some("@bob:test".to_owned()),
        role: Role::Agent,
        accounts: None,
        signature: None,
        time_zone: None,
        idempotency: None,
    };
    rig.program.desk.create_agent(bob).await.unwrap();
    rig.restart().await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), users(&["@ada:test", "@bob:test"]));
    assert_eq!(rig.run.matrix.excluded(&room), users(&["@cy:test"]));
}

/// Rooms from before members could no longer invite, at the first start after it.
#[tokio::test]
async fn rooms_of_earlier_release_are_closed_once() {
    let mut rig = Rig::new().await;
    rig.met().await;
    rig.settle().await;
    let store = rig.program.store.clone();
    let agents = ["@ada:test".into(), "@bea:test".into()];
    crm::bridge::reconcile_agents(&store, &agents).await.unwrap();
    rig.settle().await;
    store
        .write::<_, _, StoreError, _>((), |tx, ()| {
            Box::pin(async move { tx.settings().set("rooms.closed", None).await })
        })
        .await
        .unwrap();
    for waiting in [1, 1] {
        crm::bridge::reconcile_agents(&store, &agents).await.unwrap();
        assert_eq!(rig.waiting().await, waiting);
    }
}

/// The table decides, also after a restart with a configuration that still names the agent.
#[tokio::test]
async fn deactivated_agent_reaches_no_customer() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let ada = rig.program.store.agents().list().await.unwrap()[0].id;
    rig.program
        .store
        .write::<_, _, StoreError, _>(ada, |tx, &ada| {
            Box::pin(async move { tx.agents().deactivate(ada, AgentSource::Person).await })
        })
        .await
        .unwrap();
    let now = rig.run.clock.now();
    rig.run.matrix.happens("@ada:test", text("one"), now);
    rig.settle().await;
    rig.restart().await;
    rig.run.matrix.happens("@ada:test", text("two"), now);
    rig.settle().await;
    assert_eq!(rig.messages().await.len(), 1, "the customer's alone");
    assert!(rig.run.matrix.notices().is_empty(), "a stranger is not answered");
}

impl Rig {
    async fn sign(&self, agent: AgentId, signature: Option<&str>) {
        let signature = signature.map(|text| text.parse().unwrap());
        let change = AgentChange {
            signature: Some(signature),
            ..AgentChange::default()
        };
        self.program
            .store
            .write::<_, _, StoreError, _>((agent, change), |tx, (agent, change)| {
                Box::pin(async move { tx.agents().update(*agent, change).await.map(|_| ()) })
            })
            .await
            .unwrap();
    }

    async fn sends_as(&self, agent: AgentId, content: &str, later: Option<Duration>) -> Message {
        let phone = self.run.whatsapp.world.lock().unwrap().chats[0].phone.clone();
        let author = Author {
            origin: Some(Origin::Api),
            name: "ada".into(),
        };
        let command = SendCommand {
            agent: Some(agent),
            send_at: later.map(|span| self.run.clock.now().plus(span)),
            ..SendCommand::of(SendTo::Phone(phone), content, author)
        };
        match self.program.desk.send(command).await.unwrap() {
            Answered::New(message) => message,
            Answered::Replayed(_) => unreachable!("it has no key"),
        }
    }

    /// What the customer's phone shows of us.
    fn on_phone(&self) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
        ours.map(|told| told.text.clone()).collect()
    }
}

/// From a room, from the API, for later, and edited: the phone shows it in each.
#[tokio::test]
async fn signature_of_agent_reaches_phone_from_every_face() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let ada = rig.program.store.agents().list().await.unwrap()[0].id;
    rig.run.matrix.happens("@ada:test", text("one"), rig.run.clock.now());
    rig.settle().await;
    rig.sign(ada, Some("Ada\nSales")).await;
    rig.run.matrix.happens("@ada:test", text("two"), rig.run.clock.now());
    rig.settle().await;
    let sent = rig.sends_as(ada, "three", None).await;
    rig.settle().await;
    assert_eq!(rig.on_phone(), ["one", "two\n\nAda\nSales", "three\n\nAda\nSales"]);
    let author = sent.author.clone().unwrap();
    let edit = Revision::Edit("third".to_owned());
    rig.program.desk.revise(sent.id, edit, author).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.on_phone()[2], "third\n\nAda\nSales");
    let kept = rig.program.store.messages().get(sent.id).await.unwrap().unwrap();
    assert_eq!(
        kept.content, "third\n\nAda\nSales",
        "what is stored is what the customer sees"
    );
    // As at acceptance.
    rig.sends_as(ada, "later", Some(Duration::from_mins(10))).await;
    rig.sign(ada, None).await;
    rig.run.clock.advance(Duration::from_mins(11));
    rig.settle().await;
    assert_eq!(rig.on_phone()[3], "later\n\nAda\nSales");
    // In the room the agent reads why a text is not sent.
    rig.sign(ada, Some("Ada")).await;
    let long = "x".repeat(65_536);
    rig.run.matrix.happens("@ada:test", text(&long), rig.run.clock.now());
    rig.settle().await;
    assert_eq!(rig.on_phone().len(), 4);
    let notices = rig.run.matrix.notices();
    assert!(
        notices.iter().any(|notice| notice.contains("with your signature")),
        "{notices:?}"
    );
}

/// Until it is assigned everybody is asked in, so that a message notifies somebody; then the one who has it.
#[tokio::test]
async fn room_asks_all_agents_until_assigned() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let new = |name: &str| crm::store::NewAgent {
        name: name.to_owned(),
        matrix_user: Some(format!("@{name}:test").as_str().into()),
        role: crm::domain::Role::Agent,
        accounts: None,
        signature: None,
        time_zone: None,
        source: AgentSource::Person,
    };
    let [bea, cy] = [new("bea"), new("cy")];
    let made = rig
        .program
        .store
        .write::<_, _, StoreError, _>((bea, cy), |tx, (bea, cy)| {
            Box::pin(async move {
                let bea = tx.agents().create(bea).await?.id;
                tx.agents().create(cy).await?;
                Ok(bea)
            })
        });
    let bea = made.await.unwrap();
    let room = rig.run.matrix.room();
    let conversation = rig.messages().await[0].conversation_id;
    let assign = async |rig: &Rig, from: Option<AgentId>, to: Option<AgentId>| {
        let assignment = crm::bridge::Assignment {
            to,
            from,
            expected: None,
        };
        rig.program.desk.assign(conversation, assignment).await.unwrap();
    };
    assign(&rig, None, Some(bea)).await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), ["@bea:test".into()]);
    assert!(rig.run.matrix.excluded(&room).is_empty(), "who is in it stays");
    let ada = rig.program.store.agents().list().await.unwrap()[0].id;
    assign(&rig, Some(bea), Some(ada)).await;
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), ["@ada:test".into()]);
    // Who has it is no agent any more: somebody must be notified.
    let left = AgentEdit {
        active: Some(false),
        ..AgentEdit::default()
    };
    rig.program.desk.edit_agent(ada, left).await.unwrap();
    rig.settle().await;
    assert_eq!(rig.run.matrix.invited(&room), ["@bea:test".into(), "@cy:test".into()]);
    assert_eq!(rig.run.matrix.excluded(&room), ["@ada:test".into()]);
}
