//! Linking a browser to a phone: QR codes that take turns, and eight-character codes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::device::{Device, DeviceId};
use super::people::PhoneId;
use super::thread::Message;
use super::wire::{Credential, HistoryChat, HistoryChunk, HistoryMessage, ToPage};
use super::world::{ConnectionId, Role, World};

/// How many chats a chunk of history holds.
const CHATS_PER_CHUNK: usize = 20;

/// What an eight-character code is made of: no letter that can be taken for another.
const CODE_ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTVWXYZ";

/// A browser that wants to be linked.
#[derive(Debug)]
pub(crate) struct Linking {
    noise: String,
    identity: String,
    /// SHA-256 of the secret that only the screen shows.
    adv_digest: String,
    refs: Vec<String>,
    since: Instant,
    codes: Vec<Code>,
    /// The device that a phone has just made of it.
    pub device: Option<DeviceId>,
}

#[derive(Debug)]
struct Code {
    text: String,
    number: String,
    since: Instant,
}

/// Why a phone refuses to link a browser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not what a QR code of the page says.
    #[error("this is no code of WhatsApp Web: it must have at least four parts")]
    NotACode,
    /// No page shows this reference.
    #[error("no page shows this code: take the one that it shows now")]
    Unknown,
    /// The page has gone on to the next code, or given up.
    #[error("this code is no longer shown: take the one that the page shows now")]
    Expired,
    /// The keys are not those of the page that shows the code.
    #[error("the keys in this code are not those of the page that shows it")]
    WrongKeys,
    /// The page asked for a code for another number.
    #[error("this code was made for another number")]
    OtherNumber,
    /// The page was gone before it had its credential.
    #[error("the page went away before it was linked")]
    PageGone,
}

impl World {
    /// A browser shows itself: it gets its codes.
    pub(crate) fn begin_linking(
        &mut self,
        connection: ConnectionId,
        noise: String,
        identity: String,
        adv_digest: String,
    ) {
        let refs: Vec<String> = (0..self.options.qr_codes)
            .map(|_| format!("2@{}", self.random_hex::<24>()))
            .collect();
        let linking = Linking {
            noise,
            identity,
            adv_digest,
            refs: refs.clone(),
            since: Instant::now(),
            codes: Vec::new(),
            device: None,
        };
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.role = Role::Linking(linking);
        }
        let (first, next) = (self.options.qr_first, self.options.qr_next);
        let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.send(
            connection,
            &ToPage::Refs {
                refs,
                first_ms: ms(first),
                next_ms: ms(next),
            },
        );
    }

    /// A browser asks for a code to type on the phone that has `number`.
    pub(crate) fn pairing_code(&mut self, connection: ConnectionId, number: String) -> Option<String> {
        let text: String = (0..8)
            .map(|_| char::from(CODE_ALPHABET[self.random_below(CODE_ALPHABET.len())]))
            .collect();
        let Some(Role::Linking(linking)) = self.connections.get_mut(&connection).map(|c| &mut c.role) else {
            return None;
        };
        linking.codes.push(Code {
            text: text.clone(),
            number,
            since: Instant::now(),
        });
        Some(text)
    }

    /// A phone scans what a page shows.
    pub(crate) fn scan(&mut self, phone: PhoneId, code: &str) -> Result<DeviceId, LinkError> {
        let mut parts = code.split(',');
        let mut part = || parts.next().ok_or(LinkError::NotACode);
        let (shown, noise, identity, secret) = (part()?, part()?, part()?, part()?);
        let found = self
            .connections
            .iter()
            .find_map(|(id, connection)| match &connection.role {
                Role::Linking(linking) if connection.out.is_some() => {
                    let at = linking.refs.iter().position(|candidate| candidate == shown)?;
                    Some((*id, linking, at))
                }
                _ => None,
            });
        let (connection, linking, at) = found.ok_or(LinkError::Unknown)?;
        let (first, next) = (self.options.qr_first, self.options.qr_next);
        let turns = u32::try_from(at).unwrap_or(u32::MAX);
        // A code is taken a moment longer than it is shown, as people and networks are slow.
        let grace = next / 4;
        let ends = first + next * turns + grace;
        if linking.since.elapsed() > ends {
            return Err(LinkError::Expired);
        }
        let digest = STANDARD
            .decode(secret)
            .map(|secret| STANDARD.encode(Sha256::digest(secret)));
        if linking.noise != noise || linking.identity != identity || digest.ok().as_ref() != Some(&linking.adv_digest) {
            return Err(LinkError::WrongKeys);
        }
        Ok(self.link(phone, connection))
    }

    /// A phone has the code of a page typed in.
    pub(crate) fn type_code(&mut self, phone: PhoneId, typed: &str) -> Result<DeviceId, LinkError> {
        let typed = typed.replace('-', "").to_uppercase();
        let life = self.options.pairing_code_life;
        let number = self.phones[phone.0].number.clone();
        let found = self
            .connections
            .iter()
            .find_map(|(id, connection)| match &connection.role {
                // A later code of the same page takes the place of an earlier one.
                Role::Linking(linking) if connection.out.is_some() => {
                    linking.codes.iter().find(|code| code.text == typed).map(|code| {
                        let current = linking.codes.last().is_some_and(|last| last.text == typed);
                        (*id, code, current)
                    })
                }
                _ => None,
            });
        let (connection, code, current) = found.ok_or(LinkError::Unknown)?;
        if !current || code.since.elapsed() > life {
            return Err(LinkError::Expired);
        }
        if code.number != number {
            return Err(LinkError::OtherNumber);
        }
        Ok(self.link(phone, connection))
    }

    fn link(&mut self, phone: PhoneId, connection: ConnectionId) -> DeviceId {
        let id = DeviceId(self.fresh_id());
        let mut device = Device::new(phone, self.random_hex::<24>());
        device.history = self.history_for(phone).into();
        let account = &self.phones[phone.0];
        let credential = Credential {
            device: id,
            secret: device.secret.clone(),
            number: account.number.clone(),
            lid: account.lid.clone(),
            pushname: account.push_name.clone(),
        };
        self.devices.insert(id, device);
        if let Some(Role::Linking(linking)) = self.connections.get_mut(&connection).map(|c| &mut c.role) {
            linking.device = Some(id);
        }
        self.send(connection, &ToPage::PairSuccess { credential });
        id
    }

    /// The page has its credential: the device exists from now on.
    pub(crate) fn finish_linking(&mut self, connection: ConnectionId) {
        let Some(Role::Linking(linking)) = self.connections.get(&connection).map(|c| &c.role) else {
            return;
        };
        if let Some(device) = linking.device.and_then(|id| self.devices.get_mut(&id)) {
            device.registered = true;
        }
    }

    fn history_for(&mut self, phone: PhoneId) -> Vec<HistoryChunk> {
        let threads = &self.phones[phone.0].threads;
        let mut chats: Vec<HistoryChat> = threads
            .iter()
            .map(|(customer, thread)| {
                let person = self.person(*customer);
                let push_name = person.push_name.clone();
                let messages = thread.messages.iter();
                HistoryChat {
                    chat: self.customers[customer.0].jid(),
                    unread: thread.unread,
                    messages: messages
                        .map(|message| history_message(message, push_name.as_ref()))
                        .collect(),
                    person,
                }
            })
            .collect();
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.messages.last().map_or(0, |message| message.t)));
        let total = chats.len().max(1);
        let mut done = 0;
        let mut chunks = Vec::new();
        while !chats.is_empty() {
            let part: Vec<HistoryChat> = chats.drain(..chats.len().min(CHATS_PER_CHUNK)).collect();
            done += part.len();
            let progress = u8::try_from(done * 100 / total).unwrap_or(100);
            chunks.push(HistoryChunk {
                n: self.fresh_id(),
                chats: part,
                progress,
            });
        }
        chunks
    }
}

fn history_message(message: &Message, push_name: Option<&String>) -> HistoryMessage {
    HistoryMessage {
        id: message.id.clone(),
        from_me: message.from_me,
        kind: "text",
        text: message.text.clone(),
        t: message.t,
        ack: message.ack,
        push_name: if message.from_me { None } else { push_name.cloned() },
        quote: message.quote.clone(),
        body: message.body.clone(),
        edited: message.edited,
        revoked: message.revoked,
        reactions: message.reactions.clone(),
    }
}
