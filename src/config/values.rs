//! Types of configuration values, and their parsers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::word::words;

words! {
    /// When a customer's chat is marked as read on WhatsApp.
    ReadMode {
        /// A random time after a message came in, and before each answer.
        Auto = "auto",
        /// When an agent has read it, and before each answer.
        Agent = "agent",
        /// Never.
        Never = "never",
    }
}

words! {
    /// Decides whether the server starts on a host that has other users.
    SharedHost {
        /// The start goes on.
        Allow = "allow",
        /// The start goes on and says so.
        Warn = "warn",
        /// The start is refused.
        Refuse = "refuse",
    }
}

words! {
    /// Format of log lines.
    LogFormat {
        /// Readable text.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// Range of a random delay: `3s..10s`; `5s` is always the same; `0` and `off` are no delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayRange {
    /// Shortest delay.
    pub min: Duration,
    /// Longest delay.
    pub max: Duration,
}

impl FromStr for DelayRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a time such as 5s, a range such as 3s..10s, or off";
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let span = Self {
            min: duration(min).map_err(|_| EXPECTED.to_owned())?,
            max: duration(max).map_err(|_| EXPECTED.to_owned())?,
        };
        if span.min > span.max {
            return Err("a range that begins with its shorter end, such as 3s..10s".to_owned());
        }
        Ok(span)
    }
}

impl fmt::Display for DelayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (
            humantime::format_duration(self.min),
            humantime::format_duration(self.max),
        );
        write!(f, "{min}..{max}")
    }
}

/// Parses a duration such as `250ms`, `30s`, `24h` or `30days`; `0` and `off` are zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" | "off" => Ok(Duration::ZERO),
        text => humantime::parse_duration(text).map_err(|_| "a time such as 250ms, 30s or 24h".to_owned()),
    }
}

/// Parses a time that is not nothing.
pub fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("a time above zero, such as 24h".to_owned()),
        time => Ok(time),
    }
}

/// Fewest connections with which the API can be used.
const MIN_CONNECTIONS: usize = 16;

/// Parses the greatest number of connections.
pub fn connections(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count >= MIN_CONNECTIONS);
    count.ok_or_else(|| format!("a number from {MIN_CONNECTIONS} on, such as 4096"))
}

/// Parses a number of requests; `off` is 0.
pub fn rate(text: &str) -> Result<u32, String> {
    if text == "off" {
        return Ok(0);
    }
    text.parse()
        .map_err(|_| "a number of requests, such as 600, or off for any number".to_owned())
}

/// Parses `on` or `off`, or other words for them.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

/// Parses the address of a bucket; empty is none.
pub fn bucket(text: &str) -> Result<Option<String>, String> {
    match text.strip_prefix("s3://") {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(Some(text.to_owned())),
        None if text.is_empty() => Ok(None),
        _ => Err("s3://BUCKET or s3://BUCKET/PREFIX, or nothing for a folder in the data folder".to_owned()),
    }
}

/// Splits words as a shell does.
pub fn shell_words(text: &str) -> Result<Vec<String>, String> {
    shlex::split(text).ok_or_else(|| "words as a shell splits them; a quotation mark is not closed".to_owned())
}

/// Parses a list of origins of pages.
pub fn origins(text: &str) -> Result<Vec<String>, String> {
    let origins = list(text);
    let is_origin = |origin: &String| {
        let host = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'*' | b'?' | b'#' | b'@');
        host.is_some_and(|host| !host.is_empty() && host.bytes().all(fits))
    };
    match origins.iter().find(|origin| !is_origin(origin)) {
        None => Ok(origins),
        Some(_) => Err("origins of pages, such as https://shop.example.org, without a path and without *".to_owned()),
    }
}

/// Splits a list at its commas.
pub fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}
