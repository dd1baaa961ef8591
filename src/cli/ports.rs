//! The adapters behind the two ports, from the configuration.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::home::Home;
use crate::config::Config;
use crate::domain::customer::PhoneNumber;
use crate::domain::matrix::Matrix;
use crate::domain::session::{Session, SessionEvent};
use crate::domain::whatsapp::{
    Batch, ChatSummary, LoginMethod, LookUp, OutgoingText, PageEvent, PageMark, Recipient, Resolved, SendError,
    Unreachable, WaMessage, WhatsApp,
};
use crate::domain::{AccountId, ChatId, WaMessageId};
use crate::supervisor::Supervisor;

/// One account's WhatsApp.
pub async fn whatsapp(
    _config: &Config,
    _home: &Home,
    _id: AccountId,
    _name: &str,
    _supervisor: &Supervisor,
) -> anyhow::Result<Arc<dyn WhatsApp>> {
    let session = Session::starting().handle(SessionEvent::Failed("the adapter is not built in yet".to_owned()), None);
    Ok(Arc::new(Absent(watch::Sender::new(session))))
}

/// The homeserver, where one is configured.
pub async fn matrix(
    _config: &Config,
    _home: &Home,
    _instance: &str,
    _supervisor: &Supervisor,
) -> anyhow::Result<Option<Arc<dyn Matrix>>> {
    Ok(None)
}

/// Holds the place of the adapter until it lands.
struct Absent(watch::Sender<Session>);

fn absent<T>() -> Result<T, Unreachable> {
    Err(Unreachable("the adapter is not built in yet".to_owned()))
}

#[async_trait]
impl WhatsApp for Absent {
    fn session(&self) -> watch::Receiver<Session> {
        self.0.subscribe()
    }

    fn bind(&self, _phone: Option<PhoneNumber>) {}

    async fn pull(&self, _acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        absent()
    }

    async fn resolve(&self, _to: &Recipient) -> Result<Option<Resolved>, Unreachable> {
        absent()
    }

    async fn choose_id(&self, _chat: &ChatId) -> Result<WaMessageId, Unreachable> {
        absent()
    }

    async fn type_for(&self, _chat: &ChatId, _text: &str) -> Result<(), Unreachable> {
        absent()
    }

    async fn send_text(&self, _message: &OutgoingText) -> Result<i32, SendError> {
        absent().map_err(SendError::Unreachable)
    }

    async fn look_up(&self, _chat: &ChatId, _id: &WaMessageId) -> Result<LookUp, Unreachable> {
        absent()
    }

    async fn mark_read(&self, _chat: &ChatId) -> Result<(), Unreachable> {
        absent()
    }

    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable> {
        absent()
    }

    async fn messages(&self, _chat: &ChatId, _count: usize) -> Result<Vec<PageEvent>, Unreachable> {
        absent()
    }

    async fn message(
        &self,
        _chat: &ChatId,
        _id: &WaMessageId,
        _from_me: bool,
    ) -> Result<Option<WaMessage>, Unreachable> {
        absent()
    }

    fn read_again(&self, bytes: &[u8]) -> PageEvent {
        PageEvent::Poison {
            bytes: bytes.to_vec(),
            error: "the adapter is not built in yet".to_owned(),
        }
    }

    async fn login(&self, _method: LoginMethod) -> Result<(), Unreachable> {
        absent()
    }

    async fn logout(&self) -> Result<(), Unreachable> {
        absent()
    }

    async fn take_over(&self) -> Result<(), Unreachable> {
        absent()
    }

    async fn close(&self, _limit: Duration) {}
}
