//! The stand-in as a test holds it.

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

/// The account that a stand-in starts with.
const OWN_NAME: &str = "Bridge Street Bakery";
const OWN_NUMBER: &str = "447700900001";

/// A running stand-in. It stops when this is dropped.
pub struct StandIn {
    service: Arc<Service>,
    address: SocketAddr,
    tls: Option<SocketAddr>,
}

impl StandIn {
    /// Starts with one phone (number 447700900001) and nobody else.
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

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The port of the listener with TLS. Chromium finds it as `https://web.whatsapp.com/` with
    /// `--host-resolver-rules=MAP web.whatsapp.com 127.0.0.1:PORT --ignore-certificate-errors`.
    pub fn tls_port(&self) -> Option<u16> {
        self.tls.map(|address| address.port())
    }

    /// The phone that it started with.
    pub fn phone(&self) -> Phone {
        Phone::new(Arc::clone(&self.service), PhoneId(0))
    }

    /// Another phone of ours, with its own account.
    pub fn add_phone(&self, name: &str, number: &str) -> Phone {
        let id = self.service.with(|world| world.add_phone(name, number));
        Phone::new(Arc::clone(&self.service), id)
    }

    /// A customer in a chat by phone number (digits only).
    pub fn customer(&self, name: &str, number: &str) -> Customer {
        self.add_customer(NewCustomer::by_phone(name, number))
    }

    /// Any customer.
    pub fn add_customer(&self, new: NewCustomer) -> Customer {
        let id = self.service.with(|world| world.add_customer(new));
        Customer::new(Arc::clone(&self.service), id)
    }

    /// A group of our first account and these customers, made by our first account.
    pub fn group(&self, subject: &str, members: &[&Customer]) -> Group {
        let members = members.iter().map(|customer| customer.id()).collect();
        self.add_group(NewGroup::of(subject, members))
    }

    /// Any group.
    pub fn add_group(&self, new: NewGroup) -> Group {
        let id = self.service.with(|world| world.add_group(new));
        Group::new(Arc::clone(&self.service), id)
    }

    /// Every message that the service accepted from a page, in order, before the recipient's phone removes doubles.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.service.look(|world| world.accepted().to_vec())
    }

    /// Every read receipt that reached a customer, in order.
    pub fn read_receipts(&self) -> Vec<ReadReceipt> {
        self.service.look(|world| world.read_receipts().to_vec())
    }

    /// Every "typing…" that a customer saw, in order.
    pub fn typing(&self) -> Vec<Typing> {
        self.service.look(|world| world.typing().to_vec())
    }

    /// The states that a message of ours reached, in order: 1, 2, 3; in a group, 2 and 3 for each of the others.
    pub fn acks(&self, stanza_id: &str) -> Vec<i8> {
        let of_it = |world: &World| {
            let changes = world.acks().iter().filter(|change| change.stanza_id == stanza_id);
            changes.map(|change| change.ack).collect()
        };
        self.service.look(of_it)
    }

    /// Looks at the world.
    pub fn look<R>(&self, view: impl FnOnce(&World) -> R) -> R {
        self.service.look(view)
    }

    /// Resolves with the first answer of `view` that is not `None`, looking after each change of the world.
    pub async fn until<R>(&self, view: impl FnMut(&World) -> Option<R>) -> R {
        self.service.until(view).await
    }

    /// Whether the page has a network: `false` drops its socket and refuses another until `true`.
    pub fn page_online(&self, online: bool) {
        self.set_network(if online { Network::Up } else { Network::Down });
    }

    /// The page's network in all its states. Coming back from `Dead`, the old sockets are gone.
    pub fn set_network(&self, network: Network) {
        self.service.with(|world| world.set_network(network));
    }

    /// Drops the page's sockets once; it may come back at once.
    pub fn drop_sockets(&self) {
        self.service.with(World::hang_up_all);
    }

    /// How long the service takes to answer a send and to pass it on.
    pub fn answer_after(&self, delay: Duration) {
        self.service.with(|world| world.faults.answer_delay = delay);
    }

    /// How long a file takes on its way, up to the service or down from it.
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

    /// A message's medium is gone: from the service, and from every phone.
    pub fn expire_media(&self, stanza_id: &str) {
        self.service.with(|world| world.expire_media(stanza_id, false));
    }

    /// A message's medium is gone from the service. Our phone has it, and uploads it again when a page asks, while it is on.
    pub fn expire_media_until_asked(&self, stanza_id: &str) {
        self.service.with(|world| world.expire_media(stanza_id, true));
    }

    /// A message's medium that had expired is there again.
    pub fn restore_media(&self, stanza_id: &str) {
        self.service.with(|world| world.restore_media(stanza_id));
    }

    /// Breaks a message's medium.
    pub fn corrupt_media(&self, stanza_id: &str, how: Corruption) {
        self.service.with(|world| world.corrupt_media(stanza_id, how));
    }

    /// Reloads every connected page.
    pub fn reload_pages(&self) {
        self.service.with(|world| world.tell_pages(&ToPage::Reload));
    }

    /// The linked account is opened in another browser: every connected page is told, and loses its socket.
    pub fn open_elsewhere(&self) {
        self.service.with(|world| {
            world.tell_pages(&ToPage::Conflict);
            world.hang_up_all();
        });
    }

    /// Makes every connected page's message collection deaf for an event, such as `add`, until it is loaded again.
    pub fn freeze_listener(&self, event: &str) {
        let frame = ToPage::Freeze {
            event: event.to_owned(),
        };
        self.service.with(|world| world.tell_pages(&frame));
    }

    /// Changes the layout of message keys, from the next load of the page on.
    pub fn set_key_layout(&self, layout: KeyLayout) {
        self.service.with(|world| world.options.key_layout = layout);
    }

    /// Resolves once a device has a connection and nothing waits for it.
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
    pub(crate) fn set_network(&mut self, network: Network) {
        let before = std::mem::replace(&mut self.faults.network, network);
        if network == Network::Down || before == Network::Dead {
            self.hang_up_all();
        }
    }

    pub(crate) fn hang_up_all(&mut self) {
        for connection in self.connections.values_mut() {
            connection.out = None;
        }
    }

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
