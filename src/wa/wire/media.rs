//! A message's medium in the page's JSON. Implausible fields are left out: the medium is downloaded all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::lenient::whole;
use crate::domain::WaMessageId;
use crate::domain::details::Details;
use crate::domain::hex::hex;
use crate::domain::whatsapp::WaMedia;

/// Maximum number of bars kept of a voice note's waveform.
const MAX_BARS: usize = 64;
/// The highest value of a bar.
const LOUDEST: u8 = 100;
/// Maximum width and height of an image, in pixels; a larger value is not believed.
const MAX_SIDE: i64 = 100_000;
/// Maximum size of a preview, in bytes; a larger one is left out.
const MAX_PREVIEW_BYTES: usize = 48 << 10;
/// Length of a SHA-256.
const HASH_BYTES: usize = 32;

/// One medium as the page reports it.
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
    preview: Option<Value>,
    source: Option<Value>,
    better: bool,
}

impl WireMedium {
    /// Converts to the domain's type.
    pub fn domain(&self) -> WaMedia {
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        WaMedia {
            mimetype: text(&self.mimetype),
            size: number(self.size.as_ref()).and_then(|size| u64::try_from(size).ok()),
            sha256: text(&self.hash).and_then(|hash| hex_of(&hash)),
            filename: text(&self.file_name),
            preview: text(&self.preview).and_then(|preview| preview_of(&preview)),
            source: text(&self.source).map(WaMessageId),
            is_better: self.better,
        }
    }

    /// Sets animation, width, height and waveform in `details`.
    pub fn describe(&self, details: &mut Details) {
        let side = |value: &Option<Value>| {
            let side = number(value.as_ref()).filter(|side| (1..=MAX_SIDE).contains(side));
            side.and_then(|side| u32::try_from(side).ok())
        };
        details.animated = self.gif;
        (details.width, details.height) = (side(&self.width), side(&self.height));
        let bars = self.waveform.iter().flatten().take(MAX_BARS);
        details.waveform = bars
            .map(|bar| whole(bar).map_or(0, |bar| u8::try_from(bar.clamp(0, LOUDEST.into())).unwrap_or(LOUDEST)))
            .collect();
    }

    /// Reads the length of a recording, in seconds.
    pub fn duration_s(seconds: Option<&Value>) -> Option<u32> {
        number(seconds).and_then(|seconds| u32::try_from(seconds).ok())
    }

    /// Returns the file name as the page reports it.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_ref()?.as_str()
    }
}

/// Reads a whole number, given as a number or as text.
fn number(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => whole(number),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn preview_of(base64: &str) -> Option<Vec<u8>> {
    // Before it is decoded: four characters are three bytes.
    let is_small = base64.len() <= MAX_PREVIEW_BYTES / 3 * 4;
    let bytes = is_small.then(|| STANDARD.decode(base64.trim()).ok()).flatten()?;
    (!bytes.is_empty()).then_some(bytes)
}

fn hex_of(base64: &str) -> Option<String> {
    let bytes = STANDARD
        .decode(base64.trim())
        .ok()
        .filter(|bytes| bytes.len() == HASH_BYTES)?;
    Some(hex(&bytes))
}
