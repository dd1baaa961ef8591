//! What a stand-in is started with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::people::{CustomerId, PhoneId};

/// The version that the page gives itself: later than the change of the message keys' layout.
const VERSION: &str = "2.3000.1045220589";

/// How message keys cache their serialized form. Since July 2026 the site minifies it, and clients that read
/// `_serialized` fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyLayout {
    /// `_serialized`.
    #[default]
    Old,
    /// `$1`.
    New,
}

/// How the chat with a customer is addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// `<number>@c.us`.
    #[default]
    Phone,
    /// `<n>@lid`.
    Lid,
}

/// How the stand-in behaves. The defaults are WhatsApp Web's where it has been measured.
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
    /// How many QR codes a page shows before it idles.
    pub qr_codes: usize,
    /// How long the first QR code stands.
    pub qr_first: Duration,
    /// How long each later one stands.
    pub qr_next: Duration,
    /// How long an eight-character code can be typed.
    pub pairing_code_life: Duration,
    /// How long after MAIN the page says that it has synced. whatsapp-web.js listens for that moment only, and on the
    /// real site attaches long before it.
    pub settle: Duration,
    /// Whether the account says that its direct chats have moved to LIDs.
    pub lid_migrated: bool,
    /// Modules that clients do not find, as in a page that has half loaded; from the next load of the page on.
    pub hidden_modules: Vec<String>,
    /// Draws ids, keys and codes: the same seed, the same ids.
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
            hidden_modules: Vec::new(),
            seed: 1,
        }
    }
}

/// A customer to add to the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// The name that they gave themselves.
    pub name: String,
    /// The name under which the phone's address book has them.
    #[serde(default)]
    pub saved_name: Option<String>,
    /// Digits only. A customer without one is known by LID alone.
    #[serde(default)]
    pub number: Option<String>,
    /// Digits only. Drawn when the address asks for one and none is given.
    #[serde(default)]
    pub lid: Option<String>,
    /// How the chat with them is addressed.
    #[serde(default)]
    pub address: Address,
    /// Their username.
    #[serde(default)]
    pub username: Option<String>,
    /// Whether their number is kept from us, as with WhatsApp usernames.
    #[serde(default)]
    pub hidden_number: bool,
    /// Whether the number is on WhatsApp at all.
    #[serde(default = "yes")]
    pub on_whatsapp: bool,
    /// Whether their phone is switched on.
    #[serde(default = "yes")]
    pub online: bool,
    /// What they say about themselves.
    #[serde(default)]
    pub about: Option<String>,
}

/// A group to add to the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name.
    pub subject: String,
    /// The customers in it.
    #[serde(default)]
    pub members: Vec<CustomerId>,
    /// Our accounts in it.
    #[serde(default = "first_phone")]
    pub phones: Vec<PhoneId>,
    /// The customer who made it; our first account if none is given.
    #[serde(default)]
    pub made_by: Option<CustomerId>,
    /// What it says about itself.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether its members are told to each other by LID, as in every group of today, or by number.
    #[serde(default = "by_lid")]
    pub address: Address,
    /// Whether only admins may write.
    #[serde(default)]
    pub announce: bool,
    /// When it was made, in seconds since 1970; now if no time is given.
    #[serde(default)]
    pub t: Option<i64>,
}

impl NewGroup {
    /// A group that our first account has made.
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
    /// A customer in a chat by phone number.
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

    /// A customer in a chat by LID, whose number can be looked up.
    pub fn by_lid(name: &str, number: &str, lid: &str) -> Self {
        Self {
            lid: Some(lid.to_owned()),
            address: Address::Lid,
            ..Self::by_phone(name, number)
        }
    }

    /// A customer whose number nobody gets to see.
    pub fn hidden(name: &str, lid: &str) -> Self {
        Self {
            number: None,
            hidden_number: true,
            ..Self::by_lid(name, "", lid)
        }
    }
}
