//! The bot as a login that hands rooms over, or takes them.

use std::sync::Mutex;

use matrix_sdk::Client;

use super::adapter::{self, Bot};
use crate::domain::matrix::MatrixError;
use crate::domain::moving::Logins;
use crate::matrix::connection::Connection;
use crate::matrix::handing::Keeper;
use crate::matrix::rooms::Caller;

impl Keeper for Bot {
    type Client = Client;

    const READS_ENCRYPTED: bool = true;

    fn connection(&self) -> &Connection<Client> {
        &self.inner.connection
    }

    fn caller(client: &Client) -> Result<Caller<'_>, MatrixError> {
        adapter::caller(client)
    }

    fn users(client: &Client) -> Result<Vec<String>, MatrixError> {
        Ok(vec![adapter::caller(client)?.us().to_string()])
    }

    fn logins(&self) -> &Mutex<Logins> {
        &self.inner.logins
    }

    fn space(&self) -> &str {
        &self.inner.options.space.alias
    }
}
