//! Commands, notes and what stays inside, in rooms: the bridge with both ports faked.

mod cards;
mod leaks;
mod notes;
mod overtaken;
mod people;
mod reactions;
mod repeats;
mod rights;
mod sends;
mod spaces;
mod work;

use std::time::Duration;

use crm::domain::agent::AgentSource;
use crm::domain::conversation::Conversation;
use crm::domain::matrix::RoomEventKind;
use crm::domain::{AgentId, Clock as _, MatrixEventId, Role};
use crm::store::{NewAgent, StoreError};

use super::Rig;

/// The agent of every rig.
const ADA: &str = "@ada:test";

fn text(body: &str, reply_to: Option<&MatrixEventId>) -> RoomEventKind {
    RoomEventKind::Text {
        body: body.to_owned(),
        reply_to: reply_to.cloned(),
    }
}

impl Rig {
    /// Returns the mark up to which the homeserver's events are handled.
    async fn mark(&self) -> String {
        let cursor = self.program.store.settings().cursor("matrix.sync").await;
        cursor.unwrap().unwrap()
    }

    /// Restarts the program at an earlier mark, so that the homeserver repeats all events since.
    async fn restart_at(&mut self, mark: String) {
        let store = &self.program.store;
        let set = store.write::<_, _, StoreError, _>(mark, |tx, mark| {
            Box::pin(async move { tx.settings().set_cursor("matrix.sync", mark).await })
        });
        set.await.unwrap();
        self.restart().await;
    }

    /// A desk whose first customer has written.
    async fn of_customer() -> Self {
        let mut rig = Box::pin(Self::new()).await;
        Box::pin(rig.met()).await;
        rig
    }

    /// An agent writes, and everything that follows is done. Gives the event.
    async fn agent_says(&mut self, sender: &str, body: &str, reply_to: Option<&MatrixEventId>) -> MatrixEventId {
        let now = self.run.clock.now();
        let event = self.run.matrix.happens(sender, text(body, reply_to), now);
        self.settle().await;
        event
    }

    /// Ada writes a command; gives what the bot says then.
    async fn answer_to(&mut self, command: &str) -> String {
        self.answer_in_reply(command, None).await
    }

    async fn answer_in_reply(&mut self, command: &str, reply_to: Option<&MatrixEventId>) -> String {
        let before = self.run.matrix.notices().len();
        self.agent_says(ADA, command, reply_to).await;
        let said = self.run.matrix.notices().split_off(before);
        said.join("\n--\n")
    }

    async fn conversation(&self) -> Conversation {
        let id = self.messages().await[0].conversation_id;
        self.program.store.conversations().get(id).await.unwrap().unwrap()
    }

    /// What WhatsApp took from us in the first chat.
    fn phone(&self) -> Vec<String> {
        let world = self.run.whatsapp.world.lock().unwrap();
        let ours = world.chats[0].on_page.iter().filter(|told| told.from_me);
        ours.map(|told| told.text.clone()).collect()
    }

    pub(super) async fn agent(&self, name: &str, role: Role) -> AgentId {
        let new = NewAgent {
            name: name.to_owned(),
            matrix_user: Some(
                format!("@{}:test", name.to_lowercase().replace(' ', "."))
                    .as_str()
                    .into(),
            ),
            role,
            accounts: None,
            signature: None,
            time_zone: None,
            source: AgentSource::Person,
        };
        let made = self
            .program
            .store
            .write::<_, _, StoreError, _>(new, |tx, new| Box::pin(async move { tx.agents().create(new).await }));
        made.await.unwrap().id
    }

    /// Gives Ada another role.
    async fn promote(&self, role: Role) {
        let change = crm::store::AgentChange {
            role: Some(role),
            ..crm::store::AgentChange::default()
        };
        self.program
            .store
            .write::<_, _, StoreError, _>(change, |tx, change| {
                Box::pin(async move {
                    let ada = tx.agents().of_user(&ADA.into()).await?.expect("she is an agent");
                    tx.agents().update(ada.id, change).await.map(|_| ())
                })
            })
            .await
            .unwrap();
    }

    /// Notes of the conversation, as they are stored.
    async fn notes(&self) -> Vec<String> {
        let id = self.conversation().await.id;
        let page = crm::store::PageRequest::first(100);
        let notes = self.program.store.notes().page(page, id).await.unwrap().data;
        notes.into_iter().map(|note| note.content).collect()
    }
}

/// Nothing is done by a command that reaches us long after it was written, if it may not hold any more.
#[tokio::test]
async fn late_command_is_answered_late_note_is_kept() {
    let mut rig = Rig::of_customer().await;
    let then = rig.run.clock.now().minus(Duration::from_hours(2));
    for body in ["!close", "!note still true"] {
        rig.run.matrix.happens(ADA, text(body, None), then);
    }
    rig.settle().await;
    let told = rig.run.matrix.notices();
    assert!(told.len() == 1 && told[0].contains("long after"), "{told:?}");
    assert_eq!(rig.conversation().await.status.as_str(), "open");
    assert_eq!(rig.notes().await, ["still true"]);
}
