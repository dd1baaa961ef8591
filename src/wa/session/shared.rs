//! What the supervision publishes and the port reads, and what the port asks of the supervision.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::domain::Clock;
use crate::domain::account::Binding;
use crate::domain::customer::PhoneNumber;
use crate::domain::session::{Session, SessionEvent};
use crate::domain::vitals::Vitals;
use crate::wa::page::Page;

/// Requests to the supervision that wait; more are a fault of ours.
const MAX_REQUESTS: usize = 16;

/// What only the supervision may do with a page.
#[derive(Debug)]
pub enum Request {
    /// A pairing code was asked for, and is shown from now on.
    ShowPairingCode { phone: PhoneNumber, code: String },
    /// Load the page anew.
    Reload,
    /// Look at the page's status now.
    Look,
    /// It did not tell something that it shows.
    Heal,
}

/// End the browser in order, within the limit, and start no other.
#[derive(Debug)]
pub struct Close {
    pub limit: Duration,
    pub done: oneshot::Sender<()>,
}

/// One account's state, shared by its port and its supervision.
pub struct Shared {
    pub session: watch::Sender<Session>,
    /// Whose phone the account takes, once that is told.
    pub bound: watch::Sender<Option<Binding>>,
    /// The page that we are attached to.
    pub page: watch::Sender<Option<Arc<Page>>>,
    pub vitals: watch::Sender<Vitals>,
    /// When the page was last asked for something on behalf of somebody.
    pub used: watch::Sender<Instant>,
    pub clock: Arc<dyn Clock>,
    pub requests: mpsc::Sender<Request>,
    pub closing: mpsc::Sender<Close>,
}

/// The supervision's ends of the channels.
#[derive(Debug)]
pub struct Asked {
    pub requests: mpsc::Receiver<Request>,
    pub closing: mpsc::Receiver<Close>,
}

impl Shared {
    pub fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, Asked) {
        let (requests, requests_received) = mpsc::channel(MAX_REQUESTS);
        let (closing, closing_received) = mpsc::channel(MAX_REQUESTS);
        let shared = Self {
            session: watch::Sender::new(Session::starting()),
            bound: watch::Sender::new(None),
            page: watch::Sender::new(None),
            vitals: watch::Sender::new(Vitals::default()),
            used: watch::Sender::new(Instant::now()),
            clock,
            requests,
            closing,
        };
        let asked = Asked {
            requests: requests_received,
            closing: closing_received,
        };
        (Arc::new(shared), asked)
    }

    /// Lets the session take in what happened, and publishes it if that changed anything.
    pub fn happened(&self, event: SessionEvent) {
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

    /// Somebody uses the page.
    pub fn is_used(&self) {
        self.used.send_replace(Instant::now());
    }

    pub fn page(&self) -> Option<Arc<Page>> {
        self.page.borrow().clone()
    }
}
