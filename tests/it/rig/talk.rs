//! One desk without Matrix, one customer, and a program that follows.

use serde_json::Value;
use testbed::standin::{Customer, Draft};

use super::desk::{Desk, Plan};
use super::media::exported;
use super::socket::Socket;
use super::told::told;

pub struct Talk {
    pub desk: Desk,
    pub customer: Customer,
    pub socket: Socket,
}

impl Talk {
    pub async fn with(number: &str) -> Self {
        let desk = Desk::ready(Plan::plain()).await;
        let customer = desk.standin.customer("Ada", number);
        let socket = Socket::follow(&desk.crm.url, &desk.crm.admin_key(), None).await;
        Self { desk, customer, socket }
    }

    /// What the WebSocket tells of a customer's message.
    pub async fn hears(&mut self, draft: Draft) -> Value {
        let stanza = self.customer.send(draft);
        let is_it = |data: &Value| data["whatsapp_id"] == stanza.as_str();
        told(&mut self.socket, "message.received", is_it).await
    }

    pub async fn exported(&self, id: &Value) -> Value {
        let rows = exported(&self.desk).await;
        rows.into_iter().find(|row| row["id"] == *id).expect("it is exported")
    }
}
