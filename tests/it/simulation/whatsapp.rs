//! The port to WhatsApp on the fake world.

use std::time::Duration;

use async_trait::async_trait;
use crm::domain::account::Binding;
use crm::domain::conversation::ChatKind;
use crm::domain::media::Sink;
use crm::domain::session::Session;
use crm::domain::whatsapp::{
    AvatarLookup, Batch, ChatSummary, Earlier, FetchError, HandedOver, LoginMethod, LookUp, MessageChange, MessageRef,
    OutgoingChange, OutgoingContent, OutgoingMessage, PageEvent, PageMark, Past, QuotedKey, ReadError, Recipient,
    Resolved, SendError, Unreachable, WaMessage, WhatsApp,
};
use crm::domain::{ChatId, Clock, HistoryMark, Timestamp, WaMessageId};
use rand::RngExt;
use tokio::sync::watch;

use super::media::medium_of;
use super::people::contact;
use super::world::{FakeWhatsApp, Told, World};

#[async_trait]
impl WhatsApp for FakeWhatsApp {
    fn session(&self) -> watch::Receiver<Session> {
        self.world.lock().unwrap().session.subscribe()
    }

    fn bind(&self, to: Binding) {
        self.world.lock().unwrap().bound = Some(to);
    }

    async fn pull(&self, acked: Option<&PageMark>) -> Result<Batch, Unreachable> {
        self.gate.pass().await;
        let batch = {
            let mut world = self.world.lock().unwrap();
            let epoch = world.epoch.to_string();
            if let Some(mark) = acked
                && mark.epoch == epoch
            {
                let kept = world.queue.partition_point(|(seq, _)| *seq <= mark.seq);
                let gone: Vec<PageEvent> = world.queue.drain(..kept).map(|(_, event)| event).collect();
                world.forgotten.extend(gone.into_iter().filter_map(|event| match event {
                    PageEvent::Message(message) => Some(message.id),
                    _ => None,
                }));
            }
            let most = world.rng.random_range(1..=5);
            let taken: Vec<_> = world.queue.iter().take(most).cloned().collect();
            Batch {
                mark: taken.last().map(|(seq, _)| PageMark { epoch, seq: *seq }),
                events: taken.into_iter().map(|(_, event)| event).collect(),
                typing: std::mem::take(&mut world.typing),
            }
        };
        self.gate.pass().await;
        Ok(batch)
    }

    async fn resolve(&self, to: &Recipient) -> Result<Option<Resolved>, Unreachable> {
        self.enter().await?;
        let world = self.world.lock().unwrap();
        let found = world.chats.iter().find(|chat| match to {
            Recipient::Chat(id) => chat.id == *id,
            Recipient::Phone(phone) => chat.phone == *phone,
        });
        let found = found.or_else(|| {
            let other = world
                .other_forms
                .iter()
                .find(|(form, _)| matches!(to, Recipient::Phone(phone) if phone == form));
            other.map(|(_, chat)| &world.chats[*chat])
        });
        Ok(found.map(|chat| Resolved {
            chat: chat.id.clone(),
            contact: contact(chat),
        }))
    }

    async fn choose_id(&self, _chat: &ChatId) -> Result<WaMessageId, Unreachable> {
        self.enter().await?;
        let held = self.world.lock().unwrap().choosing.take();
        if let Some((here, go_on)) = held {
            let _ = here.send(());
            let _ = go_on.await;
        }
        let mut world = self.world.lock().unwrap();
        world.made += 1;
        Ok(WaMessageId(format!("OUT{:04}", world.made)))
    }

    async fn type_for(&self, chat: &ChatId, _text: &str) -> Result<(), Unreachable> {
        self.enter().await?;
        self.world.lock().unwrap().calls.push(format!("type {chat}"));
        Ok(())
    }

    async fn typing(&self, chat: &ChatId, is_typing: bool) -> Result<(), Unreachable> {
        self.world.lock().unwrap().typed.push((chat.clone(), is_typing));
        Ok(())
    }

    async fn record_for(&self, chat: &ChatId, _span: Duration) -> Result<(), Unreachable> {
        self.enter().await?;
        self.world.lock().unwrap().calls.push(format!("record {chat}"));
        Ok(())
    }

    async fn can_quote(&self, _chat: &ChatId, quoted: &QuotedKey) -> Result<bool, Unreachable> {
        self.enter().await?;
        Ok(!self.world.lock().unwrap().unquotable.contains(&quoted.id))
    }

    async fn send(&self, message: &OutgoingMessage) -> Result<HandedOver, SendError> {
        self.enter().await.map_err(SendError::Unreachable)?;
        let chance = {
            let mut world = self.world.lock().unwrap();
            let faults = world.faults;
            if world.rng.random_range(0..100) < faults {
                world.rng.random_range(0..3)
            } else {
                9
            }
        };
        match chance {
            0 => {
                return Err(SendError::NotSent {
                    why: "the page was busy".into(),
                });
            }
            1 => {
                return Err(SendError::Unknown {
                    why: "no answer".into(),
                });
            }
            _ => {}
        }
        {
            let mut world = self.world.lock().unwrap();
            let at = world.second(self.clock.now());
            world.calls.push(format!("send {}", message.chat));
            let chat = world.index(&message.chat);
            let already = world.chats[chat].on_page.iter().any(|told| told.id == message.id);
            assert!(!already, "{} was handed over while the page had it", message.id);
            let told = Told {
                id: message.id.clone(),
                from_me: true,
                text: text_of(&message.content),
                at,
                ack: 0,
            };
            world.show(chat, told, true);
        }
        self.gate.pass().await;
        if chance == 2 {
            Err(SendError::Unknown {
                why: "the answer was lost".into(),
            })
        } else {
            let world = self.world.lock().unwrap();
            let is_forgotten = |quoted: &QuotedKey| world.lost_by_then.contains(&quoted.id);
            Ok(HandedOver {
                ack: 0,
                quote_lost: message.quoted.as_ref().is_some_and(is_forgotten),
            })
        }
    }

    async fn change(&self, wanted: &OutgoingChange) -> Result<(), SendError> {
        self.enter().await.map_err(SendError::Unreachable)?;
        {
            let mut world = self.world.lock().unwrap();
            world.changes.push((wanted.id.clone(), wanted.change.clone()));
            let all = world.chats.iter_mut().flat_map(|chat| &mut chat.on_page);
            for told in all.filter(|told| told.id == wanted.id && told.from_me == wanted.from_me) {
                if let MessageChange::Edit(text) = &wanted.change {
                    told.text.clone_from(text);
                }
            }
        }
        self.gate.pass().await;
        Ok(())
    }

    async fn look_up(&self, _chat: &ChatId, id: &WaMessageId) -> Result<LookUp, Unreachable> {
        self.enter().await?;
        let world = self.world.lock().unwrap();
        let found = world
            .chats
            .iter()
            .flat_map(|chat| &chat.on_page)
            .find(|told| told.id == *id);
        Ok(found.map_or(LookUp::Absent, |told| LookUp::Found { ack: told.ack }))
    }

    async fn mark_read(&self, chat: &ChatId) -> Result<(), Unreachable> {
        self.enter().await?;
        self.world.lock().unwrap().calls.push(format!("read {chat}"));
        Ok(())
    }

    async fn chats(&self) -> Result<Vec<ChatSummary>, Unreachable> {
        self.enter().await?;
        let world = self.world.lock().unwrap();
        let chats = world.chats.iter().filter(|chat| !chat.on_page.is_empty());
        Ok(chats
            .map(|chat| ChatSummary {
                chat: chat.id.clone(),
                kind: ChatKind::Direct,
                contact: contact(chat),
                name: None,
                unread: 0,
                last_at: chat.on_page.last().map(|told| told.at),
                last_message: chat.on_page.last().map(|told| told.id.clone()),
            })
            .collect())
    }

    async fn heal(&self) {
        self.world.lock().unwrap().calls.push("heal".to_owned());
    }

    async fn messages(&self, chat: &ChatId, count: usize) -> Result<Vec<PageEvent>, ReadError> {
        self.enter_chat(chat).await?;
        let events = {
            let mut world = self.world.lock().unwrap();
            world.calls.push(format!("messages {chat}"));
            world.most_read = world.most_read.max(count);
            let index = world.index(chat);
            let all = &world.chats[index].on_page;
            let from = all.len().saturating_sub(count);
            all[from..]
                .iter()
                .map(|told| PageEvent::Message(Box::new(world.message(index, told))))
                .collect()
        };
        self.gate.pass().await;
        Ok(events)
    }

    /// Nobody here changes what they have written.
    async fn revised(&self, chat: &ChatId, _since: Timestamp, _count: usize) -> Result<Vec<PageEvent>, ReadError> {
        self.enter_chat(chat).await?;
        Ok(vec![])
    }

    async fn earlier(&self, chat: &ChatId, mark: Option<&HistoryMark>, count: usize) -> Result<Earlier, ReadError> {
        self.enter_chat(chat).await?;
        let page = {
            let mut world = self.world.lock().unwrap();
            world.most_read = world.most_read.max(count);
            let index = world.index(chat);
            let all = &world.chats[index].on_page;
            let end = match mark {
                None => Some(all.len()),
                Some(mark) => all.iter().position(|told| told.id.as_str() == mark.as_str()),
            };
            end.map(|end| {
                all[end.saturating_sub(count)..end]
                    .iter()
                    .map(|told| Past {
                        mark: told.id.as_str().into(),
                        event: PageEvent::Message(Box::new(world.message(index, told))),
                    })
                    .collect()
            })
        };
        self.gate.pass().await;
        Ok(page.map_or(Earlier::Lost, Earlier::Page))
    }

    async fn message(&self, of: &MessageRef) -> Result<Option<WaMessage>, ReadError> {
        self.enter_chat(&of.chat).await?;
        let world = self.world.lock().unwrap();
        let stored = world.stored.iter().find(|message| World::is(message, of));
        if stored.is_some() || !world.chats.iter().any(|chat| chat.id == of.chat) {
            return Ok(stored.cloned());
        }
        let index = world.index(&of.chat);
        let told = world.chats[index]
            .on_page
            .iter()
            .find(|told| told.id == of.id && told.from_me == of.from_me);
        Ok(told.map(|told| world.message(index, told)))
    }

    async fn fetch_media(&self, of: &MessageRef, _max: u64, sink: &mut dyn Sink) -> Result<(), FetchError> {
        self.enter().await?;
        let fails = {
            let mut world = self.world.lock().unwrap();
            world.calls.push(format!("fetch {}", of.id));
            let faults = world.faults;
            !world.with_media || world.rng.random_range(0..100) < faults
        };
        let Some(bytes) = medium_of(&of.id).filter(|_| !fails) else {
            return Err(FetchError::Failed("it did not come".into()));
        };
        let (begin, end) = bytes.split_at(bytes.len() / 2);
        sink.write(begin).await?;
        self.gate.pass().await;
        sink.write(end).await?;
        self.gate.pass().await;
        Ok(())
    }

    async fn avatar(
        &self,
        _chat: &ChatId,
        _known: Option<&str>,
        _max: u64,
        _sink: &mut dyn Sink,
    ) -> Result<AvatarLookup, FetchError> {
        Ok(AvatarLookup::None)
    }

    fn read_again(&self, bytes: &[u8]) -> PageEvent {
        PageEvent::Poison {
            bytes: bytes.to_vec(),
            error: "still unreadable".into(),
        }
    }

    async fn login(&self, _method: LoginMethod) -> Result<(), Unreachable> {
        Ok(())
    }

    async fn logout(&self) -> Result<(), Unreachable> {
        Ok(())
    }

    async fn take_over(&self) -> Result<(), Unreachable> {
        Ok(())
    }

    async fn close(&self, _limit: Duration) {}
}

impl FakeWhatsApp {
    /// Like [`Self::enter`], for a call that reads a chat.
    async fn enter_chat(&self, chat: &ChatId) -> Result<(), ReadError> {
        self.enter().await?;
        if self.world.lock().unwrap().unreadable.contains(chat) {
            return Err(ReadError::Unreadable("it does not answer".into()));
        }
        Ok(())
    }
}

/// What the phone shows of a message; the simulation's agents write only text.
fn text_of(content: &OutgoingContent) -> String {
    match content {
        OutgoingContent::Text { text, .. } => text.clone(),
        other => format!("{other:?}"),
    }
}

/// Returns a text of a customer.
pub(super) fn by_customer(id: &str, text: &str, at: Timestamp) -> Told {
    Told {
        id: id.into(),
        from_me: false,
        text: text.to_owned(),
        at,
        ack: 1,
    }
}
