//! The implementation of [`WhatsApp`]: each call becomes one of the page script, under a deadline. A failure says how
//! certain it is that nothing was sent.

use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::client::{WhatsAppWeb, call_failed};
use super::{history, login, outgoing, pacing};
use crate::domain::account::Binding;
use crate::domain::media::Sink;
use crate::domain::session::Session;
use crate::domain::vitals::BrowserHealth;
use crate::domain::whatsapp::{
    AvatarLookup, Batch, ChatSummary, Earlier, FetchError, HandedOver, LoginMethod, LookUp, MessageChange, MessageRef,
    OutgoingChange, OutgoingMessage, PageEvent, PageMark, QuotedKey, ReadError, Recipient, Resolved, SendError,
    Unreachable, WaMessage, WhatsApp,
};
use crate::domain::{ChatId, HistoryMark, Timestamp, WaMessageId};
use crate::wa::page::CallError;
use crate::wa::session::{Close, Request};
use crate::wa::wire::{self, WireLookUp, WireResolved};

/// Deadline of showing "typing…", which must not delay a message for longer.
const TYPING_LIMIT: Duration = Duration::from_secs(3);

/// Converts a failed send. Only a refusal that the page calls certain is [`SendError::NotSent`].
fn send_error(error: CallError) -> SendError {
    match error {
        CallError::NotLoaded => SendError::Unreachable(call_failed(CallError::NotLoaded)),
        CallError::Refused(refusal) if refusal.certain => match refusal.code.as_str() {
            "not_ready" | "wrong_number" => SendError::Unreachable(Unreachable(refusal.message)),
            "file_too_large" => SendError::Refused {
                code: "too_large",
                detail: "WhatsApp takes no file of this size as this kind; send it as a document, or a smaller one"
                    .to_owned(),
            },
            code => SendError::NotSent {
                why: format!("{} ({code})", refusal.message),
            },
        },
        error => SendError::Unknown { why: error.to_string() },
    }
}

#[async_trait]
impl WhatsApp for WhatsAppWeb {
    fn session(&self) -> watch::Receiver<Session> {
        self.shared.session.subscribe()
    }

    fn bind(&self, to: Binding) {
        self.shared.bound.send_if_modified(|bound| {
            let changed = bound.as_ref() != Some(&to);
            *bound = Some(to);
            changed
        });
    }

    async fn pull(&self, acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        let page = self.polled_page()?;
        // Subscribed before the pull, so that a ring in between is not missed.
        let mut bell = page.bell();
        let batch = self.pull_once(&page, acked).await?;
        if batch.mark.is_some()
            || !batch.typing.is_empty()
            || timeout(self.options.limits.pull, bell.changed()).await.is_err()
        {
            return Ok(batch);
        }
        self.pull_once(&page, acked).await
    }

    async fn resolve(&self, to: &Recipient) -> Result<Option<Resolved>, Unreachable> {
        let page = self.ready_page()?;
        // Whose a number is, the server knows: the page may still have the chat of an earlier owner.
        let (id, ask) = match to {
            Recipient::Chat(chat) => (chat.as_str().to_owned(), false),
            Recipient::Phone(phone) => (format!("{}@c.us", phone.digits()), true),
        };
        let found: Result<Option<WireResolved>, CallError> = page
            .call("resolve", json!({ "id": id, "ask": ask }), self.options.limits.call)
            .await;
        match found {
            Ok(found) => Ok(found.map(WireResolved::domain)),
            Err(CallError::Refused(refusal)) if refusal.code == "not_a_number" => Ok(None),
            // A problem of this chat alone: the send will report it, and no other chat has to wait.
            Err(CallError::Refused(_)) => Ok(Some(wire::by_id(&id))),
            Err(error) => Err(call_failed(error)),
        }
    }

    async fn choose_id(&self, chat: &ChatId) -> Result<WaMessageId, Unreachable> {
        let page = self.ready_page()?;
        let chosen = page
            .call("chooseId", json!({ "chat": chat }), self.options.limits.call)
            .await;
        match chosen {
            Ok(id) => Ok(WaMessageId(id)),
            Err(CallError::Refused(_)) => Ok(self.new_stanza_id()),
            Err(error) => Err(call_failed(error)),
        }
    }

    async fn type_for(&self, chat: &ChatId, text: &str) -> Result<(), Unreachable> {
        if !self.options.typing {
            return Ok(());
        }
        let page = self.ready_page()?;
        let time = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            pacing::typing_time(text, &mut *random)
        };
        let typing = |on| json!({ "chat": chat, "on": on });
        self.best_effort(&page, "typing", typing(true), TYPING_LIMIT).await?;
        self.clock.sleep(time).await;
        self.best_effort(&page, "typing", typing(false), TYPING_LIMIT).await
    }

    async fn typing(&self, chat: &ChatId, is_typing: bool) -> Result<(), Unreachable> {
        if !self.options.typing {
            return Ok(());
        }
        let page = self.ready_page()?;
        let arguments = json!({ "chat": chat, "on": is_typing });
        self.best_effort(&page, "typing", arguments, TYPING_LIMIT).await
    }

    async fn record_for(&self, chat: &ChatId, span: Duration) -> Result<(), Unreachable> {
        if !self.options.typing {
            return Ok(());
        }
        let page = self.ready_page()?;
        let recording = |on| json!({ "chat": chat, "on": on });
        self.best_effort(&page, "recording", recording(true), TYPING_LIMIT)
            .await?;
        self.clock.sleep(span).await;
        self.best_effort(&page, "recording", recording(false), TYPING_LIMIT)
            .await
    }

    async fn can_quote(&self, chat: &ChatId, quoted: &QuotedKey) -> Result<bool, Unreachable> {
        let page = self.ready_page()?;
        let arguments = json!({
            "chat": chat, "id": quoted.id, "fromMe": quoted.from_me, "sender": outgoing::sender(quoted.sender.as_ref()),
        });
        match page.call("canQuote", arguments, self.options.limits.call).await {
            // It could not be searched for; the send may find it.
            Err(CallError::Refused(_)) => Ok(true),
            found => found.map_err(call_failed),
        }
    }

    async fn send(&self, message: &OutgoingMessage) -> Result<HandedOver, SendError> {
        let page = self.ready_page().map_err(SendError::Unreachable)?;
        let arguments = outgoing::arguments(message, self.bound_digits().as_deref());
        let limit = self.attach_file(&page, message).await?;
        page.call::<wire::Sent>("send", arguments, limit)
            .await
            .map(|sent| HandedOver {
                ack: sent.ack,
                quote_lost: sent.quote_lost,
            })
            .map_err(send_error)
    }

    async fn change(&self, wanted: &OutgoingChange) -> Result<(), SendError> {
        let page = self.ready_page().map_err(SendError::Unreachable)?;
        let mut arguments = json!({
            "chat": wanted.chat, "id": wanted.id, "fromMe": wanted.from_me, "me": self.bound_digits(),
            "sender": outgoing::sender(wanted.sender.as_ref()), "mentions": wanted.mentions,
        });
        let (key, value) = match &wanted.change {
            MessageChange::Edit(text) => ("text", json!(text)),
            MessageChange::Delete => ("remove", json!(true)),
            MessageChange::React(emoji) => ("emoji", json!(emoji)),
        };
        arguments[key] = value;
        match page.call::<Value>("change", arguments, self.options.limits.send).await {
            Ok(_) => Ok(()),
            Err(CallError::Refused(refusal)) if refusal.certain && refusal.code == "refused" => {
                Err(SendError::Refused {
                    code: "refused_by_whatsapp",
                    detail: refusal.message,
                })
            }
            Err(error) => Err(send_error(error)),
        }
    }

    async fn look_up(&self, chat: &ChatId, id: &WaMessageId) -> Result<LookUp, Unreachable> {
        let page = self.linked_page()?;
        let arguments = json!({ "chat": chat, "id": id });
        match page
            .call::<WireLookUp>("lookUp", arguments, self.options.limits.call)
            .await
        {
            Ok(found) => Ok(found.domain()),
            Err(CallError::Refused(refusal)) => Ok(LookUp::Unclear(refusal.message)),
            Err(error) => Err(call_failed(error)),
        }
    }

    async fn mark_read(&self, chat: &ChatId) -> Result<(), Unreachable> {
        let page = self.ready_page()?;
        self.best_effort(&page, "markRead", json!({ "chat": chat }), self.options.limits.call)
            .await
    }

    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable> {
        let page = self.linked_page()?;
        Ok(wire::chats(&self.list(&page, "chats", Value::Null).await?))
    }

    async fn newest(&self, count: usize) -> Result<Vec<ChatSummary>, Unreachable> {
        let page = self.polled_page()?;
        let asked = page.call("newest", json!({ "count": count }), self.options.limits.call);
        let items: Vec<Box<RawValue>> = asked.await.map_err(call_failed)?;
        Ok(wire::chats(&items))
    }

    async fn heal(&self) {
        self.request(Request::Heal).await;
    }

    fn vitals(&self) -> BrowserHealth {
        self.shared.vitals.borrow().clone()
    }

    async fn messages(&self, chat: &ChatId, count: usize) -> Result<Vec<PageEvent>, ReadError> {
        let page = self.linked_page()?;
        let items = self
            .chat_list(&page, "messages", json!({ "chat": chat, "count": count }))
            .await?;
        Ok(items.iter().map(|item| wire::event(item.get())).collect())
    }

    async fn revised(&self, chat: &ChatId, since: Timestamp, count: usize) -> Result<Vec<PageEvent>, ReadError> {
        let page = self.linked_page()?;
        let arguments = json!({ "chat": chat, "since": since.0.div_euclid(1000), "count": count });
        let items = self.chat_list(&page, "revised", arguments).await?;
        Ok(items.iter().map(|item| wire::event(item.get())).collect())
    }

    async fn earlier(&self, chat: &ChatId, mark: Option<&HistoryMark>, count: usize) -> Result<Earlier, ReadError> {
        history::earlier(self, chat, mark, count).await
    }

    async fn message(&self, of: &MessageRef) -> Result<Option<WaMessage>, ReadError> {
        let page = self.linked_page()?;
        let arguments = outgoing::reference(of);
        let found: Result<Option<Box<RawValue>>, CallError> =
            page.call("message", arguments, self.options.limits.call).await;
        match found {
            Ok(None) => Ok(None),
            Ok(Some(raw)) => Ok(wire::message(raw.get())
                .inspect_err(|error| tracing::warn!("a requested message could not be parsed: {error}"))
                .ok()),
            Err(CallError::Refused(refusal)) => {
                tracing::warn!("the page could not search for a message: {}", refusal.message);
                Ok(None)
            }
            Err(error) => Err(self.read_failed(&page, error).await),
        }
    }

    async fn fetch_media(&self, of: &MessageRef, max: u64, sink: &mut dyn Sink) -> Result<(), FetchError> {
        self.download(of, max, sink).await
    }

    async fn avatar(
        &self,
        chat: &ChatId,
        known: Option<&str>,
        max: u64,
        sink: &mut dyn Sink,
    ) -> Result<AvatarLookup, FetchError> {
        self.fetch_avatar(chat, known, max, sink).await
    }

    fn read_again(&self, bytes: &[u8]) -> PageEvent {
        wire::event(&String::from_utf8_lossy(bytes))
    }

    async fn login(&self, method: LoginMethod) -> Result<(), Unreachable> {
        login::login(self, method).await
    }

    async fn logout(&self) -> Result<(), Unreachable> {
        login::logout(self).await
    }

    async fn take_over(&self) -> Result<(), Unreachable> {
        self.call::<Value>("takeOver", Value::Null).await?;
        self.request(Request::CheckStatus).await;
        Ok(())
    }

    async fn close(&self, limit: Duration) {
        let (done, closed) = oneshot::channel();
        if self.shared.closing.send(Close { limit, done }).await.is_ok() {
            // Bounded: the browser is killed after `limit`.
            let _ = closed.await;
        }
        self.tasks.shutdown(limit).await;
    }
}
