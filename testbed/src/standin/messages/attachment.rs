//! Media as people have them: a phone sends them, and shows those that it received.

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::body::Body;

/// Picture of one grey pixel, which a phone puts beside a picture or video until it is downloaded. It is in a message's
/// `body`, where a reader who expects a text finds it.
const THUMBNAIL: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////\
    ////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AKp//2Q==";

/// Kind of a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A video with sound.
    Video,
    /// A video without sound that repeats.
    Gif,
    /// Music, or any audio file.
    Audio,
    /// A voice note.
    Voice,
    /// Any file.
    Document,
    /// A sticker.
    Sticker,
}

impl AttachmentKind {
    /// Returns the type of its message.
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
    /// Kind.
    pub kind: AttachmentKind,
    /// Type as the sender declares it.
    pub mimetype: String,
    /// Content of the file.
    #[serde(rename = "base64", with = "base64_text")]
    pub bytes: Bytes,
    /// File name of a document.
    #[serde(default)]
    pub filename: Option<String>,
    /// Caption.
    #[serde(default)]
    pub caption: Option<String>,
    /// Duration, in seconds.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// Loudness of a voice note over time: 64 values up to 100.
    #[serde(default)]
    pub waveform: Vec<u8>,
    /// Width, in pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height, in pixels.
    #[serde(default)]
    pub height: Option<u32>,
    /// Whether it may be viewed only once.
    #[serde(default)]
    pub view_once: bool,
    /// Stanza id of the photo or video that this is the upload of in HD.
    #[serde(default)]
    pub hd_of: Option<String>,
}

impl Attachment {
    /// Creates a medium without any optional field.
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
            hd_of: None,
        }
    }

    /// Returns the message's fields about it, without its path and key.
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
        if let Some(first) = &self.hd_of {
            let kind = match self.kind {
                AttachmentKind::Image => "HD_IMAGE_DUAL_UPLOAD",
                _ => "HD_VIDEO_DUAL_UPLOAD",
            };
            put("associationType", json!(kind));
            put("parentId", json!(first));
        }
        if matches!(
            self.kind,
            AttachmentKind::Image | AttachmentKind::Video | AttachmentKind::Gif
        ) {
            put("body", json!(THUMBNAIL));
        }
        fields
    }

    /// Returns the medium as a phone shows it after the download.
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

/// Serialises it without its content, for the list of what a phone shows.
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
