//! Configuration of a homeserver, as JSON, which is valid YAML.

use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::RngExt as _;
use serde_json::{Map, Value, json};

use super::SERVER_NAME;

/// Whether the homeserver limits the rate of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimits {
    /// Every limit is so high that no test reaches it.
    #[default]
    Off,
    /// The defaults of Synapse: a bot may send 0.4 messages a second.
    Standard,
}

/// Options of a homeserver in which tests may differ.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub rate_limits: RateLimits,
    /// Registrations of application services: each as an object, or as the text of its file.
    pub registrations: Vec<Value>,
    /// Top-level keys of `homeserver.yaml` that replace ours.
    pub configuration: Map<String, Value>,
}

/// Returns `homeserver.yaml`, and writes the files that it names into the folder.
pub(super) fn configure(options: &Options, folder: &Path, port: u16) -> Result<Value> {
    #[expect(clippy::disallowed_methods, reason = "a homeserver's key and secrets are its own")]
    let random: [[u8; 32]; 3] = rand::rng().random();
    let [key, macaroon, form] = random.map(|bytes| STANDARD_NO_PAD.encode(bytes));
    let file = |name: &str| folder.join(name).display().to_string();
    std::fs::write(folder.join("signing.key"), format!("ed25519 a_1 {key}\n"))?;
    std::fs::write(folder.join("logging.yaml"), logging().to_string())?;
    let mut registrations = Vec::new();
    for (number, registration) in options.registrations.iter().enumerate() {
        let name = file(&format!("registration-{number}.yaml"));
        let text = registration.as_str().map(str::to_owned);
        std::fs::write(&name, text.unwrap_or_else(|| registration.to_string()))?;
        registrations.push(name);
    }
    let mut configuration = json!({
        "server_name": SERVER_NAME,
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "pid_file": file("synapse.pid"),
        "listeners": [{
            "type": "http", "port": port, "bind_addresses": ["127.0.0.1"], "tls": false,
            "resources": [{"names": ["client", "federation"], "compress": false}],
        }],
        "database": {"name": "sqlite3", "args": {"database": file("homeserver.db")}},
        "media_store_path": file("media"),
        "signing_key_path": file("signing.key"),
        "log_config": file("logging.yaml"),
        "macaroon_secret_key": macaroon,
        "form_secret": form,
        "bcrypt_rounds": 4,
        // A client that asks for long timelines gets them, so that what it missed while we were down has no gap.
        "filter_timeline_limit": -1,
        "enable_registration": true,
        "enable_registration_without_verification": true,
        "report_stats": false,
        "presence": {"enabled": false},
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "app_service_config_files": registrations,
        "experimental_features": {
            "msc3202_device_masquerading": true, "msc3202_transaction_extensions": true,
            "msc2409_to_device_messages_enabled": true, "msc4190_enabled": true,
        },
    });
    if let Value::Object(configuration) = &mut configuration {
        if options.rate_limits == RateLimits::Off {
            configuration.extend(no_rate_limits());
        }
        configuration.extend(options.configuration.clone());
    }
    Ok(configuration)
}

fn logging() -> Value {
    json!({
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"log": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["log"]},
        "disable_existing_loggers": false,
    })
}

fn no_rate_limits() -> Map<String, Value> {
    let none = json!({"per_second": 10_000, "burst_count": 10_000});
    let each = |kinds: &[&str]| {
        kinds
            .iter()
            .map(|kind| ((*kind).to_owned(), none.clone()))
            .collect::<Map<_, _>>()
    };
    let mut limits = each(&[
        "rc_message",
        "rc_registration",
        "rc_registration_token_validity",
        "rc_admin_redaction",
        "rc_joins_per_room",
        "rc_key_requests",
        "rc_3pid_validation",
        "rc_third_party_invite",
        "rc_media_create",
        "rc_delayed_event_mgmt",
        "rc_room_creation",
        "rc_reports",
        "rc_user_directory",
        "rc_profile",
    ]);
    let grouped = [
        ("rc_login", each(&["address", "account", "failed_attempts"])),
        ("rc_joins", each(&["local", "remote"])),
        ("rc_invites", each(&["per_room", "per_user", "per_issuer"])),
        ("rc_presence", each(&["per_user"])),
    ];
    limits.extend(
        grouped
            .into_iter()
            .map(|(name, group)| (name.to_owned(), Value::Object(group))),
    );
    limits
}
