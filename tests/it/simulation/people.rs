//! Contacts of the customers, as WhatsApp tells them.

use crm::domain::customer::Identity;
use crm::domain::whatsapp::WaContact;

use super::world::Chat;

pub(super) fn contact(chat: &Chat) -> WaContact {
    WaContact {
        identities: chat
            .also
            .iter()
            .cloned()
            .chain([Identity::phone(&chat.phone)])
            .collect(),
        saved_name: None,
        push_name: Some(format!("Customer {}", &chat.phone.as_str()[11..])),
    }
}
