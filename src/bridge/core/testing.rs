//! A core for the tests of what stands on it alone: a store in a folder of its own, real time, and a policy that does nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SystemClock;
use crate::domain::history::HistoryDepth;
use crate::domain::media::MediaRules;
use crate::domain::pace::Pace;
use crate::store::Store;
use crate::vault::Vault;

use super::Core;
use super::policy::{Policy, ReadMode};
use super::random::Random;

pub async fn core(folder: &Path) -> Core {
    let url = format!("sqlite://{}", folder.join("crm.db").display());
    let store = Store::open(&url, Arc::new(SystemClock)).await.unwrap();
    let vault = Vault::in_folder(folder).unwrap();
    let policy = Policy {
        matrix: false,
        owner: None,
        read: ReadMode::Never,
        read_delay: Duration::ZERO..=Duration::ZERO,
        spacing: Duration::ZERO..=Duration::ZERO,
        send_expires: None,
        pace: Pace::default(),
        media: MediaRules::default(),
        history: HistoryDepth::None,
    };
    let core = Core::new(store, vault, Arc::new(SystemClock), Random::seeded(1), policy);
    core.await.unwrap()
}
