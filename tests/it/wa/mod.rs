//! The WhatsApp adapter on a real Chromium and chromedriver, against the stand-in's page and service.

mod deafness;
mod desk;
mod login;
mod messages;
mod ports;
mod survival;

use std::time::Duration;

/// Every wait of these tests ends by then, with a word about what did not come.
const PATIENCE: Duration = Duration::from_mins(1);
