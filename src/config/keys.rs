//! The list of all configuration keys with their defaults, and of the keys that were renamed.

/// One key. Its variable is `CRM_` and the name in capitals with `_` for `.`; in a file the part before `.` is a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name, such as `whatsapp.url`.
    pub name: &'static str,
    /// Its default as text; empty if it has none or follows from other keys.
    pub default: &'static str,
    /// Whether its value is hidden in error messages.
    pub secret: bool,
    /// Whether an empty value says "none of them"; otherwise it is as good as no value.
    pub may_be_empty: bool,
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key {
        name,
        default,
        secret: false,
        may_be_empty: false,
    }
}

const fn words(name: &'static str, default: &'static str) -> Key {
    Key {
        may_be_empty: true,
        ..key(name, default)
    }
}

const fn secret(name: &'static str) -> Key {
    Key {
        secret: true,
        ..key(name, "")
    }
}

/// Every key. `crm.example.toml` explains each; a test compares the two.
pub const KEYS: &[Key] = &[
    key("data_dir", ""),
    secret("database_url"),
    key("database_url_file", ""),
    key("database_readers", "4"),
    key("listen", "127.0.0.1:8000"),
    key("allowed_hosts", ""),
    key("allowed_origins", ""),
    key("fetch_private", "off"),
    key("max_connections", "4096"),
    key("url", ""),
    secret("api_key"),
    key("api_key_file", ""),
    key("log", "info"),
    key("log_format", "text"),
    key("send_expires", "24h"),
    key("phone_region", ""),
    key("hide_numbers", "off"),
    key("requests_per_minute", "1200000"),
    key("writes_per_minute", "600000"),
    key("journal_keep", "30days"),
    key("audit_keep", "365days"),
    key("exports_keep", "24h"),
    key("shared_host", "warn"),
    key("media.store", ""),
    key("media.fetch", "auto"),
    key("media.max_size", "100MiB"),
    key("media.avatars", "7days"),
    key("media.free_space_floor", "2GiB"),
    key("media.daily_quota", "1GiB"),
    key("whatsapp.url", "https://web.whatsapp.com/"),
    key("whatsapp.browser", ""),
    key("whatsapp.driver", ""),
    key("whatsapp.browser_args", ""),
    key("whatsapp.headless", "on"),
    key("whatsapp.library", ""),
    key("whatsapp.read", "auto"),
    key("whatsapp.read_delay", "3s..10s"),
    key("whatsapp.typing", "on"),
    key("whatsapp.spacing", "1s..3s"),
    key("whatsapp.first_contacts", "10/h,20/d"),
    key("whatsapp.quiet_hours", ""),
    key("whatsapp.time_zone", ""),
    words("whatsapp.opt_out", "STOP,UNSUBSCRIBE"),
    words("whatsapp.opt_in", "START"),
    key("whatsapp.take_over", "off"),
    key("whatsapp.nightly_reload", "03:00-05:00"),
    key("whatsapp.history", "90d"),
    key("matrix.mode", ""),
    key("matrix.homeserver", ""),
    key("matrix.user", ""),
    secret("matrix.password"),
    key("matrix.password_file", ""),
    key("matrix.agents", ""),
    key("matrix.owner", ""),
    key("matrix.encryption", "auto"),
    key("matrix.registration", ""),
    key("matrix.listen", ""),
    key("matrix.room_version", ""),
];

/// Old and new names of keys. An old name is refused with an error that names the new one, in a file and in the
/// environment.
pub const RENAMED: &[(&str, &str)] = &[("media.portraits", "media.avatars")];

/// Returns the new name of a key that was renamed.
pub fn renamed(name: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
}

/// Returns the new variable of a key that was renamed.
pub fn renamed_variable(variable: &str) -> Option<String> {
    let (_, new) = RENAMED.iter().find(|(old, _)| variable_of(old) == variable)?;
    Some(variable_of(new))
}

/// Returns the new short name of a key in an account's section.
pub fn renamed_of_account(name: &str) -> Option<&'static str> {
    let mut both = RENAMED.iter().map(|(old, new)| (short_of(old), short_of(new)));
    both.find(|(old, _)| *old == name).map(|(_, new)| new)
}

fn variable_of(name: &str) -> String {
    format!("CRM_{}", name.to_uppercase().replace('.', "_"))
}

fn short_of(name: &'static str) -> &'static str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The keys of `[media]` that can be set for one account; of `[whatsapp]` all can.
const OF_ACCOUNTS: [&str; 4] = ["media.fetch", "media.max_size", "media.avatars", "media.daily_quota"];

impl Key {
    /// Finds a key by its short name in an account's section.
    pub fn of_account(name: &str) -> Option<&'static Self> {
        Self::all_of_account().find(|key| key.short() == name)
    }

    /// Returns all keys that can be set for one account.
    pub fn all_of_account() -> impl Iterator<Item = &'static Self> {
        KEYS.iter()
            .filter(|key| key.name.starts_with("whatsapp.") || OF_ACCOUNTS.contains(&key.name))
    }

    /// Returns the name within its table.
    pub fn short(&self) -> &'static str {
        short_of(self.name)
    }

    /// Finds a key by its name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// Finds a key by its variable.
    pub fn of_variable(variable: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.variable() == variable)
    }

    /// Returns the environment variable that sets this key.
    pub fn variable(&self) -> String {
        variable_of(self.name)
    }
}

/// Returns the known name that is most similar to `name`, if one is similar enough to be a typing error.
pub fn nearest<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<S> {
    /// Minimum similarity.
    const SIMILAR: f64 = 0.8;
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(name, known.as_ref()), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
