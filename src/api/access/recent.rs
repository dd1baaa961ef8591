//! Keys that were looked up a moment ago, so that not every request asks the database for its key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::KeyHolder;

/// Longest time for which a key is taken from memory. A revocation by another process takes effect within this time; one
/// by this process at once.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Most keys in memory. When there are more, all are looked up again.
const MAX_KEYS: usize = 1_000;

/// Keys by their hash.
#[derive(Default)]
pub(super) struct RecentKeys(Mutex<HashMap<[u8; 32], Recent>>);

struct Recent {
    key: KeyHolder,
    looked_up: Instant,
    /// Number of revocations before the key was looked up.
    revocations: u64,
}

impl RecentKeys {
    /// Returns the key if it was looked up within [`FRESH_FOR`], and no key was revoked since.
    pub(super) fn get(&self, hash: &[u8; 32], revocations: u64, now: Instant) -> Option<KeyHolder> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = keys.get(hash)?;
        let is_fresh = recent.revocations == revocations && now.duration_since(recent.looked_up) < FRESH_FOR;
        is_fresh.then(|| recent.key.clone())
    }

    /// Takes note of a key. `revocations` and `looked_up` are of the time *before* it was looked up: a key that was revoked
    /// in between is not taken from memory.
    pub(super) fn put(&self, hash: [u8; 32], key: KeyHolder, revocations: u64, looked_up: Instant) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        keys.insert(
            hash,
            Recent {
                key,
                looked_up,
                revocations,
            },
        );
    }

    /// Forgets all keys, because what is stored of one has changed.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ApiKeyId, Timestamp};
    use crate::store::StoredApiKey;

    fn key(id: i64) -> KeyHolder {
        let key = StoredApiKey {
            id: ApiKeyId(id),
            name: "shop".to_owned(),
            prefix: "crm_1234".to_owned(),
            scopes: vec!["read".to_owned()],
            accounts: None,
            created_at: Timestamp(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            agent: None,
            first: ApiKeyId(id),
            rotated_to: None,
        };
        KeyHolder { key, agent: None }
    }

    #[test]
    fn key_is_fresh_for_a_second() {
        let (recent, now) = (RecentKeys::default(), Instant::now());
        assert_eq!(recent.get(&[1; 32], 0, now), None);
        recent.put([1; 32], key(1), 0, now);
        assert_eq!(recent.get(&[1; 32], 0, now), Some(key(1)));
        assert_eq!(recent.get(&[2; 32], 0, now), None);
        assert_eq!(recent.get(&[1; 32], 0, now + FRESH_FOR), None);
    }

    #[test]
    fn revocation_ends_all_keys_in_memory() {
        let (recent, now) = (RecentKeys::default(), Instant::now());
        recent.put([1; 32], key(1), 0, now);
        assert_eq!(recent.get(&[1; 32], 1, now), None);
        // Looked up before the revocation, noted after it.
        recent.put([1; 32], key(1), 0, now);
        assert_eq!(recent.get(&[1; 32], 1, now), None);
    }

    #[test]
    fn number_of_keys_in_memory_is_bounded() {
        let (recent, now) = (RecentKeys::default(), Instant::now());
        for number in 0..=MAX_KEYS {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            recent.put(hash, key(1), 0, now);
        }
        assert_eq!(recent.0.lock().unwrap().len(), 1);
    }
}
