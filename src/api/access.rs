//! The handle that checks keys and writes the audit log.

use std::sync::Arc;

use crate::domain::Clock;
use crate::store::Store;

/// What checks a key.
#[derive(Clone)]
pub struct Access {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
}
