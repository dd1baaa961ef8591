//! The media that customers send, and where they are kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crm::domain::WaMessageId;
use crm::domain::hex::hex;
use crm::domain::whatsapp::WaMedia;
use crm::vault::Vault;
use sha2::{Digest as _, Sha256};

use super::run::Run;

/// The bytes that a message carries: of every third, different ones.
pub fn medium_of(id: &WaMessageId) -> Option<Vec<u8>> {
    let number: u32 = id.as_str().strip_prefix("IN")?.parse().ok()?;
    number
        .is_multiple_of(3)
        .then(|| format!("the medium of {id}").into_bytes())
}

/// Returns what the page tells of a medium before it is fetched.
pub fn promised(bytes: &[u8]) -> WaMedia {
    let hash = Sha256::digest(bytes);
    WaMedia {
        mimetype: Some("text/plain".to_owned()),
        size: Some(bytes.len() as u64),
        sha256: Some(hex(&hash)),
        filename: Some("note.txt".to_owned()),
        ..WaMedia::default()
    }
}

impl Run {
    /// Where files are kept.
    pub fn vault(&self) -> Vault {
        let free = Arc::clone(&self.free);
        let vault = Vault::in_folder(&self.files).unwrap();
        vault.with_free_bytes(move |_| Ok(free.load(Ordering::SeqCst)))
    }
}
