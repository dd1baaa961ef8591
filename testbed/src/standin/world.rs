//! The world: the state of the service, and the changes that people make to it. Synchronous, behind one lock
//! (`service`); delayed changes are queued in `later` and run by the service.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

use super::clock::now_ms;
use super::device::{Device, DeviceId};
use super::faults::{Faults, Restriction};
use super::media_store::MediaStore;
use super::messages::accept::Accepted;
use super::messages::body::Body;
use super::messages::thread::{AckChange, Message, ReadReceipt, Thread, Typing};
use super::net::stanza::Person;
use super::options::{Address, NewCustomer, Options};
use super::pairing::Linking;
use super::people::group::GroupState;
use super::people::jid::Jid;
use super::people::place::ChatWith;
use super::people::{CustomerId, CustomerState, PhoneId, PhoneState, Picture, Shown};
use super::script::Script;

const DIGITS: &[u8; 10] = b"0123456789";

/// Id of an open socket.
pub(crate) type ConnectionId = u64;
/// A delayed change of the world.
pub(crate) type Later = Box<dyn FnOnce(&mut World) + Send>;

/// A page's open socket.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Sender of frames to the page; dropping it closes the socket.
    pub out: Option<mpsc::UnboundedSender<String>>,
    pub role: Role,
    /// Chats of which this connection has asked for presence and typing.
    pub subscribed: Vec<ChatWith>,
    /// Whether the page shows the account as online.
    pub available: bool,
}

impl Connection {
    pub fn new(out: mpsc::UnboundedSender<String>) -> Self {
        Self {
            out: Some(out),
            role: Role::Unknown,
            subscribed: Vec::new(),
            available: false,
        }
    }
}

/// Role in which the page has identified itself.
#[derive(Debug)]
pub(crate) enum Role {
    Unknown,
    Linking(Linking),
    Device(DeviceId),
}

/// State of everything in the stand-in.
pub struct World {
    pub(crate) options: Options,
    pub(crate) phones: Vec<PhoneState>,
    pub(crate) customers: Vec<CustomerState>,
    pub(crate) groups: Vec<GroupState>,
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) faults: Faults,
    pub(crate) media: MediaStore,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) reads: Vec<ReadReceipt>,
    pub(crate) typing: Vec<Typing>,
    pub(crate) acks: Vec<AckChange>,
    pub(crate) later: Vec<(Duration, Later)>,
    rng: StdRng,
    last_id: u64,
}

impl World {
    /// Creates a world without people.
    pub(crate) fn new(options: Options) -> Self {
        let rng = StdRng::seed_from_u64(options.seed);
        Self {
            options,
            phones: Vec::new(),
            customers: Vec::new(),
            groups: Vec::new(),
            devices: BTreeMap::new(),
            connections: BTreeMap::new(),
            faults: Faults::default(),
            media: MediaStore::default(),
            accepted: Vec::new(),
            reads: Vec::new(),
            typing: Vec::new(),
            acks: Vec::new(),
            later: Vec::new(),
            rng,
            last_id: 0,
        }
    }

    /// Returns every message that the service accepted from a page, before the recipient's phone drops duplicates.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// Returns every read receipt that reached a customer.
    pub fn read_receipts(&self) -> &[ReadReceipt] {
        &self.reads
    }

    /// Returns every "typing…" that a customer saw.
    pub fn typing(&self) -> &[Typing] {
        &self.typing
    }

    /// Returns every state that messages of ours reached, in order.
    pub fn acks(&self) -> &[AckChange] {
        &self.acks
    }

    /// Returns the faults in force.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns what an account has of the chat with a customer, or of a group.
    pub fn thread(&self, phone: PhoneId, with: impl Into<ChatWith>) -> Option<&Thread> {
        self.phones.get(phone.0)?.threads.get(&with.into())
    }

    /// Returns the linked devices of an account.
    pub fn devices(&self, phone: PhoneId) -> Vec<DeviceId> {
        let own = self
            .devices
            .iter()
            .filter(|(_, device)| device.phone == phone && device.registered);
        own.map(|(id, _)| *id).collect()
    }

    /// Returns the devices that are connected now.
    pub fn connected(&self) -> Vec<DeviceId> {
        let roles = self.connections.values().filter(|connection| connection.out.is_some());
        roles
            .filter_map(|connection| {
                if let Role::Device(id) = connection.role {
                    Some(id)
                } else {
                    None
                }
            })
            .collect()
    }

    /// Returns whether a device of the account shows it as online.
    pub fn shown_online(&self, phone: PhoneId) -> bool {
        let of_phone = |device| self.devices.get(&device).is_some_and(|device| device.phone == phone);
        let mut live = self.connections.values();
        live.any(|c| c.available && matches!(c.role, Role::Device(device) if of_phone(device)))
    }

    /// Returns the number of stanzas that wait for a device.
    pub fn waiting_for(&self, device: DeviceId) -> usize {
        self.devices.get(&device).map_or(0, |device| device.queue.len())
    }

    /// Returns a number that was not returned before.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Returns random bytes from the seed.
    pub(crate) fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        self.rng.random()
    }

    /// Returns random bytes in hexadecimal.
    pub(crate) fn random_hex<const N: usize>(&mut self) -> String {
        let bytes: [u8; N] = self.rng.random();
        let mut hex = String::with_capacity(2 * N);
        for byte in bytes {
            let _ = write!(hex, "{byte:02X}");
        }
        hex
    }

    /// Returns a random number below `bound`.
    pub(crate) fn random_below(&mut self, bound: usize) -> usize {
        self.rng.random_range(0..bound)
    }

    /// Returns a stanza id as a phone makes it: 32 hexadecimal digits.
    pub(crate) fn phone_stanza_id(&mut self) -> String {
        self.random_hex::<16>()
    }

    /// Creates an avatar with its own path.
    pub(crate) fn new_picture(&mut self, mimetype: &str, bytes: Vec<u8>) -> Picture {
        Picture {
            path: format!("/pps/{}.jpg", self.random_hex::<8>()),
            mimetype: mimetype.to_owned(),
            bytes,
        }
    }

    /// Returns random decimal digits; the first is not zero.
    pub(crate) fn random_digits(&mut self, count: usize) -> String {
        // A phone number does not begin with a zero.
        (0..count)
            .map(|at| {
                char::from(
                    DIGITS[if at == 0 {
                        1 + self.random_below(9)
                    } else {
                        self.random_below(10)
                    }],
                )
            })
            .collect()
    }

    /// Adds a phone of ours.
    pub(crate) fn add_phone(&mut self, name: &str, number: &str) -> PhoneId {
        let lid = self.random_digits(15);
        self.phones.push(PhoneState {
            number: number.to_owned(),
            lid,
            push_name: name.to_owned(),
            online: true,
            asks_passkey: false,
            restriction: Restriction::None,
            threads: BTreeMap::new(),
        });
        PhoneId(self.phones.len() - 1)
    }

    /// Adds a customer.
    pub(crate) fn add_customer(&mut self, new: NewCustomer) -> CustomerId {
        let needs_lid = new.address == Address::Lid || new.number.is_none();
        let lid = new.lid.or_else(|| needs_lid.then(|| self.random_digits(15)));
        self.customers.push(CustomerState {
            name: new.name,
            saved_name: new.saved_name,
            number: new.number,
            other_forms: Vec::new(),
            lid,
            address: new.address,
            username: new.username,
            shown: if new.hidden_number {
                Shown::NeverTheNumber
            } else {
                Shown::Both
            },
            on_whatsapp: new.on_whatsapp,
            online: new.online,
            inbox: Vec::new(),
            had: std::collections::HashSet::new(),
            held: std::collections::VecDeque::new(),
            script: Script::default(),
            about: new.about,
            picture: None,
        });
        CustomerId(self.customers.len() - 1)
    }

    /// Returns the customer that an address means, if they are on WhatsApp.
    pub(crate) fn find(&self, jid: &Jid) -> Option<CustomerId> {
        let found = self
            .customers
            .iter()
            .position(|customer| customer.on_whatsapp && customer.answers_to(jid));
        found.map(CustomerId)
    }

    /// Returns what our accounts may know of a customer.
    pub(crate) fn person(&self, id: CustomerId) -> Person {
        let customer = &self.customers[id.0];
        Person {
            push_name: Some(customer.name.clone()),
            name: customer.saved_name.clone(),
            lid: customer.visible_lid().map(str::to_owned),
            pn: customer.visible_number().map(str::to_owned),
            username: customer.username.clone(),
        }
    }

    /// Returns an account's chat; creates it if there is none.
    pub(crate) fn thread_mut(&mut self, phone: PhoneId, with: impl Into<ChatWith>) -> &mut Thread {
        self.phones[phone.0].threads.entry(with.into()).or_default()
    }

    /// Creates a text of now.
    pub(crate) fn new_message(id: String, from_me: bool, text: String) -> Message {
        Message {
            id,
            from_me,
            author: None,
            text,
            body: Body::default(),
            t: now_ms() / 1000,
            ack: 1,
            receipts: BTreeMap::new(),
            recipients: 0,
            quote: None,
            edited: false,
            revoked: false,
            reactions: BTreeMap::new(),
            votes: BTreeMap::new(),
            device: None,
            ciphertext: false,
        }
    }
}
