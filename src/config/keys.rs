//! The one list of configuration keys: their names, their defaults and what they are for.

/// A key. Its variable is `CRM_` and the name in capitals with `_` for `.`; in a file the part before `.` is a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// As it would be written; empty where there is none, or where it follows from others.
    pub default: &'static str,
    /// Never shown in an error message.
    pub secret: bool,
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key {
        name,
        default,
        secret: false,
    }
}

const fn secret(name: &'static str) -> Key {
    Key {
        name,
        default: "",
        secret: true,
    }
}

/// Every key. `crm.example.toml` explains each; a test holds the two together.
pub const KEYS: &[Key] = &[
    key("data_dir", ""),
    secret("database_url"),
    key("database_url_file", ""),
    key("listen", "127.0.0.1:8000"),
    key("allowed_hosts", ""),
    key("url", ""),
    secret("api_key"),
    key("api_key_file", ""),
    key("log", "info"),
    key("log_format", "text"),
    key("send_expires", "24h"),
    key("journal_keep", "30days"),
    key("media.store", ""),
    key("media.fetch", "auto"),
    key("media.max_size", "100MiB"),
    key("media.portraits", "7days"),
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
    key("whatsapp.opt_out", "STOP,UNSUBSCRIBE"),
    key("whatsapp.opt_in", "START"),
    key("whatsapp.take_over", "off"),
    key("whatsapp.nightly_reload", "03:00-05:00"),
    key("whatsapp.history", "90d"),
    key("matrix.homeserver", ""),
    key("matrix.user", ""),
    secret("matrix.password"),
    key("matrix.password_file", ""),
    key("matrix.agents", ""),
    key("matrix.owner", ""),
    key("matrix.encryption", "on"),
    key("matrix.registration", ""),
];

/// The keys of `[media]` that an account can have of its own; of `[whatsapp]` it can have all.
const OF_ACCOUNTS: [&str; 3] = ["media.fetch", "media.max_size", "media.portraits"];

impl Key {
    /// The key that an account's section means by this name: one of `[whatsapp]`, or of `[media]`.
    pub fn of_account(name: &str) -> Option<&'static Self> {
        Self::all_of_account().find(|key| key.short() == name)
    }

    /// All that an account can have of its own.
    pub fn all_of_account() -> impl Iterator<Item = &'static Self> {
        KEYS.iter()
            .filter(|key| key.name.starts_with("whatsapp.") || OF_ACCOUNTS.contains(&key.name))
    }

    /// The name within its table.
    pub fn short(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// The key of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key of this variable.
    pub fn of_variable(variable: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.variable() == variable)
    }

    /// The environment variable that sets this key.
    pub fn variable(&self) -> String {
        format!("CRM_{}", self.name.to_uppercase().replace('.', "_"))
    }
}

/// The name among `known` that is most like `name`, if one is like it at all.
pub fn nearest<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<S> {
    /// Below this two words have nothing to do with each other.
    const ALIKE: f64 = 0.8;
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(name, known.as_ref()), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
