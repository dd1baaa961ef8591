//! Limits of how much one key may ask: a token bucket for all requests, and one for those that change something, by GCRA
//! (crate `governor`). A key that has used its up gets 429 and when to come back. The headers are those of
//! draft-ietf-httpapi-ratelimit-headers-10.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::api::http::problem::{Code, Problem};
use crate::domain::ApiKeyId;

static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Window of the limits, in seconds.
const WINDOW: u32 = 60;
/// Number of keys above which those that have not asked lately are forgotten.
const MANY_KEYS: usize = 10_000;

type Limiter = RateLimiter<ApiKeyId, HashMapStateStore<ApiKeyId>, MonotonicClock, StateInformationMiddleware>;

/// Limits by key.
pub struct Rates {
    requests: Option<Bucket>,
    writes: Option<Bucket>,
}

struct Bucket {
    name: &'static str,
    per_minute: NonZeroU32,
    limiter: Limiter,
}

/// Remaining requests of a key after one, one entry a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left(Vec<Remaining>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Remaining {
    name: &'static str,
    quota: u32,
    left: u32,
}

impl Rates {
    /// Creates limits of requests, and of those among them that change something, each per minute; 0: none.
    pub fn new(requests: u32, writes: u32) -> Self {
        let bucket = |name, per_minute| {
            let per_minute = NonZeroU32::new(per_minute)?;
            let limiter = Limiter::new(
                Quota::per_minute(per_minute),
                HashMapStateStore::default(),
                MonotonicClock,
            );
            Some(Bucket {
                name,
                per_minute,
                limiter,
            })
        };
        Self {
            requests: bucket("requests", requests),
            writes: bucket("writes", writes),
        }
    }

    /// Counts a request of a key, and returns what the key has left. A problem (429) if that is nothing.
    pub fn count(&self, key: ApiKeyId, is_write: bool) -> Result<Left, Box<(Problem, Left)>> {
        let counted = self.requests.iter().chain(self.writes.iter().filter(|_| is_write));
        let (mut left, mut wait) = (vec![], None);
        for bucket in counted {
            match bucket.take(key) {
                Ok(remaining) => left.push(remaining),
                Err(after) => {
                    left.push(bucket.remaining(0));
                    wait = wait.max(Some((after, bucket.name, bucket.per_minute)));
                }
            }
        }
        let Some((after, name, per_minute)) = wait else {
            return Ok(Left(left));
        };
        let detail = format!("this key has made its {per_minute} {name} of a minute; wait, or spread them out");
        let problem = Problem {
            retry_after: Some(after),
            ..Problem::new(Code::RateLimited, detail)
        };
        Err(Box::new((problem, Left(left))))
    }
}

impl Bucket {
    /// Takes one token, or returns how long it is until there is one.
    fn take(&self, key: ApiKeyId) -> Result<Remaining, Duration> {
        if self.limiter.len() > MANY_KEYS {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(&key) {
            Ok(state) => Ok(self.remaining(state.remaining_burst_capacity())),
            Err(not_until) => Err(not_until.wait_time_from(MonotonicClock.now())),
        }
    }

    const fn remaining(&self, left: u32) -> Remaining {
        Remaining {
            name: self.name,
            quota: self.per_minute.get(),
            left,
        }
    }
}

impl Left {
    /// Adds the headers that tell a client its limits and what it has left of them.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let policies = self
            .0
            .iter()
            .map(|limit| format!("\"{}\";q={};w={WINDOW}", limit.name, limit.quota));
        let left = self.0.iter().map(|limit| {
            let used = u64::from(limit.quota - limit.left.min(limit.quota));
            // Seconds until all of it is there again.
            let reset = (used * u64::from(WINDOW)).div_ceil(u64::from(limit.quota));
            format!("\"{}\";r={};t={reset}", limit.name, limit.left)
        });
        let both = [
            (&RATE_LIMIT_POLICY, policies.collect::<Vec<_>>().join(", ")),
            (&RATE_LIMIT, left.collect::<Vec<_>>().join(", ")),
        ];
        for (name, text) in both {
            if let Ok(value) = HeaderValue::from_str(&text)
                && !text.is_empty()
            {
                headers.insert(name.clone(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(left: &Left) -> [String; 2] {
        let mut headers = HeaderMap::new();
        left.tell(&mut headers);
        [&RATE_LIMIT_POLICY, &RATE_LIMIT].map(|name| {
            let value = headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            value.unwrap_or_default()
        })
    }

    #[test]
    fn key_gets_its_quota_and_not_more() {
        let rates = Rates::new(3, 2);
        let (shop, other) = (ApiKeyId(1), ApiKeyId(2));
        let left = rates.count(shop, true).unwrap();
        assert_eq!(
            headers(&left),
            [
                r#""requests";q=3;w=60, "writes";q=2;w=60"#,
                r#""requests";r=2;t=20, "writes";r=1;t=30"#
            ]
        );
        rates.count(shop, true).unwrap();
        let refused = rates.count(shop, true).unwrap_err();
        assert_eq!(refused.0.code, Code::RateLimited);
        let wait = refused.0.retry_after.unwrap();
        assert!(
            wait > Duration::from_secs(20) && wait <= Duration::from_secs(30),
            "{wait:?}"
        );
        assert!(rates.count(shop, false).is_err(), "the third request was one");
        assert!(rates.count(other, true).is_ok(), "each key has its own");
    }

    #[test]
    fn zero_is_no_limit() {
        let rates = Rates::new(0, 0);
        for _ in 0..1000 {
            assert_eq!(rates.count(ApiKeyId(1), true).unwrap(), Left::default());
        }
        assert_eq!(headers(&Left::default()), ["", ""]);
    }
}
