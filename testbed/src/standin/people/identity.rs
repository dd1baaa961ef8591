//! Identities of a customer: number, LID and username; which of them we can see, and since when.

use serde_json::json;

use super::customer::Customer;
use super::jid::Jid;
use super::place::{Place, Sender};
use super::{CustomerId, PhoneId, Picture, Shown};
use crate::standin::messages::body::Body;
use crate::standin::messages::thread::Message;
use crate::standin::net::stanza::Stanza;
use crate::standin::options::Address;
use crate::standin::world::World;

impl World {
    /// Tells every page what may be known of a customer now.
    fn tell_of(&mut self, id: CustomerId) {
        let stanza = Stanza::Contact {
            chat: self.customers[id.0].jid(),
            person: self.person(id),
        };
        for phone in 0..self.phones.len() {
            self.tell_devices(PhoneId(phone), None, &stanza);
        }
    }

    /// Changes the name that a customer chose, or the one in our address book.
    pub(crate) fn rename(&mut self, id: CustomerId, name: &str, saved_name: Option<&str>) {
        let customer = &mut self.customers[id.0];
        name.clone_into(&mut customer.name);
        customer.saved_name = saved_name.map(str::to_owned);
        self.tell_of(id);
    }

    /// Sets or removes a customer's username.
    pub(crate) fn set_username(&mut self, id: CustomerId, username: Option<&str>) {
        self.customers[id.0].username = username.map(str::to_owned);
        self.tell_of(id);
    }

    /// Makes a customer's number visible to us.
    pub(crate) fn reveal_number(&mut self, id: CustomerId) {
        if self.customers[id.0].number.is_none() {
            self.customers[id.0].number = Some(format!("447700{}", self.random_digits(6)));
        }
        self.customers[id.0].shown = Shown::Both;
        self.tell_of(id);
    }

    /// Changes the number of an account. Each chat with the customer says so; a chat by number continues under the new
    /// one.
    pub(crate) fn change_number(&mut self, id: CustomerId, number: &str) {
        let old = self.customers[id.0].number.clone().unwrap_or_default();
        let mut body = Body::of("notification_template", serde_json::Map::new());
        body.set("subtype", "change_number");
        body.set("templateParams", json!([Jid::phone(&old), Jid::phone(number)]));
        let notice = self.phone_stanza_id();
        let hidden = self.customers[id.0].visible_number().is_none();
        for phone in (0..self.phones.len()).map(PhoneId) {
            if hidden || self.thread(phone, id).is_none() {
                continue;
            }
            let message = Message {
                body: body.clone(),
                ..Self::new_message(notice.clone(), false, String::new())
            };
            self.note(phone, Place::Direct(phone, id), Sender::customer(id), message);
        }
        self.customers[id.0].number = Some(number.to_owned());
        self.tell_of(id);
    }

    /// Sets whether it is hidden that this LID and this number are the same person.
    pub(crate) fn set_apart(&mut self, id: CustomerId, apart: bool) {
        self.give_lid(id);
        self.customers[id.0].shown = if apart { Shown::OneAtATime } else { Shown::Both };
        if !apart {
            self.tell_of(id);
        }
    }

    /// Changes or removes a customer's avatar.
    pub(crate) fn set_customer_picture(&mut self, id: CustomerId, picture: Option<Picture>) {
        self.customers[id.0].picture = picture;
        let stanza = Stanza::Picture {
            chat: self.customers[id.0].jid(),
        };
        for phone in 0..self.phones.len() {
            self.tell_devices(PhoneId(phone), None, &stanza);
        }
    }

    /// Returns the customer with a username.
    pub(crate) fn find_username(&self, username: &str) -> Option<CustomerId> {
        let wanted = |name: &String| name.eq_ignore_ascii_case(username);
        let found = self
            .customers
            .iter()
            .position(|customer| customer.on_whatsapp && customer.username.as_ref().is_some_and(wanted));
        found.map(CustomerId)
    }

    /// Gives a customer a LID, if they have none yet.
    pub(crate) fn give_lid(&mut self, customer: CustomerId) {
        if self.customers[customer.0].lid.is_none() {
            self.customers[customer.0].lid = Some(self.random_digits(15));
        }
    }
}

impl Customer {
    /// Changes the name that they chose, or the one in our phone's address book.
    pub fn rename(&self, name: &str, saved_name: Option<&str>) {
        self.service().with(|world| world.rename(self.id(), name, saved_name));
    }

    /// Sets a username.
    pub fn set_username(&self, username: &str) {
        self.service()
            .with(|world| world.set_username(self.id(), Some(username)));
    }

    /// Shows us their number from now on. A random one is drawn if they have none.
    pub fn reveal_number(&self) {
        self.service().with(|world| world.reveal_number(self.id()));
    }

    /// Changes their number (digits only); account and LID stay. The chat says so.
    pub fn change_number(&self, number: &str) {
        self.service().with(|world| world.change_number(self.id(), number));
    }

    /// Lets the server find them under another form of their number (digits only), as with Brazil's ninth digit. It answers
    /// with their own.
    pub fn also_answers_to(&self, number: &str) {
        self.service()
            .with(|world| world.customers[self.id().0].other_forms.push(number.to_owned()));
    }

    /// Hides from now on that their LID and their number are the same person, so that messages under the one and under
    /// the other (see [`Customer::go_by`]) are in two chats.
    pub fn keep_apart(&self) {
        self.service().with(|world| world.set_apart(self.id(), true));
    }

    /// Writes by LID or by number from now on, without a notice.
    pub fn go_by(&self, address: Address) {
        self.service().with(|world| {
            world.give_lid(self.id());
            world.customers[self.id().0].address = address;
        });
    }

    /// Tells everybody that their LID and their number are the same person. Two chats stay two until
    /// [`Customer::migrate_to_lid`] moves the chat by number into the one by LID.
    pub fn become_one(&self) {
        self.service().with(|world| world.set_apart(self.id(), false));
    }

    /// Changes their avatar.
    pub fn set_picture(&self, mimetype: &str, bytes: Vec<u8>) {
        self.service().with(|world| {
            let picture = world.new_picture(mimetype, bytes);
            world.set_customer_picture(self.id(), Some(picture));
        });
    }

    /// Removes their avatar.
    pub fn remove_picture(&self) {
        self.service().with(|world| world.set_customer_picture(self.id(), None));
    }

    /// Moves the chat from their number to their LID.
    pub fn migrate_to_lid(&self) {
        self.service().with(|world| world.migrate_to_lid(self.id()));
    }

    /// Returns their address by LID, if they have one.
    pub fn lid(&self) -> Option<Jid> {
        self.service()
            .look(|world| world.customers[self.id().0].lid.as_deref().map(Jid::lid))
    }
}
