//! Media in the service: files that phones and pages have uploaded, by the path for their download.
//! On the site a file is encrypted with a key that only the message has. Here it is in clear, and only its seal depends
//! on the key: ten bytes at its end, as on the site, by which a page detects a file that was altered. The hash and size
//! in the message are the sender's claim; only the receiver compares them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::clock::now_ms;
use super::messages::attachment::Attachment;
use super::messages::body::Body;
use super::people::PhoneId;
use super::world::World;

/// Size of a seal, in bytes.
pub(crate) const SEAL: usize = 10;

/// Kind of damage to a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corruption {
    /// The sender uploaded another file than the one whose hash is in the message.
    WrongHash,
    /// The sender uploaded half of the file.
    Truncated,
    /// The sender uploaded nothing.
    Empty,
    /// The service delivers other bytes than were uploaded; a page detects and refuses them.
    Damaged,
}

/// Whether a medium can be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// It has expired. Our phone may still have it, and uploads it again when it is asked.
    Gone {
        phone_has_it: bool,
    },
}

/// A file and its seal.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    plain: Bytes,
    seal: Bytes,
    filehash: String,
    enc_filehash: String,
    key: String,
    presence: Presence,
}

impl Medium {
    /// Splits an uploaded file from the seal at its end. `None` if it is too short for a seal.
    pub fn uploaded(mut stored: Bytes) -> Option<Self> {
        let seal = stored.split_off(stored.len().checked_sub(SEAL)?);
        let mut digest = Sha256::new_with_prefix(&stored);
        let filehash = STANDARD.encode(digest.clone().finalize());
        digest.update(&seal);
        Some(Self {
            plain: stored,
            seal,
            filehash,
            enc_filehash: STANDARD.encode(digest.finalize()),
            key: String::new(),
            presence: Presence::There,
        })
    }

    /// Creates the file that a phone uploads with this key.
    pub fn sealed(plain: Bytes, key: &str) -> Self {
        let hash = Sha256::digest(&plain);
        let seal = seal(key, &hash);
        let mut digest = Sha256::new_with_prefix(&plain);
        digest.update(&seal);
        Self {
            plain,
            seal,
            filehash: STANDARD.encode(hash),
            enc_filehash: STANDARD.encode(digest.finalize()),
            key: key.to_owned(),
            presence: Presence::There,
        }
    }

    /// Returns the parts of a download, in order: file and seal.
    pub fn parts(&self) -> [Bytes; 2] {
        [self.plain.clone(), self.seal.clone()]
    }

    pub fn enc_filehash(&self) -> &str {
        &self.enc_filehash
    }

    fn corrupt(&mut self, how: Corruption) {
        let broken = match how {
            Corruption::WrongHash | Corruption::Damaged => {
                let mut other = self.plain.to_vec();
                other.iter_mut().take(1).for_each(|byte| *byte = !*byte);
                other.into()
            }
            Corruption::Truncated => self.plain.slice(..self.plain.len() / 2),
            Corruption::Empty => Bytes::new(),
        };
        self.plain = broken;
        if how != Corruption::Damaged {
            self.seal = seal(&self.key, &Sha256::digest(&self.plain));
        }
    }
}

/// Returns a seal like WhatsApp's: ten bytes that only a holder of the key can compute.
fn seal(key: &str, hash: &[u8]) -> Bytes {
    let digest = Sha256::new_with_prefix(key).chain_update(hash).finalize();
    Bytes::copy_from_slice(&digest[..SEAL])
}

/// All files, and the messages that they belong to.
#[derive(Debug, Default)]
pub(crate) struct MediaStore {
    by_path: BTreeMap<String, Medium>,
    /// Paths by stanza id. Forwarded and copied messages share a file, and two people may use the same stanza id.
    of_stanza: BTreeMap<String, Vec<String>>,
}

impl MediaStore {
    /// Returns the file at a path, if it has not expired.
    pub fn fetch(&self, path: &str) -> Option<&Medium> {
        let medium = self.by_path.get(path)?;
        (medium.presence == Presence::There).then_some(medium)
    }

    fn of_stanza_mut(&mut self, stanza_id: &str, change: impl Fn(&mut Medium)) {
        for path in self.of_stanza.get(stanza_id).into_iter().flatten() {
            if let Some(medium) = self.by_path.get_mut(path) {
                change(medium);
            }
        }
    }
}

impl World {
    /// Stores a file and returns the path for its download.
    pub(crate) fn keep_medium(&mut self, medium: Medium) -> String {
        let path = format!("/v/t62.7118-24/{}_n.enc", self.random_hex::<12>());
        self.media.by_path.insert(path.clone(), medium);
        path
    }

    /// Uploads a file from a phone, and returns the fields for its message.
    pub(crate) fn upload(&mut self, attachment: &Attachment) -> Map<String, Value> {
        let key = STANDARD.encode(self.random_bytes::<32>());
        let medium = Medium::sealed(attachment.bytes.clone(), &key);
        let mut fields = attachment.fields();
        let said = json!({
            "size": medium.plain.len(),
            "filehash": medium.filehash,
            "encFilehash": medium.enc_filehash,
            "mediaKey": key,
            "mediaKeyTimestamp": now_ms() / 1000,
            "directPath": self.keep_medium(medium),
        });
        if let Value::Object(said) = said {
            fields.extend(said);
        }
        fields
    }

    /// Notes that a message has the file that its fields name.
    pub(crate) fn carry_medium(&mut self, stanza_id: &str, body: &Body) {
        let Some(path) = body.text("directPath") else { return };
        let Some(medium) = self.media.by_path.get_mut(path) else {
            return;
        };
        if let Some(key) = body.text("mediaKey") {
            key.clone_into(&mut medium.key);
        }
        let paths = self.media.of_stanza.entry(stanza_id.to_owned()).or_default();
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }

    /// Returns the medium as a phone shows it; `None` if it has expired, or if its seal or hash is wrong.
    pub(crate) fn shown_attachment(&self, body: &Body, caption: &str) -> Option<Attachment> {
        let medium = self.media.fetch(body.text("directPath")?)?;
        let key = body.text("mediaKey")?;
        let hash = STANDARD.decode(&medium.filehash).ok()?;
        let whole = body.text("filehash") == Some(&medium.filehash) && seal(key, &hash) == medium.seal;
        whole.then(|| Attachment::shown(body, caption, medium.plain.clone()))?
    }

    /// Asks the phone for a file that a page could not download. Returns its new path; `None` if the phone is off and
    /// does not answer.
    pub(crate) fn ask_phone(&mut self, phone: PhoneId, path: &str) -> Option<Result<String, &'static str>> {
        let online = self.phones[phone.0].online;
        let medium = self.media.by_path.get(path).cloned();
        match medium.as_ref().map(|medium| medium.presence) {
            Some(Presence::There) => Some(Ok(path.to_owned())),
            Some(Presence::Gone { .. }) | None if !online => None,
            Some(Presence::Gone { phone_has_it: true }) => {
                let again = Medium {
                    presence: Presence::There,
                    ..medium?
                };
                let new = self.keep_medium(again);
                for paths in self.media.of_stanza.values_mut() {
                    if paths.iter().any(|known| known == path) {
                        paths.push(new.clone());
                    }
                }
                Some(Ok(new))
            }
            Some(Presence::Gone { phone_has_it: false }) | None => Some(Err("no phone has it any more")),
        }
    }

    /// Deletes a message's medium. `phone_has_it`: whether our phone can upload it again.
    pub(crate) fn expire_media(&mut self, stanza_id: &str, phone_has_it: bool) {
        let gone = Presence::Gone { phone_has_it };
        self.media.of_stanza_mut(stanza_id, |medium| medium.presence = gone);
    }

    /// Restores a message's expired medium.
    pub(crate) fn restore_media(&mut self, stanza_id: &str) {
        self.media
            .of_stanza_mut(stanza_id, |medium| medium.presence = Presence::There);
    }

    /// Damages a message's medium.
    pub(crate) fn corrupt_media(&mut self, stanza_id: &str, how: Corruption) {
        self.media.of_stanza_mut(stanza_id, |medium| medium.corrupt(how));
    }
}
