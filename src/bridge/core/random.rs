//! Injected random source: a seed makes a run repeatable.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Injected random source. Clones share one generator.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Builds a generator from `seed`; the same seed gives the same sequence.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Returns a random span within the range, both ends included, in whole milliseconds.
    pub fn span(&self, range: &RangeInclusive<Duration>) -> Duration {
        let (from, to) = (as_millis(*range.start()), as_millis(*range.end()));
        if from >= to {
            return Duration::from_millis(from);
        }
        // A poisoned lock means that another thread panicked while drawing; the generator is still valid.
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(rng.random_range(from..=to))
    }

    /// Returns 24 random letters and digits (base 32, so 120 bits), which nobody can guess.
    pub fn word(&self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (0..24)
            .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
            .collect()
    }
}

fn as_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
