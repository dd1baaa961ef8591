//! Typing time.

use std::time::Duration;

use rand::{Rng, RngExt as _};

/// Time between two keystrokes, in milliseconds: shorter than that of a good typist (200 ms at 60 words a minute),
/// because most answers are not typed from scratch.
const KEYSTROKE_MS: std::ops::RangeInclusive<u64> = 40..=70;
/// Minimum time.
const SHORTEST: Duration = Duration::from_millis(600);
/// Maximum time: people paste long texts.
const LONGEST: Duration = Duration::from_secs(9);

/// Returns how long "typing…" is shown before `text`.
pub fn typing_time(text: &str, random: &mut impl Rng) -> Duration {
    let strokes = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let typed = strokes.saturating_mul(random.random_range(KEYSTROKE_MS));
    Duration::from_millis(typed).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn typing_time_is_proportional_within_bounds() {
        let mut random = StdRng::seed_from_u64(1);
        assert_eq!(typing_time("", &mut random), SHORTEST);
        let sentence = typing_time(&"x".repeat(60), &mut random);
        assert!((Duration::from_millis(2400)..=Duration::from_millis(4200)).contains(&sentence));
        assert_eq!(typing_time(&"x".repeat(65_536), &mut random), LONGEST);
    }
}
