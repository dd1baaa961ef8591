//! What customers' phones show.

use testbed::standin::{Customer, StandIn};

use super::PATIENCE;

/// Waits until a customer's phone shows a text, and gives its stanza id.
pub async fn phone_shows(customer: &Customer, text: &str) -> String {
    let shown = customer.received(|received| received.text == text);
    let shown = tokio::time::timeout(PATIENCE, shown).await;
    shown
        .unwrap_or_else(|_| panic!("the customer's phone never showed the text"))
        .stanza_id
}

/// The stanza ids under which the service took a text, each time that it did, before the phone removed doubles.
pub fn ids_accepted(standin: &StandIn, text: &str) -> Vec<String> {
    let accepted = standin.accepted().into_iter();
    accepted
        .filter(|accepted| accepted.text == text)
        .map(|accepted| accepted.stanza_id)
        .collect()
}

/// How often the service took a text, before the phone removed doubles.
pub fn times_accepted(standin: &StandIn, text: &str) -> usize {
    standin
        .accepted()
        .iter()
        .filter(|accepted| accepted.text == text)
        .count()
}
