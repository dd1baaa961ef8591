//! The page's JSON, turned into the domain's words. Total: whatever the page says becomes an event, if need be a poisoned
//! one with its bytes (rule 13); nothing here panics, and nothing is dropped.

mod change;
mod details;
mod group;
mod lenient;
mod media;
mod words;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use self::change::{WireReaction, WireTarget, WireVote};
use self::group::WireGroup;
use self::media::WireMedium;
use super::content;
use crate::domain::conversation::ChatKind;
use crate::domain::customer::{Identity, PhoneNumber};
use crate::domain::session::{Me, PageStatus};
use crate::domain::whatsapp::{Batch, ChatSummary, LookUp, PageEvent, PageMark, Resolved, WaContact, WaMessage};
use crate::domain::{ChatId, Timestamp, WaMessageId, WaUserId, display_name};

/// The longest stanza id that is taken for one, in bytes. WhatsApp's own have 20 to 32.
const MAX_ID_BYTES: usize = 255;

/// The longest username that is taken for one, in bytes. WhatsApp's own have 3 to 35.
const MAX_USERNAME_BYTES: usize = 100;

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
    #[serde(default)]
    restricted: bool,
    #[serde(default)]
    outdated: bool,
    /// Parts of the page that the library does not find.
    #[serde(default)]
    absent: Vec<String>,
    /// The page wants to be loaded anew, and works still.
    #[serde(default)]
    pub stale: bool,
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
            restricted: self.restricted,
            outdated: self.outdated,
            missing: self.absent.clone(),
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
    Voted {
        target: WireTarget,
        #[serde(flatten)]
        vote: WireVote,
    },
    Moved {
        message: Box<WireMessage>,
        t: Number,
    },
    Group(Box<WireGroup>),
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
    votes: Option<Vec<WireVote>>,
    /// Read leniently, field by field: a message is not lost for an odd detail.
    pub details: Option<Value>,
    contact: WirePerson,
    chat_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePerson {
    ids: Vec<String>,
    saved_name: Option<String>,
    push_name: Option<String>,
    #[serde(default)]
    username: Option<String>,
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
        Ok(WireEvent::Voted { target, vote }) => change::voted(target, vote),
        Ok(WireEvent::Moved { message, t }) => change::moved(*message, &t),
        Ok(WireEvent::Group(group)) => group.domain().map(|group| PageEvent::Group(Box::new(group))),
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
/// The chats of a list; what is none is left out.
pub fn chats(items: &[Box<RawValue>]) -> Vec<ChatSummary> {
    let read = items.iter().filter_map(|item| match chat(item.get()) {
        Ok(chat) => Some(chat),
        Err(error) => {
            tracing::warn!("a chat of the page's list is left out: {error}");
            None
        }
    });
    read.collect()
}

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
        name: wire
            .name
            .filter(|_| kind == ChatKind::Group)
            .and_then(|name| display_name::clean(&name)),
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
        let mut details = details::of(&self);
        self.describe_media(&mut details);
        let (kind, content) = words::of(&self, &details).unwrap_or_else(|| content::of(&self, &details));
        let media = self.wa_media();
        let new_number = words::new_number(&self, &details).filter(|_| chat_kind == ChatKind::Direct);
        let contact = self.contact.domain();
        let is_notice = details.notice.is_some();
        if contact.identities.is_empty() && !is_notice {
            return Err("a message of nobody".to_owned());
        }
        // What WhatsApp itself says in a group may be of nobody.
        let sender = self.sender.or_else(|| is_notice.then(String::new));
        let sender = sender_in(chat_kind, self.from_me, sender)?;
        let votes = self
            .votes
            .map(|votes| votes.into_iter().map(|vote| vote.domain(chat_kind)).collect());
        let reactions = self.reactions.map(|reactions| {
            let known = reactions.into_iter().map(|reaction| reaction.domain(chat_kind));
            known.collect()
        });
        Ok(WaMessage {
            id: stanza_id(self.id)?,
            chat: ChatId(self.chat),
            chat_kind,
            contact,
            chat_name: self
                .chat_name
                .filter(|_| chat_kind == ChatKind::Group)
                .and_then(|name| display_name::clean(&name)),
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
            votes,
            new_number,
        })
    }
}

impl WirePerson {
    fn domain(self) -> WaContact {
        WaContact {
            identities: identities(&self.ids, self.username.as_deref()),
            saved_name: self.saved_name.as_deref().and_then(display_name::clean),
            push_name: self.push_name.as_deref().and_then(display_name::clean),
        }
    }
}

/// Between two, direction says who wrote it. Their ids do not: the same message bears the number before the chat moves to a
/// LID, and the LID after it, and must not count as two.
fn sender_in(chat: ChatKind, from_me: bool, sender: Option<String>) -> Result<WaUserId, String> {
    let sender = match chat {
        ChatKind::Group => sender.ok_or("a group's message without its sender")?,
        ChatKind::Direct if from_me => "me".to_owned(),
        ChatKind::Direct => "them".to_owned(),
    };
    Ok(WaUserId(sender))
}

/// Alone a username is nobody's: it comes with the ids that a message can be sent to.
fn identities(ids: &[String], username: Option<&str>) -> Vec<Identity> {
    let mut identities: Vec<Identity> = ids.iter().filter_map(|id| identity(id)).collect();
    let is_one = |name: &&str| {
        (1..=MAX_USERNAME_BYTES).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if let Some(username) = username.filter(is_one)
        && !identities.is_empty()
    {
        // However it is written it is the same name.
        identities.push(Identity::username(&username.to_lowercase()));
    }
    identities
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

#[cfg(test)]
mod kinds_tests;
