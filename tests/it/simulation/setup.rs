//! What every run begins with: an empty database, an account and a policy.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crm::bridge::{Policy, ReadMode};
use crm::domain::AccountId;
use crm::domain::history::HistoryDepth;
use crm::domain::media::MediaRules;
use crm::domain::pacing::Pace;
use crm::store::{OpenOptions, StatementLog, Store, StoreError, Synchronous};
use futures_util::FutureExt;

use super::clock::VirtualClock;
use super::homeserver::agent;

/// Opens a database for a run, whose statements are told to `statements`.
pub(super) async fn open(url: &str, statements: Option<&StatementLog>, clock: VirtualClock) -> Store {
    let options = OpenOptions {
        statements: statements.cloned(),
        synchronous: Synchronous::Off,
        readers: 1,
        ..OpenOptions::new(url)
    };
    options.open(Arc::new(clock)).await.unwrap()
}

/// The file of a database with its tables and nothing in them.
pub async fn empty_database(folder: &Path) -> Vec<u8> {
    let path = folder.join("empty.db");
    let store = open(&format!("sqlite://{}", path.display()), None, VirtualClock::new()).await;
    store.close().await;
    std::fs::read(path).unwrap()
}

pub(super) async fn account(store: &Store) -> AccountId {
    store
        .write((), |tx, ()| {
            async move {
                match tx.accounts().by_name("default").await? {
                    Some(account) => Ok::<_, StoreError>(account.id),
                    None => Ok(tx.accounts().create("default").await?.id),
                }
            }
            .boxed()
        })
        .await
        .unwrap()
}

/// The policy of every run; its pace is virtual.
pub(super) fn policy() -> Policy {
    Policy {
        matrix: true,
        owner: Some(agent()),
        read: ReadMode::Auto,
        read_delay: Duration::from_secs(3)..=Duration::from_secs(10),
        spacing: Duration::ZERO..=Duration::from_secs(1),
        phone_region: None,
        hide_numbers: false,
        time_zone: jiff::tz::TimeZone::UTC,
        send_expires: Some(Duration::from_hours(24)),
        pace: Pace::default(),
        media: MediaRules::default(),
        history: HistoryDepth::All,
    }
}
