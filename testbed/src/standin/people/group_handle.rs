//! A group as a test holds it: who does what in it, and what each member's phone shows.

use std::sync::Arc;

use super::customer::{Customer, Received};
use super::jid::Jid;
use super::place::{ChatWith, Place, Sender, Who};
use super::{GroupId, PhoneId};
use crate::standin::link::Phone;
use crate::standin::messages::doings::Draft;
use crate::standin::messages::thread::Message;
use crate::standin::net::service::Service;
use crate::standin::world::World;

/// A handle on a group. What is done to it without saying by whom is done by whoever made it.
#[derive(Clone)]
pub struct Group {
    service: Arc<Service>,
    id: GroupId,
}

impl From<&Group> for ChatWith {
    fn from(group: &Group) -> Self {
        Self::Group(group.id)
    }
}

impl From<&Customer> for Who {
    fn from(customer: &Customer) -> Self {
        Self::Customer(customer.id())
    }
}

impl From<&Phone> for Who {
    fn from(phone: &Phone) -> Self {
        Self::Phone(phone.id())
    }
}

impl Group {
    pub(crate) fn new(service: Arc<Service>, id: GroupId) -> Self {
        Self { service, id }
    }

    /// The group's address.
    pub fn id(&self) -> Jid {
        self.service.look(|world| world.groups[self.id.0].jid())
    }

    /// Which of the stand-in's groups it is.
    pub fn key(&self) -> GroupId {
        self.id
    }

    /// The address under which the group knows somebody.
    pub fn address_of(&self, who: impl Into<Who>) -> Jid {
        let who = who.into();
        self.service.look(|world| world.member_jid(self.id, who))
    }

    /// Who is in it, by the addresses that the group knows them by.
    pub fn members(&self) -> Vec<Jid> {
        let members = |world: &World| {
            let members = world.groups[self.id.0].members.keys();
            members.map(|who| world.member_jid(self.id, *who)).collect()
        };
        self.service.look(members)
    }

    fn place(&self) -> Place {
        Place::Group(self.id)
    }

    /// A customer writes a text. Gives its stanza id.
    pub fn write(&self, by: &Customer, text: &str) -> String {
        self.send(by, Draft::text(text))
    }

    /// A customer sends any message. Gives its stanza id.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a draft is sent once: `send(Draft::text(…))` is how it reads"
    )]
    pub fn send(&self, by: &Customer, draft: Draft) -> String {
        self.service.with(|world| world.write(self.place(), by.id(), &draft))
    }

    /// What our devices could not decrypt comes again, readable, under the same id.
    pub fn decrypt(&self, by: &Customer, id: &str) {
        self.service.with(|world| world.decrypt(self.place(), by.id(), id));
    }

    /// A customer edits one of their own messages.
    pub fn edit(&self, by: &Customer, id: &str, text: &str) {
        self.service.with(|world| {
            let edit = world.phone_stanza_id();
            world.edit(self.place(), Sender::customer(by.id()), (&edit, id), text);
        });
    }

    /// A customer deletes one of their own messages for everyone.
    pub fn delete(&self, by: &Customer, id: &str) {
        self.delete_of(by, by, id);
    }

    /// An admin deletes for everyone what somebody wrote.
    pub fn delete_of(&self, by: &Customer, writer: impl Into<Who>, id: &str) {
        let writer = writer.into();
        self.service.with(|world| {
            let revoke = world.phone_stanza_id();
            world.revoke(self.place(), Sender::customer(by.id()), &revoke, (writer, id));
        });
    }

    /// A customer reacts to what somebody wrote; an empty emoji takes the reaction back.
    pub fn react(&self, by: &Customer, writer: impl Into<Who>, id: &str, emoji: &str) {
        let writer = writer.into();
        self.service.with(|world| {
            let reaction = world.phone_stanza_id();
            world.react(self.place(), Sender::customer(by.id()), &reaction, (writer, id), emoji);
        });
    }

    /// A customer votes in a poll, by the names of its options.
    pub fn vote<T: AsRef<str>>(&self, by: &Customer, id: &str, options: &[T]) {
        let names: Vec<String> = options.iter().map(|name| name.as_ref().to_owned()).collect();
        self.service
            .with(|world| world.vote_by_name(self.place(), Sender::customer(by.id()), id, &names));
    }

    /// A customer starts or stops typing: `composing`, `recording` or `paused`.
    pub fn typing(&self, by: &Customer, state: &str) {
        self.service.with(|world| world.type_in_group(self.id, by.id(), state));
    }

    /// Adds somebody.
    pub fn add(&self, who: impl Into<Who>) {
        self.change(|world, id, owner| world.join(id, owner, who.into()));
    }

    /// Somebody comes in by the group's link.
    pub fn join(&self, who: impl Into<Who>) {
        let who = who.into();
        self.service.with(|world| world.join(self.id, who, who));
    }

    /// Sends somebody away.
    pub fn remove(&self, who: impl Into<Who>) {
        self.change(|world, id, owner| world.part(id, owner, who.into()));
    }

    /// Somebody leaves.
    pub fn leave(&self, who: impl Into<Who>) {
        let who = who.into();
        self.service.with(|world| world.part(self.id, who, who));
    }

    /// Makes somebody an admin.
    pub fn promote(&self, who: impl Into<Who>) {
        self.change(|world, id, owner| world.set_admin(id, owner, who.into(), true));
    }

    /// Makes somebody an ordinary member again.
    pub fn demote(&self, who: impl Into<Who>) {
        self.change(|world, id, owner| world.set_admin(id, owner, who.into(), false));
    }

    /// Changes its name.
    pub fn rename(&self, subject: &str) {
        self.change(|world, id, owner| world.set_subject(id, owner, subject));
    }

    /// Changes what it says about itself.
    pub fn describe(&self, description: &str) {
        self.change(|world, id, owner| world.set_description(id, owner, description));
    }

    /// Changes its picture.
    pub fn set_picture(&self, mimetype: &str, bytes: Vec<u8>) {
        self.change(|world, id, owner| {
            let picture = world.new_picture(mimetype, bytes);
            world.set_group_picture(id, owner, picture);
        });
    }

    /// Whether only admins may write from now on.
    pub fn set_announce(&self, announce: bool) {
        self.change(|world, id, owner| world.set_announce(id, owner, announce));
    }

    fn change(&self, change: impl FnOnce(&mut World, GroupId, Who)) {
        self.service.with(|world| {
            let owner = world.groups[self.id.0].owner;
            change(world, self.id, owner);
        });
    }

    /// What a member's phone shows of it, in order: what our accounts wrote, and what the other customers did.
    pub fn inbox_of(&self, member: &Customer) -> Vec<Received> {
        let all = self.service.look(|world| world.inbox(member.id()).to_vec());
        all.into_iter()
            .filter(|received| received.group == Some(self.id))
            .collect()
    }

    /// Resolves once a member's phone shows a message that `wanted` takes.
    pub async fn received(&self, member: &Customer, wanted: impl Fn(&Received) -> bool) -> Received {
        let own = |received: &&Received| received.group == Some(self.id) && wanted(received);
        self.service
            .until(|world| world.inbox(member.id()).iter().find(own).cloned())
            .await
    }

    /// What one of our accounts has of it: messages and notices.
    pub fn chat_of(&self, phone: PhoneId) -> Vec<Message> {
        let messages = |world: &World| world.thread(phone, self.id).map(|thread| thread.messages.clone());
        self.service.look(messages).unwrap_or_default()
    }
}
