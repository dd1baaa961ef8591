//! How the server stands, as `!status` tells it in the management room. Read before the transaction begins (invariant 5).

use std::fmt::Write as _;

use crate::bridge::core::Core;
use crate::bridge::rooms::commands::{Command, Parsed, parse};
use crate::domain::account::Account;
use crate::domain::agent::Agent;
use crate::domain::matrix::{RoomEvent, RoomEventKind};
use crate::domain::outbox::Target;
use crate::domain::pacing::DAY;
use crate::domain::{AccountId, Timestamp};
use crate::store::StoreError;

use super::wants;

/// How the server stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overview {
    accounts: Vec<(AccountId, String)>,
    server: String,
}

impl Overview {
    /// Returns it as an agent gets to see it.
    pub(super) fn told(&self, agent: &Agent) -> String {
        let seen = self.accounts.iter().filter(|(account, _)| agent.works_for(*account));
        let mut text = String::new();
        for (_, line) in seen {
            let _ = writeln!(text, "{line}");
        }
        text.push_str(&self.server);
        text
    }
}

/// Returns how the server stands, if one of these events asks for it.
pub(crate) async fn overview(core: &Core, events: &[RoomEvent]) -> Result<Option<Overview>, StoreError> {
    if !events.iter().any(asks) {
        return Ok(None);
    }
    let place = wants::place_in(&core.store).await?;
    if !events.iter().any(|event| place.is(&event.room)) {
        return Ok(None);
    }
    let counts = core.store.outbox().counts().await?;
    let waiting = |account: AccountId, target| {
        let count = counts
            .iter()
            .find(|count| count.account_id == account && count.target == target);
        count.map_or(0, |count| count.waiting)
    };
    let mut overview = Overview::default();
    let mut for_rooms = 0;
    for account in core.store.accounts().present().await? {
        for_rooms += waiting(account.id, Target::Matrix);
        let line = line(core, &account, waiting(account.id, Target::WhatsApp)).await?;
        overview.accounts.push((account.id, line));
    }
    overview.server = match core.store.clock_doubted_until().await? {
        Some(until) => {
            format!("Rooms: {for_rooms} wait. The server's clock is doubted until {until}: see `crm doctor`.")
        }
        None => format!("Rooms: {for_rooms} wait."),
    };
    Ok(Some(overview))
}

fn asks(event: &RoomEvent) -> bool {
    let RoomEventKind::Text { body, .. } = &event.what else {
        return false;
    };
    matches!(parse(body), Some(Parsed::Command(_, Command::Status)))
}

/// Returns how an account stands, as a line.
async fn line(core: &Core, account: &Account, waiting: u64) -> Result<String, StoreError> {
    let mut text = format!("WhatsApp {}: {}", account.name, account.state);
    if let Some(phone) = &account.phone {
        let _ = write!(text, ", {phone}");
    }
    if let Some(detail) = &account.detail {
        let _ = write!(text, " ({detail})");
    }
    let _ = write!(text, " · {waiting} to be sent");
    let limits = core.policy_of(&account.name).pace.first_contacts;
    if !limits.is_unlimited() {
        let now: Timestamp = core.clock.now();
        let made = core
            .store
            .pace()
            .first_contacts(account.id, now.minus(DAY))
            .await?
            .len();
        let of = limits.daily.map_or_else(String::new, |daily| format!(" of {daily}"));
        let _ = write!(text, " · {made}{of} first contacts in 24 hours");
    }
    if let Some(synced) = core.store.accounts().synced(account.id).await? {
        let _ = write!(
            text,
            " · compared {}, {} missed messages recovered in all",
            synced.synced_at, synced.recovered_total
        );
    }
    Ok(text)
}
