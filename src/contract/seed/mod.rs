//! The superseded system's JSON: its endpoints keep their names, fields and numbers, so that its pages and gateways work
//! unchanged. Everything else is in the views of the API proper.

mod event;
mod request;

pub use event::SeedEvent;
pub use request::{SeedAck, SeedInbox, SeedPhoto, SeedSend, SeedTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CustomerView, MessageView};
use crate::domain::customer::PhoneNumber;
use crate::domain::message::Direction;
use crate::domain::{CustomerId, MessageId, Timestamp, WaMessageId};

/// A row of the table `customers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeedCustomerRow {
    /// Id of the customer.
    pub id: CustomerId,
    /// Name that is shown.
    pub name: String,
    /// Phone number with `+`; null for a customer whose number WhatsApp hides.
    pub phone: Option<PhoneNumber>,
    /// Status of the customer, a word of the team's own.
    pub status: String,
    /// Path at which the API serves the picture; null if there is none.
    pub photo_url: Option<String>,
    /// Messages that no agent has read or answered.
    pub unread_count: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A customer in the list, with the text of their last message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeedCustomer {
    /// The customer.
    #[serde(flatten)]
    pub row: SeedCustomerRow,
    /// Text of the last message, inbound or outbound; null if there is none.
    pub last_message: Option<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeedMessage {
    /// Id of the message.
    pub id: MessageId,
    /// Customer of the conversation; null in a group.
    pub customer_id: Option<CustomerId>,
    /// `inbound` or `outbound`.
    pub direction: Direction,
    /// Text; for a kind without one, the bracketed line that stands for it.
    pub content: String,
    /// Time of writing.
    pub timestamp: Timestamp,
    /// 1 sent, 2 delivered, 3 read; null otherwise.
    pub ack: Option<u8>,
    /// WhatsApp's id of the message; null before it is chosen.
    pub whatsapp_id: Option<WaMessageId>,
}

impl From<CustomerView> for SeedCustomerRow {
    fn from(customer: CustomerView) -> Self {
        Self {
            id: customer.id,
            name: customer.name,
            phone: customer.phone,
            status: customer.status,
            photo_url: customer.photo_url,
            unread_count: customer.unread_count,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
        }
    }
}

impl From<MessageView> for SeedMessage {
    fn from(message: MessageView) -> Self {
        Self {
            id: message.id,
            customer_id: message.customer_id,
            direction: message.direction,
            content: message.content,
            timestamp: message.timestamp,
            ack: message.ack,
            whatsapp_id: message.whatsapp_id,
        }
    }
}
