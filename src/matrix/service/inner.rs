//! Parts of the service that its calls and workers share.

use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::ghosts::Ghosts;
use super::inbox::Inbox;
use super::invitations;
use super::session::Session;
use super::sweeping::Sweep;
use crate::domain::moving::Logins;
use crate::domain::{Clock, MatrixRoomId, MatrixUserId};
use crate::matrix::connection::Connection;
use crate::matrix::options::ServiceOptions;
use crate::matrix::rooms::{Rooms, Team};
use crate::supervisor::Supervisor;

/// Number of files that are uploaded at once.
const UPLOADS: usize = 2;

/// The one state behind all clones of a service.
pub(super) struct Inner {
    pub(super) options: ServiceOptions,
    pub(super) connection: Connection<Arc<Session>>,
    pub(super) supervisor: Supervisor,
    pub(super) inbox: Inbox,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rooms: Rooms,
    pub(super) ghosts: Ghosts,
    /// Users that are or were this desk's own.
    pub(super) logins: Mutex<Logins>,
    /// Held during an upload, whose file is in memory as a whole.
    pub(super) uploads: Semaphore,
    /// Whether the Space was looked at in this run.
    pub(super) has_space: AtomicBool,
    /// The sweep that is under way.
    pub(super) sweep: tokio::sync::Mutex<Option<Sweep>>,
    /// Failures of its present step.
    pub(super) failures: AtomicU32,
}

impl Inner {
    /// Returns the parts, not connected yet.
    pub(super) fn new(options: ServiceOptions, clock: Arc<dyn Clock>, supervisor: &Supervisor) -> Self {
        Self {
            logins: Mutex::new(options.logins.clone()),
            options,
            connection: Connection::new(),
            supervisor: supervisor.clone(),
            inbox: Inbox::new(),
            clock,
            rooms: Rooms::new(),
            ghosts: Ghosts::new(),
            uploads: Semaphore::new(UPLOADS),
            has_space: AtomicBool::new(false),
            sweep: tokio::sync::Mutex::new(None),
            failures: AtomicU32::new(0),
        }
    }

    /// Declines invitations of our users.
    pub(super) fn decline(&self, session: &Arc<Session>, invitations: Vec<(MatrixRoomId, MatrixUserId)>) {
        if !invitations.is_empty() {
            let decline = invitations::decline(Arc::clone(session), invitations);
            self.supervisor.spawn_short("matrix-invitations", decline);
        }
    }

    /// Returns the users that are or were this desk's own.
    pub(super) fn logins(&self) -> Logins {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the same with those of a session, which the first start has not stored yet.
    pub(super) fn logins_with(&self, session: &Session) -> Logins {
        let mut logins = self.logins();
        logins.add(session.own());
        logins
    }

    /// Returns who belongs into the Space.
    pub(super) fn team<'a>(&'a self, logins: &'a Logins) -> Team<'a> {
        Team {
            logins,
            space: &self.options.space,
            agents: &self.options.agents,
            owner: self.options.owner.as_ref(),
            room_version: self.options.room_version.as_deref(),
        }
    }
}
