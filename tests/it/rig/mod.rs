//! The program as its users have it: the real binary, against the stand-in's page in a real browser, a real Synapse and
//! independent Matrix clients. Tests that kill and restart hold it here.

pub mod crm;
pub mod customers;
pub mod desk;
pub mod files;
pub mod management;
pub mod media;
pub mod room_files;
pub mod socket;
pub mod talk;
pub mod told;

use std::time::Duration;

/// Every wait of these tests ends by then, with a word about what did not come.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How often a condition behind a process boundary is looked at.
pub const LOOK: Duration = Duration::from_millis(50);

/// Looks until there is an answer.
///
/// # Panics
/// With `what` when there is none in time.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for: {what}"
        );
        tokio::time::sleep(LOOK).await;
    }
}
