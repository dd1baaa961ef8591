//! A core for unit tests: a store in a folder of its own, a clock that stands still, and a policy that does nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::history::HistoryDepth;
use crate::domain::media::MediaRules;
use crate::domain::pacing::Pace;
use crate::domain::{Clock, Timestamp};
use crate::store::Store;
use crate::vault::Vault;

use super::Core;
use super::policy::{Policy, ReadMode};
use super::random::Random;

/// Clock that always shows the same time; a sleep takes its real duration.
struct Stopped;

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp(1_790_000_000_000)
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Builds a core with a new SQLite store and vault in `folder`.
pub async fn core(folder: &Path) -> Core {
    let url = format!("sqlite://{}", folder.join("crm.db").display());
    let store = Store::open(&url, Arc::new(Stopped)).await.unwrap();
    let vault = Vault::in_folder(folder).unwrap();
    let policy = Policy {
        matrix: false,
        owner: None,
        read: ReadMode::Never,
        read_delay: Duration::ZERO..=Duration::ZERO,
        spacing: Duration::ZERO..=Duration::ZERO,
        phone_region: None,
        hide_numbers: false,
        time_zone: jiff::tz::TimeZone::UTC,
        send_expires: None,
        pace: Pace::default(),
        media: MediaRules::default(),
        history: HistoryDepth::None,
    };
    let core = Core::new(store, vault, Arc::new(Stopped), Random::seeded(1), policy);
    core.await.unwrap()
}
