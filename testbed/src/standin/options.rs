//! Options of a stand-in, and what it starts with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::people::{CustomerId, PhoneId};

/// Version that the page reports: later than the change of the message keys' layout.
const VERSION: &str = "2.3000.1045220589";

/// Name of the property in which message keys cache their serialised form. Since July 2026 the site minifies it, and
/// clients that read `_serialized` fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyLayout {
    /// `_serialized`.
    #[default]
    Old,
    /// `$1`.
    New,
}

/// Form of the address of the chat with a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// `<number>@c.us`.
    #[default]
    Phone,
    /// `<n>@lid`.
    Lid,
}

/// Behaviour of the stand-in. The defaults are those of WhatsApp Web where they have been measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of the plain HTTP listener on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Whether to listen with TLS as well, on a free port, for clients that insist on `https://web.whatsapp.com/`.
    pub tls: bool,
    /// The page's version string.
    pub version: String,
    /// The layout of message keys, from the next load of the page on.
    pub key_layout: KeyLayout,
    /// Number of QR codes that a page shows before it stops.
    pub qr_codes: usize,
    /// Lifetime of the first QR code.
    pub qr_first: Duration,
    /// Lifetime of each later QR code.
    pub qr_next: Duration,
    /// Lifetime of an eight-character code.
    pub pairing_code_life: Duration,
    /// Time from MAIN until the page says that it has synced. whatsapp-web.js listens for that moment only; on the real
    /// site it attaches long before.
    pub settle: Duration,
    /// Whether the account says that its direct chats have moved to LIDs.
    pub lid_migrated: bool,
    /// Number of messages of each chat that a new device gets before its page comes up; the older ones follow.
    pub history_first: usize,
    /// Modules that clients do not find, as in a page that is half loaded; from the next load of the page on.
    pub hidden_modules: Vec<String>,
    /// Seed of ids, keys and codes: the same seed gives the same ids.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            tls: false,
            version: VERSION.to_owned(),
            key_layout: KeyLayout::default(),
            qr_codes: 6,
            qr_first: Duration::from_mins(1),
            qr_next: Duration::from_secs(20),
            pairing_code_life: Duration::from_mins(3),
            settle: Duration::from_secs(2),
            lid_migrated: true,
            history_first: usize::MAX,
            hidden_modules: Vec::new(),
            seed: 1,
        }
    }
}

/// A customer to add to the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Name that they chose.
    pub name: String,
    /// Name in the phone's address book.
    #[serde(default)]
    pub saved_name: Option<String>,
    /// Phone number, digits only. A customer without one is known by LID alone.
    #[serde(default)]
    pub number: Option<String>,
    /// LID, digits only. A random one is drawn if the address needs one and none is given.
    #[serde(default)]
    pub lid: Option<String>,
    /// Form of the address of the chat with them.
    #[serde(default)]
    pub address: Address,
    /// Their username.
    #[serde(default)]
    pub username: Option<String>,
    /// Whether their number is hidden from us, as with WhatsApp usernames.
    #[serde(default)]
    pub hidden_number: bool,
    /// Whether the number is on WhatsApp at all.
    #[serde(default = "yes")]
    pub on_whatsapp: bool,
    /// Whether their phone is switched on.
    #[serde(default = "yes")]
    pub online: bool,
    /// Their "about" text.
    #[serde(default)]
    pub about: Option<String>,
}

/// A group to add to the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name.
    pub subject: String,
    /// Customers in it.
    #[serde(default)]
    pub members: Vec<CustomerId>,
    /// Our accounts in it.
    #[serde(default = "first_phone")]
    pub phones: Vec<PhoneId>,
    /// Customer who created it; our first account if none is given.
    #[serde(default)]
    pub made_by: Option<CustomerId>,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether members see each other by LID, as in every current group, or by number.
    #[serde(default = "by_lid")]
    pub address: Address,
    /// Whether only admins may write.
    #[serde(default)]
    pub announce: bool,
    /// Time of creation in seconds since 1970; now if none is given.
    #[serde(default)]
    pub t: Option<i64>,
}

impl NewGroup {
    /// Creates a group of our first account, which is its creator.
    pub fn of(subject: &str, members: Vec<CustomerId>) -> Self {
        Self {
            subject: subject.to_owned(),
            members,
            phones: first_phone(),
            made_by: None,
            description: None,
            address: by_lid(),
            announce: false,
            t: None,
        }
    }
}

fn first_phone() -> Vec<PhoneId> {
    vec![PhoneId(0)]
}

fn by_lid() -> Address {
    Address::Lid
}

fn yes() -> bool {
    true
}

impl NewCustomer {
    /// Creates a customer with a chat by phone number.
    pub fn by_phone(name: &str, number: &str) -> Self {
        Self {
            name: name.to_owned(),
            saved_name: None,
            number: Some(number.to_owned()),
            lid: None,
            address: Address::Phone,
            username: None,
            hidden_number: false,
            on_whatsapp: true,
            online: true,
            about: None,
        }
    }

    /// Creates a customer with a chat by LID, whose number can be looked up.
    pub fn by_lid(name: &str, number: &str, lid: &str) -> Self {
        Self {
            lid: Some(lid.to_owned()),
            address: Address::Lid,
            ..Self::by_phone(name, number)
        }
    }

    /// Creates a customer whose number nobody can see.
    pub fn hidden(name: &str, lid: &str) -> Self {
        Self {
            number: None,
            hidden_number: true,
            ..Self::by_lid(name, "", lid)
        }
    }
}
