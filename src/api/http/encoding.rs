//! Percent-encoding of names in paths and headers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// Characters that are encoded: all but letters, digits, `-`, `.`, `_` and `~` (RFC 3986, section 2.3).
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes a name as a part of a path.
pub fn in_path(name: &str) -> PercentEncode<'_> {
    utf8_percent_encode(name, RESERVED)
}
