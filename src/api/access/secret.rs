//! Keys of the API: 256 random bits, shown once, stored as a SHA-256 hash. A slow hash would add nothing: it protects
//! passwords that people choose, and nobody guesses 256 bits. The lookup is by hash, so its timing reveals nothing
//! about the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};

/// Prefix of every key, so that scanners recognise a leaked one.
pub const PREFIX: &str = "crm_";

/// Random bytes of a key.
const KEY_BYTES: usize = 32;

/// Number of leading characters that are stored in clear, so that people can tell keys apart.
const SHOWN: usize = 10;

/// Generates a key from the operating system's random source.
pub fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0; KEY_BYTES];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Generates a random id of 96 bits, for a WebSocket connection or as an idempotency key.
pub fn new_session_id() -> anyhow::Result<String> {
    let mut bytes = [0; 12];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns whether a text has the form of a key. Nothing else is ever accepted as one, whatever stands in the database:
/// an empty or half-written `admin.key` would otherwise be a key that everybody knows.
pub fn is_key(text: &str) -> bool {
    let secret = text.strip_prefix(PREFIX).map(|secret| URL_SAFE_NO_PAD.decode(secret));
    matches!(secret, Some(Ok(bytes)) if bytes.len() == KEY_BYTES)
}

/// Returns the SHA-256 hash of a key, which is stored in its place.
pub fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Returns the first characters of a key, which are stored in clear.
pub fn shown(key: &str) -> &str {
    key.get(..SHOWN).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_key_has_form_of_key() {
        let key = new_key().unwrap();
        assert!(is_key(&key));
        let cut = &key[..key.len() - 1];
        for text in [
            "",
            "crm_",
            "password",
            cut,
            &key[4..],
            &format!("{key}\n"),
            &format!(" {key}"),
        ] {
            assert!(!is_key(text), "{text:?}");
        }
    }
}
