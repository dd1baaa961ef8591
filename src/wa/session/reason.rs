//! Reasons to reload a page, and remedies for one that does not work.

use crate::domain::session::SessionEvent;
use crate::domain::vitals::Deafness;

/// Reason why a page is reloaded or its browser restarted, with a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The page does not load or does not answer.
    Failed(String),
    /// The page loads, and shows neither a QR code nor the chats.
    Unready(String),
    /// The library does not fit this version of the page.
    Mismatch(String),
    /// The page is connected but reports no events.
    Deaf(Deafness, String),
    /// The page works, and is reloaded to free memory or to update it.
    Upkeep(String),
}

/// Number of starts in a row without a usable page from which the browser profile is suspected.
const SUSPECTED_STARTS: u32 = 3;

impl Reason {
    /// Adds what a person can do, if so many starts in a row have led to a page that shows nothing. The profile holds the
    /// link to the phone, so it is never deleted unasked.
    #[must_use]
    pub fn after_starts(self, failed: u32) -> Self {
        match self {
            Self::Unready(why) if failed >= SUSPECTED_STARTS => Self::Unready(format!(
                "{why}; several starts have failed, so the browser profile may be damaged: to begin with a new one, run \
                 `crm account remove NAME`, `crm account add NAME` and `crm login --account NAME` (the conversations stay)"
            )),
            other => other,
        }
    }

    /// Returns the sentence for people.
    pub fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Unready(why) | Self::Mismatch(why) | Self::Deaf(_, why) | Self::Upkeep(why) => {
                why
            }
        }
    }

    /// Returns the kind of deafness to count, if the page was deaf.
    pub const fn deafness(&self) -> Option<Deafness> {
        match self {
            Self::Deaf(how, _) => Some(*how),
            Self::Mismatch(_) => Some(Deafness::Library),
            Self::Failed(_) | Self::Unready(_) | Self::Upkeep(_) => None,
        }
    }

    /// Returns the event for the session's state.
    pub fn event(&self) -> SessionEvent {
        match self {
            Self::Mismatch(why) => SessionEvent::Mismatch(why.clone()),
            Self::Failed(why) | Self::Unready(why) | Self::Deaf(_, why) => SessionEvent::Failed(why.clone()),
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
    fn repeated_failure_names_next_step() {
        let unready = || Reason::Unready("WhatsApp Web showed nothing".to_owned());
        for failed in 0..SUSPECTED_STARTS {
            assert_eq!(unready().after_starts(failed), unready());
        }
        let told = unready().after_starts(SUSPECTED_STARTS);
        assert!(told.why().contains("crm account remove"), "{}", told.why());
        assert_eq!(
            told,
            unready().after_starts(99),
            "the same each time, so it is told once"
        );
        let network = Reason::Failed("no network".to_owned());
        assert_eq!(network.clone().after_starts(99), network);
    }
}
