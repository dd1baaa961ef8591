//! A clock that leaps ahead is doubted: meanwhile nothing is deleted or given up for its age. The owner is told once, and
//! once of the end; a person may confirm that the new time is right.

use crate::domain::Timestamp;
use crate::store::StoreError;

use super::{Core, trouble};

/// Key of the trouble.
const KEY: &str = "clock";

/// Compares the clock with the newest time that was believed, and tells the owner where that has changed. Returns until when
/// the clock is doubted.
pub async fn check_clock(core: &Core) -> Result<Option<Timestamp>, StoreError> {
    let until = core.store.note_clock().await?;
    tell(core, until).await?;
    Ok(until)
}

/// Believes the present time, because a person says that it is right.
pub(crate) async fn confirm_clock(core: &Core) -> Result<(), StoreError> {
    core.store.confirm_clock().await?;
    tell(core, None).await
}

async fn tell(core: &Core, until: Option<Timestamp>) -> Result<(), StoreError> {
    if until.is_some() == trouble::stands(&core.store, KEY).await? {
        return Ok(());
    }
    if until.is_none() {
        let text = "This server's clock is believed again: old data is deleted and messages expire as before.";
        return trouble::of_server(core, KEY, true, text.to_owned()).await;
    }
    let text = doubt(core.clock.now());
    tracing::warn!("{text}");
    trouble::of_server(core, KEY, false, text).await
}

fn doubt(now: Timestamp) -> String {
    format!(
        "This server's clock shows {now}, far ahead of when it last ran. If that is wrong, correct it: until then nothing is \
         deleted, and no message expires or disappears. If it is right, run `crm doctor --confirm-clock`; a clock that goes on \
         for hours is believed without it."
    )
}
