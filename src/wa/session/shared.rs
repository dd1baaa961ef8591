//! State and channels shared by an account's port and its supervision.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::domain::Clock;
use crate::domain::account::Binding;
use crate::domain::customer::PhoneNumber;
use crate::domain::session::{Session, SessionEvent};
use crate::domain::vitals::BrowserHealth;
use crate::wa::page::Page;

/// Maximum number of waiting requests.
const MAX_REQUESTS: usize = 16;

/// Request to the supervision, for actions that only it may take.
#[derive(Debug)]
pub enum Request {
    /// Show a pairing code, and renew it when it expires.
    ShowPairingCode {
        /// The phone that it is for.
        phone: PhoneNumber,
        /// The code.
        code: String,
    },
    /// Reload the page.
    Reload,
    /// Check the page's status now.
    CheckStatus,
    /// Apply a remedy: the page shows messages that it did not report.
    Heal,
}

/// Request to close the browser, and to start no other.
#[derive(Debug)]
pub struct Close {
    /// Time after which the browser is killed.
    pub limit: Duration,
    /// Answered when no process is left.
    pub done: oneshot::Sender<()>,
}

/// State of one account.
pub struct Shared {
    /// The session's state.
    pub session: watch::Sender<Session>,
    /// The phone that the account is bound to, once the bridge has set it.
    pub bound: watch::Sender<Option<Binding>>,
    /// The attached page, if there is one.
    pub page: watch::Sender<Option<Arc<Page>>>,
    /// Memory, reloads and deafness, for metrics.
    pub vitals: watch::Sender<BrowserHealth>,
    /// Time of the page's last use.
    pub used: watch::Sender<Instant>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Requests to the supervision.
    pub requests: mpsc::Sender<Request>,
    /// Requests to close the browser.
    pub closing: mpsc::Sender<Close>,
}

/// The receiving ends of the channels, for the supervision.
#[derive(Debug)]
pub struct Receivers {
    /// See [`Shared::requests`].
    pub requests: mpsc::Receiver<Request>,
    /// See [`Shared::closing`].
    pub closing: mpsc::Receiver<Close>,
}

impl Shared {
    /// Creates the state and the channels.
    pub fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, Receivers) {
        let (requests, requests_received) = mpsc::channel(MAX_REQUESTS);
        let (closing, closing_received) = mpsc::channel(MAX_REQUESTS);
        let shared = Self {
            session: watch::Sender::new(Session::starting()),
            bound: watch::Sender::new(None),
            page: watch::Sender::new(None),
            vitals: watch::Sender::new(BrowserHealth::default()),
            used: watch::Sender::new(Instant::now()),
            clock,
            requests,
            closing,
        };
        let receivers = Receivers {
            requests: requests_received,
            closing: closing_received,
        };
        (Arc::new(shared), receivers)
    }

    /// Applies an event to the session's state, and publishes the state if it changed.
    pub fn apply(&self, event: SessionEvent) {
        let bound = self.bound.borrow().clone();
        self.session.send_if_modified(|session| {
            let next = session.handle(event, bound.as_ref());
            if next == *session {
                return false;
            }
            if next.state != session.state || next.resync != session.resync {
                tracing::info!(from = %session.state, to = %next.state, resync = next.resync, "WhatsApp session");
            }
            *session = next;
            true
        });
    }

    /// Notes that the page is in use: upkeep leaves it alone for a while.
    pub fn touch(&self) {
        self.used.send_replace(Instant::now());
    }

    /// Returns the attached page.
    pub fn page(&self) -> Option<Arc<Page>> {
        self.page.borrow().clone()
    }
}
