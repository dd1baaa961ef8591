//! What a message can be: drawn at random, sent by a customer or by us, and looked for wherever it went.

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};
use testbed::standin::{Attachment, AttachmentKind, Draft};

use crate::rig::files::{mp4, noise, opus, png, sha256, wav, webp};

/// Kinds of messages, of which the last are media.
pub const KINDS: usize = 11;
const MEDIA: usize = 7;
/// Files that are not pictures have from this many bytes on …
const SMALLEST: usize = 1_000;
/// … up to this many.
const LARGEST: usize = 200_000;

#[derive(Clone, Debug)]
pub enum Matter {
    Text(String),
    Medium(Attachment),
    Place { lat: f64, lng: f64, name: String },
    Card { name: String, vcard: String },
    Poll { question: String, options: [String; 3] },
}

impl Matter {
    /// The `k`th message: each kind once, then what the dice say. `label` is found again in every part that can say something.
    pub fn draw(dice: &mut StdRng, k: usize, label: &str) -> Self {
        let label = label.to_owned();
        let kind = if k < KINDS {
            k
        } else {
            *[0, 0, dice.random_range(0..KINDS)].choose(dice).unwrap()
        };
        match kind {
            0 => Self::Text(label),
            1 => Self::Place {
                lat: f64::from(dice.random_range(-80_000..80_000)) / 1000.0,
                lng: f64::from(dice.random_range(-170_000..170_000)) / 1000.0,
                name: label,
            },
            2 => Self::Card {
                vcard: format!("BEGIN:VCARD\nVERSION:3.0\nN:;{label};;;\nFN:{label}\nEND:VCARD"),
                name: label,
            },
            3 => Self::Poll {
                options: ["yes", "no", "later"].map(|word| format!("{word}, {label}")),
                question: label,
            },
            other => Self::Medium(medium(dice, other - (KINDS - MEDIA), label)),
        }
    }

    pub fn draft(&self) -> Draft {
        match self {
            Self::Text(text) => Draft::text(text),
            Self::Medium(attachment) => Draft::attachment(attachment.clone()),
            Self::Place { lat, lng, name } => Draft::location(*lat, *lng, name.as_str()),
            Self::Card { name, vcard } => Draft::contact(name, vcard),
            Self::Poll { question, options } => Draft::poll(question, options, 1),
        }
    }

    /// The body of a send, without whom it goes to; a medium has been handed in as `media`.
    pub fn body(&self, media: Option<&Value>) -> Value {
        match self {
            Self::Text(text) => json!({ "content": text }),
            Self::Medium(attachment) => {
                let media = json!({ "id": media, "kind": as_sent(attachment.kind) });
                match &attachment.caption {
                    Some(caption) => json!({ "media": media, "content": caption }),
                    None => json!({ "media": media }),
                }
            }
            Self::Place { lat, lng, name } => {
                json!({ "location": { "latitude": lat, "longitude": lng, "name": name } })
            }
            Self::Card { name, vcard } => json!({ "contact": { "name": name, "vcard": vcard } }),
            Self::Poll { question, options } => {
                json!({ "poll": { "question": question, "options": options, "selectable": 1 } })
            }
        }
    }

    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Of a medium.
    pub fn hash(&self) -> Option<String> {
        match self {
            Self::Medium(attachment) => Some(sha256(&attachment.bytes)),
            _ => None,
        }
    }

    /// What differs between this and a row of the export; `text` is what stands there by now, as a text or under a medium.
    pub fn differs_from_row(&self, row: &Value, text: &str) -> Option<String> {
        let details = &row["details"];
        let same = match self {
            Self::Text(_) => row["kind"] == "text" && row["content"] == text,
            Self::Medium(attachment) => {
                let says = row["content"].as_str().unwrap_or_default();
                let caption = if text.is_empty() {
                    says.starts_with('[')
                } else {
                    says == text
                };
                let media = &row["media"];
                let name = attachment
                    .filename
                    .as_ref()
                    .is_none_or(|name| media["filename"] == name.as_str());
                caption
                    && name
                    && row["kind"] == kind_of(attachment.kind)
                    && (media["state"].as_str(), media["sha256"].as_str()) == (Some("stored"), self.hash().as_deref())
                    && media["size"] == attachment.bytes.len()
            }
            Self::Place { lat, lng, name } => {
                row["kind"] == "location"
                    && (
                        details["location"]["latitude"].as_f64(),
                        details["location"]["longitude"].as_f64(),
                    ) == (Some(*lat), Some(*lng))
                    && details["location"]["name"] == name.as_str()
            }
            Self::Card { name, vcard } => {
                row["kind"] == "contact" && details["contacts"] == json!([{ "name": name, "vcard": vcard }])
            }
            Self::Poll { question, options } => {
                let poll = &details["poll"];
                row["kind"] == "poll" && poll["question"] == question.as_str() && poll["options"] == json!(options)
            }
        };
        (!same).then(|| format!("{} is {row}", self.name()))
    }

    /// The same for what a phone shows of it: type, fields, and the medium that it could fetch.
    pub fn differs_on_phone(&self, kind: &str, fields: &Value, medium: Option<&Attachment>) -> Option<String> {
        let same = match self {
            Self::Text(_) => kind == "chat",
            Self::Medium(attachment) => {
                kind == attachment.kind.message_type() && medium.is_some_and(|medium| medium.bytes == attachment.bytes)
            }
            Self::Place { lat, lng, name } => {
                kind == "location"
                    && (fields["lat"].as_f64(), fields["lng"].as_f64()) == (Some(*lat), Some(*lng))
                    && fields["loc"] == name.as_str()
            }
            Self::Card { vcard, .. } => kind == "vcard" && fields["body"] == vcard.as_str(),
            Self::Poll { question, options } => {
                let names = fields["pollOptions"].as_array().into_iter().flatten();
                let names: Vec<&str> = names.filter_map(|option| option["name"].as_str()).collect();
                kind == "poll_creation" && fields["pollName"] == question.as_str() && names == *options
            }
        };
        (!same).then(|| format!("{} is {kind} with {fields}", self.name()))
    }

    /// For those who read what went wrong.
    fn name(&self) -> String {
        match self {
            Self::Medium(medium) => format!("{:?} of {} bytes", medium.kind, medium.bytes.len()),
            other => format!("{other:?}"),
        }
    }
}

/// A medium of some kind, with bytes that no other has.
fn medium(dice: &mut StdRng, kind: usize, label: String) -> Attachment {
    let (seed, size) = (dice.random::<u32>(), dice.random_range(SMALLEST..LARGEST));
    // What stands behind the end of a picture is no part of it, and makes a file of its own of it.
    let own = |bytes: Vec<u8>| [bytes, seed.to_be_bytes().to_vec()].concat();
    let (kind, mimetype, bytes) = match kind {
        0 => (AttachmentKind::Image, "image/png", own(png())),
        1 => (AttachmentKind::Video, "video/mp4", mp4(size, seed)),
        2 => (AttachmentKind::Gif, "video/mp4", mp4(size, seed)),
        3 => (AttachmentKind::Audio, "audio/wav", own(wav())),
        4 => (AttachmentKind::Voice, "audio/wav", own(wav())),
        5 => (AttachmentKind::Sticker, "image/webp", own(webp())),
        _ => (AttachmentKind::Document, "application/x-thing", noise(size, seed)),
    };
    let has_caption = matches!(
        kind,
        AttachmentKind::Image | AttachmentKind::Video | AttachmentKind::Document
    ) && dice.random_bool(0.5);
    Attachment {
        filename: (kind == AttachmentKind::Document).then(|| format!("{label}.bin")),
        caption: has_caption.then_some(label),
        ..Attachment::new(kind, mimetype, Bytes::from(bytes))
    }
}

/// A voice note as a phone records it: what we send is recorded nowhere.
pub fn as_a_phone_sends(matter: Matter) -> Matter {
    match matter {
        Matter::Medium(medium) if medium.kind == AttachmentKind::Voice => {
            let bytes = opus(medium.bytes.len(), u32::try_from(medium.bytes.len()).unwrap_or(1));
            let bytes = [bytes, medium.bytes.slice(medium.bytes.len() - 4..).to_vec()].concat();
            Matter::Medium(Attachment {
                mimetype: "audio/ogg; codecs=opus".into(),
                seconds: Some(12),
                waveform: (0..64).collect(),
                bytes: bytes.into(),
                ..medium
            })
        }
        other => other,
    }
}

const fn kind_of(kind: AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Gif => "video",
        other => as_sent(other),
    }
}

const fn as_sent(kind: AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::Image => "image",
        AttachmentKind::Video => "video",
        AttachmentKind::Gif => "gif",
        AttachmentKind::Audio => "audio",
        AttachmentKind::Voice => "voice",
        AttachmentKind::Document => "document",
        AttachmentKind::Sticker => "sticker",
    }
}
