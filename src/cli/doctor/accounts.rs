//! Whether the configuration's sections are for accounts that there are.

use serde_json::Value;

use super::{Finding, Verdict};
use crate::cli::home::Home;
use crate::config::Config;
use crate::domain::account::Account;

/// As a server knows them.
pub fn of_status(config: &Config, status: &Value) -> Finding {
    let accounts: Vec<Account> = serde_json::from_value(status["accounts"].clone()).unwrap_or_default();
    finding(config, &accounts)
}

/// As the database knows them; nothing where it cannot be opened, which is told elsewhere.
pub async fn of_database(config: &Config) -> Option<Finding> {
    if !config.data_dir.exists() {
        return Some(finding(config, &[]));
    }
    let home = Home::open(config, "crm doctor").await.ok()?;
    let accounts = home.store.accounts().await;
    home.store.close().await;
    Some(finding(config, &accounts.ok()?))
}

fn finding(config: &Config, accounts: &[Account]) -> Finding {
    const CHECK: &str = "accounts";
    let strangers = config.strangers(accounts);
    if !strangers.is_empty() {
        return Finding::new(CHECK, Verdict::Warning, strangers.join("; "));
    }
    let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
    let detail = if names.is_empty() {
        "one is made at the first start".to_owned()
    } else {
        names.join(", ")
    };
    Finding::new(CHECK, Verdict::Ok, detail)
}
