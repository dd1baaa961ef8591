//! A group: members, name, and changes. Every change is a notice in the chat of each of our accounts that is in the
//! group, or was until this change.

use std::collections::BTreeMap;

use super::jid::Jid;
use super::place::{Place, Sender, Who};
use super::{CustomerId, GroupId, PhoneId, Picture};
use crate::standin::clock::now_ms;
use crate::standin::messages::body::Body;
use crate::standin::messages::thread::Message;
use crate::standin::net::wire::{GroupInfo, Participant};
use crate::standin::options::{Address, NewGroup};
use crate::standin::world::World;

/// Rank of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Member,
    Admin,
    /// Creator of the group; the others cannot remove them.
    SuperAdmin,
}

/// State of a group in the service.
#[derive(Debug)]
pub(crate) struct GroupState {
    pub id: String,
    pub subject: String,
    pub description: Option<String>,
    pub picture: Option<Picture>,
    pub owner: Who,
    /// Time of creation, in seconds since 1970.
    pub created: i64,
    /// Whether members see each other by LID or by number.
    pub address: Address,
    /// Whether only admins may write.
    pub announce: bool,
    pub members: BTreeMap<Who, Rank>,
    pub past: Vec<Who>,
}

impl GroupState {
    /// Returns the group's address.
    pub fn jid(&self) -> Jid {
        Jid::group(&self.id)
    }

    /// Returns our accounts in the group.
    pub fn phones(&self) -> impl Iterator<Item = PhoneId> {
        self.members.keys().filter_map(|who| match who {
            Who::Phone(phone) => Some(*phone),
            Who::Customer(_) => None,
        })
    }

    /// Returns the customers in the group.
    pub fn customers(&self) -> impl Iterator<Item = CustomerId> {
        self.members.keys().filter_map(|who| match who {
            Who::Customer(customer) => Some(*customer),
            Who::Phone(_) => None,
        })
    }

    /// Returns whether this person is an admin.
    pub fn is_admin(&self, who: Who) -> bool {
        self.members.get(&who).is_some_and(|rank| *rank > Rank::Member)
    }

    /// Returns whether the group accepts what this person writes.
    pub fn hears(&self, who: Who) -> bool {
        self.members.contains_key(&who) && (!self.announce || self.is_admin(who))
    }
}

impl World {
    /// Returns the address by which the group knows somebody.
    pub(crate) fn member_jid(&self, group: GroupId, who: Who) -> Jid {
        let by_lid = self.groups[group.0].address == Address::Lid;
        match who {
            Who::Phone(phone) => {
                let phone = &self.phones[phone.0];
                if by_lid {
                    Jid::lid(&phone.lid)
                } else {
                    Jid::phone(&phone.number)
                }
            }
            Who::Customer(customer) => {
                let customer = &self.customers[customer.0];
                match (&customer.lid, &customer.number) {
                    (Some(lid), _) if by_lid => Jid::lid(lid),
                    (_, Some(number)) => Jid::phone(number),
                    (Some(lid), None) => Jid::lid(lid),
                    (None, None) => Jid::lid("0"),
                }
            }
        }
    }

    /// Adds a group.
    pub(crate) fn add_group(&mut self, new: NewGroup) -> GroupId {
        let id = GroupId(self.groups.len());
        let first = new.phones.first().copied().unwrap_or(PhoneId(0));
        let owner = new.made_by.map_or(Who::Phone(first), Who::Customer);
        let created = new.t.unwrap_or_else(|| now_ms() / 1000);
        let number = format!("120363{}", self.random_digits(12));
        let others = new.members.iter().map(|customer| Who::Customer(*customer));
        let phones = new.phones.iter().map(|phone| Who::Phone(*phone));
        let mut members: BTreeMap<Who, Rank> = others.chain(phones).map(|who| (who, Rank::Member)).collect();
        members.insert(owner, Rank::SuperAdmin);
        for who in members.keys() {
            if let Who::Customer(customer) = who {
                self.give_lid(*customer);
            }
        }
        self.groups.push(GroupState {
            id: number,
            subject: new.subject.clone(),
            description: new.description,
            picture: None,
            owner,
            created,
            address: new.address,
            announce: new.announce,
            members,
            past: Vec::new(),
        });
        let notice = Body::notice("create", &self.others_in(id, owner));
        let told = self.groups[id.0].phones().collect::<Vec<_>>();
        self.tell(id, &told, owner, created, (&notice, &new.subject));
        id
    }

    fn others_in(&self, group: GroupId, who: Who) -> Vec<Jid> {
        let others = self.groups[group.0].members.keys().filter(|member| **member != who);
        others.map(|member| self.member_jid(group, *member)).collect()
    }

    /// Adds a member. If `by` is the same person, they joined by the group's link.
    pub(crate) fn join(&mut self, group: GroupId, by: Who, who: Who) {
        if let Who::Customer(customer) = who {
            self.give_lid(customer);
        }
        let state = &mut self.groups[group.0];
        if state.members.insert(who, Rank::Member).is_some() {
            return;
        }
        state.past.retain(|past| *past != who);
        let subtype = if by == who { "invite" } else { "add" };
        self.announce(group, by, subtype, &[self.member_jid(group, who)], "");
    }

    /// Removes a member. If `by` is the same person, they left.
    pub(crate) fn part(&mut self, group: GroupId, by: Who, who: Who) {
        let subtype = if by == who { "leave" } else { "remove" };
        let notice = Body::notice(subtype, &[self.member_jid(group, who)]);
        if !self.groups[group.0].members.contains_key(&who) {
            return;
        }
        // The removed member gets the notice too, so it is sent while they are still a member; it says that they are
        // not.
        let told = self.groups[group.0].phones().collect::<Vec<_>>();
        let state = &mut self.groups[group.0];
        state.members.remove(&who);
        state.past.push(who);
        self.tell(group, &told, by, now_ms() / 1000, (&notice, ""));
    }

    /// Makes a member an admin, or an ordinary member again.
    pub(crate) fn set_admin(&mut self, group: GroupId, by: Who, who: Who, admin: bool) {
        let rank = if admin { Rank::Admin } else { Rank::Member };
        let Some(now) = self.groups[group.0].members.get_mut(&who).filter(|now| **now != rank) else {
            return;
        };
        *now = rank;
        let subtype = if admin { "promote" } else { "demote" };
        self.announce(group, by, subtype, &[self.member_jid(group, who)], "");
    }

    /// Changes the name.
    pub(crate) fn set_subject(&mut self, group: GroupId, by: Who, subject: &str) {
        subject.clone_into(&mut self.groups[group.0].subject);
        self.announce(group, by, "subject", &[], subject);
    }

    /// Changes the description.
    pub(crate) fn set_description(&mut self, group: GroupId, by: Who, description: &str) {
        self.groups[group.0].description = Some(description.to_owned());
        self.announce(group, by, "description", &[], description);
    }

    /// Changes the avatar.
    pub(crate) fn set_group_picture(&mut self, group: GroupId, by: Who, picture: Picture) {
        self.groups[group.0].picture = Some(picture);
        self.announce(group, by, "picture", &[], "");
    }

    /// Sets whether only admins may write.
    pub(crate) fn set_announce(&mut self, group: GroupId, by: Who, announce: bool) {
        self.groups[group.0].announce = announce;
        let body = if announce { "on" } else { "off" };
        self.announce(group, by, "announce", &[], body);
    }

    /// Sends a notice to everybody in the group: what happened, to whom, and the group's new state.
    fn announce(&mut self, group: GroupId, by: Who, subtype: &str, whom: &[Jid], text: &str) {
        let told = self.groups[group.0].phones().collect::<Vec<_>>();
        self.tell(group, &told, by, now_ms() / 1000, (&Body::notice(subtype, whom), text));
    }

    fn tell(&mut self, group: GroupId, phones: &[PhoneId], by: Who, t: i64, (notice, text): (&Body, &str)) {
        let id = self.phone_stanza_id();
        for phone in phones {
            let message = Message {
                t,
                body: notice.clone(),
                ..Self::new_message(id.clone(), by == Who::Phone(*phone), text.to_owned())
            };
            self.note(*phone, Place::Group(group), Sender { who: by, device: None }, message);
        }
    }

    /// Returns the group as pages see it.
    pub(crate) fn group_info(&self, id: GroupId) -> GroupInfo {
        let group = &self.groups[id.0];
        let participants = group.members.iter().map(|(who, rank)| {
            let person = self.person_of(*who);
            Participant {
                id: self.member_jid(id, *who),
                admin: *rank > Rank::Member,
                super_admin: *rank == Rank::SuperAdmin,
                lid: person.lid,
                pn: person.pn,
                push_name: person.push_name,
            }
        });
        GroupInfo {
            id: group.jid(),
            subject: group.subject.clone(),
            description: group.description.clone(),
            owner: self.member_jid(id, group.owner),
            creation: group.created,
            announce: group.announce,
            lid_addressing: group.address == Address::Lid,
            participants: participants.collect(),
            past: group.past.iter().map(|who| self.member_jid(id, *who)).collect(),
        }
    }
}
