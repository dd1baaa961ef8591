//! The page's status.

use serde::Deserialize;

use super::ids::phone;
use crate::domain::session::{Me, PageStatus};

/// The page's status, including the fields that only the adapter needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as the page reports it, one fact each")]
pub struct Status {
    epoch: String,
    /// The library's version; none if the library did not load.
    pub library: Option<String>,
    /// Functions that we need and this version of the library does not have.
    pub missing: Vec<String>,
    /// Whether the page has WhatsApp Web's modules.
    pub whatsapp: bool,
    /// Whether the page has finished loading.
    pub full_ready: bool,
    authenticated: bool,
    main: bool,
    synced: bool,
    online: bool,
    conflict: bool,
    passkey: bool,
    #[serde(default)]
    restricted: bool,
    #[serde(default)]
    outdated: bool,
    /// Modules of WhatsApp Web that the library does not find.
    #[serde(default)]
    absent: Vec<String>,
    /// Whether the page asks to be reloaded into its newer version. It still works.
    #[serde(default)]
    pub stale: bool,
    qr: Option<String>,
    /// Whether the QR code has expired and waits for a click.
    pub qr_idle: bool,
    me: Option<WireMe>,
    /// Number of events in this epoch that did not fit the queue or that no listener reported.
    pub lost: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct WireMe {
    phone: String,
    lid: Option<String>,
    name: Option<String>,
}

impl Status {
    /// Converts to the domain's type.
    pub fn page(&self) -> PageStatus {
        PageStatus {
            epoch: self.epoch.clone(),
            full_ready: self.full_ready,
            authenticated: self.authenticated,
            main: self.main,
            synced: self.synced,
            online: self.online,
            conflict: self.conflict,
            passkey: self.passkey,
            restricted: self.restricted,
            outdated: self.outdated,
            missing: self.absent.clone(),
            qr: self.qr.clone(),
            me: self.me.clone().and_then(|me| {
                Some(Me {
                    phone: phone(&me.phone)?,
                    lid: me.lid,
                    name: me.name,
                })
            }),
        }
    }
}
