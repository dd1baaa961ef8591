//! The browser and its driver on an account's profile. Knows neither the page nor WhatsApp.

mod chromium;
mod driver;
mod profile;

pub use chromium::Browser;
pub use driver::Driver;
pub use profile::{Profile, ProfileError};
