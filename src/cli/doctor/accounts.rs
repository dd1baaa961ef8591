//! Checks that the sections of the configuration are for accounts that exist.

use super::{Finding, Verdict};
use crate::cli::home::Home;
use crate::config::Config;
use crate::contract::StatusView;

/// Checks against the accounts that the server knows.
pub fn of_status(config: &Config, status: &StatusView) -> Finding {
    let names: Vec<&str> = status.accounts.iter().map(|of| of.account.name.as_str()).collect();
    finding(config, &names)
}

/// Checks against the accounts in the database. `None` if it cannot be opened, which another check reports.
pub async fn of_database(config: &Config) -> Option<Finding> {
    if !config.data_dir.exists() {
        return Some(finding(config, &[]));
    }
    let home = Home::open(config, "crm doctor").await.ok()?;
    let accounts = home.store.accounts().present().await;
    home.store.close().await;
    let accounts = accounts.ok()?;
    let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
    Some(finding(config, &names))
}

fn finding(config: &Config, names: &[&str]) -> Finding {
    const CHECK: &str = "accounts";
    let strangers = config.strangers(names);
    if !strangers.is_empty() {
        return Finding::new(CHECK, Verdict::Warning, strangers.join("; "));
    }
    let detail = if names.is_empty() {
        "one is made at the first start".to_owned()
    } else {
        names.join(", ")
    };
    Finding::new(CHECK, Verdict::Ok, detail)
}
