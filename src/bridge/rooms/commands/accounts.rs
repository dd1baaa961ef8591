//! Commands about accounts: link a device, unlink it, compare with WhatsApp. In a customer's room the account is that of the
//! room, unless another is named; codes appear in the management room alone.

use std::time::Duration;

use crate::bridge::core::Core;
use crate::bridge::core::refusal::Refusal;
use crate::bridge::desk;
use crate::bridge::rooms::management::wants::{self, Place, WantedLogin, WantedSync};
use crate::domain::AccountId;
use crate::domain::account::Account;
use crate::domain::agent::Agent;
use crate::domain::customer::PhoneNumber;
use crate::domain::linking::LinkChange;
use crate::domain::matrix::RoomEvent;
use crate::domain::session::SessionState;
use crate::domain::whatsapp::LoginMethod;
use crate::store::{StoreError, Tx};

use super::Command;
use super::given::Done;

/// How long the codes of a login are shown.
const SHOWN_FOR: Duration = Duration::from_mins(10);
/// Most accounts that an answer names.
const MAX_NAMED: usize = 20;

/// A command about an account as it was given.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Shared context of the bridge.
    pub core: &'a Core,
    /// The event that says it.
    pub event: &'a RoomEvent,
    /// Its author.
    pub agent: &'a Agent,
    /// Account of the room; `None` in the management room.
    pub home: Option<AccountId>,
}

/// Returns the path of what a command changes, for the audit log.
pub(crate) async fn subject(tx: &mut Tx, asked: &Asked<'_>, command: &Command) -> Result<String, StoreError> {
    let named = match command {
        Command::Login { account, .. } | Command::Logout(account) | Command::Sync(account) => account.as_deref(),
        _ => return Ok("/api/v1/accounts".to_owned()),
    };
    Ok(match account(tx, asked, named).await? {
        Ok(account) => format!("/api/v1/accounts/{}", account.name),
        Err(_) => "/api/v1/accounts".to_owned(),
    })
}

/// Begins to link an account's device: the management room shows the codes for [`SHOWN_FOR`].
pub(crate) async fn login(
    tx: &mut Tx,
    asked: &Asked<'_>,
    named: Option<&str>,
    number: Option<&str>,
) -> Result<Done, Refusal> {
    let account = account(tx, asked, named).await?.map_err(Refusal::Conflict)?;
    let name = &account.name;
    let phone = number.map(|text| PhoneNumber::read(text, asked.core.policy.phone_region));
    let phone = phone
        .transpose()
        .map_err(|error| Refusal::Conflict(error.to_string()))?;
    if !wants::is_member(asked.agent) {
        return Err(Refusal::Conflict(format!(
            "the code would appear in the management room, which is for managers of all accounts; use `crm login --account {name}`"
        )));
    }
    let Place::Room(room) = wants::place(tx).await? else {
        return Err(Refusal::Conflict(
            "the management room, in which the code would appear, is not there yet; try again in a minute".to_owned(),
        ));
    };
    if account.state == SessionState::Conflict {
        desk::want_link(tx, account.id, &LinkChange::TakeOver, true).await?;
        return Ok(Done::Told(format!(
            "WhatsApp Web is used elsewhere with the session of {name}; taking it over. !status tells how it stands."
        )));
    }
    if account.state.is_linked() {
        return Err(Refusal::Conflict(format!(
            "the account {name} is linked ({}); `!logout {name}` unlinks it first",
            account.state
        )));
    }
    let login = WantedLogin {
        until: tx.now().plus(SHOWN_FOR),
        by_number: phone.is_some(),
    };
    let method = phone.map_or(LoginMethod::Qr, LoginMethod::PairingCode);
    desk::want_link(tx, account.id, &LinkChange::Login(method), true).await?;
    wants::set_login(tx, account.id, Some(login)).await?;
    let place = if room == asked.event.room {
        "here"
    } else {
        "in the management room"
    };
    Ok(Done::Told(format!(
        "Linking {name}: the code appears {place} as soon as WhatsApp gives one, and is renewed for {} minutes.",
        SHOWN_FOR.as_secs() / 60
    )))
}

/// Begins to unlink an account's device.
pub(crate) async fn logout(tx: &mut Tx, asked: &Asked<'_>, named: Option<&str>) -> Result<Done, Refusal> {
    let account = account(tx, asked, named).await?.map_err(Refusal::Conflict)?;
    wants::set_login(tx, account.id, None).await?;
    if !account.state.has_device() {
        return Ok(Done::Told(format!("The account {} is not linked.", account.name)));
    }
    desk::want_link(tx, account.id, &LinkChange::Logout, true).await?;
    Ok(Done::Told(format!(
        "Unlinking {}. !status tells when it is done.",
        account.name
    )))
}

/// Begins to compare an account with WhatsApp. The result is answered later.
pub(crate) async fn sync(tx: &mut Tx, asked: &Asked<'_>, named: Option<&str>) -> Result<Done, Refusal> {
    let account = account(tx, asked, named).await?.map_err(Refusal::Conflict)?;
    let wanted = WantedSync {
        room: asked.event.room.clone(),
        event: asked.event.id.clone(),
    };
    wants::set_sync(tx, account.id, Some(&wanted)).await?;
    Ok(Done::Told(format!(
        "Comparing {} with WhatsApp. The result follows here.",
        account.name
    )))
}

/// Returns the account that is meant, among those that the agent works for; else the answer.
async fn account(tx: &mut Tx, asked: &Asked<'_>, named: Option<&str>) -> Result<Result<Account, String>, StoreError> {
    let mut accounts = tx.accounts().present().await?;
    accounts.retain(|account| account.is_in_use() && asked.agent.works_for(account.id));
    let found = match (named, asked.home) {
        (Some(named), _) => accounts.iter().find(|account| account.name == named),
        (None, Some(home)) => accounts.iter().find(|account| account.id == home),
        (None, None) => accounts.first().filter(|_| accounts.len() == 1),
    };
    if let Some(account) = found {
        return Ok(Ok(account.clone()));
    }
    let known: Vec<&str> = accounts
        .iter()
        .take(MAX_NAMED)
        .map(|account| account.name.as_str())
        .collect();
    Ok(Err(match named {
        Some(_) => format!("there is no account of this name; there are: {}", known.join(", ")),
        None => format!("say which account: {}", known.join(", ")),
    }))
}
