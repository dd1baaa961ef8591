//! Reasons to reload a page, and remedies for one that does not work.

use crate::domain::session::SessionEvent;
use crate::domain::vitals::Deafness;

/// Reason why a page is reloaded or its browser restarted, with a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The page does not load or does not answer.
    Failed(String),
    /// The library does not fit this version of the page.
    Mismatch(String),
    /// The page is connected but reports no events.
    Deaf(Deafness, String),
    /// The page works, and is reloaded to free memory or to update it.
    Upkeep(String),
}

impl Reason {
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
