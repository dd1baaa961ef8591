//! The application service as a login that hands rooms over, or takes them.

use std::sync::{Arc, Mutex};

use super::adapter::Service;
use super::session::Session;
use crate::domain::matrix::MatrixError;
use crate::domain::moving::Logins;
use crate::matrix::connection::Connection;
use crate::matrix::handing::Keeper;
use crate::matrix::rooms::Caller;

impl Keeper for Service {
    type Client = Arc<Session>;

    const READS_ENCRYPTED: bool = false;

    fn connection(&self) -> &Connection<Arc<Session>> {
        &self.inner.connection
    }

    fn caller(client: &Arc<Session>) -> Result<Caller<'_>, MatrixError> {
        Ok(client.caller())
    }

    fn users(client: &Arc<Session>) -> Result<Vec<String>, MatrixError> {
        Ok(client.own())
    }

    fn logins(&self) -> &Mutex<Logins> {
        &self.inner.logins
    }

    fn space(&self) -> &str {
        &self.inner.options.space.alias
    }
}
