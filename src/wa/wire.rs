//! The page's JSON, turned into the domain's words. Total: whatever the page says becomes an event, if need be a poisoned
//! one with its bytes (`RULES` 13); nothing here panics, and nothing is dropped.

mod change;
mod media;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use self::change::{WireReaction, WireTarget};
use self::media::WireMedium;
use super::content;
use crate::domain::conversation::ChatKind;
use crate::domain::customer::{Identity, PhoneNumber};
use crate::domain::details::Details;
use crate::domain::session::{Me, PageStatus};
use crate::domain::whatsapp::{Batch, ChatSummary, LookUp, PageEvent, PageMark, Resolved, WaContact, WaMessage};
use crate::domain::{ChatId, Timestamp, WaMessageId, WaUserId};

/// The longest stanza id that is taken for one, in bytes. WhatsApp's own have 20 to 32.
const MAX_ID_BYTES: usize = 255;

/// What every call of the page script answers.
#[derive(Debug, Deserialize)]
pub enum Answer<T> {
    #[serde(rename = "ok")]
    Ok(T),
    #[serde(rename = "error")]
    Error(Refusal),
}

/// Why the page did not do what was asked. The message names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    /// Nothing has been done.
    pub certain: bool,
}

/// The page's status with what the adapter alone looks at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as the page tells it, one fact each")]
pub struct Status {
    epoch: String,
    /// The library's version.
    pub library: Option<String>,
    /// What this library does not have and we need.
    pub missing: Vec<String>,
    /// The page has WhatsApp Web's modules.
    pub whatsapp: bool,
    pub full_ready: bool,
    authenticated: bool,
    main: bool,
    synced: bool,
    online: bool,
    conflict: bool,
    passkey: bool,
    qr: Option<String>,
    pub qr_idle: bool,
    me: Option<WireMe>,
    /// Events that found no room, or that no listener told.
    pub lost: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct WireMe {
    phone: String,
    lid: Option<String>,
    name: Option<String>,
}

impl Status {
    pub fn page(&self) -> PageStatus {
        PageStatus {
            epoch: self.epoch.clone(),
            full_ready: self.full_ready,
            authenticated: self.authenticated,
            main: self.main,
            synced: self.synced,
            online: self.online,
            conflict: self.conflict,
            passkey: self.passkey,
            qr: self.qr.clone(),
            me: self.me.clone().and_then(|me| {
                Some(Me {
                    phone: phone(&me.phone)?,
                    lid: me.lid,
                    name: me.name,
                })
            }),
        }
    }
}

/// One answer to a pull.
#[derive(Debug, Deserialize)]
pub struct Pull<'a> {
    /// The digits of the number that is logged in.
    pub me: Option<String>,
    #[serde(borrow)]
    pulled: Pulled<'a>,
}

#[derive(Debug, Deserialize)]
struct Pulled<'a> {
    epoch: String,
    seq: u64,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

impl Pull<'_> {
    pub fn batch(self) -> Batch {
        let Pulled { epoch, seq, events } = self.pulled;
        Batch {
            mark: (!events.is_empty()).then_some(PageMark { epoch, seq }),
            events: events.into_iter().map(|raw| event(raw.get())).collect(),
        }
    }
}

/// A part of a long list.
#[derive(Debug, Deserialize)]
pub struct ListPage {
    pub items: Vec<Box<RawValue>>,
    /// What to ask for the rest with.
    pub token: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireEvent {
    Message(Box<WireMessage>),
    Ack {
        chat: String,
        ids: Vec<String>,
        ack: i32,
    },
    Edited {
        message: Box<WireMessage>,
    },
    Deleted {
        target: WireTarget,
        t: Number,
    },
    Reacted {
        target: WireTarget,
        #[serde(flatten)]
        reaction: WireReaction,
    },
    Unreadable {
        error: String,
    },
    Oversized {
        chars: u64,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage {
    id: String,
    chat: String,
    from_me: bool,
    sender: Option<String>,
    t: Number,
    pub kind: String,
    ack: i32,
    pub body: Option<String>,
    pub caption: Option<String>,
    quoted: Option<String>,
    pub seconds: Option<Value>,
    pub file_name: Option<String>,
    pub title: Option<String>,
    #[serde(default)]
    pub view_once: bool,
    pub media: Option<WireMedium>,
    edited: Option<Number>,
    reactions: Option<Vec<WireReaction>>,
    contact: WirePerson,
    chat_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePerson {
    ids: Vec<String>,
    saved_name: Option<String>,
    push_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireChat {
    chat: String,
    contact: WirePerson,
    name: Option<String>,
    unread: Number,
    t: Option<Number>,
    last_message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct WireResolved {
    chat: String,
    contact: WirePerson,
}

/// The page's answer to a send.
#[derive(Debug, Deserialize)]
pub struct Sent {
    pub ack: i32,
}

/// The page's answer to a look-up.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireLookUp {
    Found(i32),
    Absent(()),
    Unclear(String),
}

impl WireLookUp {
    pub fn domain(self) -> LookUp {
        match self {
            Self::Found(ack) => LookUp::Found { ack },
            Self::Absent(()) => LookUp::Absent,
            Self::Unclear(why) => LookUp::Unclear(why),
        }
    }
}

/// A chat of which nothing is known but its id.
pub fn by_id(id: &str) -> Resolved {
    Resolved {
        chat: ChatId(id.to_owned()),
        contact: WaContact {
            identities: identity(id).into_iter().collect(),
            ..WaContact::default()
        },
    }
}

/// One event of the page.
pub fn event(raw: &str) -> PageEvent {
    let parsed = match serde_json::from_str(raw) {
        Ok(WireEvent::Message(message)) => message.domain().map(|message| PageEvent::Message(Box::new(message))),
        Ok(WireEvent::Ack { chat, ids, ack }) => ack_event(chat, ids, ack),
        Ok(WireEvent::Edited { message }) => change::edited(*message),
        Ok(WireEvent::Deleted { target, t }) => change::deleted(target, &t),
        Ok(WireEvent::Reacted { target, reaction }) => change::reacted(target, reaction),
        Ok(WireEvent::Unreadable { error }) => Err(format!("the page could not read it: {error}")),
        Ok(WireEvent::Oversized { chars }) => Err(format!("it has {chars} characters, too many to carry")),
        Err(error) => Err(error.to_string()),
    };
    parsed.unwrap_or_else(|error| PageEvent::Poison {
        bytes: raw.as_bytes().to_vec(),
        error,
    })
}

/// One message, as an answer to a question about it.
pub fn message(raw: &str) -> Result<WaMessage, String> {
    let wire: WireMessage = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    wire.domain()
}

/// One chat of the list.
pub fn chat(raw: &str) -> Result<ChatSummary, String> {
    let wire: WireChat = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    let kind = chat_kind(&wire.chat)?;
    let contact = wire.contact.domain();
    if kind == ChatKind::Direct && contact.identities.is_empty() {
        return Err("a chat with nobody".to_owned());
    }
    Ok(ChatSummary {
        chat: ChatId(wire.chat),
        kind,
        contact,
        name: wire.name.filter(|_| kind == ChatKind::Group),
        // A chat that was marked as unread by hand has −1.
        unread: whole(&wire.unread).map_or(0, |unread| u32::try_from(unread.max(0)).unwrap_or(u32::MAX)),
        last_at: wire.t.as_ref().and_then(whole).map(Timestamp::from_seconds),
        last_message: wire.last_message.map(WaMessageId),
    })
}

impl WireResolved {
    pub fn domain(self) -> Resolved {
        Resolved {
            chat: ChatId(self.chat),
            contact: self.contact.domain(),
        }
    }
}

fn ack_event(chat: String, ids: Vec<String>, ack: i32) -> Result<PageEvent, String> {
    let ids = ids.into_iter().map(stanza_id).collect::<Result<_, _>>()?;
    Ok(PageEvent::Ack {
        chat: ChatId(chat),
        ids,
        ack,
    })
}

impl WireMessage {
    fn domain(self) -> Result<WaMessage, String> {
        let chat_kind = chat_kind(&self.chat)?;
        let mut details = Details::default();
        self.describe_media(&mut details);
        let (kind, content) = content::of(&self, &details);
        let media = self.wa_media();
        let contact = self.contact.domain();
        if contact.identities.is_empty() {
            return Err("a message of nobody".to_owned());
        }
        let sender = sender_in(chat_kind, self.from_me, self.sender)?;
        let reactions = self.reactions.map(|reactions| {
            let known = reactions.into_iter().map(|reaction| reaction.domain(chat_kind));
            known.collect()
        });
        Ok(WaMessage {
            id: stanza_id(self.id)?,
            chat: ChatId(self.chat),
            chat_kind,
            contact,
            chat_name: self.chat_name.filter(|_| chat_kind == ChatKind::Group),
            from_me: self.from_me,
            sender,
            timestamp: whole(&self.t)
                .map(Timestamp::from_seconds)
                .ok_or("a time that is no number")?,
            kind,
            content,
            ack: self.ack,
            quoted: self.quoted.map(WaMessageId),
            details: details.into_option(),
            media,
            edited_at: self.edited.as_ref().and_then(change::moment),
            is_deleted: self.kind == "revoked",
            reactions,
        })
    }
}

impl WirePerson {
    fn domain(self) -> WaContact {
        WaContact {
            identities: self.ids.iter().filter_map(|id| identity(id)).collect(),
            saved_name: self.saved_name,
            push_name: self.push_name,
        }
    }
}

/// Between two, direction says who wrote it. Their ids do not: the same message bears the number before the chat moves to a
/// LID, and the LID after it, and must not count as two (`WHATSAPP` §3).
fn sender_in(chat: ChatKind, from_me: bool, sender: Option<String>) -> Result<WaUserId, String> {
    let sender = match chat {
        ChatKind::Group => sender.ok_or("a group's message without its sender")?,
        ChatKind::Direct if from_me => "me".to_owned(),
        ChatKind::Direct => "them".to_owned(),
    };
    Ok(WaUserId(sender))
}

fn identity(id: &str) -> Option<Identity> {
    let (user, server) = id.split_once('@')?;
    match server {
        "c.us" => Some(Identity::phone(&phone(user)?)),
        "lid" if !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit()) => Some(Identity::lid(user)),
        _ => None,
    }
}

fn phone(digits: &str) -> Option<PhoneNumber> {
    format!("+{digits}").parse().ok()
}

fn chat_kind(chat: &str) -> Result<ChatKind, String> {
    match chat.rsplit_once('@') {
        Some((_, "c.us" | "lid")) => Ok(ChatKind::Direct),
        Some((_, "g.us")) => Ok(ChatKind::Group),
        _ => Err("neither a person's chat nor a group".to_owned()),
    }
}

fn stanza_id(id: String) -> Result<WaMessageId, String> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(format!("a stanza id of {} bytes", id.len()));
    }
    Ok(WaMessageId(id))
}

fn whole(number: &Number) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float saturates; times are whole seconds anyway"
    )]
    number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
