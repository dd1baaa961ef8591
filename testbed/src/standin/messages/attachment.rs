//! Media as people hold them: what a phone sends, and what a phone shows of what it was sent.

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::body::Body;

/// A picture of one grey pixel: what a phone puts beside a picture or video until it is fetched. It stands in a message's
/// `body`, where a reader who expects a text finds it.
const THUMBNAIL: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////\
    ////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AKp//2Q==";

/// What kind of medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A film with sound.
    Video,
    /// A film without sound that repeats.
    Gif,
    /// A piece of music, or any sound file.
    Audio,
    /// A voice note.
    Voice,
    /// Any file.
    Document,
    /// A sticker.
    Sticker,
}

impl AttachmentKind {
    /// The type of its message.
    pub fn message_type(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video | Self::Gif => "video",
            Self::Audio => "audio",
            Self::Voice => "ptt",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    fn of(body: &Body) -> Option<Self> {
        match body.kind.as_str() {
            "image" => Some(Self::Image),
            "video" | "ptv" if body.flag("isGif") => Some(Self::Gif),
            "video" | "ptv" => Some(Self::Video),
            "audio" => Some(Self::Audio),
            "ptt" => Some(Self::Voice),
            "document" => Some(Self::Document),
            "sticker" => Some(Self::Sticker),
            _ => None,
        }
    }
}

/// A medium in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What kind.
    pub kind: AttachmentKind,
    /// As the sender names it.
    pub mimetype: String,
    /// The file.
    #[serde(rename = "base64", with = "base64_text")]
    pub bytes: Bytes,
    /// The name of a document.
    #[serde(default)]
    pub filename: Option<String>,
    /// The text under it.
    #[serde(default)]
    pub caption: Option<String>,
    /// How long it plays.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// How loud a voice note is along its length: 64 values up to 100.
    #[serde(default)]
    pub waveform: Vec<u8>,
    /// In pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// In pixels.
    #[serde(default)]
    pub height: Option<u32>,
    /// Whether it may be looked at once only.
    #[serde(default)]
    pub view_once: bool,
}

impl Attachment {
    /// A medium with nothing said about it.
    pub fn new(kind: AttachmentKind, mimetype: &str, bytes: impl Into<Bytes>) -> Self {
        Self {
            kind,
            mimetype: mimetype.to_owned(),
            bytes: bytes.into(),
            filename: None,
            caption: None,
            seconds: None,
            waveform: Vec::new(),
            width: None,
            height: None,
            view_once: false,
        }
    }

    /// What its message says of it, besides where it is and how to read it.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("mimetype", json!(self.mimetype));
        if let Some(name) = &self.filename {
            put("filename", json!(name));
        }
        for (name, value) in [
            ("duration", self.seconds),
            ("width", self.width),
            ("height", self.height),
        ] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        if !self.waveform.is_empty() {
            put("waveform", json!(self.waveform));
        }
        if self.kind == AttachmentKind::Gif {
            put("isGif", json!(true));
        }
        if self.view_once {
            put("isViewOnce", json!(true));
        }
        if matches!(
            self.kind,
            AttachmentKind::Image | AttachmentKind::Video | AttachmentKind::Gif
        ) {
            put("body", json!(THUMBNAIL));
        }
        fields
    }

    /// What a phone shows, once it has fetched the file.
    pub(crate) fn shown(body: &Body, caption: &str, bytes: Bytes) -> Option<Self> {
        let levels = body.fields.get("waveform").and_then(Value::as_array);
        let level = |value: &Value| value.as_u64().and_then(|level| u8::try_from(level).ok());
        Some(Self {
            mimetype: body.text("mimetype").unwrap_or_default().to_owned(),
            filename: body.text("filename").map(str::to_owned),
            caption: (!caption.is_empty()).then(|| caption.to_owned()),
            seconds: body.number("duration"),
            waveform: levels.into_iter().flatten().filter_map(level).collect(),
            width: body.number("width"),
            height: body.number("height"),
            view_once: body.flag("isViewOnce"),
            ..Self::new(AttachmentKind::of(body)?, "", bytes)
        })
    }
}

/// Without the file itself, for a list of what a phone shows.
#[expect(clippy::ref_option, reason = "serde hands a field over by reference")]
pub(crate) fn without_bytes<S: Serializer>(attachment: &Option<Attachment>, serializer: S) -> Result<S::Ok, S::Error> {
    let described = attachment.as_ref().map(|attachment| {
        let Attachment {
            kind, mimetype, bytes, ..
        } = attachment;
        json!({
            "kind": kind, "mimetype": mimetype, "size": bytes.len(), "filename": attachment.filename,
            "caption": attachment.caption, "seconds": attachment.seconds, "waveform": attachment.waveform,
            "width": attachment.width, "height": attachment.height, "view_once": attachment.view_once,
        })
    });
    described.serialize(serializer)
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}
