//! The events of the superseded system's stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SeedCustomer, SeedMessage};
use crate::contract::EventBody;
use crate::domain::CustomerId;
use crate::domain::message::{Direction, MessageState};

/// An event: one JSON object with its `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SeedEvent {
    /// A customer wrote.
    InboundMessage {
        /// The customer.
        customer_id: CustomerId,
        /// The message.
        message: SeedMessage,
    },
    /// There is a new customer.
    NewCustomer {
        /// The customer.
        customer: SeedCustomer,
    },
    /// A customer has read a message of ours.
    MessageSeen {
        /// The customer.
        customer_id: CustomerId,
    },
}

impl SeedEvent {
    /// Returns what the superseded system tells of an event; `None` if it tells nothing, as of groups.
    pub fn of(body: EventBody) -> Option<Self> {
        match body {
            EventBody::MessageReceived(message) => Some(Self::InboundMessage {
                customer_id: message.customer_id?,
                message: message.into(),
            }),
            EventBody::CustomerCreated(customer) => {
                let row = customer.into();
                let last_message = None;
                Some(Self::NewCustomer {
                    customer: SeedCustomer { row, last_message },
                })
            }
            EventBody::MessageState(message)
                if message.direction == Direction::Outbound
                    && matches!(message.state, MessageState::Read | MessageState::Played) =>
            {
                Some(Self::MessageSeen {
                    customer_id: message.customer_id?,
                })
            }
            _ => None,
        }
    }
}
