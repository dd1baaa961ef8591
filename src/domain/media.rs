//! Media of messages: images, voice notes, documents. Their states, the kinds of file, size limits, and cleaned file
//! names. The vault holds their bytes.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::MediaId;
use super::message::Kind;
use super::message::details::Details;
use super::word::words;

/// Largest medium that is downloaded unless the configuration says otherwise, in bytes. More would endanger WhatsApp
/// Web's own memory.
pub const DEFAULT_MAX_BYTES: u64 = 100 << 20;
/// Longest name of a file, in bytes: every file system takes it.
pub const MAX_FILENAME_BYTES: usize = 200;
/// Longest media type that is accepted, in bytes.
pub const MAX_MIMETYPE_BYTES: usize = 127;
/// Media type of files whose type is unknown.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

const MEGABYTE: u64 = 1_000_000;
/// Longest file name in a line that stands for a medium, in characters.
const MAX_LINE_NAME_CHARS: usize = 120;

words! {
    /// State of a medium's bytes.
    MediaState {
        /// WhatsApp has the bytes, the vault does not yet.
        Pending = "pending",
        /// The vault has the bytes, and their hash is right.
        Stored = "stored",
        /// WhatsApp does not have the bytes any more; a person may ask for them again.
        Expired = "expired",
        /// The medium is larger than the limit.
        Refused = "refused",
        /// The bytes do not have the hash that WhatsApp states.
        Broken = "broken",
    }
}

/// Receiver of a medium's bytes, one slice at a time.
#[async_trait]
pub trait Sink: Send {
    /// Writes the next slice. Fails with [`std::io::ErrorKind::FileTooLarge`] when the limit is exceeded.
    async fn write(&mut self, slice: &[u8]) -> std::io::Result<()>;
}

/// A medium, as all modules outside the store see it. Stored as JSON in the message's row; its JSON outside is
/// `contract::MediaView`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Id of the medium.
    pub id: MediaId,
    /// State of its bytes.
    pub state: MediaState,
    /// Media type as the sender states it. The type that the API serves follows from the bytes.
    pub mimetype: String,
    /// Size in bytes; as WhatsApp states it while the bytes are not stored.
    pub size: Option<u64>,
    /// SHA-256 of the stored bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// Name of the file, as the sender gave it.
    pub filename: Option<String>,
    /// Path at which the API serves the bytes.
    pub url: String,
    /// Reason why the bytes are not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Returns the path at which the API serves a medium.
pub fn url(id: MediaId) -> String {
    format!("/api/v1/media/{id}")
}

words! {
    /// Kind of message as which a file is sent.
    FileKind {
        Image = "image", Video = "video",
        /// A short video that plays by itself, without sound.
        Gif = "gif",
        Audio = "audio",
        /// Audio that is shown as a voice note.
        Voice = "voice",
        Document = "document", Sticker = "sticker",
    }
}

impl FileKind {
    /// Returns the kind for a file without a requested kind: types that phones display keep their kind, all others are
    /// documents.
    pub fn of_type(sniffed: Option<&str>) -> Self {
        match sniffed.unwrap_or_default() {
            "image/jpeg" | "image/png" | "image/webp" => Self::Image,
            "video/mp4" => Self::Video,
            "audio/mpeg" | "audio/ogg" | "audio/mp4" | "audio/aac" | "audio/amr" => Self::Audio,
            _ => Self::Document,
        }
    }

    /// Returns whether a file of this type (as its bytes say) can be sent as this kind.
    pub fn takes(self, sniffed: Option<&str>) -> bool {
        let sniffed = sniffed.unwrap_or_default();
        match self {
            Self::Document => true,
            Self::Image => sniffed.starts_with("image/"),
            Self::Sticker => matches!(sniffed, "image/webp" | "image/png" | "image/jpeg" | "image/gif"),
            Self::Video | Self::Gif => sniffed.starts_with("video/"),
            // MP4 and WebM are containers of audio as well as of video.
            Self::Audio | Self::Voice => sniffed.starts_with("audio/") || matches!(sniffed, "video/mp4" | "video/webm"),
        }
    }

    /// Returns the kind of the message.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Image => Kind::Image,
            Self::Video | Self::Gif => Kind::Video,
            Self::Audio => Kind::Audio,
            Self::Voice => Kind::Voice,
            Self::Document => Kind::Document,
            Self::Sticker => Kind::Sticker,
        }
    }

    /// Returns the kind as which a message of ours is sent.
    pub const fn of_message(kind: Kind, animated: bool) -> Self {
        match kind {
            Kind::Image => Self::Image,
            Kind::Video if animated => Self::Gif,
            Kind::Video => Self::Video,
            Kind::Audio => Self::Audio,
            Kind::Voice => Self::Voice,
            Kind::Sticker => Self::Sticker,
            _ => Self::Document,
        }
    }
}

/// Returns the line that stands for a medium without a caption, without brackets: `voice note, 0:12`.
pub fn line(kind: Kind, details: &Details, filename: Option<&str>) -> String {
    let what = match kind {
        Kind::Image => "image",
        Kind::Video if details.animated => "GIF",
        Kind::Video => "video",
        Kind::Audio => "audio",
        Kind::Voice => "voice note",
        Kind::Sticker => "sticker",
        _ => "document",
    };
    let once = if details.view_once { "view-once " } else { "" };
    let name = filename.filter(|_| kind == Kind::Document).map(on_one_line);
    match (details.duration_s, name.as_deref()) {
        (Some(seconds), _) => format!("{once}{what}, {}:{:02}", seconds / 60, seconds % 60),
        (None, Some(name)) if !name.is_empty() => format!("{once}{what}: {name}"),
        _ => format!("{once}{what}"),
    }
}

fn on_one_line(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_LINE_NAME_CHARS)
        .collect();
    name.trim().to_owned()
}

/// Returns a file's name without path, reserved characters, control characters and characters that reorder text
/// (rule 31); `None` when nothing is left.
pub fn clean_filename(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = name
        .chars()
        .map(|c| {
            if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') {
                '_'
            } else {
                c
            }
        })
        .filter(|c| !c.is_control() && !reorders(*c))
        .collect();
    let kept = kept
        .trim_start_matches(|c: char| c == '.' || c.is_whitespace())
        .trim_end();
    let (stem, ending) = match kept.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 16 => (stem, format!(".{ending}")),
        _ => (kept, String::new()),
    };
    // Cut before the extension, which tells the type.
    let stem = &stem[..stem.floor_char_boundary(MAX_FILENAME_BYTES - ending.len())];
    let name = format!("{stem}{ending}");
    (!name.is_empty() && name != ".").then_some(name)
}

/// Returns the usual extension of a type.
pub fn ending(mimetype: &str) -> &'static str {
    match mimetype.split(';').next().unwrap_or_default().trim() {
        // The common one, where a type has several.
        "image/jpeg" => "jpg",
        "audio/mpeg" => "mp3",
        "audio/ogg" => "ogg",
        "audio/mp4" => "m4a",
        "video/mp4" => "mp4",
        other => {
            let known = other
                .split_once('/')
                .and_then(|(main, sub)| mime_guess::get_extensions(main, sub));
            known.and_then(|endings| endings.first()).copied().unwrap_or("bin")
        }
    }
}

/// Returns whether a character changes the order in which text is read, or is invisible.
const fn reorders(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns a media type in its plain form (`type/subtype`, perhaps with parameters), or the unknown type if it is
/// invalid.
pub fn clean_mimetype(text: &str) -> String {
    let text = text.trim();
    let plain = text.len() <= MAX_MIMETYPE_BYTES
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.split(';').next().is_some_and(is_type);
    if plain {
        text.to_ascii_lowercase()
    } else {
        UNKNOWN_TYPE.to_owned()
    }
}

fn is_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    text.trim()
        .split_once('/')
        .is_some_and(|(main, sub)| token(main) && token(sub))
}

/// Limits on the size of media, by kind: `100MB`, or `100MB, video=64MB, image=16MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimits {
    most: u64,
    /// Limits by kind, in the order of [`FileKind::ALL`].
    by_kind: [Option<u64>; FileKind::ALL.len()],
}

impl Default for SizeLimits {
    fn default() -> Self {
        Self::of_all(DEFAULT_MAX_BYTES)
    }
}

impl SizeLimits {
    /// Creates limits that are the same for every kind, in bytes.
    pub const fn of_all(most: u64) -> Self {
        Self {
            most,
            by_kind: [None; FileKind::ALL.len()],
        }
    }

    /// Returns the limit for a kind, in bytes.
    pub fn of(&self, kind: FileKind) -> u64 {
        self.by_kind[kind as usize].unwrap_or(self.most)
    }

    /// Returns the largest limit of all kinds, in bytes.
    pub fn largest(&self) -> u64 {
        FileKind::ALL
            .iter()
            .map(|kind| self.of(*kind))
            .max()
            .unwrap_or(self.most)
    }
}

impl FromStr for SizeLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            let kinds: Vec<_> = FileKind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!(
                "a size such as 100MB, and sizes by kind such as video=64MB after it ({})",
                kinds.join(", ")
            )
        };
        let mut limits = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None => limits.most = bytes(part).ok_or_else(expected)?,
                Some((kind, size)) => {
                    let kind: FileKind = kind.trim().parse().map_err(|_| expected())?;
                    limits.by_kind[kind as usize] = Some(bytes(size).ok_or_else(expected)?);
                }
            }
        }
        Ok(limits)
    }
}

/// Parses a size such as `2GiB`; `0` and `off` are zero.
pub fn size_or_off(text: &str) -> Result<u64, String> {
    match text.trim() {
        "0" | "off" => Ok(0),
        text => bytes(text).ok_or_else(|| "a size such as 2GiB, or off".to_owned()),
    }
}

/// Parses a size such as `100MB`, `64 MiB` or `1000`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => MEGABYTE,
        "gb" => 1_000 * MEGABYTE,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    text[..digits]
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
        .filter(|size| *size > 0)
}

/// Returns a size as people read it: `1.5 MB`.
pub fn readable_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..MEGABYTE => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / MEGABYTE, bytes % MEGABYTE / 100_000),
    }
}

words! {
    /// Policy for downloading media that customers send.
    FetchMode {
        /// At once, except media from before the first login.
        Auto = "auto",
        /// When a person asks for it.
        Demand = "demand",
    }
}

/// Rules for media, set by the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaRules {
    /// Policy for downloading.
    pub fetch: FetchMode,
    /// Limits on the size.
    pub max: SizeLimits,
    /// Interval between two lookups of an avatar; `None` means never.
    pub avatars: Option<Duration>,
    /// Bytes that are kept free where media are stored: with less, none are fetched or taken.
    pub free_space_floor: u64,
    /// Bytes of one conversation's media in a day that are downloaded at once; what is over waits for a person. `None`: any
    /// number.
    pub daily_quota: Option<u64>,
}

impl Default for MediaRules {
    fn default() -> Self {
        Self {
            fetch: FetchMode::Auto,
            max: SizeLimits::default(),
            avatars: None,
            free_space_floor: 0,
            daily_quota: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// rule 31.
    #[test]
    fn file_name_loses_path_and_control_marks() {
        for (name, clean) in [
            ("prices.pdf", Some("prices.pdf")),
            ("../../etc/passwd", Some("passwd")),
            (r"C:\Users\ada\offer.docx", Some("offer.docx")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("a\r\nSet-Cookie: x=1.txt", Some("aSet-Cookie_ x=1.txt")),
            ("\u{1b}]0;owned\u{7}.png", Some("]0;owned.png")),
            ("..", None),
            (" . ", None),
            ("", None),
            (".bashrc", Some("bashrc")),
        ] {
            assert_eq!(clean_filename(name).as_deref(), clean, "{name:?}");
        }
        let long = clean_filename(&format!("{}.tar.gz", "é".repeat(400))).unwrap();
        assert!(long.len() <= MAX_FILENAME_BYTES && long.ends_with("é.gz"), "{long}");
    }

    proptest! {
        #[test]
        fn any_file_name_and_type_is_cleaned(text in "\\PC{0,300}|[\\x00-\\x7f]{0,60}|(\\.|/|é){0,300}") {
            if let Some(name) = clean_filename(&text) {
                prop_assert!(!name.is_empty() && name.len() <= MAX_FILENAME_BYTES);
                prop_assert!(!name.contains(['/', '\\', '\0', '\n', '"']) && !name.starts_with('.'), "{name:?}");
                prop_assert_eq!(clean_filename(&name), Some(name));
            }
            let kind = clean_mimetype(&text);
            prop_assert!(kind.len() <= MAX_MIMETYPE_BYTES && kind.contains('/') && kind.is_ascii());
            let _ = text.parse::<SizeLimits>();
        }
    }

    #[test]
    fn size_limits_apply_to_all_or_one_kind() {
        let limits: SizeLimits = "20MB, video=64 MiB,sticker=500kb".parse().unwrap();
        assert_eq!(limits.of(FileKind::Document), 20_000_000);
        assert_eq!(limits.of(FileKind::Video), 64 << 20);
        assert_eq!(limits.of(FileKind::Sticker), 500_000);
        assert_eq!(limits.largest(), 64 << 20);
        assert_eq!("".parse(), Ok(SizeLimits::default()));
        for wrong in ["much", "10XB", "film=1MB", "video=", "0", "99999999999GB"] {
            assert!(wrong.parse::<SizeLimits>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn file_kind_follows_and_must_fit_its_type() {
        assert_eq!(FileKind::of_type(Some("image/png")), FileKind::Image);
        assert_eq!(FileKind::of_type(Some("application/pdf")), FileKind::Document);
        assert_eq!(FileKind::of_type(None), FileKind::Document);
        assert!(!FileKind::Image.takes(Some("application/pdf")) && !FileKind::Voice.takes(None));
        assert!(FileKind::Document.takes(Some("image/png")) && FileKind::Voice.takes(Some("audio/ogg")));
        for kind in FileKind::ALL {
            let again = FileKind::of_message(kind.kind(), *kind == FileKind::Gif);
            assert_eq!(again, *kind);
        }
    }

    #[test]
    fn media_message_has_placeholder_line() {
        let timed = |seconds| Details {
            duration_s: Some(seconds),
            ..Details::default()
        };
        assert_eq!(line(Kind::Voice, &timed(72), None), "voice note, 1:12");
        assert_eq!(
            line(Kind::Document, &Details::default(), Some("a\nb.pdf")),
            "document: a b.pdf"
        );
        let once = Details {
            view_once: true,
            ..Details::default()
        };
        assert_eq!(line(Kind::Image, &once, Some("x.jpg")), "view-once image");
    }
}
