//! Headers of a medium's answer. They make a browser treat a file from outside as a file, never as a page of ours (rule
//! 31).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::utf8_percent_encode;

use crate::api::http::encoding::RESERVED;
use crate::store::StoredMedia;

/// Types that a browser may show inline: raster images, audio and video. Never a type that can contain a script.
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

/// Types that are served under their own name, as a download.
const HARMLESS: &[&str] = &["application/pdf", "application/zip"];

/// The requested range lies outside the file (416).
#[derive(Debug, PartialEq, Eq)]
pub struct Unsatisfiable;

/// Returns the headers of a medium. Types that are not on either list are served as `application/octet-stream`.
pub fn of(stored: &StoredMedia) -> HeaderMap {
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
    ] {
        set(&mut headers, name, value);
    }
    headers
}

/// Returns the headers of a thumbnail, which a browser may cache for a day.
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

/// Returns the `Content-Disposition`, such as `attachment; filename="a_b.pdf"; filename*=UTF-8''a%20b.pdf`.
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
        utf8_percent_encode(name, RESERVED)
    )
}

/// Returns the requested range of bytes, or `None` for the whole file. A request for several ranges gets the whole
/// file, which RFC 9110 allows.
pub fn range(headers: &HeaderMap, tag: &str, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
    let of_another = headers.get(header::IF_RANGE).is_some_and(|known| known != tag);
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some(asked) = asked.filter(|asked| asked.starts_with("bytes=") && !of_another) else {
        return Ok(None);
    };
    let ranges = asked.strip_prefix("bytes=").unwrap_or_default().split(',');
    let ranges: Vec<Spec> = ranges
        .map(|spec| Spec::read(spec.trim()))
        .collect::<Option<_>>()
        .ok_or(Unsatisfiable)?;
    let mut within = ranges.iter().filter_map(|spec| spec.within(size));
    let first = within.next().ok_or(Unsatisfiable)?;
    Ok(Some(first).filter(|_| ranges.len() == 1))
}

/// A range as it was asked for (RFC 9110, section 14.1.2).
#[derive(Clone, Copy, Debug)]
enum Spec {
    /// From this byte on, to the end or to a last byte.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

impl Spec {
    /// Parses a range; `None` if it is none.
    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        match (first, last) {
            ("", last) => Some(Self::Last(position(last)?)),
            (first, "") => Some(Self::From(position(first)?, None)),
            (first, last) => {
                let (first, last) = (position(first)?, position(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// Returns the bytes of a file of this size that are in the range, or `None` if none are.
    fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first, last) => first..last.map_or(size, |last| last.saturating_add(1).min(size)),
            Self::Last(length) => size.saturating_sub(length)..size,
        };
        (!range.is_empty()).then_some(range)
    }
}

/// Parses a position. One that no number can hold is behind the end of every file.
fn position(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Sets a header. Every value here consists of characters that a header allows; a value that did not would be left out.
pub fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
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
        assert_eq!(asked("bytes=-99999", None), Ok(Some(0..10)), "longer than the file");
        assert_eq!(asked("bytes=0-99999999999999999999", None), Ok(Some(0..10)));
        assert_eq!(asked("bytes=-99999999999999999999", None), Ok(Some(0..10)));
        assert_eq!(asked("bytes=9-18446744073709551615", None), Ok(Some(9..10)));
        assert_eq!(asked("bytes=0-1,4-5", None), Ok(None));
        assert_eq!(asked("bytes=0-1, 90-", None), Ok(None));
        for outside in ["10-", "99999999999999999999-", "-0", "20-30,40-"] {
            assert_eq!(
                asked(&format!("bytes={outside}"), None),
                Err(Unsatisfiable),
                "{outside}"
            );
        }
        for none in ["", "-", "a-b", "3-2", "+1-2", "1-2-3", "1-2,"] {
            assert_eq!(asked(&format!("bytes={none}"), None), Err(Unsatisfiable), "{none}");
        }
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
