//! The service behind the stand-in's page, spoken with as the page does, without a browser: what it keeps, what it
//! sends again, what it notes before doubles are removed, and what it refuses.

mod content;
mod delivery;
mod groups;
mod keeping;
mod page;

use testbed::standin::{Customer, Options, StandIn};

async fn standin() -> StandIn {
    StandIn::start(Options::default()).await.expect("a stand-in starts")
}

fn texts(customer: &Customer) -> Vec<String> {
    customer.inbox().into_iter().map(|received| received.text).collect()
}
