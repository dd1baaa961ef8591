//! Listens to PostgreSQL's notifications that another process has written events.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{DatabaseConnection, DatabaseConnectionType};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::domain::Seq;

use super::database::readers::Readers;
use super::journal::{self, CHANNEL};

/// Pause before a lost connection is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// Raises `head` on each notification, until `stopping`. Reads the head after every reconnect, so no event is missed.
pub(super) async fn run(
    notifications: DatabaseConnection,
    readers: Readers,
    head: watch::Sender<Seq>,
    stopping: CancellationToken,
) {
    let DatabaseConnectionType::SqlxPostgresPoolConnection(_) = &notifications.inner else {
        return;
    };
    let follow = async {
        loop {
            if let Err(error) = follow(&notifications, &readers, &head).await {
                tracing::debug!("lost the connection for the database's notifications, connecting again: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = follow => {}
        () = stopping.cancelled() => {}
    }
}

async fn follow(
    notifications: &DatabaseConnection,
    readers: &Readers,
    head: &watch::Sender<Seq>,
) -> Result<(), sea_orm::sqlx::Error> {
    let mut listener = PgListener::connect_with(notifications.get_postgres_connection_pool()).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    loop {
        if let Ok(range) = journal::range(readers).await {
            journal::raise(head, range.head);
        }
        while let Some(told) = listener.try_recv().await? {
            if let Ok(seq) = told.payload().parse() {
                journal::raise(head, Seq(seq));
            }
        }
    }
}
