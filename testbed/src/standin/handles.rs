//! Handle on the stand-in for tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::device::DeviceId;
use super::faults::{LoseAnswer, Network};
use super::link::Phone;
use super::media_store::Corruption;
use super::messages::accept::Accepted;
use super::messages::thread::{ReadReceipt, Typing};
use super::net::server;
use super::net::server::StartError;
use super::net::service::Service;
use super::net::wire::ToPage;
use super::options::{KeyLayout, NewCustomer, NewGroup, Options};
use super::people::PhoneId;
use super::people::customer::Customer;
use super::people::group_handle::Group;
use super::world::{Role, World};

/// Name of the account with which a stand-in starts.
const OWN_NAME: &str = "Bridge Street Bakery";
const OWN_NUMBER: &str = "447700900001";

/// A running stand-in. It stops when this is dropped.
pub struct StandIn {
    service: Arc<Service>,
    address: SocketAddr,
    tls: Option<SocketAddr>,
}

impl StandIn {
    /// Starts a stand-in with one phone (number 447700900001) and no customers.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (port, with_tls) = (options.port, options.tls);
        let mut world = World::new(options);
        world.add_phone(OWN_NAME, OWN_NUMBER);
        let service = Arc::new(Service::new(world));
        let address = server::serve(&service, port).await?;
        let tls = if with_tls {
            Some(server::serve_tls(&service).await?)
        } else {
            None
        };
        Ok(Self { service, address, tls })
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Returns the page's address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns the port of the listener with TLS. Chromium opens it as `https://web.whatsapp.com/` with
    /// `--host-resolver-rules=MAP web.whatsapp.com 127.0.0.1:PORT --ignore-certificate-errors`.
    pub fn tls_port(&self) -> Option<u16> {
        self.tls.map(|address| address.port())
    }

    /// Returns the phone with which it started.
    pub fn phone(&self) -> Phone {
        Phone::new(Arc::clone(&self.service), PhoneId(0))
    }

    /// Adds a phone of ours with its own account.
    pub fn add_phone(&self, name: &str, number: &str) -> Phone {
        let id = self.service.with(|world| world.add_phone(name, number));
        Phone::new(Arc::clone(&self.service), id)
    }

    /// Adds a customer with a chat by phone number (digits only).
    pub fn customer(&self, name: &str, number: &str) -> Customer {
        self.add_customer(NewCustomer::by_phone(name, number))
    }

    /// Adds a customer.
    pub fn add_customer(&self, new: NewCustomer) -> Customer {
        let id = self.service.with(|world| world.add_customer(new));
        Customer::new(Arc::clone(&self.service), id)
    }

    /// Adds a group of our first account and these customers, created by our first account.
    pub fn group(&self, subject: &str, members: &[&Customer]) -> Group {
        let members = members.iter().map(|customer| customer.id()).collect();
        self.add_group(NewGroup::of(subject, members))
    }

    /// Adds a group.
    pub fn add_group(&self, new: NewGroup) -> Group {
        let id = self.service.with(|world| world.add_group(new));
        Group::new(Arc::clone(&self.service), id)
    }

    /// Returns every message that the service accepted from a page, in order, before the recipient's phone drops
    /// duplicates.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.service.look(|world| world.accepted().to_vec())
    }

    /// Returns every read receipt that reached a customer, in order.
    pub fn read_receipts(&self) -> Vec<ReadReceipt> {
        self.service.look(|world| world.read_receipts().to_vec())
    }

    /// Returns every "typing…" that a customer saw, in order.
    pub fn typing(&self) -> Vec<Typing> {
        self.service.look(|world| world.typing().to_vec())
    }

    /// Returns the states that a message of ours reached, in order: 1, 2, 3; in a group, 2 and 3 for each of the
    /// others.
    pub fn acks(&self, stanza_id: &str) -> Vec<i8> {
        let of_it = |world: &World| {
            let changes = world.acks().iter().filter(|change| change.stanza_id == stanza_id);
            changes.map(|change| change.ack).collect()
        };
        self.service.look(of_it)
    }

    /// Reads the state of the world.
    pub fn look<R>(&self, view: impl FnOnce(&World) -> R) -> R {
        self.service.look(view)
    }

    /// Waits until `view` returns something, and returns it. `view` is called after each change of the world.
    pub async fn until<R>(&self, view: impl FnMut(&World) -> Option<R>) -> R {
        self.service.until(view).await
    }

    /// Connects or disconnects the page's network: `false` closes its socket and refuses another until `true`.
    pub fn page_online(&self, online: bool) {
        self.set_network(if online { Network::Up } else { Network::Down });
    }

    /// Sets the state of the page's network. After `Dead`, the old sockets are closed.
    pub fn set_network(&self, network: Network) {
        self.service.with(|world| world.set_network(network));
    }

    /// Closes the page's sockets once; it may reconnect at once.
    pub fn drop_sockets(&self) {
        self.service.with(World::hang_up_all);
    }

    /// Sets the time that the service takes to answer and deliver a send.
    pub fn answer_after(&self, delay: Duration) {
        self.service.with(|world| world.faults.answer_delay = delay);
    }

    /// Sets the time that an upload or download takes.
    pub fn media_takes(&self, delay: Duration) {
        self.service.with(|world| world.faults.media_delay = delay);
    }

    /// Loses the answers to the next `count` sends, which are accepted all the same.
    pub fn lose_answers(&self, count: u32, how: LoseAnswer) {
        self.service
            .with(|world| (world.faults.lose_answers, world.faults.lose_how) = (count, how));
    }

    /// Refuses the next `count` sends with an error.
    pub fn refuse_sends(&self, count: u32, code: u16) {
        self.service
            .with(|world| (world.faults.refuse_sends, world.faults.refuse_code) = (count, code));
    }

    /// Deletes a message's medium from the service and from every phone.
    pub fn expire_media(&self, stanza_id: &str) {
        self.service.with(|world| world.expire_media(stanza_id, false));
    }

    /// Deletes a message's medium from the service. Our phone still has it, and uploads it again when a page asks while
    /// the phone is on.
    pub fn expire_media_until_asked(&self, stanza_id: &str) {
        self.service.with(|world| world.expire_media(stanza_id, true));
    }

    /// Restores a medium that had expired.
    pub fn restore_media(&self, stanza_id: &str) {
        self.service.with(|world| world.restore_media(stanza_id));
    }

    /// Damages a message's medium.
    pub fn corrupt_media(&self, stanza_id: &str, how: Corruption) {
        self.service.with(|world| world.corrupt_media(stanza_id, how));
    }

    /// Reloads every connected page.
    pub fn reload_pages(&self) {
        self.service.with(|world| world.tell_pages(&ToPage::Reload));
    }

    /// Opens the linked account in another browser: every connected page is told, and loses its socket.
    pub fn open_elsewhere(&self) {
        self.service.with(|world| {
            world.tell_pages(&ToPage::Conflict);
            world.hang_up_all();
        });
    }

    /// Stops every connected page's message collection from firing an event, such as `add`, until the page is reloaded.
    pub fn freeze_listener(&self, event: &str) {
        let frame = ToPage::Freeze {
            event: event.to_owned(),
        };
        self.service.with(|world| world.tell_pages(&frame));
    }

    /// Sets the layout of message keys, from the next load of the page on.
    pub fn set_key_layout(&self, layout: KeyLayout) {
        self.service.with(|world| world.options.key_layout = layout);
    }

    /// Waits until a device is connected and has no stanzas waiting.
    pub async fn settled(&self, device: DeviceId) {
        let idle = |world: &World| world.connected().contains(&device) && world.waiting_for(device) == 0;
        self.until(|world| idle(world).then_some(())).await;
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.service.stop.cancel();
    }
}

impl World {
    /// Sets the state of the page's network.
    pub(crate) fn set_network(&mut self, network: Network) {
        let before = std::mem::replace(&mut self.faults.network, network);
        if network == Network::Down || before == Network::Dead {
            self.hang_up_all();
        }
    }

    /// Closes the sockets of all pages.
    pub(crate) fn hang_up_all(&mut self) {
        for connection in self.connections.values_mut() {
            connection.out = None;
        }
    }

    /// Sends a frame to every connected page.
    pub(crate) fn tell_pages(&self, frame: &ToPage) {
        let linked = self
            .connections
            .iter()
            .filter(|(_, connection)| !matches!(connection.role, Role::Unknown));
        let ids: Vec<_> = linked.map(|(id, _)| *id).collect();
        for id in ids {
            self.send(id, frame);
        }
    }
}
