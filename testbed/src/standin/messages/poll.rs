//! Polls and their votes.

use serde::Serialize;
use serde_json::Value;

use super::body::Body;
use crate::standin::clock::now_ms;
use crate::standin::net::stanza::Content;
use crate::standin::people::PhoneId;
use crate::standin::people::jid::Jid;
use crate::standin::people::place::{Place, Sender, Who};
use crate::standin::world::World;

/// Last vote of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// Stanza id of the vote.
    pub id: String,
    /// Chosen options, by their numbers in the poll.
    pub options: Vec<u32>,
    /// Chosen options, by their names.
    pub names: Vec<String>,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

impl World {
    /// Stores a vote in a poll. A vote in an unknown poll is delivered all the same.
    pub(crate) fn vote(
        &mut self,
        place: Place,
        sender: Sender,
        id: &str,
        (writer, target): (Who, &str),
        options: &[u32],
    ) {
        let (author, at_ms) = (self.author(place, writer), now_ms());
        for phone in self.phones_in(place) {
            let voter = self.voter(place, phone, sender);
            let target_from_me = writer == Who::Phone(phone);
            let thread = self.thread_mut(phone, place.chat());
            if let Some(poll) = thread.by(author.as_ref(), target_from_me, target) {
                let names = names_of(&poll.body, options);
                let vote = Vote {
                    id: id.to_owned(),
                    options: options.to_vec(),
                    names,
                    at_ms,
                };
                poll.votes.insert(voter, vote);
            }
            let content = Content::Vote {
                target: target.to_owned(),
                target_from_me,
                target_author: author.clone(),
                options: options.to_vec(),
                at_ms,
            };
            self.spread(phone, place, sender, (id, at_ms / 1000), content);
        }
    }

    /// Votes for a customer, by the names of the options.
    pub(crate) fn vote_by_name(&mut self, place: Place, sender: Sender, target: &str, names: &[String]) {
        let (chat, id) = (place.chat(), self.phone_stanza_id());
        let phones = self.phones_in(place);
        let found = phones.iter().find_map(|phone| {
            let thread = self.thread(*phone, chat)?;
            let poll = thread.get(true, target).or_else(|| thread.get(false, target))?;
            let author = || poll.author.as_ref().and_then(|author| self.find_anyone(author));
            let writer = if poll.from_me {
                Some(Who::Phone(*phone))
            } else {
                author().or(Some(sender.who))
            };
            Some((writer?, numbers_of(&poll.body, names)))
        });
        let unknown = || {
            let writer = phones.first().map_or(sender.who, |phone| Who::Phone(*phone));
            (writer, (0..).zip(names).map(|(number, _)| number).collect())
        };
        let (writer, options) = found.unwrap_or_else(unknown);
        self.vote(place, sender, &id, (writer, target), &options);
    }

    /// Returns the address under which an account sees somebody vote.
    fn voter(&self, place: Place, phone: PhoneId, sender: Sender) -> Jid {
        let chat = self.address(place);
        self.author(place, sender.who).unwrap_or_else(|| {
            if sender.is(phone) {
                self.phones[phone.0].me_in(&chat)
            } else {
                chat
            }
        })
    }
}

/// Returns number and name of each option of a poll.
fn options_of(poll: &Body) -> impl Iterator<Item = (u32, &str)> {
    let options = poll.fields.get("pollOptions").and_then(Value::as_array);
    options.into_iter().flatten().filter_map(|option| {
        let number = u32::try_from(option.get("localId")?.as_u64()?).ok()?;
        Some((number, option.get("name")?.as_str()?))
    })
}

fn names_of(poll: &Body, numbers: &[u32]) -> Vec<String> {
    let chosen = options_of(poll).filter(|(number, _)| numbers.contains(number));
    chosen.map(|(_, name)| name.to_owned()).collect()
}

fn numbers_of(poll: &Body, names: &[String]) -> Vec<u32> {
    let chosen = options_of(poll).filter(|(_, name)| names.iter().any(|wanted| wanted == name));
    chosen.map(|(number, _)| number).collect()
}
