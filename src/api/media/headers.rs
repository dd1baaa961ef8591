//! What a browser is told about a medium, so that a stranger's file is a file and never a page of ours (rule 31).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::store::StoredMedia;

/// What may be shown where it is: rasters, sounds and films. Never what may carry a script.
const INLINE: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "audio/mpeg",
    "audio/ogg",
    "audio/mp4",
    "audio/aac",
    "audio/amr",
    "audio/wav",
    "video/mp4",
    "video/webm",
];

/// What may be told by its name besides, as something to be saved.
const HARMLESS: &[&str] = &["application/pdf", "application/zip"];

/// What RFC 8187 takes as it is.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The part that was asked for is not there.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsatisfiable;

pub fn of(stored: &StoredMedia, tag: &str) -> HeaderMap {
    let sniffed = stored.sniffed.as_deref().unwrap_or_default();
    let inline = INLINE.contains(&sniffed);
    let served = if inline || HARMLESS.contains(&sniffed) {
        sniffed
    } else {
        "application/octet-stream"
    };
    let disposition = disposition(inline, stored.media.filename.as_deref());
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, served),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::ACCEPT_RANGES, "bytes"),
        (header::ETAG, tag),
    ] {
        set(&mut headers, name, value);
    }
    headers
}

pub fn of_thumbnail() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::CACHE_CONTROL, "private, max-age=86400"),
    ] {
        set(&mut headers, name, value);
    }
    headers
}

/// `attachment; filename="a_b.pdf"; filename*=UTF-8''a%20b.pdf`.
fn disposition(inline: bool, filename: Option<&str>) -> String {
    let way = if inline { "inline" } else { "attachment" };
    let Some(name) = filename else { return way.to_owned() };
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._ ()".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!(
        "{way}; filename=\"{plain}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, ATTRIBUTE)
    )
}

/// Whether whoever asks has it.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    values(headers, &header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// The part that is asked for; none for all of it. Of several parts none is given: the whole is an answer to that, too.
pub fn range(headers: &HeaderMap, tag: &str, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
    let of_another = headers.get(header::IF_RANGE).is_some_and(|known| known != tag);
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some(asked) = asked.filter(|asked| asked.starts_with("bytes=") && !of_another) else {
        return Ok(None);
    };
    let ranges = http_range_header::parse_range_header(asked)
        .and_then(|ranges| ranges.validate(size))
        .map_err(|_| Unsatisfiable)?;
    match ranges.as_slice() {
        [one] => Ok(Some(*one.start()..*one.end() + 1)),
        _ => Ok(None),
    }
}

/// Every value here is made of what a header takes; were it not, the header is left out.
pub fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Result<Option<Range<u64>>, Unsatisfiable> {
        let mut headers = HeaderMap::new();
        set(&mut headers, header::RANGE, range);
        if let Some(known) = if_range {
            set(&mut headers, header::IF_RANGE, known);
        }
        super::range(&headers, "\"t\"", 10)
    }

    #[test]
    fn range_is_parsed_several_mean_whole_file() {
        assert_eq!(asked("bytes=2-4", None), Ok(Some(2..5)));
        assert_eq!(asked("bytes=7-", None), Ok(Some(7..10)));
        assert_eq!(asked("bytes=-3", None), Ok(Some(7..10)));
        assert_eq!(asked("bytes=2-99", None), Ok(Some(2..10)));
        assert_eq!(asked("bytes=0-1,4-5", None), Ok(None));
        assert_eq!(asked("bytes=10-", None), Err(Unsatisfiable));
        assert_eq!(asked("lines=1-2", None), Ok(None));
        assert_eq!(asked("bytes=2-4", Some("\"t\"")), Ok(Some(2..5)));
        assert_eq!(asked("bytes=2-4", Some("\"other\"")), Ok(None));
    }

    /// rule 31.
    #[test]
    fn file_name_stays_within_header() {
        let told = disposition(false, Some("a\"; b=é.pdf"));
        assert_eq!(
            told,
            "attachment; filename=\"a__ b__.pdf\"; filename*=UTF-8''a%22%3B%20b%3D%C3%A9.pdf"
        );
        assert_eq!(disposition(true, None), "inline");
    }
}
