//! A clock that leaps ahead (a wrong time server, a machine that was resumed) must not delete what is not old: events,
//! answers, media, disappearing messages, and texts that wait. Compares it with the newest time that was believed.

use std::time::Duration;

use crate::domain::Timestamp;

use super::{Store, StoreError};

/// Setting with the newest time that was believed, in milliseconds.
const BELIEVED: &str = "clock_believed";
/// Setting with the time at which the clock was first doubted, in milliseconds.
const DOUBTED: &str = "clock_doubted";
/// Longest time by which the clock may be ahead of the newest believed time: a server may have been off for a week.
const LEAP: Duration = Duration::from_hours(7 * 24);
/// Interval at which the believed time is stored, while nothing changes.
const NOTED_EVERY: Duration = Duration::from_hours(1);
/// Longest time for which work is ever postponed: what waits longer was postponed by a clock that was wrong.
const LONGEST_WAIT: Duration = Duration::from_hours(48);
/// Time by which a clock is corrected in its ordinary run.
const CORRECTED: Duration = Duration::from_mins(1);
/// Time after which a doubted clock that goes on steadily is believed.
const DOUBTED_FOR: Duration = Duration::from_hours(6);

/// Result of comparing the clock with the time of the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    Believed,
    /// It has leapt; believed at `until`.
    Doubted {
        since: Timestamp,
        until: Timestamp,
    },
}

impl Store {
    /// Returns until when nothing is to be deleted or given up for its age, because the clock has leapt ahead; `None` if
    /// the clock is believed.
    pub async fn clock_doubted_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let (believed, doubted) = (self.time(BELIEVED).await?, self.time(DOUBTED).await?);
        Ok(match judge(self.inner.clock.now(), believed, doubted) {
            Judgement::Believed => None,
            Judgement::Doubted { until, .. } => Some(until),
        })
    }

    /// Stores the present time as believed, or that it is doubted; call it every minute. After the clock was set back, what
    /// it had postponed while it was ahead is due at once, and what comes after a first login is no history. Returns until when
    /// it is doubted.
    pub async fn note_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let (believed, doubted) = (self.time(BELIEVED).await?, self.time(DOUBTED).await?);
        let now = self.inner.clock.now();
        let judgement = judge(now, believed, doubted);
        let is_noted = |believed: Timestamp| believed <= now && now.since(believed) < NOTED_EVERY;
        // However little it was ahead: the messages until then would be history.
        let is_ahead = self.accounts().have_watermark_after(now).await?;
        if judgement == Judgement::Believed && doubted.is_none() && believed.is_some_and(is_noted) && !is_ahead {
            return Ok(None);
        }
        let newest = doubted.max(believed);
        let set_back = newest.is_some_and(|newest| newest.since(now) > CORRECTED);
        self.write((now, judgement, set_back), |tx, &(now, judgement, set_back)| {
            Box::pin(async move {
                if set_back {
                    let latest = now.plus(LONGEST_WAIT);
                    tx.outbox().recall(latest).await?;
                    tx.media().recall(latest).await?;
                    tx.pace().recall(latest).await?;
                }
                tx.accounts().lower_watermarks(now).await?;
                let settings = tx.settings();
                match judgement {
                    Judgement::Believed => {
                        settings.set(BELIEVED, Some(&now.0.to_string())).await?;
                        settings.set(DOUBTED, None).await?;
                        Ok::<_, StoreError>(None)
                    }
                    Judgement::Doubted { since, until } => {
                        settings.set(DOUBTED, Some(&since.0.to_string())).await?;
                        Ok(Some(until))
                    }
                }
            })
        })
        .await
    }

    /// Believes the present time, however far it is ahead, because a person says that it is right.
    pub async fn confirm_clock(&self) -> Result<(), StoreError> {
        let now = self.inner.clock.now();
        self.write(now, |tx, &now| {
            Box::pin(async move {
                tx.settings().set(BELIEVED, Some(&now.0.to_string())).await?;
                tx.settings().set(DOUBTED, None).await
            })
        })
        .await
    }

    async fn time(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let value = self.settings().get(name).await?;
        // A value that cannot be read is as good as none: it is written anew.
        Ok(value.and_then(|value| value.parse().ok()).map(Timestamp))
    }
}

fn judge(now: Timestamp, believed: Option<Timestamp>, doubted: Option<Timestamp>) -> Judgement {
    if believed.is_none_or(|believed| now <= believed.plus(LEAP)) {
        return Judgement::Believed;
    }
    // A clock that leaps again, or back, is doubted anew.
    let since = doubted.filter(|&since| since <= now && now <= since.plus(LEAP));
    match since {
        Some(since) if now >= since.plus(DOUBTED_FOR) => Judgement::Believed,
        _ => {
            let since = since.unwrap_or(now);
            Judgement::Doubted {
                since,
                until: since.plus(DOUBTED_FOR),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const BEGIN: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn steady_or_new_clock_is_believed() {
        assert_eq!(judge(BEGIN, None, None), Judgement::Believed);
        assert_eq!(judge(BEGIN.plus(DAY), Some(BEGIN), None), Judgement::Believed);
        assert_eq!(judge(BEGIN.minus(DAY * 30), Some(BEGIN), None), Judgement::Believed);
    }

    #[test]
    fn leaping_clock_is_doubted_for_hours() {
        let leapt = BEGIN.plus(DAY * 40);
        let doubted = Judgement::Doubted {
            since: leapt,
            until: leapt.plus(DOUBTED_FOR),
        };
        assert_eq!(judge(leapt, Some(BEGIN), None), doubted);
        let hour = Duration::from_hours(1);
        assert_eq!(judge(leapt.plus(hour), Some(BEGIN), Some(leapt)), doubted);
        assert_eq!(
            judge(leapt.plus(DOUBTED_FOR), Some(BEGIN), Some(leapt)),
            Judgement::Believed
        );
        assert_eq!(judge(BEGIN.plus(hour), Some(BEGIN), Some(leapt)), Judgement::Believed);
    }

    #[test]
    fn clock_that_leaps_twice_is_doubted_anew() {
        let (first, second) = (BEGIN.plus(DAY * 40), BEGIN.plus(DAY * 80));
        assert!(matches!(
            judge(second, Some(BEGIN), Some(first)),
            Judgement::Doubted { since, .. } if since == second
        ));
    }
}
