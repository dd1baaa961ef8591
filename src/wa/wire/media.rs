//! What the page tells of a message's medium. What cannot be true is left out: the medium is fetched all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::{WireMessage, whole};
use crate::domain::details::Details;
use crate::domain::hex::hex;
use crate::domain::media::clean_filename;
use crate::domain::whatsapp::WaMedia;

/// Bars of a voice note's waveform that are kept.
const MAX_BARS: usize = 64;
/// The loudest bar.
const LOUDEST: u8 = 100;
/// No picture is larger, in pixels a side: what says so is not believed.
const MAX_SIDE: i64 = 100_000;
/// A SHA-256.
const HASH_BYTES: usize = 32;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireMedium {
    mimetype: Option<Value>,
    size: Option<Value>,
    hash: Option<Value>,
    file_name: Option<Value>,
    width: Option<Value>,
    height: Option<Value>,
    gif: bool,
    waveform: Option<Vec<Number>>,
}

impl WireMedium {
    fn domain(&self) -> WaMedia {
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        WaMedia {
            mimetype: text(&self.mimetype),
            size: number(self.size.as_ref()).and_then(|size| u64::try_from(size).ok()),
            sha256: text(&self.hash).and_then(|hash| hex_of(&hash)),
            filename: text(&self.file_name),
        }
    }
}

impl WireMessage {
    /// What it carries; never what may be looked at only once.
    pub(super) fn wa_media(&self) -> Option<WaMedia> {
        self.media
            .as_ref()
            .filter(|_| !self.view_once && self.kind != "revoked")
            .map(WireMedium::domain)
    }

    /// Fills what is known of a medium: its length, its measures, how it looks.
    pub(super) fn describe_media(&self, details: &mut Details) {
        details.view_once = self.view_once;
        details.duration_s = number(self.seconds.as_ref()).and_then(|seconds| u32::try_from(seconds).ok());
        let Some(media) = &self.media else { return };
        let side = |value: &Option<Value>| {
            let side = number(value.as_ref()).filter(|side| (1..=MAX_SIDE).contains(side));
            side.and_then(|side| u32::try_from(side).ok())
        };
        details.animated = media.gif || self.kind == "ptv";
        (details.width, details.height) = (side(&media.width), side(&media.height));
        let bars = media.waveform.iter().flatten().take(MAX_BARS);
        details.waveform = bars
            .map(|bar| whole(bar).map_or(0, |bar| u8::try_from(bar.clamp(0, LOUDEST.into())).unwrap_or(LOUDEST)))
            .collect();
    }

    /// The name that a document goes by.
    pub(super) fn document_name(&self) -> Option<String> {
        let of_medium = self.media.as_ref().and_then(|media| media.file_name.as_ref()?.as_str());
        self.file_name.as_deref().or(of_medium).and_then(clean_filename)
    }
}

/// A whole number, also where the page has it as text.
fn number(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => whole(number),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn hex_of(base64: &str) -> Option<String> {
    let bytes = STANDARD
        .decode(base64.trim())
        .ok()
        .filter(|bytes| bytes.len() == HASH_BYTES)?;
    Some(hex(&bytes))
}
