//! Times that a person types.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::cli::client::Client;
use crate::cli::terminal::output::note;
use crate::cli::{Exit, Fault, Shell, exit};
use crate::clock::SystemClock;
use crate::contract::{AccountView, CallerView};
use crate::domain::{AccountId, Clock as _, Timestamp, when};

impl Shell {
    /// Reads a time that a person types, and says in which zone it was read: that of the agent as whom the key acts, else
    /// that of the account that `whose` names or that the server will use, else the configured one.
    pub async fn time(&self, client: &Client, text: &str, whose: Whose<'_>) -> anyhow::Result<Timestamp> {
        let usage = |why: String| Fault::new(Exit::Usage, why);
        if !when::needs_zone(text) {
            let at = when::read(text, SystemClock.now(), &TimeZone::UTC);
            return Ok(at.map_err(|error| usage(error.to_string()))?);
        }
        let zone = match own_zone(client).await? {
            Some(zone) => zone,
            None => self.configured_zone(client, whose).await?,
        };
        let at = when::read(text, SystemClock.now(), &zone).map_err(|error| usage(error.to_string()))?;
        if let Some(told) = when::told(at, &zone) {
            note(&format!("{text}: {told}"));
        }
        Ok(at)
    }

    async fn configured_zone(&self, client: &Client, whose: Whose<'_>) -> anyhow::Result<TimeZone> {
        // Without sections of accounts all have one zone, and nobody has to be asked.
        if self.config.accounts.is_empty() {
            return Ok(self.config.general().whatsapp.pace.time_zone);
        }
        let owner = match whose {
            Whose::Conversation(id) => Some(owner(client, &format!("/api/v1/conversations/{id}")).await?),
            Whose::Message(id) => Some(owner(client, &format!("/api/v1/messages/{id}")).await?),
            Whose::Account(_) | Whose::Anyone => None,
        };
        let (mut accounts, _) = client.list::<AccountView>("/api/v1/accounts", None).await?;
        accounts.retain(|account| match (whose, owner) {
            (Whose::Account(name), _) => account.name == name || account.id.to_string() == name,
            (_, Some(owner)) => account.id == owner,
            // As the server chooses: a gateway's account is never meant unless it is named.
            (_, None) => account.is_in_use() && account.kind.is_web(),
        });
        let settings = match accounts.as_slice() {
            [one] => self.config.of_account(&one.name),
            _ => self.config.general(),
        };
        Ok(settings.whatsapp.pace.time_zone)
    }
}

/// Purpose of a time. It decides which account's zone counts.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// An account, by its name or id.
    Account(&'a str),
    Conversation(i64),
    Message(i64),
    /// A customer or a number: the only account sends to them.
    Anyone,
}

/// Field of what belongs to an account.
#[derive(Deserialize)]
struct Owned {
    account_id: AccountId,
}

/// Returns the account that owns what is at a path of the API.
async fn owner(client: &Client, path: &str) -> anyhow::Result<AccountId> {
    let owned: Owned = client.get(path).await?;
    Ok(owned.account_id)
}

/// Returns the zone of the agent as whom the key acts. `None` if it acts as none, if the agent has none that this machine
/// knows, and of a server that does not say so yet.
async fn own_zone(client: &Client) -> anyhow::Result<Option<TimeZone>> {
    match client.get::<CallerView>("/api/v1/me").await {
        Ok(caller) => Ok(caller.time_zone.and_then(|name| when::zone(&name).ok())),
        Err(error) if exit::code(&error) == Exit::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Parses a moment. A date, or a date and time without a zone, is that of this computer's time zone.
pub fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    moment_in(text, TimeZone::system())
}

fn moment_in(text: &str, zone: TimeZone) -> Result<jiff::Timestamp, String> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(zone).ok();
    let moment = text.parse().ok().or_else(|| local().map(|zoned| zoned.timestamp()));
    moment.ok_or_else(|| "a date such as 2026-01-01, or a time such as 2026-01-01T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_is_midnight_of_local_time() {
        let zone = || TimeZone::get("America/Sao_Paulo").unwrap();
        for (text, moment) in [
            ("2026-01-01", "2026-01-01T03:00:00Z"),
            ("2026-01-01T08:30", "2026-01-01T11:30:00Z"),
            ("2026-01-01T08:30:00Z", "2026-01-01T08:30:00Z"),
            ("2026-01-01T08:30:00+02:00", "2026-01-01T06:30:00Z"),
        ] {
            assert_eq!(moment_in(text, zone()).unwrap().to_string(), moment, "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "1767225600"] {
            assert!(moment_in(text, zone()).is_err(), "{text}");
        }
    }
}
