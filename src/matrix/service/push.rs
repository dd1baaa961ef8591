//! What the homeserver calls: transactions, and questions about our users.

use std::time::Duration;

use async_trait::async_trait;
use subtle::ConstantTimeEq as _;

use super::adapter::Service;
use super::inbox::Taken;
use super::invitations;
use crate::domain::app_service::{AppService, Pushed};
use crate::domain::matrix::RoomEventKind;
use crate::matrix::wire::Transaction;

/// How long a push waits until we are connected.
const READY_WITHIN: Duration = Duration::from_secs(10);

#[async_trait]
impl AppService for Service {
    fn is_homeserver(&self, token: &str) -> bool {
        let expected = &self.inner.options.registration.hs_token;
        // Lengths are no secret: a registration that we make has tokens of one length.
        token.as_bytes().ct_eq(expected.as_bytes()).into()
    }

    async fn push(&self, transaction: &str, body: &[u8]) -> Pushed {
        let inner = &self.inner;
        // Who is one of us is known only once we are connected. The homeserver pushes while we still greet it: a refusal
        // would make it wait for minutes.
        let Ok(session) = inner.connection.ready_within(READY_WITHIN).await else {
            return Pushed::NotNow;
        };
        let connection = inner.connection.times_ready();
        let mut read = Transaction::read(body);
        let unreadable = read.unreadable;
        let invitations = invitations::of(&session, &inner.logins(), &read.events);
        inner.decline(&session, invitations);
        read.events.retain(|event| match event.what {
            RoomEventKind::Other => false,
            // What stands before our own one in a room is another login's.
            RoomEventKind::Fence => true,
            _ => !session.is_ours(event.sender.as_str()),
        });
        read.receipts.retain(|receipt| !session.is_ours(receipt.user.as_str()));
        for typing in &mut read.typing {
            typing.users.retain(|user| !session.is_ours(user.as_str()));
        }
        // Most of what is pushed is what we sent ourselves.
        if read.events.is_empty() && read.receipts.is_empty() && read.typing.is_empty() {
            return Pushed::Stored { unreadable };
        }
        let before = match inner.before(&session, &read.events, connection).await {
            Ok(before) => before,
            Err(error) => {
                tracing::debug!("a push waits, for its rooms cannot be looked through: {error}");
                inner.inbox.note_refused();
                return Pushed::NotNow;
            }
        };
        match inner.inbox.offer(transaction, read, before).await {
            Taken::Stored => Pushed::Stored { unreadable },
            Taken::NotNow => Pushed::NotNow,
        }
    }

    fn has_user(&self, user: &str) -> bool {
        // Ghosts are made before they are seen anywhere: a user of whom somebody asks is none.
        let session = self.inner.connection.client();
        session.is_ok_and(|session| session.us().as_str() == user)
    }
}
