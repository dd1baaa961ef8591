//! The desk: what the faces (API, and through it shell and console) may ask for. Each request that changes something is one
//! transaction and an answer; nothing external happens in it.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::core::registry::{Board, Line};
use crate::bridge::core::{Core, state};
use crate::domain::conversation::Conversation;
use crate::domain::matrix::MatrixStatus;
use crate::domain::session::{Session, SessionState};
use crate::domain::vitals::Vitals;
use crate::domain::{AccountId, ConversationId};

/// How long a request waits for the line of an account that was just added.
const UP_SOON: Duration = Duration::from_secs(5);
/// The handle that faces hold. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(crate) core: Core,
    pub(crate) board: Board,
    matrix: Option<watch::Receiver<MatrixStatus>>,
}

impl Desk {
    /// `matrix`: the homeserver's state, where one is configured.
    pub fn new(core: Core, lines: Vec<Line>, matrix: Option<watch::Receiver<MatrixStatus>>) -> Self {
        Self::over(core, Board::of(lines), matrix)
    }

    /// Over lines that come and go.
    pub(crate) const fn over(core: Core, board: Board, matrix: Option<watch::Receiver<MatrixStatus>>) -> Self {
        Self { core, board, matrix }
    }

    /// An agent has read a conversation: nothing is unread any more, and the customer may see it.
    pub async fn mark_read(&self, id: ConversationId) -> Result<Conversation, Refusal> {
        let conversation = self
            .core
            .write(id, |tx, &id| {
                async move {
                    let conversation = tx
                        .conversations()
                        .live(id)
                        .await?
                        .ok_or_else(|| not_found("conversation", id))?;
                    state::mark_answered(tx, &conversation).await?;
                    Ok::<_, Refusal>(tx.conversations().get(conversation.id).await?.unwrap_or(conversation))
                }
                .boxed()
            })
            .await?;
        self.agent_read(&conversation);
        Ok(conversation)
    }

    /// An agent has read: the customer's phone may show it.
    pub(crate) fn agent_read(&self, conversation: &Conversation) {
        if let Some(line) = self.line(conversation.account_id) {
            let core = self.core.of_account(&line.name);
            line.reader.agent_read(&core, conversation.id);
        }
    }

    /// The session of an account, with its codes: only for those who may link a device.
    pub async fn session(&self, account: AccountId) -> Result<watch::Receiver<Session>, Refusal> {
        Ok(self.driven(account).await?.port.session())
    }

    /// How an account's browser fares, where it is driven here.
    pub fn vitals(&self, account: AccountId) -> Option<Vitals> {
        self.line(account).map(|line| line.port.vitals())
    }

    /// Returns when the account is linked and what it missed is taken in.
    pub async fn until_taken_in(&self, account: AccountId) -> Result<(), Refusal> {
        let line = self.driven(account).await?;
        let (mut session, mut resynced) = (line.port.session(), line.resynced);
        loop {
            {
                let session = session.borrow_and_update();
                if session.state == SessionState::Ready && session.resync <= *resynced.borrow_and_update() {
                    return Ok(());
                }
            }
            let closed = tokio::select! {
                changed = session.changed() => changed.is_err(),
                changed = resynced.changed() => changed.is_err(),
            };
            if closed {
                return Err(Refusal::Unavailable("the account is not driven any more".to_owned()));
            }
        }
    }

    /// Why what was last wanted of an account's link has failed, now and whenever that changes.
    pub async fn link_failed(&self, account: AccountId) -> Result<watch::Receiver<Option<String>>, Refusal> {
        Ok(self.driven(account).await?.link_failed.subscribe())
    }

    /// The homeserver's state; `None` when none is configured.
    pub fn matrix_status(&self) -> Option<MatrixStatus> {
        self.matrix.as_ref().map(|status| status.borrow().clone())
    }

    /// Lets an outbox go that was parked by a restore (rule 5).
    pub async fn resume_outbox(&self) -> Result<(), Refusal> {
        self.core
            .write((), |tx, ()| {
                async move { Ok(tx.settings().set_parked(false).await?) }.boxed()
            })
            .await
    }

    /// The line of an account; one that was just added is waited for.
    pub(crate) async fn driven(&self, account: AccountId) -> Result<Line, Refusal> {
        let up = tokio::time::timeout(UP_SOON, self.board.until_up(account)).await;
        up.map_err(|_| {
            Refusal::Unavailable(format!(
                "this server does not drive the account {account}; `crm status` says why"
            ))
        })
    }

    pub(crate) fn line(&self, account: AccountId) -> Option<Line> {
        self.board.get(account)
    }
}
