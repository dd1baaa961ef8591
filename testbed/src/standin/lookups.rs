//! Answers to a page's requests about people and groups.

use serde_json::{Value, json};

use super::device::DeviceId;
use super::net::wire::FromPage;
use super::people::jid::Jid;
use super::people::place::ChatWith;
use super::people::{CustomerId, GroupId, Shown};
use super::world::{ConnectionId, World};

impl World {
    /// Answers a page's request about people or groups.
    pub(crate) fn page_asks(&self, id: ConnectionId, device: DeviceId, frame: FromPage) {
        match frame {
            FromPage::Exists { n, jid } => {
                let found = self.find(&jid).map(|customer| self.existing(customer, &jid));
                self.reply(id, n, Ok(found.unwrap_or(Value::Null)));
            }
            FromPage::Username { n, username } => {
                let found = self.find_username(&username).map(|customer| {
                    let asked = self.customers[customer.0].jid();
                    self.existing(customer, &asked)
                });
                self.reply(id, n, Ok(found.unwrap_or(Value::Null)));
            }
            FromPage::Profile { n, jid } => {
                let profile = self.find_chat(&jid).map(|chat| self.profile(chat));
                self.reply(id, n, Ok(profile.unwrap_or(Value::Null)));
            }
            FromPage::Group { n, jid } => {
                let own = self.groups_of(device).into_iter();
                let found = own.map(|group| self.group_info(group)).find(|info| info.id == jid);
                self.reply(
                    id,
                    n,
                    found.map(|info| json!(info)).ok_or("this account is in no such group"),
                );
            }
            FromPage::Groups { n } => {
                let own = self.groups_of(device).into_iter();
                let answer = own.map(|group| json!(self.group_info(group))).collect();
                self.reply(id, n, Ok(Value::Array(answer)));
            }
            _ => {}
        }
    }

    /// Returns the groups of a device's account.
    fn groups_of(&self, device: DeviceId) -> Vec<GroupId> {
        let Some(phone) = self.devices.get(&device).map(|device| device.phone) else {
            return Vec::new();
        };
        let all = (0..self.groups.len()).map(GroupId);
        all.filter(|group| self.groups[group.0].phones().any(|member| member == phone))
            .collect()
    }

    fn profile(&self, chat: ChatWith) -> Value {
        let (picture, about) = match chat {
            ChatWith::Customer(customer) => {
                let customer = &self.customers[customer.0];
                (&customer.picture, &customer.about)
            }
            ChatWith::Group(group) => {
                let group = &self.groups[group.0];
                (&group.picture, &group.description)
            }
        };
        json!({ "picture": picture.as_ref().map(|picture| &picture.path), "about": about })
    }

    /// Returns the answer about a person. `wid` is the address that was asked about, or the server's own form of it;
    /// `chat` is the one to write to.
    fn existing(&self, customer: CustomerId, asked: &Jid) -> Value {
        let person = self.person(customer);
        let state = &self.customers[customer.0];
        let own = state.number.as_deref().filter(|_| state.is_other_form(asked));
        let asked = &own.map_or_else(|| asked.clone(), Jid::phone);
        json!({
            "wid": asked,
            "chat": if state.shown == Shown::OneAtATime { asked.clone() } else { state.jid() },
            "username": person.username,
            "pushname": person.push_name,
            "lid": person.lid.map(|lid| Jid::lid(&lid)),
            "pn": person.pn.map(|number| Jid::phone(&number)),
        })
    }
}
