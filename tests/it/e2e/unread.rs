//! What counts as unread for an agent on matrix-js-sdk, the core of Element Web: each message of a customer, also in a room
//! that is new; and nothing that the bot does beside it.

use testbed::agents::{Agent, Client, Content};
use testbed::standin::Customer;

use crate::rig::PATIENCE;
use crate::rig::customers::phone_shows;
use crate::rig::desk::{AGENT, Desk, PASSWORD, Plan};

/// A room under test.
struct Room<'a> {
    agent: &'a Agent,
    id: String,
}

impl Room<'_> {
    /// Waits until the client counts so many messages as unread, at least.
    async fn until_unread(&self, least: u64) {
        let counts = |mirror: &testbed::agents::Mirror| {
            let room = mirror.room(&self.id)?;
            (room.unread >= least).then_some(())
        };
        self.agent.until("unread messages", PATIENCE, counts).await.unwrap();
    }

    /// Reads all that is there, and waits until nothing is unread.
    async fn read(&self) {
        let newest = self
            .agent
            .look(|mirror| mirror.messages(&self.id).last().map(|last| last.event_id.clone()));
        self.agent.read(&self.id, &newest.unwrap()).await.unwrap();
        let counts = |mirror: &testbed::agents::Mirror| (mirror.room(&self.id)?.unread == 0).then_some(());
        self.agent.until("nothing unread", PATIENCE, counts).await.unwrap();
    }

    fn unread(&self) -> u64 {
        self.agent
            .look(|mirror| mirror.room(&self.id).map_or(0, |room| room.unread))
    }
}

/// What the bot does after an agent's answer: status, ticks, receipt, card. Gives what is unread then.
async fn after_answer(room: &Room<'_>, customer: &Customer) -> u64 {
    let event = room.agent.send(&room.id, Content::text("ten pounds")).await.unwrap();
    phone_shows(customer, "ten pounds").await;
    customer.read_all();
    let is_read = |key: &str| key == "✓✓ read";
    room.agent
        .until_reaction(&room.id, &event, is_read, PATIENCE)
        .await
        .unwrap();
    // A mark of the bot's, later in the room than all of these.
    let note = room.agent.send(&room.id, Content::text("!note paid")).await.unwrap();
    room.agent
        .until_reaction(&room.id, &note, |key| key == "📝", PATIENCE)
        .await
        .unwrap();
    room.unread()
}

/// Counts in one mode: in a new room, in one that was read, and beside what the bot does.
async fn counts(name: &str, plan: Plan) -> u64 {
    let desk = Desk::ready(plan).await;
    let url = desk.synapse.as_ref().unwrap().url();
    let agent = Agent::start(Client::Js, &url, AGENT, PASSWORD).await.unwrap();
    let customer = desk.standin.customer("Una", "447700900601");
    customer.write("how much?");
    let id = agent.until_room("Una", PATIENCE).await.unwrap().room_id;
    let room = Room { agent: &agent, id };
    let shown =
        |words: &'static str| agent.until_message(&room.id, move |message| message.body().contains(words), PATIENCE);
    // A new room notifies by its invitation, which this client accepts at once.
    shown("how much?").await.unwrap();
    let card = |message: &testbed::agents::Message| message.body().contains("✋ take");
    agent.until_message(&room.id, card, PATIENCE).await.unwrap();
    room.read().await;
    let stanza = customer.write("and with cream?");
    shown("and with cream?").await.unwrap();
    room.until_unread(1).await;
    room.read().await;
    let beside = after_answer(&room, &customer).await;
    room.read().await;
    customer.edit(&stanza, "and without cream?");
    let is_edit = |message: &testbed::agents::Message| message.related("m.replace").is_some();
    agent.until_message(&room.id, is_edit, PATIENCE).await.unwrap();
    let edited = room.unread();
    println!("{name}: {beside} unread beside an answer, {edited} after an edit");
    beside + edited
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_customers_messages_count_as_unread() {
    if testbed::quick() {
        return;
    }
    let plain = Plan {
        encryption: false,
        ..Plan::with_matrix()
    };
    assert_eq!(counts("service", Plan::as_service()).await, 0);
    assert_eq!(counts("plain bot", plain).await, 0);
    // The homeserver cannot read what an encrypted event is: there each may count, until the client has decrypted it.
    counts("encrypted bot", Plan::with_matrix()).await;
}
