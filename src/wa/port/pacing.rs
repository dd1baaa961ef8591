//! How long a person would type.

use std::time::Duration;

use rand::{Rng, RngExt as _};

/// Between two keystrokes, in milliseconds: a good typist's 60 words a minute to a fair one's 40, sped up because most
/// answers are not composed from nothing.
const KEYSTROKE_MS: std::ops::RangeInclusive<u64> = 40..=70;
/// Nobody is faster.
const SHORTEST: Duration = Duration::from_millis(600);
/// Nobody waits longer: long texts are pasted.
const LONGEST: Duration = Duration::from_secs(9);

/// For how long "typing…" is shown before `text`.
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
    fn typing_takes_time_in_proportion_to_the_text_within_bounds() {
        let mut random = StdRng::seed_from_u64(1);
        assert_eq!(typing_time("", &mut random), SHORTEST);
        let sentence = typing_time(&"x".repeat(60), &mut random);
        assert!((Duration::from_millis(2400)..=Duration::from_millis(4200)).contains(&sentence));
        assert_eq!(typing_time(&"x".repeat(65_536), &mut random), LONGEST);
    }
}
