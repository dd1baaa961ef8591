//! Links a browser to a phone: with QR codes, which are replaced regularly, and eight-character codes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::device::{Device, DeviceId};
use super::net::wire::{Credential, ToPage};
use super::people::PhoneId;
use super::world::{ConnectionId, Role, World};

/// Alphabet of eight-character codes, without letters that look like others.
const CODE_ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTVWXYZ";

/// A browser that is being linked.
#[derive(Debug)]
pub(crate) struct Linking {
    noise: String,
    identity: String,
    /// SHA-256 of the secret that is only in the QR code.
    adv_digest: String,
    refs: Vec<String>,
    since: Instant,
    codes: Vec<Code>,
    /// Phone that waits for the browser's passkey.
    pub passkey_for: Option<PhoneId>,
    /// Device that a phone has just created for it.
    pub device: Option<DeviceId>,
}

#[derive(Debug)]
struct Code {
    text: String,
    number: String,
    since: Instant,
}

/// Reason why a phone refuses to link a browser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The text is not a QR code of the page.
    #[error("this is no code of WhatsApp Web: it must have at least four parts")]
    NotACode,
    /// No page shows this reference.
    #[error("no page shows this code: take the one that it shows now")]
    Unknown,
    /// The page has replaced the code, or has stopped showing codes.
    #[error("this code is no longer shown: take the one that the page shows now")]
    Expired,
    /// The keys in the code are not the page's.
    #[error("the keys in this code are not those of the page that shows it")]
    WrongKeys,
    /// The page asked for a code for another number.
    #[error("this code was made for another number")]
    OtherNumber,
    /// The phone waits for the page to show a passkey.
    #[error("the page must show a passkey before it is linked")]
    PasskeyAsked,
    /// The page disconnected before it had its credential.
    #[error("the page went away before it was linked")]
    PageGone,
}

impl World {
    /// Starts linking a browser: it gets its codes.
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
            passkey_for: None,
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

    /// Returns a code for the phone that has `number`.
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

    /// Scans a page's code with a phone.
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
        // A code is accepted a moment longer than it is shown, because people and networks are slow.
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
        self.link_or_ask(phone, connection)
    }

    /// Types a page's code on a phone.
    pub(crate) fn type_code(&mut self, phone: PhoneId, typed: &str) -> Result<DeviceId, LinkError> {
        let typed = typed.replace('-', "").to_uppercase();
        let life = self.options.pairing_code_life;
        let number = self.phones[phone.0].number.clone();
        let found = self
            .connections
            .iter()
            .find_map(|(id, connection)| match &connection.role {
                // A later code of the same page replaces an earlier one.
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
        self.link_or_ask(phone, connection)
    }

    /// Links the page of a connection to a phone, and returns the new device.
    pub(crate) fn link(&mut self, phone: PhoneId, connection: ConnectionId) -> DeviceId {
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

    /// Handles a page that has stored its credential: the device exists from now on.
    pub(crate) fn finish_linking(&mut self, connection: ConnectionId) {
        let Some(Role::Linking(linking)) = self.connections.get(&connection).map(|c| &c.role) else {
            return;
        };
        if let Some(device) = linking.device.and_then(|id| self.devices.get_mut(&id)) {
            device.registered = true;
        }
    }
}
