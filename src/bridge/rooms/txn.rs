//! The ids of transactions, made of what a repeat has again.

use crate::domain::MessageId;
use crate::domain::matrix::TxnId;
use crate::domain::outbox::{MatrixWork, OutboxItem};

/// Returns a transaction id (rule 18): the instance, and what names a piece of work within it.
pub(crate) fn txn(instance: &str, name: &str) -> TxnId {
    TxnId(format!("{instance}.{name}"))
}

/// Names a part of what is shown of a message.
pub(crate) fn of_message(message: MessageId, part: &str) -> String {
    format!("{message}.{part}")
}

/// Names what belongs to no message: outbox ids are never used again.
pub(crate) fn of_item(item: &OutboxItem<MatrixWork>) -> String {
    format!("o{}.0", item.id)
}
