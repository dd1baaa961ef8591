//! Links in what a room shows: people who are mentioned, and the numbers of contact cards.

use crate::bridge::rooms::relay::RoomRelay;
use crate::domain::customer::{Identity, PhoneNumber};
use crate::domain::details::Mention;
use crate::domain::matrix::RoomContent;
use crate::domain::message::Message;
use crate::domain::shown::{Link, LinkTo};
use crate::domain::{CustomerId, mentions, wording};
use crate::store::StoreError;

/// Most people and numbers that are linked in one message; each person costs a query.
const MAX_LINKED: usize = 20;
/// Fewest digits of what can be dialled.
const MIN_DIGITS: usize = 3;

impl RoomRelay {
    /// Returns the content of a message with its links.
    pub(in crate::bridge::rooms) async fn linked(
        &self,
        message: &Message,
        mut content: RoomContent,
    ) -> Result<RoomContent, StoreError> {
        let (Some(details), RoomContent::Text { body, links, .. }) = (&message.details, &mut content) else {
            return Ok(content);
        };
        for number in wording::numbers(&details.contacts).iter().take(MAX_LINKED) {
            if let (Some(at), Some(dialled)) = (body.find(number.as_str()), dialled(number)) {
                links.push(Link {
                    range: at..at + number.len(),
                    to: LinkTo::Number(dialled),
                });
            }
        }
        if self.port.has_ghosts() {
            for mention in details.mentions.iter().take(MAX_LINKED) {
                let Some(name) = &mention.name else { continue };
                let places = mentions::places_of(body, name);
                if places.is_empty() {
                    continue;
                }
                if let Some(customer) = self.mentioned(mention).await? {
                    links.extend(places.into_iter().map(|range| Link {
                        range,
                        to: LinkTo::Customer(customer),
                    }));
                }
            }
        }
        apart(links);
        Ok(content)
    }

    /// Returns the customer who is mentioned, by LID or number, if they are one.
    async fn mentioned(&self, mention: &Mention) -> Result<Option<CustomerId>, StoreError> {
        let customers = self.core.store.customers();
        let user = mention.user.as_str();
        let mut found = customers.by_identity(&Identity::lid(user)).await?;
        if found.is_none()
            && let Ok(phone) = format!("+{user}").parse::<PhoneNumber>()
        {
            found = customers.by_identity(&Identity::phone(&phone)).await?;
        }
        Ok(found.map(|customer| customer.id))
    }
}

/// Brings links into the order of the text, without those that begin within another.
fn apart(links: &mut Vec<Link>) {
    links.sort_by_key(|link| (link.range.start, usize::MAX - link.range.end));
    let mut end = 0;
    links.retain(|link| {
        let is_apart = link.range.start >= end;
        if is_apart {
            end = link.range.end;
        }
        is_apart
    });
}

/// Returns a number as a phone dials it.
fn dialled(number: &str) -> Option<String> {
    let sign = if number.trim_start().starts_with('+') { "+" } else { "" };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= MIN_DIGITS).then(|| format!("{sign}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_dialled_without_its_spaces() {
        for (number, expected) in [
            ("+44 (7700) 900-123", Some("+447700900123")),
            ("112", Some("112")),
            ("12", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(dialled(number).as_deref(), expected, "{number}");
        }
    }

    #[test]
    fn links_that_overlap_give_way_to_longest() {
        let link = |range| Link {
            range,
            to: LinkTo::Customer(CustomerId(1)),
        };
        let mut links = vec![link(9..12), link(0..4), link(0..9), link(3..5)];
        apart(&mut links);
        assert_eq!(links, [link(0..9), link(9..12)]);
    }
}
