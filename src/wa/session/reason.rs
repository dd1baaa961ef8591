//! Reasons to reload a page, and remedies for one that does not work.

use std::time::Duration;

use crate::domain::session::SessionEvent;
use crate::domain::vitals::Deafness;

/// Reason why a page is reloaded or its browser restarted, with a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The page does not load, does not answer, or shows neither a QR code nor the chats.
    Failed(String),
    /// The library does not fit this version of the page.
    Mismatch(String),
    /// The page is connected but reports no events.
    Deaf(Deafness, String),
    /// The page works, and is reloaded to free memory, to update it, or to show the QR code again.
    Upkeep(String),
}

impl Reason {
    /// Returns the reason of a page that showed nothing for so long, with what a person can do. It has the same words at each
    /// start, so that they are told once. The profile holds the link to the phone, so it is never deleted unasked.
    pub fn unready(waited: Duration) -> Self {
        Self::Failed(format!(
            "WhatsApp Web showed neither a QR code nor the chats within {waited:?}; check the network. If it stays so over several \
             starts, the browser profile may be damaged: to begin with a new one, run `crm account remove NAME`, `crm account add \
             NAME` and `crm login --account NAME` (the conversations stay)"
        ))
    }

    /// Returns the sentence for people.
    pub fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Mismatch(why) | Self::Deaf(_, why) | Self::Upkeep(why) => why,
        }
    }

    /// Returns the kind of deafness to count, if the page was deaf.
    pub const fn deafness(&self) -> Option<Deafness> {
        match self {
            Self::Deaf(how, _) => Some(*how),
            Self::Mismatch(_) => Some(Deafness::Library),
            Self::Failed(_) | Self::Upkeep(_) => None,
        }
    }

    /// Returns the event for the session's state.
    pub fn event(&self) -> SessionEvent {
        match self {
            Self::Mismatch(why) => SessionEvent::Mismatch(why.clone()),
            Self::Failed(why) | Self::Deaf(_, why) => SessionEvent::Failed(why.clone()),
            Self::Upkeep(_) => SessionEvent::Starting,
        }
    }
}

/// Action against a problem of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Request a fresh QR code.
    RefreshQr,
    /// Ask WhatsApp's server for a sign of life (rule 16).
    Probe,
    /// Attach the page script's listeners in another way.
    Relisten,
    /// Reload the page.
    Reload(Reason),
    /// Restart the browser.
    Restart(Reason),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_that_shows_nothing_names_next_step() {
        let told = Reason::unready(Duration::from_mins(1));
        assert!(told.why().contains("crm account remove"), "{}", told.why());
        assert_eq!(
            told,
            Reason::unready(Duration::from_mins(1)),
            "the same at each start, so it is told once"
        );
    }
}
