//! Matrix transaction ids, built from parts that a repeat has again.

use crate::domain::MessageId;
use crate::domain::matrix::TxnId;
use crate::domain::outbox::{MatrixWork, OutboxItem};

/// Returns a transaction id (rule 18): the instance, and the name of a piece of work within it.
pub(crate) fn txn(instance: &str, name: &str) -> TxnId {
    TxnId(format!("{instance}.{name}"))
}

/// Returns the name of one part of a message.
pub(crate) fn of_message(message: MessageId, part: &str) -> String {
    format!("{message}.{part}")
}

/// Returns the name of one part of work that belongs to no message.
pub(crate) fn of_part(item: &OutboxItem<MatrixWork>, part: usize) -> String {
    format!("o{}.{part}", item.id)
}

/// Returns the name of work that belongs to no message; outbox ids are never reused.
pub(crate) fn of_item(item: &OutboxItem<MatrixWork>) -> String {
    of_part(item, 0)
}
