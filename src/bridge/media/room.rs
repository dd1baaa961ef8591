//! Room for media: fetching and uploads stop while less is free than the configured floor. The owner is told once, and
//! once of the end.

use crate::bridge::core::refusal::Refusal;
use crate::bridge::core::{Core, trouble};
use crate::domain::media::readable_size;
use crate::store::StoreError;

/// Part of the floor that has to be free besides it for the trouble to end.
const MARGIN: u64 = 8;

/// Key of the trouble.
const KEY: &str = "media.space";

/// Free space of the volume to which media are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free; `None` where the system does not tell.
    pub free: Option<u64>,
    /// Bytes that are kept free; 0: none.
    pub floor: u64,
}

impl Room {
    /// Returns the room as it is now.
    pub fn now(core: &Core) -> Self {
        let floor = core.policy.media.free_space_floor;
        Self {
            free: core.vault.free_bytes().ok(),
            floor,
        }
    }

    /// Returns whether less is free than the floor.
    pub fn is_short(self) -> bool {
        self.free.is_some_and(|free| free < self.floor)
    }

    /// Returns whether enough more than the floor is free for a trouble to have ended: media that come in must not open it
    /// again at once.
    fn is_ample(self) -> bool {
        self.free
            .is_none_or(|free| free >= self.floor.saturating_add(self.floor / MARGIN))
    }

    /// Refuses more bytes while less is free than the floor.
    pub(crate) fn check(self) -> Result<(), Refusal> {
        if self.is_short() {
            return Err(Refusal::NoSpace { floor: self.floor });
        }
        Ok(())
    }
}

/// Tells the owner when less is free than the floor, and when there is room again.
pub async fn check_room(core: &Core) -> Result<(), StoreError> {
    let room = Room::now(core);
    let was_short = trouble::stands(&core.store, KEY).await?;
    let begins = room.is_short() && !was_short;
    let ends = was_short && room.is_ample();
    if !(begins || ends) {
        return Ok(());
    }
    let text = if begins {
        short(room.floor)
    } else {
        "There is room for media again: they are fetched and taken as before.".to_owned()
    };
    tracing::warn!("{text}");
    trouble::of_server(core, KEY, ends, text).await
}

fn short(floor: u64) -> String {
    format!(
        "Less than {} are free where media are stored (CRM_MEDIA_FREE_SPACE_FLOOR): no media are fetched or taken until there \
         is room. Free some space on the server; what waits is fetched then. Messages go on.",
        readable_size(floor)
    )
}
