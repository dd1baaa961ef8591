//! Troubles of an account besides a bad network: a requested passkey, a restriction, a page that hangs or is half
//! loaded.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::device::DeviceId;
use super::faults::Restriction;
use super::handles::StandIn;
use super::link::Phone;
use super::net::wire::ToPage;
use super::pairing::LinkError;
use super::people::PhoneId;
use super::world::{ConnectionId, Role, World};

/// Reported duration of a ban, in seconds.
const BAN_S: u64 = 3600;

impl World {
    /// Links the page of a connection to a phone, or asks it for a passkey first.
    pub(crate) fn link_or_ask(&mut self, phone: PhoneId, connection: ConnectionId) -> Result<DeviceId, LinkError> {
        if !self.phones[phone.0].asks_passkey {
            return Ok(self.link(phone, connection));
        }
        if let Some(Role::Linking(linking)) = self.connections.get_mut(&connection).map(|c| &mut c.role) {
            linking.passkey_for = Some(phone);
        }
        let challenge = STANDARD.encode(self.random_bytes::<32>());
        self.send(connection, &ToPage::Passkey { challenge });
        Err(LinkError::PasskeyAsked)
    }

    /// Handles a page that has shown the requested passkey.
    fn passkey_shown(&mut self, phone: PhoneId) -> Result<DeviceId, LinkError> {
        let asked = self.connections.iter().find(|(_, connection)| {
            let asked = matches!(&connection.role, Role::Linking(linking) if linking.passkey_for == Some(phone));
            asked && connection.out.is_some()
        });
        let connection = *asked.ok_or(LinkError::Unknown)?.0;
        Ok(self.link(phone, connection))
    }

    fn restrict(&mut self, phone: PhoneId, restriction: Restriction) {
        self.phones[phone.0].restriction = restriction;
        if restriction == Restriction::Banned {
            for device in self.devices(phone) {
                if let Some(connection) = self.connection_of(device) {
                    self.turn_away(connection);
                }
            }
        }
    }

    /// Tells a page that the account is banned, and closes the socket.
    pub(crate) fn turn_away(&mut self, connection: ConnectionId) {
        self.send(connection, &ToPage::Banned { seconds: BAN_S });
        self.hang_up(connection);
    }
}

impl Phone {
    /// Sets whether the phone asks a browser for a passkey before it links it. A scan then ends with
    /// [`LinkError::PasskeyAsked`], and the page waits for its passkey.
    pub fn ask_for_passkey(&self, ask: bool) {
        self.service()
            .with(|world| world.phones[self.id().0].asks_passkey = ask);
    }

    /// Shows the requested passkey on the page, which is then linked.
    pub async fn passkey_shown(&self) -> Result<DeviceId, LinkError> {
        let device = self.service().with(|world| world.passkey_shown(self.id()))?;
        self.linked(device).await
    }

    /// Sets the restriction of the account.
    pub fn restrict(&self, restriction: Restriction) {
        self.service().with(|world| world.restrict(self.id(), restriction));
    }
}

impl StandIn {
    /// Blocks the main thread of every connected page for this time.
    pub fn stall_pages(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.service().with(|world| world.tell_pages(&ToPage::Stall { ms }));
    }

    /// Hides these modules from clients, from the next load of the page on, as in a page that is half loaded.
    pub fn hide_modules(&self, ids: &[&str]) {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        self.service().with(|world| world.options.hidden_modules = ids);
    }
}
