//! Keys of the API: 256 random bits, shown once, kept as a SHA-256 hash. (A slow hash is for what people choose; nobody
//! guesses 256 bits.) Looking a key up by its hash tells a watch nothing: it times the hash, not the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};

/// What every key begins with, so that a leaked one is recognised.
pub const PREFIX: &str = "crm_";

/// Characters of a key that are kept in clear, for people to tell keys apart.
const SHOWN: usize = 10;

/// A new key.
pub fn new_key() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// A name for a connection.
pub fn new_session_id() -> anyhow::Result<String> {
    let mut bytes = [0; 12];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a key.
pub fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The beginning of a key.
pub fn shown(key: &str) -> &str {
    key.get(..SHOWN).unwrap_or(key)
}
