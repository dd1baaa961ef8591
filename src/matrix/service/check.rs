//! Checks the set-up of the application service, step by step, and says what to do.

use std::net::{IpAddr, SocketAddr};

use super::session::Session;
use crate::domain::CustomerId;
use crate::matrix::connection::LoginError;
use crate::matrix::options::ServiceOptions;
use crate::matrix::rooms;
use crate::matrix::wire::{Fault, Registration};

/// Customer whose user the check makes. There is no such customer.
const NOBODY: CustomerId = CustomerId(0);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Good,
    Doubtful,
    Bad,
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Subject of the check.
    pub check: &'static str,
    /// How it ended.
    pub judgement: Judgement,
    /// Finding, and the advice on it.
    pub detail: String,
}

impl Checked {
    fn new(check: &'static str, judgement: Judgement, detail: impl Into<String>) -> Self {
        Self {
            check,
            judgement,
            detail: detail.into(),
        }
    }
}

/// Checks the set-up as far as it goes. `listen` is the address on which the server waits for the homeserver.
pub async fn check(options: &ServiceOptions, listen: SocketAddr) -> Vec<Checked> {
    let mut found = vec![];
    let session = match Session::open(options).await {
        Ok(session) => session,
        Err(error) => {
            found.push(refused(options, &error));
            return found;
        }
    };
    found.push(Checked::new(
        "homeserver",
        Judgement::Good,
        format!("{} knows our token as {}", options.homeserver, session.us()),
    ));
    found.push(users(&session).await);
    found.extend(versions(&session, options).await);
    found.extend(address(&options.registration, listen));
    found.push(reach(&session, &options.registration).await);
    found.extend(wishes(&options.registration));
    found
}

fn refused(options: &ServiceOptions, error: &LoginError) -> Checked {
    let server = &options.homeserver;
    match error {
        LoginError::Homeserver(fault) => Checked::new(
            "homeserver",
            Judgement::Bad,
            format!("{server} does not answer: {fault}; check CRM_MATRIX_HOMESERVER, and whether it runs"),
        ),
        error => Checked::new(
            "registration",
            Judgement::Bad,
            format!(
                "{error}. Name the file in app_service_config_files of homeserver.yaml and restart the homeserver; if it is there, \
                 it is another one than ours: copy it anew"
            ),
        ),
    }
}

/// Makes a user in our namespace that belongs to no customer.
async fn users(session: &Session) -> Checked {
    let made = async {
        let ghost = session.ghost(NOBODY)?;
        session.make_user(&ghost).await.map(|has_device| (ghost, has_device))
    };
    match made.await {
        Ok((ghost, true)) => Checked::new("users", Judgement::Good, format!("customers are users such as {ghost}")),
        Ok((_, false)) => Checked::new(
            "users",
            Judgement::Doubtful,
            "we may make no devices, so a message may be shown twice after the homeserver was restarted; write \
             `io.element.msc4190: true` into the registration, and for Synapse `experimental_features: {msc4190_enabled: true}` \
             into homeserver.yaml",
        ),
        Err(fault) => Checked::new(
            "users",
            Judgement::Bad,
            format!(
                "the homeserver lets us make no user for a customer: {fault}; `namespaces` in the homeserver's copy of the \
                 registration has to be as in ours"
            ),
        ),
    }
}

/// Asks whether the homeserver makes rooms of the configured version.
async fn versions(session: &Session, options: &ServiceOptions) -> Option<Checked> {
    let checked = Box::pin(rooms::check_version(session.caller(), options.room_version.as_deref())).await;
    let error = checked.err()?;
    Some(Checked::new("room version", Judgement::Bad, error.to_string()))
}

/// Compares the address of the registration with the one on which we listen.
fn address(registration: &Registration, listen: SocketAddr) -> Option<Checked> {
    let doubt = |detail: String| Some(Checked::new("address", Judgement::Doubtful, detail));
    let Some(url) = &registration.url else {
        let detail = "the registration has no `url`, so the homeserver pushes nothing and agents' answers do not arrive; make it \
                      anew with `crm matrix registration --url URL`";
        return Some(Checked::new("address", Judgement::Bad, detail));
    };
    let Ok(uri) = url.parse::<http::Uri>() else {
        return doubt(format!("`{url}` in the registration is not an address"));
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if listen.ip().is_loopback() && !is_local {
        return doubt(format!(
            "the registration says {url}, and the server listens on {listen}, which only this machine reaches; if nothing in \
             between passes it on, set CRM_MATRIX_LISTEN"
        ));
    }
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    if is_local && port != listen.port() {
        return doubt(format!(
            "the registration says {url}, and the server listens on {listen}; make the registration anew with the address of \
             the server"
        ));
    }
    None
}

/// Has the homeserver call us.
async fn reach(session: &Session, registration: &Registration) -> Checked {
    let url = registration.url.as_deref().unwrap_or("(no address)");
    match session.ping(&registration.id).await {
        Ok(()) => Checked::new("reach", Judgement::Good, format!("the homeserver reaches us at {url}")),
        Err(Fault::Missing(_)) => Checked::new(
            "reach",
            Judgement::Doubtful,
            "the homeserver has no way to try (it is older than Matrix 1.7); write something in a customer's room to see",
        ),
        Err(fault) => Checked::new(
            "reach",
            Judgement::Bad,
            format!(
                "the homeserver does not reach us at {url}: {fault}. Start `crm serve`; then see that the address leads to it from \
                 the homeserver's machine"
            ),
        ),
    }
}

/// Finds what the registration could ask for and does not.
fn wishes(registration: &Registration) -> Vec<Checked> {
    let mut found = vec![];
    if !registration.receive_ephemeral && !registration.push_ephemeral {
        let detail = "the registration does not say `receive_ephemeral: true`: what agents read in a room does not count as read";
        found.push(Checked::new("receipts", Judgement::Doubtful, detail));
    }
    if registration.rate_limited {
        let detail = "the registration says `rate_limited: true`: many messages at once are shown late; write false";
        found.push(Checked::new("rate limit", Judgement::Doubtful, detail));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_that_leads_elsewhere_is_doubted() {
        let judged = |url: Option<&str>, listen: &str| {
            let mut registration = Registration::new(String::new(), None, ["a".to_owned(), "b".to_owned()]);
            registration.url = url.map(str::to_owned);
            address(&registration, listen.parse().unwrap()).map(|checked| checked.judgement)
        };
        let (doubtful, bad) = (Some(Judgement::Doubtful), Some(Judgement::Bad));
        for (url, listen, expected) in [
            (Some("http://127.0.0.1:8000"), "127.0.0.1:8000", None),
            (Some("http://localhost:8000/"), "0.0.0.0:8000", None),
            (Some("http://localhost:9000"), "127.0.0.1:8000", doubtful),
            (Some("http://crm:8000"), "127.0.0.1:8000", doubtful),
            (Some("http://crm:8000"), "0.0.0.0:8000", None),
            (Some("https://crm.example.org"), "0.0.0.0:8000", None),
            (None, "0.0.0.0:8000", bad),
        ] {
            assert_eq!(judged(url, listen), expected, "{url:?} {listen}");
        }
    }
}
