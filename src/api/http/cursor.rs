//! Cursors of lists, as clients see them. A cursor names a position and, by a tag, the list and the filters that it is of:
//! elsewhere it would skip or repeat rows without a word, so it is refused there. It is opaque and no secret: whoever makes one
//! up gets a place in a list that they may see anyway.

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::problem::{Code, Problem};
use crate::store::Cursor;

/// Bytes of a position: time and id.
const POSITION_BYTES: usize = 16;
/// Bytes of the tag. With the position they fill whole characters, so that each cursor has one form.
const TAG_BYTES: usize = 8;
const BYTES: usize = POSITION_BYTES + TAG_BYTES;

/// Makes and reads the cursors of one list.
#[derive(Clone, Debug)]
pub struct Cursors(Sha256);

impl Cursors {
    /// Creates the cursors of the list at this path with these filters, in whichever order they are given.
    pub fn new<'q>(uri: &Uri, filters: impl Iterator<Item = (&'q str, &'q str)>) -> Self {
        let mut filters: Vec<_> = filters.collect();
        filters.sort_unstable();
        let mut hash = Sha256::new();
        for part in [uri.path()]
            .into_iter()
            .chain(filters.into_iter().flat_map(|(name, value)| [name, value]))
        {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash)
    }

    /// Writes a position.
    pub fn write(&self, cursor: Cursor) -> String {
        let mut position = [0; POSITION_BYTES];
        let (at, id) = position.split_at_mut(POSITION_BYTES / 2);
        at.copy_from_slice(&cursor.at.to_be_bytes());
        id.copy_from_slice(&cursor.id.to_be_bytes());
        let tag = self.0.clone().chain_update(position).finalize();
        URL_SAFE_NO_PAD.encode([&position[..], &tag[..TAG_BYTES]].concat())
    }

    /// Reads a cursor from the parameter `name`. A problem if it is none, or of another list or of other filters.
    pub fn read(&self, name: &str, text: &str) -> Result<Cursor, Problem> {
        let wrong = || {
            let detail = format!(
                "`{name}` is no cursor of this list with these filters; take one from an answer to the same request, or leave \
                 it out to begin anew"
            );
            Problem::new(Code::InvalidQuery, detail).at(format!("/{name}"))
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| wrong())?;
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map(i64::from_be_bytes).ok_or_else(wrong)
        };
        let cursor = Cursor {
            at: number(0)?,
            id: number(8)?,
        };
        if self.write(cursor) == text {
            Ok(cursor)
        } else {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors(path: &str, filters: &[(&str, &str)]) -> Cursors {
        Cursors::new(&path.parse().unwrap(), filters.iter().copied())
    }

    #[test]
    fn cursor_is_read_only_by_its_own_list() {
        let here = cursors("/a", &[("x", "1"), ("y", "2")]);
        let cursor = Cursor {
            at: 1_790_000_000_000,
            id: -7,
        };
        let text = here.write(cursor);
        assert_eq!(here.read("after", &text), Ok(cursor));
        assert_eq!(
            cursors("/a", &[("y", "2"), ("x", "1")]).read("after", &text),
            Ok(cursor)
        );
        for other in [
            cursors("/b", &[("x", "1"), ("y", "2")]),
            cursors("/a", &[("x", "1")]),
            cursors("/a", &[("x", "1"), ("y", "3")]),
            cursors("/a", &[("x", "1y"), ("", "2")]),
        ] {
            let problem = other.read("after", &text).unwrap_err();
            assert_eq!(problem.errors[0].pointer, "/after");
        }
    }
}
