//! Who makes the requests about rooms: the bot through the SDK, or one of the application service's users.

use matrix_sdk::Client;
use matrix_sdk::ruma::UserId;

use crate::matrix::homeserver::Acting;

/// Sender of requests.
#[derive(Clone, Copy)]
pub enum Caller<'a> {
    /// The bot, whose SDK adds the token and keeps what it must know.
    Bot {
        /// The bot's client.
        client: &'a Client,
        /// The bot's user.
        us: &'a UserId,
    },
    /// The application service.
    Service(Acting<'a>),
}

impl<'a> Caller<'a> {
    /// Returns the user as whom the requests are sent.
    pub fn us(&self) -> &'a UserId {
        match self {
            Self::Bot { us, .. } => us,
            Self::Service(acting) => acting.user(),
        }
    }
}

/// Sends a request in the caller's way. A macro and no function, because the SDK's bounds of a request have no public name.
macro_rules! send {
    ($caller:expr, $request:expr) => {
        match $caller {
            $crate::matrix::rooms::Caller::Bot { client, .. } => {
                client.send($request).await.map_err($crate::matrix::wire::Fault::from)
            }
            $crate::matrix::rooms::Caller::Service(acting) => acting.send($request).await,
        }
    };
}

pub(in crate::matrix) use send;
