//! The registration file of an application service, which the homeserver reads and we read too.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Local part of our own user, and the beginnings of customers' users and of our aliases, in a registration that we make.
const SENDER: &str = "crm";
const USER_PREFIX: &str = "wa_";
const ALIAS_PREFIX: &str = "crm_";

/// A registration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// It is not a registration.
    #[error("is not a registration: {0}; make one with `crm matrix registration`")]
    NotOne(String),
    /// No namespace says which users are ours.
    #[error(
        "has no namespace from which customers' users can be named; it needs one such as `users: [{{exclusive: true, regex: \
         \"@wa_.*:example\\.org\"}}]`, as `crm matrix registration` writes it"
    )]
    NoNamespace,
    /// A token is missing or too short to be a secret.
    #[error("has an empty `{0}`; make a new file with `crm matrix registration`")]
    NoToken(&'static str),
}

/// Users or aliases that belong to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Whether nobody else may take them.
    pub exclusive: bool,
    /// Regular expression of their whole ids.
    pub regex: String,
}

/// Namespaces that belong to the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// Users.
    #[serde(default)]
    pub users: Vec<Namespace>,
    /// Aliases of rooms.
    #[serde(default)]
    pub aliases: Vec<Namespace>,
}

/// A registration.
#[expect(clippy::struct_excessive_bools, reason = "they are the file's own fields")]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Unique name of the service on its homeserver.
    pub id: String,
    /// Address at which the homeserver reaches us.
    pub url: Option<String>,
    /// Our token at the homeserver.
    pub as_token: String,
    /// The homeserver's token at us.
    pub hs_token: String,
    /// Local part of the service's own user.
    pub sender_localpart: String,
    /// Namespaces that belong to the service.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// Whether the homeserver limits the rate of our requests.
    #[serde(default)]
    pub rate_limited: bool,
    /// Whether the homeserver sends receipts and typing.
    #[serde(default)]
    pub receive_ephemeral: bool,
    /// The same under its first name, which older versions of Synapse read (MSC2409).
    #[serde(default, rename = "de.sorunome.msc2409.push_ephemeral")]
    pub push_ephemeral: bool,
    /// Whether we may make devices for our users without a login (MSC4190).
    #[serde(default, rename = "io.element.msc4190")]
    pub manages_devices: bool,
}

/// Hides the tokens.
impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("id", &self.id)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Registration {
    /// Makes a registration with these tokens. `server` is the homeserver's name; none: of any server.
    pub fn new(url: String, server: Option<&str>, [as_token, hs_token]: [String; 2]) -> Self {
        let server = server.map_or_else(|| ".*".to_owned(), |server| server.replace('.', "\\."));
        let namespace = |kind: char, prefix: &str, exclusive: bool| Namespace {
            exclusive,
            regex: format!("{kind}{prefix}.*:{server}"),
        };
        Self {
            id: SENDER.to_owned(),
            url: Some(url),
            as_token,
            hs_token,
            sender_localpart: SENDER.to_owned(),
            namespaces: Namespaces {
                users: vec![namespace('@', USER_PREFIX, true)],
                // Not exclusive: a bot that takes over from the service makes rooms under such aliases.
                aliases: vec![namespace('#', ALIAS_PREFIX, false)],
            },
            rate_limited: false,
            receive_ephemeral: true,
            push_ephemeral: true,
            manages_devices: true,
        }
    }

    /// Reads a registration file.
    pub fn parse(text: &str) -> Result<Self, RegistrationError> {
        let read: Self = serde_saphyr::from_str(text).map_err(|error| {
            // Without the lines of the file, which hold the tokens.
            let reason = error.to_string();
            RegistrationError::NotOne(reason.lines().next().unwrap_or_default().to_owned())
        })?;
        for (name, token) in [("as_token", &read.as_token), ("hs_token", &read.hs_token)] {
            if token.trim().is_empty() {
                return Err(RegistrationError::NoToken(name));
            }
        }
        read.user_prefix()?;
        Ok(read)
    }

    /// Returns the file's text.
    pub fn to_yaml(&self) -> Result<String, RegistrationError> {
        serde_saphyr::to_string(self).map_err(|error| RegistrationError::NotOne(error.to_string()))
    }

    /// Returns how the local parts of customers' users begin: as the first namespace of users does.
    pub fn user_prefix(&self) -> Result<String, RegistrationError> {
        let users = &self.namespaces.users;
        let namespace = users.iter().find(|users| users.exclusive).or_else(|| users.first());
        let prefix = namespace.and_then(|users| literal_prefix(&users.regex));
        prefix.ok_or(RegistrationError::NoNamespace)
    }
}

/// Returns the fixed beginning of the local parts that a regular expression matches.
fn literal_prefix(regex: &str) -> Option<String> {
    let mut rest = regex.strip_prefix('^').unwrap_or(regex).strip_prefix('@')?.chars();
    let mut prefix = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => prefix.push(rest.next().filter(|c| !c.is_alphanumeric())?),
            'a'..='z' | '0'..='9' | '_' | '-' | '=' | '/' => prefix.push(c),
            // The last character may be repeated or left out, so it is not fixed.
            '*' | '?' | '{' => {
                prefix.pop();
                break;
            }
            _ => break,
        }
    }
    (!prefix.is_empty()).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> [String; 2] {
        ["one".to_owned(), "two".to_owned()]
    }

    #[test]
    fn registration_is_read_as_it_was_written() {
        let made = Registration::new("http://127.0.0.1:8000".to_owned(), Some("example.org"), tokens());
        let text = made.to_yaml().unwrap();
        assert_eq!(Registration::parse(&text).unwrap(), made, "{text}");
        assert_eq!(made.namespaces.users[0].regex, r"@wa_.*:example\.org");
        assert!(!format!("{made:?}").contains("one"));
    }

    #[test]
    fn namespace_names_customers_users() {
        for (regex, prefix) in [
            ("@wa_.*:localhost", Some("wa_")),
            (r"^@wa_[0-9]+:example\.org$", Some("wa_")),
            (r"@desk\.wa=.*", Some("desk.wa=")),
            ("@_crm_.+", Some("_crm_")),
            ("@wa_*:x", Some("wa")),
            ("@.*", None),
            ("wa_.*", None),
            ("", None),
        ] {
            assert_eq!(literal_prefix(regex).as_deref(), prefix, "{regex}");
        }
    }

    /// What others write by hand, with what we do not know, is a registration too.
    #[test]
    fn foreign_yaml_is_read_and_broken_is_refused() {
        let text = "# ours\nid: desk\nurl: http://localhost:9000 # here\nas_token: a\nhs_token: \"b\"\nsender_localpart: desk\nrate_limited: false\nprotocols: [x]\nnamespaces:\n  users:\n    - exclusive: true\n      regex: '@ghost_.*'\n";
        let read = Registration::parse(text).unwrap();
        assert_eq!(read.user_prefix().unwrap(), "ghost_");
        for (broken, why) in [
            ("", "is not a registration"),
            ("id: [", "is not a registration"),
            (&text.replace("hs_token: \"b\"", "hs_token: ''"), "empty `hs_token`"),
            (&text.replace("@ghost_.*", ".*"), "no namespace"),
        ] {
            let error = Registration::parse(broken).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let secret = Registration::parse("as_token: sesame\nid: [").unwrap_err().to_string();
        assert!(!secret.contains("sesame"), "{secret}");
    }
}
