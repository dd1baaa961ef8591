//! Who somebody is: one customer, one conversation, one room, whatever they come by.

mod parting;

use crm::bridge::{CustomerEdit, SendTo};
use crm::contract::EventType;
use crm::domain::conversation::Conversation;
use crm::domain::customer::{Customer, Identity, IdentitySource, PhoneNumber};
use crm::domain::merge::Merge;
use crm::domain::message::MessageState;
use crm::domain::outbox::Target;
use crm::domain::whatsapp::PageEvent;
use crm::domain::{ChatId, Clock, CustomerId};
use crm::store::{Contact, ConversationFilter, CustomerChange, CustomerFilter, PageRequest};
use futures_util::FutureExt as _;

use super::Rig;

const LID_CHAT: &str = "770001@lid";

fn lid() -> Identity {
    Identity::lid("770001")
}

impl Rig {
    /// The first merge that the first customer was part of.
    async fn merge(&self) -> Merge {
        let merges = self.program.store.merges().of_customer(CustomerId(1)).await;
        merges.unwrap().remove(0)
    }

    /// The first customer writes, as the page tells of it when it knows them by these.
    fn writes(&self, chat: &str, told: &[Identity], text: &str) {
        let now = self.run.clock.now();
        let mut message = self.run.whatsapp.message(0, text, text, now);
        message.chat = ChatId::from(chat);
        message.contact.identities = told.to_vec();
        self.run.whatsapp.event(PageEvent::Message(Box::new(message)));
    }

    fn number(&self) -> (String, Identity) {
        let world = self.run.whatsapp.world.lock().unwrap();
        let chat = &world.chats[0];
        (chat.id.as_str().to_owned(), Identity::phone(&chat.phone))
    }

    async fn customers(&self) -> Vec<Customer> {
        let page = self
            .program
            .store
            .customers()
            .page(PageRequest::first(10), &CustomerFilter::default())
            .await;
        page.unwrap().data
    }

    async fn conversations(&self) -> Vec<Conversation> {
        let all = ConversationFilter::default();
        let page = self
            .program
            .store
            .conversations()
            .page(PageRequest::first(10), all)
            .await;
        page.unwrap().data
    }

    async fn contents_of(&self, customer: CustomerId) -> Vec<String> {
        let messages = self.messages().await.into_iter();
        let of = messages.filter(|message| message.customer_id == Some(customer));
        of.map(|message| message.content).collect()
    }

    /// By LID, by number, and then by both together.
    async fn joined(&mut self) {
        let (chat, number) = self.number();
        self.writes(LID_CHAT, &[lid()], "by lid");
        self.settle().await;
        self.writes(&chat, std::slice::from_ref(&number), "by number");
        self.settle().await;
        assert_eq!(self.customers().await.len(), 2);
        self.writes(&chat, &[number, lid()], "together");
        self.settle().await;
    }
}

#[tokio::test]
async fn lid_number_and_username_are_one_customer() {
    let mut rig = Rig::new().await;
    rig.joined().await;
    let user = Identity::username("ada");
    rig.writes(LID_CHAT, &[lid(), user], "by username");
    rig.settle().await;
    let everything = ["by lid", "by number", "together", "by username"];
    assert_eq!(rig.customers().await.len(), 1);
    assert_eq!(rig.conversations().await.len(), 1);
    assert_eq!(rig.contents_of(CustomerId(1)).await, everything);

    let told = rig.events(EventType::CustomerMerged).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["customer"]["id"], 1);
    assert_eq!(told[0]["merged_customer_id"], 2);
    assert_eq!(told[0]["automatic"], true);
    assert_eq!(told[0]["joined"][0]["merged_conversation_id"], 2);
    let merge = rig.merge().await;
    assert_eq!(told[0]["merge_id"], merge.id.0);

    rig.program.desk.undo_merge(merge.id, "grace").await.unwrap();
    rig.settle().await;
    assert_eq!(rig.contents_of(CustomerId(1)).await, ["by lid", "by username"]);
    assert_eq!(rig.contents_of(CustomerId(2)).await, ["by number", "together"]);
    assert_eq!(rig.events(EventType::CustomerUnmerged).await.len(), 1);
    let (chat, number) = rig.number();
    rig.writes(&chat, &[number, lid()], "told again");
    rig.settle().await;
    assert_eq!(rig.customers().await.len(), 2, "a person has said that they are two");

    let again = rig.program.desk.merge_customers(CustomerId(1), CustomerId(2), "grace");
    let again = again.await.unwrap();
    rig.settle().await;
    assert_eq!(rig.conversations().await.len(), 1);
    assert_eq!(rig.contents_of(CustomerId(1)).await.len(), 5);
    let repeated = rig.program.desk.merge_customers(CustomerId(1), CustomerId(2), "grace");
    assert_eq!(repeated.await.unwrap(), again, "asked for twice it is done once");
}

#[tokio::test]
async fn left_room_links_new_room_and_sends_nothing() {
    let mut rig = Rig::new().await;
    rig.joined().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.starts_with("This conversation continues in https://matrix.to/#/!")),
        "{notices:?}"
    );
    rig.run.matrix.agent_writes(1, "into the old room");
    rig.settle().await;
    let notices = rig.run.matrix.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.starts_with("Not sent. This conversation continues"))
    );
    rig.run.matrix.agent_writes(0, "into the new room");
    rig.settle().await;
    let sent: Vec<String> = rig
        .messages()
        .await
        .into_iter()
        .map(|message| message.content)
        .collect();
    assert!(!sent.contains(&"into the old room".to_owned()));
    let answer = rig.message("into the new room").await;
    assert_eq!(
        answer.state,
        MessageState::Read,
        "it went out in the chat that was heard last"
    );

    let merge = rig.merge().await;
    rig.program.desk.undo_merge(merge.id, "grace").await.unwrap();
    rig.settle().await;
    rig.run.matrix.agent_writes(1, "here again");
    rig.settle().await;
    assert_eq!(rig.message("here again").await.customer_id, Some(CustomerId(2)));
    // What looks whether an answer is late is due half a minute after it.
    rig.let_cards_change().await;
    let waiting = rig.program.store.outbox().counts().await.unwrap();
    assert!(
        waiting.iter().all(|count| count.target != Target::Matrix),
        "{waiting:?}"
    );
}

/// rule 20: what was shown in the old room is ticked there.
#[tokio::test]
async fn message_from_old_room_is_ticked_there() {
    let mut rig = Rig::new().await;
    let (chat, number) = rig.number();
    rig.writes(LID_CHAT, &[lid()], "by lid");
    rig.settle().await;
    rig.writes(&chat, std::slice::from_ref(&number), "by number");
    rig.settle().await;
    let event = rig.run.matrix.agent_writes(1, "on its way").unwrap();
    rig.work().await;
    rig.writes(&chat, &[number, lid()], "together");
    rig.settle().await;
    assert_eq!(rig.customers().await.len(), 1);
    assert_eq!(rig.message("on its way").await.customer_id, Some(CustomerId(1)));
    assert_eq!(rig.run.matrix.ticks(&event), ["✓✓ read"]);
}

/// Somebody whose number we wrote to tells their LID, under which we know another customer.
#[tokio::test]
async fn number_with_known_lid_merges_customers() {
    let mut rig = Rig::new().await;
    let (chat, number) = rig.number();
    rig.writes(LID_CHAT, &[lid()], "by lid");
    rig.settle().await;
    let phone = number.value.parse().unwrap();
    rig.send_to(SendTo::Phone(phone), "to the number").await;
    rig.work().await;
    assert_eq!(rig.customers().await.len(), 2);
    rig.writes(&chat, &[number, lid()], "it is me");
    rig.settle().await;
    assert_eq!(rig.conversations().await.len(), 1);
    assert_eq!(
        rig.contents_of(CustomerId(1)).await,
        ["by lid", "to the number", "it is me"]
    );
    // Whoever still knows the other by their id reaches the same conversation.
    let sent = rig.send_to(SendTo::Customer(CustomerId(2)), "by the old id").await;
    assert_eq!(sent.customer_id, Some(CustomerId(1)));
}

/// The server answers with its own form of the number, as with Brazil's ninth digit.
#[tokio::test]
async fn number_in_other_form_is_one_customer() {
    let mut rig = Rig::new().await;
    let long: PhoneNumber = "+5511987654321".parse().unwrap();
    let (chat, short) = rig.number();
    rig.run
        .whatsapp
        .world
        .lock()
        .unwrap()
        .other_forms
        .push((long.clone(), 0));
    rig.send_to(SendTo::Phone(long.clone()), "hi").await;
    rig.settle().await;
    rig.writes(&chat, &[short.clone(), lid()], "oi");
    rig.settle().await;
    let again = rig.send_to(SendTo::Phone(long.clone()), "again").await;
    rig.settle().await;
    assert_eq!(rig.customers().await.len(), 1);
    assert_eq!(rig.conversations().await.len(), 1);
    assert_eq!(rig.contents_of(CustomerId(1)).await, ["hi", "oi", "again"]);
    let mut rooms: Vec<_> = rig.run.matrix.texts();
    rooms.retain(|text| text.ends_with(": hi") || text.ends_with(": oi"));
    assert_eq!(rooms.len(), 2, "{rooms:?}");
    for known in [Identity::phone(&long), short, lid()] {
        let customer = rig.program.store.customers().by_identity(&known).await.unwrap();
        assert_eq!(customer.map(|customer| customer.id), Some(CustomerId(1)));
    }
    assert_eq!(again.waiting, None);
}

/// Somebody whom we know by LID had the number; the server answers with another person.
#[tokio::test]
async fn number_of_another_person_joins_nobody() {
    let mut rig = Rig::new().await;
    let old: PhoneNumber = "+5511987654321".parse().unwrap();
    rig.writes(LID_CHAT, &[lid(), Identity::phone(&old)], "I had it");
    rig.settle().await;
    let conversation = rig.conversations().await.remove(0);
    let (chat, number) = rig.number();
    let store = rig.program.store.clone();
    let answer = crm::domain::whatsapp::Resolved {
        chat: ChatId::from(chat.as_str()),
        contact: crm::domain::whatsapp::WaContact {
            identities: vec![number, Identity::lid("770002"), Identity::phone(&old)],
            ..Default::default()
        },
    };
    let contact = Contact::new(&answer.contact.identities, None, None, IdentitySource::WhatsApp);
    let met = store
        .write(contact, |tx, contact| {
            async move { tx.customers().meet(contact).await }.boxed()
        })
        .await
        .unwrap();
    assert_ne!(Some(met.customer.id), conversation.customer_id);
    assert_eq!(rig.customers().await.len(), 2);
    assert!(rig.events(EventType::CustomerMerged).await.is_empty());
}

#[tokio::test]
async fn set_name_holds_and_is_reported_on_change() {
    let mut rig = Rig::new().await;
    rig.met().await;
    let edit = |name: Option<&str>| {
        let name = Some(name.map(ToOwned::to_owned));
        let change = CustomerChange {
            name,
            ..CustomerChange::default()
        };
        rig.program.desk.edit_customer(
            CustomerId(1),
            CustomerEdit {
                change,
                ..CustomerEdit::default()
            },
        )
    };
    assert_eq!(edit(Some("The \u{202e}countess")).await.unwrap().name, "The countess");
    edit(Some("The countess")).await.unwrap();
    assert!(edit(Some("\u{200b}")).await.is_err(), "a name that shows nothing");
    assert_eq!(rig.events(EventType::CustomerUpdated).await.len(), 1);
    assert_eq!(rig.conversations().await[0].name, "The countess");
    let waits = rig.program.store.outbox().counts().await.unwrap();
    assert_eq!(waits.len(), 1, "its room is to be renamed: {waits:?}");
    let told = edit(None).await.unwrap();
    assert_eq!(told.name, "Customer 00");
    rig.settle().await;
    rig.run.whatsapp.customer_writes(0);
    rig.settle().await;
    assert_eq!(
        rig.events(EventType::CustomerUpdated).await.len(),
        2,
        "the same name again is no news"
    );
}
