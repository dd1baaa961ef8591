//! Follows an account's session: stores its state in the account's row and the journal, binds its number at the first
//! login, and reports trouble.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{Core, trouble};
use crate::contract::Event;
use crate::domain::account::{Account, Binding, phone_unseen};
use crate::domain::customer::PhoneNumber;
use crate::domain::session::{Session, SessionState};
use crate::domain::whatsapp::WhatsApp;
use crate::domain::{AccountId, Timestamp};
use crate::store::{StoreError, Tx};

/// Stores the changes of the session, and tells the adapter which number the account may use. Returns the account as
/// stored afterwards. `logouts`: [`Session::logouts`] as stored last, and afterwards.
pub(crate) async fn follow(
    core: &Core,
    id: AccountId,
    session: &Session,
    port: &dyn WhatsApp,
    logouts: &mut u64,
) -> Result<Arc<Account>, StoreError> {
    let known = core
        .store
        .accounts()
        .get(id)
        .await?
        .ok_or(StoreError::Missing { what: "account" })?;
    port.bind(binding(core, &known).await?);
    let session = with_warning(session, &known, core.clock.now());
    let (counted, is_new) = (session.logouts, session.logouts != *logouts);
    if is_up_to_date(&known, &session) && !is_new {
        return Ok(Arc::new(known));
    }
    let account = core
        .write_with((session, id, is_new), |tx, core, (session, id, is_new)| {
            async move { note(tx, &core.policy, *id, session, *is_new).await }.boxed()
        })
        .await?;
    *logouts = counted;
    port.bind(binding(core, &account).await?);
    Ok(Arc::new(account))
}

/// Returns the number that an account may link (rule 7): its own, or before the first login any that no other account
/// has. Two accounts with one number would receive and send everything twice.
async fn binding(core: &Core, account: &Account) -> Result<Binding, StoreError> {
    if let Some(own) = &account.phone {
        return Ok(Binding::To(own.clone()));
    }
    let accounts = core.store.accounts().present().await?;
    Ok(Binding::FirstBut(
        accounts.into_iter().filter_map(|other| other.phone).collect(),
    ))
}

/// Returns the session, with a warning as detail if the account is ready but its phone was not seen for long.
fn with_warning(session: &Session, account: &Account, now: Timestamp) -> Session {
    let mut session = session.clone();
    if session.state == SessionState::Ready && session.detail.is_none() {
        session.detail = account.phone_seen_at.and_then(|seen| phone_unseen(seen, now));
    }
    session
}

fn is_up_to_date(account: &Account, session: &Session) -> bool {
    let settled = session.me.is_none()
        || !session.state.is_linked()
        || (account.phone.is_some() && account.watermark.is_some() && account.phone_seen_at.is_some());
    account.state == session.state && account.detail == session.detail && settled
}

/// Stores the session. `was_logged_out`: it has needed a login since it was stored last, though it may need none now.
async fn note(
    tx: &mut Tx,
    policy: &Policy,
    id: AccountId,
    session: &Session,
    was_logged_out: bool,
) -> Result<Account, StoreError> {
    let before = tx
        .accounts()
        .get(id)
        .await?
        .ok_or(StoreError::Missing { what: "account" })?;
    // rule 3: messages handed over in a login that has ended can never be looked up again. This is stored before the
    // code of the next login is shown to anybody, unless the database takes no writes until somebody has used that code.
    if was_logged_out || (session.state.needs_login() && !before.state.needs_login()) {
        tx.accounts().next_login(id).await?;
    }
    if session.state.is_linked()
        && let Some(me) = &session.me
        && (before.phone.is_some() || !is_taken(tx, &me.phone).await?)
    {
        if before.phone.is_none() {
            tx.accounts().bind_phone(id, &me.phone).await?;
        }
        if before.phone_seen_at.is_none() {
            // The phone has just scanned the code, so it is in use.
            let now = tx.now();
            tx.accounts().see_phone(id, now).await?;
        }
        if before.watermark.is_none() {
            // rule 9: messages from before the first login are history.
            let now = tx.now();
            tx.accounts().set_watermark(id, now).await?;
            let history = tx.history().begin(id, policy.history).await?;
            tx.emit(Event::account_history(id, &history));
        }
    }
    let changed = tx
        .accounts()
        .set_session(id, session.state, session.detail.as_deref())
        .await?;
    let account = tx
        .accounts()
        .get(id)
        .await?
        .ok_or(StoreError::Missing { what: "account" })?;
    if changed {
        tx.emit(Event::account_state(&account));
    }
    tell(tx, policy, &account).await?;
    Ok(account)
}

/// Returns whether an account has this number. The page may report a link shortly before it learns that the number is
/// not allowed.
async fn is_taken(tx: &mut Tx, phone: &PhoneNumber) -> Result<bool, StoreError> {
    let accounts = tx.accounts().present().await?;
    Ok(accounts.iter().any(|account| account.phone.as_ref() == Some(phone)))
}

/// How long a passing trouble (the page's network, a phone that is linked again) lasts before the owner is told.
const TOLD_AFTER: Duration = Duration::from_mins(1);

/// Opens or ends the account's trouble (rule 21).
async fn tell(tx: &mut Tx, policy: &Policy, account: &Account) -> Result<(), StoreError> {
    let key = trouble::key_of(account.id);
    warn(tx, policy, account).await?;
    match account.state {
        SessionState::Ready => {
            trouble::end(
                tx,
                policy,
                account.id,
                &key,
                &format!("WhatsApp ({}) works again.", account.name),
            )
            .await
        }
        SessionState::Starting | SessionState::Syncing => Ok(()),
        // An account that was never linked misses nothing. One that was has lost its link, which is told once.
        SessionState::Qr | SessionState::Code if account.phone.is_none() || trouble::is_open(tx, &key).await? => Ok(()),
        state => {
            let detail = account.detail.as_deref().unwrap_or("see `crm status`");
            let text = format!("WhatsApp ({}) is {state}: {detail}", account.name);
            let passing = matches!(state, SessionState::Offline | SessionState::Qr | SessionState::Code);
            let wait = if passing { TOLD_AFTER } else { Duration::ZERO };
            trouble::open(tx, policy, account.id, &key, &text, wait).await
        }
    }
}

/// Opens or ends the warning of an account that works (its phone was not seen for long).
async fn warn(tx: &mut Tx, policy: &Policy, account: &Account) -> Result<(), StoreError> {
    if account.state != SessionState::Ready {
        return Ok(());
    }
    let key = format!("account.{}.warning", account.id);
    if account.detail.is_none() {
        let text = format!("WhatsApp ({}): its phone is in use again.", account.name);
        return trouble::end(tx, policy, account.id, &key, &text).await;
    }
    if trouble::is_open(tx, &key).await? {
        // BatchOutcome on the first day; later days change only the number in the text.
        return Ok(());
    }
    let detail = account.detail.as_deref().unwrap_or_default();
    let text = format!("WhatsApp ({}): {detail}", account.name);
    trouble::open(tx, policy, account.id, &key, &text, Duration::ZERO).await
}
