//! The bodies of the superseded system's requests.

use std::fmt;

use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{CustomerId, Timestamp, WaMessageId};

/// Seconds from here on are milliseconds: as seconds they would be in the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// Error of a time that is none, or that no message can have.
const NO_TIME: &str =
    "this is no time of a message; write it as 2026-11-28T23:24:13Z, or as seconds or milliseconds since 1970";

/// Body of `POST /messages/send`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedSend {
    /// Customer to write to.
    pub customer_id: CustomerId,
    /// Text.
    pub content: String,
}

/// Body of `POST /messages/inbox`: a message that an outside gateway has received.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedInbox {
    /// Sender: digits, with or without `+`, or WhatsApp's id of a person.
    pub phone: String,
    /// Name that the sender has chosen, if the gateway knows it.
    #[serde(default)]
    pub name: Option<String>,
    /// Text.
    pub content: String,
    /// WhatsApp's id of the message, in whatever form the gateway uses.
    pub whatsapp_id: WaMessageId,
    /// Time of writing; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SeedTime>,
}

/// Body of `POST /messages/ack`: the delivery state of a message that an outside gateway has sent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedAck {
    /// WhatsApp's id of the message, as the gateway gave it before.
    pub whatsapp_id: WaMessageId,
    /// 1 sent, 2 delivered, 3 read, 4 played; 0 on its way, negative refused.
    pub ack: i32,
}

/// Body of `POST /customers/photo`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedPhoto {
    /// The customer's number, in the forms of [`SeedInbox::phone`].
    pub phone: String,
    /// The picture as a `data:` URL, or its address.
    pub photo_url: String,
}

/// A time as gateways write it: RFC 3339 with or without zone (then UTC), or seconds or milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedTime(pub Timestamp);

impl SeedTime {
    fn of_number(number: i64) -> Self {
        if number.unsigned_abs() < FIRST_MILLISECONDS.unsigned_abs() {
            Self(Timestamp::from_seconds(number))
        } else {
            Self(Timestamp(number))
        }
    }
}

impl Serialize for SeedTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SeedTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = SeedTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time as RFC 3339 text, or seconds or milliseconds since 1970")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<SeedTime, E> {
        Ok(SeedTime::of_number(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<SeedTime, E> {
        Ok(SeedTime::of_number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<SeedTime, E> {
        let seconds = std::time::Duration::try_from_secs_f64(number).map_err(|_| E::custom(NO_TIME))?;
        let millis = i64::try_from(seconds.as_millis()).unwrap_or(i64::MAX);
        // A fraction is of a second; a whole number that large is milliseconds, written as a float.
        let is_millis = seconds.as_secs() >= FIRST_MILLISECONDS.unsigned_abs();
        Ok(SeedTime(Timestamp(if is_millis { millis / 1000 } else { millis })))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SeedTime, E> {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            return Ok(SeedTime::of_number(number));
        }
        let time = Timestamp::read(text).ok_or_else(|| E::custom(NO_TIME))?;
        Ok(SeedTime(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_time_is_read_in_every_form() {
        let expected = Timestamp(1_790_000_000_000);
        for text in [
            "1790000000",
            "1790000000000",
            "1790000000.0",
            "1790000000000.0",
            "\"1790000000\"",
            "\"2026-09-21T14:13:20Z\"",
            "\"2026-09-21T14:13:20\"",
            "\"2026-09-21 14:13:20.000000\"",
            "\"2026-09-21T16:13:20.000+02:00\"",
        ] {
            let time: SeedTime = serde_json::from_str(text).unwrap();
            assert_eq!(time.0, expected, "{text}");
        }
        let fraction: SeedTime = serde_json::from_str("1790000000.25").unwrap();
        assert_eq!(fraction.0, Timestamp(1_790_000_000_250));
        for text in ["\"yesterday\"", "\"\"", "true", "[]", "-1.5"] {
            assert!(serde_json::from_str::<SeedTime>(text).is_err(), "{text}");
        }
    }
}
