//! Messages for people who are not to see customers' numbers (`hide_numbers`).

use super::forward::Forwarded;
use super::{Kind, Message};
use crate::domain::numbers::{HIDDEN, mentions_without, name_without, text_without};

impl Message {
    /// Returns the message without numbers where WhatsApp has put them: for the name of a person who has none, in a mention,
    /// and in its own notices. What people wrote stays.
    #[must_use]
    pub fn without_numbers(mut self) -> Self {
        let customer = self.customer_id.map(|id| id.0);
        // Agents and programs have an origin, and names of their own.
        if let Some(author) = self.author.as_mut().filter(|author| author.origin.is_none()) {
            author.name = name_without(&author.name, customer);
        }
        if self.kind == Kind::System {
            self.content = text_without(&self.content);
        }
        if let Some(details) = &mut self.details {
            for mention in &mut details.mentions {
                let name = mention.name.as_deref();
                mention.name = Some(name.map_or_else(|| HIDDEN.to_owned(), |name| name_without(name, None)));
            }
            if let Some(name) = details.quote.as_mut().and_then(|quote| quote.name.as_mut()) {
                *name = name_without(name, None);
            }
        }
        self
    }
}

impl Forwarded {
    /// Returns the content without the numbers of people whom a text mentions and who have no name.
    #[must_use]
    pub fn without_numbers(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(mentions_without(&text)),
            Self::File { id, kind, caption } => Self::File {
                id,
                kind,
                caption: mentions_without(&caption),
            },
            Self::Special(special) => Self::Special(special),
        }
    }
}
